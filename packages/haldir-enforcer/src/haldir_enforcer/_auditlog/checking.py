"""Whether the lines of an audit log are what was written: each one alone, the chain, the runs, the signatures."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from attrs import Factory, define, field, frozen

from haldir_enforcer._auditlog.lines import FIRST_PREV, MAX_LINE_BYTES, VERSION, canonical, line_hash
from haldir_enforcer._auditlog.shape import EVENT_SHAPE, RUN_END_SHAPE, fits
from haldir_enforcer._auditlog.signature import signature_verifies
from haldir_enforcer._auditlog.text import printable
from haldir_enforcer.events import Action

if TYPE_CHECKING:
    from haldir_core.keys import KeyId, PublicKey

MAX_ERRORS = 100
"""Reading stops after that many errors."""

TORN = b"\0"
"""Stands after the last line of a file in place of its missing line feed: no JSON has it."""

_Members = dict[str, Any]


@frozen(kw_only=True)
class LineError:
    """What is wrong at one line; the first line is 1."""

    line: int
    message: str


@frozen(kw_only=True)
class LogVerification:
    """What a log is worth.

    ``valid`` says that no line is damaged, missing, added or moved, that every run has its end, and, where keys were
    given, that every run is signed by one of them.  Without a key nobody but the writer vouches for the chain.
    Runs that were cut off at the end of the file, whole, do not show: compare ``head`` with the one that is known.
    """

    valid: bool
    complete: bool
    """Every run has its run.end."""
    runs: int
    events: int
    """What was done or tried in all runs, folded ones too."""
    errors: tuple[LineError, ...]
    signed_by: "tuple[KeyId, ...]"
    """The given keys that signed at least one run."""
    head: str | None
    """The hash of the last good line."""


@frozen(kw_only=True)
class Line:
    """A line that is good in itself."""

    seq: int
    prev: str
    digest: str
    members: _Members = field(repr=False)


def parse_line(line: bytes) -> Line:
    """Read one line, without its line feed.

    Raises: ValueError if it is not exactly what a log writer makes, or its hash is another one.
    """
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"is longer than {MAX_LINE_BYTES} bytes")
    if line.endswith(TORN):
        raise ValueError("is cut off: it has no line feed")
    try:
        members = json.loads(line, parse_float=_refuse, parse_constant=_refuse)
        # what is the same bytes again has no double member, no other order, no white space, no other escape
        if canonical(members) != line:
            raise ValueError("is not canonical JSON")
    except UnicodeError as error:
        raise ValueError("is not UTF-8, or holds half of a surrogate pair") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg}") from error
    except RecursionError as error:
        raise ValueError("is nested too deep") from error
    if not isinstance(members, dict) or members.get("v") != VERSION:
        raise ValueError(f"is no version {VERSION} record")
    shape = RUN_END_SHAPE if members.get("action") == Action.RUN_END else EVENT_SHAPE
    wrong = fits(members, shape)
    if wrong is not None:
        raise ValueError(wrong)
    if line_hash(members) != members["hash"]:
        raise ValueError("does not have the hash that it states: it was changed")
    return Line(seq=members["seq"], prev=members["prev"], digest=members["hash"], members=members)


def check_lines(lines: Iterable[bytes], keys: "Mapping[KeyId, PublicKey]") -> LogVerification:
    """Return what the lines are worth; each may end with its line feed, the last one must if it came from a file."""
    check = _Check(keys)
    for number, line in enumerate(lines, 1):
        check.line(number, line)
        if len(check.errors) >= MAX_ERRORS:
            check.errors.append(LineError(line=number, message="too many errors: the rest was not read"))
            break
    return check.result()


@define
class _Run:
    """The run that is being read."""

    run: str
    skill: str
    level: str
    first: int
    counts: dict[str, int] = Factory(lambda: dict.fromkeys(RUN_END_SHAPE.counts, 0))


@define
class _Check:
    keys: "Mapping[KeyId, PublicKey]"
    number: int = 0
    errors: list[LineError] = Factory(list)
    last: Line | None = None
    run: _Run | None = None
    runs: int = 0
    events: int = 0
    incomplete: int = 0
    signed_by: "dict[KeyId, None]" = Factory(dict)
    lost: bool = False
    """The line before was damaged, so that nothing is known about where this one belongs."""

    def line(self, number: int, raw: bytes) -> None:
        self.number = number
        try:
            line = parse_line(raw.removesuffix(b"\n"))
        except ValueError as error:
            self.error(f"line {error}")
            self.lost = True
            return
        self.chained(line)
        self.last = line
        self.lost = False
        _STEPS.get(line.members["action"], _Check.event)(self, line.members)

    def chained(self, line: Line) -> None:
        if self.lost:
            return
        seq, prev = (0, FIRST_PREV) if self.last is None else (self.last.seq + 1, self.last.digest)
        if line.seq != seq:
            self.error(f"line has number {line.seq}, {seq} comes here: lines are missing, added or moved")
        elif line.prev != prev:
            self.error("line does not follow the one before: a line was changed, or comes from another log")

    def start(self, members: _Members) -> None:
        self.unfinished()
        self.runs += 1
        self.run = _Run(members["run"], members["skill"], members["level"], self.number)

    def event(self, members: _Members) -> None:
        if not self.belongs(members):
            return
        counts = self.run.counts  # type: ignore[union-attr] # belongs() saw to it
        times = members["count"]
        counts["lines"] += 1
        counts[members["decision"]] += times
        counts[members["class"]] += times
        self.events += times

    def end(self, members: _Members) -> None:
        if not self.belongs(members):
            return
        if members["counts"] != self.run.counts:  # type: ignore[union-attr] # as above
            self.error("run.end counts other events than the run has")
        if members["dropped"] != 0:
            self.error(f"{members['dropped']} events of this run were dropped")
        self.signature(members)
        self.run = None

    def signature(self, members: _Members) -> None:
        if not self.keys:
            return
        signature = members.get("signature")
        if signature is None:
            self.error("this run is not signed")
            return
        key = self.keys.get(signature["keyid"])
        if key is None:
            self.error(f"this run is signed by {printable(signature['keyid'], 80)}, which is none of the given keys")
        elif not signature_verifies(key, signature["sig"], members["hash"]):
            self.error(f"the signature of {signature['keyid']} over this run is wrong")
        else:
            self.signed_by[key.keyid] = None

    def belongs(self, members: _Members) -> bool:
        if self.run is None:
            if not self.lost and self.runs == 0:
                self.error("the first line is no run.start: the beginning is missing")
            elif not self.lost:
                self.error("line stands outside of a run")
            self.runs += 1
            self.run = _Run(members["run"], members["skill"], members["level"], self.number)
        if (self.run.run, self.run.skill, self.run.level) != (members["run"], members["skill"], members["level"]):
            self.error(f"line belongs to another run than the one that began at line {self.run.first}")
            return False
        return True

    def unfinished(self) -> None:
        if self.run is not None:
            self.incomplete += 1
            self.error(f"the run that began at line {self.run.first} has no run.end: it is truncated")
            self.run = None

    def error(self, message: str) -> None:
        self.errors.append(LineError(line=self.number, message=message))

    def result(self) -> LogVerification:
        self.unfinished()
        if self.number == 0:
            self.error("the log is empty")
        return LogVerification(
            valid=not self.errors,
            complete=self.incomplete == 0 and self.runs > 0,
            runs=self.runs,
            events=self.events,
            errors=tuple(self.errors),
            signed_by=tuple(self.signed_by),
            head=None if self.last is None else self.last.digest,
        )


_STEPS: dict[str, Callable[[_Check, _Members], None]] = {
    Action.RUN_START.value: _Check.start,
    Action.RUN_END.value: _Check.end,
}


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"holds the number {number[:20]}, where only whole ones are")
