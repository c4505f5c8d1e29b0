"""Which events are written at once, and which only as a count at the end, so that a flood cannot fill the disk."""

from collections.abc import Iterator

import attrs
from attrs import Factory, define, frozen

from haldir_enforcer.events import Class, Event

OVERFLOW = "too many different targets: only counted"


@frozen(kw_only=True)
class Folding:
    """When events are folded.

    After ``identical`` events of one action, target and decision the rest of them becomes one line with their count.
    After ``max_bytes`` (``violation_bytes`` for violations, so that no flood hides one) new targets are only counted,
    by action and decision.
    """

    identical: int = 16
    max_bytes: int = 64 * 1024 * 1024
    violation_bytes: int = 16 * 1024 * 1024


@define
class Folder:
    """The events of one run that were seen so far."""

    folding: Folding
    seen: dict[int, int] = Factory(dict)
    """How many there were, by the (keyed) hash of the target: the targets themselves could fill the memory."""
    folded: dict[int, Event] = Factory(dict)
    extra: dict[int, int] = Factory(dict)
    written: dict[bool, int] = Factory(lambda: {True: 0, False: 0})

    def admits(self, event: Event) -> bool:
        """Whether ``event`` is to be written now; otherwise it is counted."""
        target = (event.path, event.endpoint, event.argv, event.left_out, event.detail)
        key = hash((event.action, event.decision, event.kind, target))
        times = self.seen.get(key, 0)
        if times == 0 and self._is_full(event):
            self._count_only(event)
            return False
        self.seen[key] = times + 1
        if times < self.folding.identical:
            return True
        self._add(key, event)
        return False

    def wrote(self, event: Event, size: int) -> None:
        """The line of ``event`` took ``size`` bytes."""
        self.written[event.kind is Class.VIOLATION] += size

    def rest(self) -> Iterator[Event]:
        """Yield one event with its count for everything that was not written."""
        for key, event in self.folded.items():
            yield attrs.evolve(event, count=self.extra[key])
        self.folded, self.extra = {}, {}

    def _is_full(self, event: Event) -> bool:
        if event.kind is Class.VIOLATION:
            return self.written[True] >= self.folding.violation_bytes
        return self.written[False] >= self.folding.max_bytes

    def _count_only(self, event: Event) -> None:
        key = hash((event.action, event.decision, event.kind, OVERFLOW))
        self._add(key, event if key in self.folded else _without_target(event))

    def _add(self, key: int, event: Event) -> None:
        self.folded.setdefault(key, event)
        self.extra[key] = self.extra.get(key, 0) + event.count


def _without_target(event: Event) -> Event:
    return Event(
        action=event.action,
        decision=event.decision,
        by=event.by,
        kind=event.kind,
        detail=OVERFLOW,
        count=event.count,
    )
