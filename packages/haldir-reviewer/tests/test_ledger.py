import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_reviewer.budget import Budget, Purse
from haldir_reviewer.costs import Prices, Tokens, estimate
from haldir_reviewer.ledger import Entry, Ledger, State, moment_text, project_month, summarise
from haldir_reviewer.model import BudgetError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRICES = Prices(input=1_000_000, output=2_000_000, cached_input=100_000, cache_write=1_250_000)
ENTRY = Entry(
    at="2026-11-22T12:00:00Z",
    question="q1",
    review="r1",
    state=State.SETTLED,
    provider="first",
    model="small",
    input_tokens=100,
    cached_tokens=10,
    output_tokens=5,
    cost_micros=70,
)
NAMES = st.text(max_size=8).filter(lambda text: text.encode("utf-8", "ignore").decode() == text)


def purse(budget: Budget, ledger: Ledger | None = None, now: datetime = NOON, label: str = "n") -> Purse:
    names = iter(f"{label}{number}" for number in range(1000))
    return Purse(budget, ledger, lambda: now, lambda: next(names))


def ask(own: Purse, tokens: Tokens | None = None, lost: int = 0) -> int:
    """Ask a question that costs 400 at most, and 200 if nothing else is told."""
    asked = own.reserve("first", "small", Tokens(input=160, output=100), PRICES)
    return own.settle(asked, tokens or (None if lost else Tokens(input=100, output=50)), lost=lost)


def test_an_entry_is_one_line_of_json_and_the_same_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.record(ENTRY)
    ledger.record(evolve(ENTRY, question="q2"))
    lines = (tmp_path / "ledger" / "2026-11.jsonl").read_bytes().splitlines()
    assert [Entry.from_line(line) for line in lines] == [ENTRY, evolve(ENTRY, question="q2")]
    assert ledger.entries("2026-11") == (ENTRY, evolve(ENTRY, question="q2"))


def test_the_ledger_is_private(tmp_path: Path) -> None:
    Ledger(tmp_path / "a" / "ledger").record(ENTRY)
    assert stat.S_IMODE((tmp_path / "a" / "ledger").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "a" / "ledger" / "2026-11.jsonl").stat().st_mode) == 0o600


