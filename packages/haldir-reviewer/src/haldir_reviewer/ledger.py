"""What the reviews took and cost: one JSON line for each question, one file for each month."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from attrs import Factory, asdict, define, frozen

from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes, parse_object
from haldir_core.errors import MalformedError
from haldir_reviewer.costs import to_text
from haldir_reviewer.model import BudgetError
from haldir_reviewer.privatefiles import append_line, make_private_folder, open_private, read_from

MAX_LINE_BYTES = 4096
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"
_DAY = 10
"""Characters of a day in a moment."""


class State(StrEnum):
    """What an entry says about its question; the last entry of a question counts."""

    RESERVED = "reserved"
    """It is about to be asked; the cost is the highest that is expected."""
    SETTLED = "settled"
    """It was answered; the tokens are the provider's."""
    ESTIMATED = "estimated"
    """It may have been billed, but the provider told nothing: the cost is the highest that is expected."""


@frozen(kw_only=True)
class Entry:
    """One line of the ledger.

    ``at`` is the moment in UTC at which the question was begun; ``question`` and ``review`` are random names.
    """

    at: str
    question: str
    review: str
    state: State
    provider: str
    model: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_micros: int

    @classmethod
    def from_line(cls, line: bytes) -> "Entry":
        """Return the entry of a line.

        Raises: MalformedError if it is none.
        """
        members = parse_object(line, "ledger", max_bytes=MAX_LINE_BYTES)
        if set(members) != _MEMBERS:
            raise MalformedError("ledger", "a line has other members than an entry")
        texts = {name: _text(members[name]) for name in _TEXTS}
        counts = {name: _count(members[name]) for name in _COUNTS}
        try:
            moment = datetime.strptime(texts["at"], _MOMENT)  # noqa: DTZ007 - only its form is examined
            return cls(**{**texts, **counts, "at": moment.strftime(_MOMENT), "state": State(texts["state"])})  # type: ignore[arg-type] # names and kinds were examined
        except ValueError as error:
            raise MalformedError("ledger", "a line has an unknown state, or no moment in UTC") from error

    def to_line(self) -> bytes:
        """Return the line, without its end."""
        members: JsonObject = asdict(self)
        return canonical_bytes(members)


_TEXTS = ("at", "question", "review", "state", "provider", "model")
_COUNTS = ("input_tokens", "cached_tokens", "output_tokens", "cost_micros")
_MEMBERS = {*_TEXTS, *_COUNTS}


@frozen(kw_only=True)
class Summary:
    """What the entries of some time come to; ``unanswered`` are questions whose cost is estimated."""

    reviews: int
    questions: int
    unanswered: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_micros: int


@define
class _Account:
    """What one month has cost so far, read as far as ``offset``."""

    offset: int = 0
    days: dict[str, int] = Factory(dict)
    open: dict[str, int] = Factory(dict)

    def take(self, entry: Entry) -> None:
        day = entry.at[:_DAY]
        before = self.open.pop(entry.question, 0)
        self.days[day] = self.days.get(day, 0) + entry.cost_micros - before
        if entry.state is State.RESERVED:
            self.open[entry.question] = entry.cost_micros


@define
class Ledger:
    """The ledger in a folder, which many processes may use at once."""

    _folder: Path
    _accounts: dict[str, _Account] = Factory(dict)

    def record(self, entry: Entry) -> None:
        """Append an entry.

        Raises: BudgetError if it cannot be written.
        """
        path = self._path(entry.at)
        try:
            make_private_folder(self._folder)
            with open_private(path) as descriptor:
                append_line(descriptor, entry.to_line())
        except OSError as error:
            raise _unusable(path, error) from error

    def reserve(self, entry: Entry, *, per_day: int | None, per_month: int | None) -> None:
        """Append an entry if what was spent and reserved on its day and in its month, with it, is within the limits.

        Raises: BudgetError if it is not, or the ledger cannot be read and written.
        """
        path = self._path(entry.at)
        try:
            make_private_folder(self._folder)
            with open_private(path) as descriptor:
                account = self._read(path, descriptor)
                day = account.days.get(entry.at[:_DAY], 0)
                _refuse_more(day + entry.cost_micros, per_day, f"the day {entry.at[:_DAY]}")
                _refuse_more(sum(account.days.values()) + entry.cost_micros, per_month, f"the month {path.stem}")
                append_line(descriptor, entry.to_line())
        except OSError as error:
            raise _unusable(path, error) from error

    def entries(self, month: str) -> tuple[Entry, ...]:
        """Return the entries of a month, such as ``2026-11``; lines that are none are left out.

        Raises: BudgetError if the file cannot be read.
        """
        path = self._folder / f"{month}.jsonl"
        if not path.exists():
            return ()
        try:
            with open_private(path) as descriptor:
                return tuple(_parse(read_from(descriptor, 0)))
        except OSError as error:
            raise _unusable(path, error) from error

    def _path(self, moment: str) -> Path:
        return self._folder / f"{moment[:7]}.jsonl"

    def _read(self, path: Path, descriptor: int) -> _Account:
        """Return the account of a month, brought up to what the file holds now."""
        account = self._accounts.setdefault(path.name, _Account())
        data = read_from(descriptor, account.offset)
        for entry in _parse(data):
            account.take(entry)
        account.offset += len(data)
        return account


def moment_text(now: datetime) -> str:
    """Return a moment in UTC as entries have it."""
    return now.strftime(_MOMENT)


def summarise(entries: Iterable[Entry]) -> Summary:
    """Return what the last entries of all questions come to."""
    last: Mapping[str, Entry] = {entry.question: entry for entry in entries}
    final = last.values()
    return Summary(
        reviews=len({entry.review for entry in final}),
        questions=len(last),
        unanswered=sum(1 for entry in final if entry.state is not State.SETTLED),
        input_tokens=sum(entry.input_tokens for entry in final),
        cached_tokens=sum(entry.cached_tokens for entry in final),
        output_tokens=sum(entry.output_tokens for entry in final),
        cost_micros=sum(entry.cost_micros for entry in final),
    )


def project_month(summary: Summary, *, reviews_per_day: int, days: int = 30) -> int:
    """Return what a month of so many reviews a day costs, in millionths, if they are as those of the summary.

    Raises: ValueError if there was no review to judge by.
    """
    if not summary.reviews:
        raise ValueError("the ledger has no review to judge by")
    return -(-summary.cost_micros * reviews_per_day * days // summary.reviews)


def _parse(data: bytes) -> Iterable[Entry]:
    """Yield the entries of whole lines.

    A line that broke off is left out.  If it was to settle a question its reservation still counts, and if it was to
    reserve one, the question was never asked.
    """
    for line in data.splitlines():
        try:
            yield Entry.from_line(line)
        except MalformedError:
            continue


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise MalformedError("ledger", "a name is no text")
    return value


def _count(value: JsonValue) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise MalformedError("ledger", "a count is no number from 0")
    return value


def _refuse_more(total: int, limit: int | None, what: str) -> None:
    if limit is not None and total > limit:
        raise BudgetError(f"the budget of {what} does not allow it: {to_text(total)} of {to_text(limit)}")


def _unusable(path: Path, error: OSError) -> BudgetError:
    return BudgetError(f"the ledger {path} cannot be used: {error.strerror or error}; nothing is asked without it")
