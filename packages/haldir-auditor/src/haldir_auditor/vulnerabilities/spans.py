"""The versions that a range of OSV is about, as spans from one version to another.

Source: OSV schema 1.7.5, "Evaluation"; what it leaves open is decided here so that nothing affected is lost.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from attrs import frozen
from packaging.version import Version

from haldir_auditor.supply import Ecosystem
from haldir_auditor.vulnerabilities.records import Event, EventKind, Range, RangeKind
from haldir_auditor.vulnerabilities.versions import Key, parse_version


@frozen
class Span:
    """Versions from ``low`` (None: from the first, pre-releases of 0 included) to ``high`` (None: without end).

    ``high`` itself is in the span if it is ``closed``.  ``local`` says that the local parts of Python versions count.
    """

    low: str | None
    high: str | None
    closed: bool = False
    local: bool = False

    def holds(self, ecosystem: Ecosystem, version: Key) -> bool:
        """Whether a version is in the span.

        1.0+cpu is a build of 1.0: it is affected if 1.0 is the last affected one, although it is greater (PEP 440).
        """
        if isinstance(version, Version) and version.local and not self.local:
            version = Version(version.public)
        low = None if self.low is None else parse_version(ecosystem, self.low)
        if low is not None and version < low:  # type: ignore[operator] # keys of one ecosystem are of one kind
            return False
        high = None if self.high is None else parse_version(ecosystem, self.high)
        if high is None:
            return True
        return version < high or (self.closed and version == high)  # type: ignore[operator] # as above


@frozen
class _Point:
    """The events at one version."""

    version: str
    kinds: frozenset[EventKind]


def spans_of(ecosystem: Ecosystem, one: Range) -> tuple[Span, ...] | None:
    """Return the spans of a range, None if it cannot be evaluated: then nobody can say which versions it is about."""
    events = [event for event in one.events if not _is_boundless(event)]
    keys = [parse_version(ecosystem, event.version) for event in events]
    begins = any(event.kind is EventKind.INTRODUCED for event in events)  # the schema demands one
    if one.kind is RangeKind.UNKNOWN or not begins or None in keys:
        return None
    known = [(key, event) for key, event in zip(keys, events, strict=True) if key is not None]
    local = any(isinstance(key, Version) and key.local for key, _ in known)
    limits = [(key, event.version) for key, event in known if event.kind is EventKind.LIMIT]
    spans = [Span(low, high, closed, local) for low, high, closed in _between(known)]
    if not limits or len(events) < len(one.events):
        return tuple(spans)
    cut = (_cut(ecosystem, span, max(limits)) for span in spans)
    return tuple(span for span in cut if span is not None)


def _between(known: Sequence[tuple[Key, Event]]) -> Iterator[tuple[str | None, str | None, bool]]:
    """Yield the spans between events, which stand in no order: low, high, and whether high is in it.

    Of events at one version, a span that is open is closed first and opened again; where none is open, one is opened
    first and closed again, which leaves it empty, or with the last affected version alone.
    """
    is_open, low = any(_is_start(event) for _, event in known), None
    for point in _points(known):
        opens, fixed = EventKind.INTRODUCED in point.kinds, EventKind.FIXED in point.kinds
        last = EventKind.LAST_AFFECTED in point.kinds and not fixed
        if is_open and (fixed or (last and not opens)):
            yield low, point.version, last
            is_open, low = opens, point.version
        elif not is_open and opens and last:
            yield point.version, point.version, True
        elif not is_open and opens and not fixed:
            is_open, low = True, point.version
    if is_open:
        yield low, None, False


def _points(known: Sequence[tuple[Key, Event]]) -> Iterator[_Point]:
    """Yield the versions at which something begins or ends, the oldest first."""
    kinds: defaultdict[Key, set[EventKind]] = defaultdict(set)
    texts: dict[Key, str] = {}
    for key, event in known:
        if not _is_start(event) and event.kind is not EventKind.LIMIT:
            kinds[key].add(event.kind)
            texts.setdefault(key, event.version)
    for key in sorted(kinds):
        yield _Point(texts[key], frozenset(kinds[key]))


def _cut(ecosystem: Ecosystem, span: Span, limit: tuple[Key, str]) -> Span | None:
    """Return the part of a span that is before a limit."""
    key, text = limit
    low = None if span.low is None else parse_version(ecosystem, span.low)
    high = None if span.high is None else parse_version(ecosystem, span.high)
    if low is not None and low >= key:  # type: ignore[operator] # keys of one ecosystem are of one kind
        return None
    if high is not None and (high < key or (high == key and not span.closed)):  # type: ignore[operator] # as above
        return span
    return Span(span.low, text, closed=False, local=span.local)


def _is_boundless(event: Event) -> bool:
    return event.kind is EventKind.LIMIT and event.version == "*"


def _is_start(event: Event) -> bool:
    """Whether an event is before every version."""
    return event.kind is EventKind.INTRODUCED and event.version == "0"