def test_each_month_has_a_file(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(ENTRY)
    ledger.record(evolve(ENTRY, at="2026-12-01T00:00:00Z"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2026-11.jsonl", "2026-12.jsonl"]
    assert ledger.entries("2027-01") == ()


def test_a_line_that_broke_off_spoils_no_other(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(ENTRY)
    path = tmp_path / "2026-11.jsonl"
    path.write_bytes(path.read_bytes() + ENTRY.to_line()[:40])
    ledger.record(evolve(ENTRY, question="q2"))
    assert [entry.question for entry in ledger.entries("2026-11")] == ["q1", "q2"]


@given(
    st.builds(
        Entry,
        at=st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1)).map(moment_text),  # noqa: DTZ001 - UTC
        question=NAMES,
        review=NAMES,
        state=st.sampled_from(State),
        provider=NAMES,
        model=NAMES,
        input_tokens=st.integers(0, 10**9),
        cached_tokens=st.integers(0, 10**9),
        output_tokens=st.integers(0, 10**9),
        cost_micros=st.integers(0, 10**15),
    )
)
def test_every_entry_comes_back_from_its_line(entry: Entry) -> None:
    assert Entry.from_line(entry.to_line()) == entry


LINES = {
    "no JSON": b"{",
    "a list": b"[]",
    "a member less": ENTRY.to_line().replace(b'"cost_micros":70,', b""),
    "a member more": ENTRY.to_line().replace(b"{", b'{"a":1,'),
    "negative cost": ENTRY.to_line().replace(b":70,", b":-70,"),
    "cost as text": ENTRY.to_line().replace(b":70,", b':"70",'),
    "true cost": ENTRY.to_line().replace(b":70,", b":true,"),
    "fraction": ENTRY.to_line().replace(b":70,", b":0.5,"),
    "unknown state": ENTRY.to_line().replace(b"settled", b"free"),
    "no moment": ENTRY.to_line().replace(b"2026-11-22T", b"2026-11-32T"),
    "name of a wrong type": ENTRY.to_line().replace(b'"first"', b"1"),
    "very long": ENTRY.to_line().replace(b"first", b"f" * 5000),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_that_is_no_entry_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedError):
        Entry.from_line(line)


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader_of_lines(line: bytes) -> None:
    with pytest.raises(MalformedError):
        Entry.from_line(line)


PLACES: dict[str, Callable[[Path], object]] = {
    "a link": lambda path: path.symlink_to("elsewhere"),
    "a folder": lambda path: path.mkdir(),
    "a FIFO": os.mkfifo,
    "open to others": lambda path: path.touch(mode=0o644),
}


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_a_file_that_is_not_private_is_no_ledger(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "2026-11.jsonl")
    ledger = Ledger(tmp_path)
    with pytest.raises(BudgetError, match="nothing is asked without it"):
        ledger.record(ENTRY)
    with pytest.raises(BudgetError, match="cannot be used"):
        ledger.reserve(ENTRY, per_day=None, per_month=None)


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(BudgetError, match="nobody else can write"):
        Ledger(tmp_path).record(ENTRY)


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BudgetError, match="cannot be used"):
        Ledger(tmp_path / "file").record(ENTRY)


def test_tokens_cost_what_the_table_says_rounded_up() -> None:
    assert PRICES.cost(Tokens(input=100, output=10, cached=60, written=30)) == 10 + 6 + 38 + 20
    assert PRICES.cost(Tokens(input=0, output=0)) == 0
    assert Prices(input=1, output=0, cached_input=0, cache_write=0).cost(Tokens(input=1, output=0)) == 1


@given(
    st.tuples(*[st.integers(0, 10**7)] * 4).map(
        lambda four: Tokens(input=four[0] + four[1] + four[2], cached=four[0], written=four[1], output=four[3])
    )
)
def test_no_cache_makes_a_question_dearer_than_the_highest_cost(tokens: Tokens) -> None:
    assert 0 <= PRICES.cost(tokens) <= PRICES.highest_cost(tokens)


def test_an_estimate_counts_a_token_for_two_bytes_and_the_longest_answer() -> None:
    assert estimate(1001, 300) == Tokens(input=501, output=300)


def test_a_question_costs_its_tokens_once_it_is_answered(tmp_path: Path) -> None:
    own = purse(Budget(), Ledger(tmp_path))
    assert ask(own) == 100 + 100
    assert own.spent_micros == 200
    reserved, settled = Ledger(tmp_path).entries("2026-11")
    assert (reserved.state, reserved.cost_micros) == (State.RESERVED, 400)
    assert (settled.state, settled.cost_micros, settled.input_tokens) == (State.SETTLED, 200, 100)
    assert reserved.question == settled.question


def test_tries_without_an_answer_count_as_expected(tmp_path: Path) -> None:
    own = purse(Budget(), Ledger(tmp_path))
    assert ask(own, lost=2) == 800
    assert ask(own, Tokens(input=100, output=50), lost=1) == 600
    assert [entry.state for entry in Ledger(tmp_path).entries("2026-11")] == [
        State.RESERVED,
        State.ESTIMATED,
        State.RESERVED,
        State.ESTIMATED,
    ]


def test_a_question_that_was_refused_costs_nothing() -> None:
    own = purse(Budget())
    asked = own.reserve("first", "small", Tokens(input=160, output=100), PRICES)
    assert own.settle(asked, None, lost=0) == own.spent_micros == 0


LIMITS = {
    "review": Budget(per_review=600),
    "day": Budget(per_day=600),
    "month": Budget(per_month=600),
}


@pytest.mark.parametrize("budget", LIMITS.values(), ids=LIMITS)
def test_a_question_beyond_a_limit_is_not_asked(tmp_path: Path, budget: Budget) -> None:
    own = purse(budget, Ledger(tmp_path))
    ask(own)
    ask(own)
    with pytest.raises(BudgetError, match=r"does not allow it: 0\.0008 of 0\.0006"):
        ask(own)
    assert own.spent_micros == 400


@pytest.mark.parametrize("budget", LIMITS.values(), ids=LIMITS)
def test_a_limit_may_be_reached_exactly(tmp_path: Path, budget: Budget) -> None:
    own = purse(budget, Ledger(tmp_path))
    ask(own)
    own.reserve("first", "small", Tokens(input=160, output=100), PRICES)
    assert own.spent_micros == 600


@pytest.mark.parametrize("budget", LIMITS.values(), ids=LIMITS)
def test_what_is_being_asked_counts_before_it_is_answered(tmp_path: Path, budget: Budget) -> None:
    own = purse(budget, Ledger(tmp_path))
    own.reserve("first", "small", Tokens(input=160, output=100), PRICES)
    with pytest.raises(BudgetError):
        own.reserve("second", "other", Tokens(input=160, output=100), PRICES)


@pytest.mark.parametrize(("now", "fits"), [("2026-11-22", False), ("2026-11-23", True)])
def test_a_new_day_has_a_new_budget(tmp_path: Path, now: str, fits: bool) -> None:  # noqa: FBT001 - a column
    ledger = Ledger(tmp_path)
    ask(purse(Budget(per_day=500), ledger, label="a"))
    later = purse(Budget(per_day=500), ledger, datetime.fromisoformat(f"{now}T23:00:00+00:00"), "b")
    if fits:
        assert ask(later) == 200
    else:
        with pytest.raises(BudgetError, match="the day 2026-11-22"):
            ask(later)


def test_a_day_is_full_for_another_process_too(tmp_path: Path) -> None:
    ask(purse(Budget(per_day=500), Ledger(tmp_path), label="a"))
    with pytest.raises(BudgetError):
        ask(purse(Budget(per_day=500), Ledger(tmp_path), label="b"))


def test_a_question_that_was_never_settled_goes_on_counting(tmp_path: Path) -> None:
    purse(Budget(), Ledger(tmp_path), label="a").reserve("first", "small", Tokens(input=160, output=100), PRICES)
    with pytest.raises(BudgetError):
        ask(purse(Budget(per_month=700), Ledger(tmp_path), label="b"))


def test_many_processes_together_never_spend_more_than_the_day_allows(tmp_path: Path) -> None:
    script = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from haldir_reviewer.budget import Budget, Purse
from haldir_reviewer.costs import Prices, Tokens
from haldir_reviewer.ledger import Ledger
from haldir_reviewer.model import BudgetError
names = iter(sys.argv[1] + str(number) for number in range(1000))
price = Prices(input=1_000_000, output=0, cached_input=0, cache_write=0)
ledger, day = Ledger(Path({str(tmp_path)!r})), datetime(2026, 11, 22, tzinfo=UTC)
purse = Purse(Budget(per_day=1000), ledger, lambda: day, lambda: next(names))
for _ in range(40):
    try:
        asked = purse.reserve("first", "small", Tokens(input=30, output=0), price)
    except BudgetError:
        continue
    purse.settle(asked, Tokens(input=20, output=0), lost=0)
"""
    running = [subprocess.Popen([sys.executable, "-c", script, name]) for name in "abc"]
    assert [process.wait() for process in running] == [0, 0, 0]
    total = summarise(Ledger(tmp_path).entries("2026-11")).cost_micros
    assert 970 < total <= 1000


def test_a_summary_counts_the_last_word_on_each_question() -> None:
    entries = [
        evolve(ENTRY, state=State.RESERVED, cost_micros=500),
        ENTRY,
        evolve(ENTRY, question="q2", state=State.ESTIMATED, cost_micros=30),
        evolve(ENTRY, question="q3", review="r2", cost_micros=50),
    ]
    summary = summarise(entries)
    assert (summary.reviews, summary.questions, summary.unanswered, summary.cost_micros) == (2, 3, 1, 150)
    assert (summary.input_tokens, summary.cached_tokens, summary.output_tokens) == (300, 30, 15)


def test_a_month_is_projected_from_the_mean_review_and_rounded_up() -> None:
    summary = summarise([evolve(ENTRY, cost_micros=100), evolve(ENTRY, question="q2", review="r2", cost_micros=101)])
    assert project_month(summary, reviews_per_day=1, days=1) == 101
    assert project_month(summary, reviews_per_day=100) == 301_500


def test_without_a_review_nothing_is_projected() -> None:
    with pytest.raises(ValueError, match="no review"):
        project_month(summarise([]), reviews_per_day=1)
