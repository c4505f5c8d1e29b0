"""What reviews may cost: for one, for a day and for a month."""

from collections.abc import Callable
from datetime import datetime

from attrs import Factory, define, evolve, frozen

from haldir_reviewer.costs import FREE, Prices, Tokens, to_text
from haldir_reviewer.ledger import Entry, Ledger, State, moment_text
from haldir_reviewer.model import BudgetError


@frozen(kw_only=True)
class Budget:
    """The highest costs, in millionths of ``currency``; None is no limit."""

    currency: str = "USD"
    per_review: int | None = None
    per_day: int | None = None
    per_month: int | None = None

    @property
    def has_limit(self) -> bool:
        """Whether anything is limited."""
        return (self.per_review, self.per_day, self.per_month) != (None, None, None)


@frozen(kw_only=True)
class Asked:
    """A question for which money was set aside; ``entry`` is what the ledger has of it."""

    entry: Entry
    prices: Prices


@define
class Purse:
    """The money of one review: asked before each question, told after it.

    ``name_one`` gives a new random name.
    """

    _budget: Budget
    _ledger: Ledger | None
    _now: Callable[[], datetime]
    _name_one: Callable[[], str]
    _review: str = Factory(lambda self: self._name_one(), takes_self=True)
    _held: dict[str, int] = Factory(dict)

    @property
    def spent_micros(self) -> int:
        """What the review has cost, with what is set aside for questions that are open."""
        return sum(self._held.values())

    def reserve(self, provider: str, model: str, expected: Tokens, prices: Prices | None) -> Asked:
        """Set aside the highest cost that a question can be expected to have.

        Raises: BudgetError if a limit does not allow it.
        """
        known = prices or FREE
        cost = known.highest_cost(expected)
        most = self._budget.per_review
        if most is not None and self.spent_micros + cost > most:
            total = to_text(self.spent_micros + cost)
            raise BudgetError(f"the budget of a review does not allow it: {total} of {to_text(most)}")
        entry = Entry(
            at=moment_text(self._now()),
            question=self._name_one(),
            review=self._review,
            state=State.RESERVED,
            provider=provider,
            model=model,
            input_tokens=expected.input,
            cached_tokens=0,
            output_tokens=expected.output,
            cost_micros=cost,
        )
        if self._ledger is not None:
            self._ledger.reserve(entry, per_day=self._budget.per_day, per_month=self._budget.per_month)
        self._held[entry.question] = cost
        return Asked(entry=entry, prices=known)

    def settle(self, asked: Asked, tokens: Tokens | None, *, lost: int) -> int:
        """Book what a question took, and return its cost; without ``tokens`` it was not answered.

        Each of the ``lost`` tries counts as much as was set aside for one.

        Raises: BudgetError if the ledger cannot be written.
        """
        used = tokens or Tokens(input=0, output=0)
        expected = asked.entry
        cost = asked.prices.cost(used) + lost * expected.cost_micros
        self._held[expected.question] = cost
        entry = evolve(
            expected,
            state=State.ESTIMATED if lost else State.SETTLED,
            input_tokens=used.input + lost * expected.input_tokens,
            cached_tokens=used.cached,
            output_tokens=used.output + lost * expected.output_tokens,
            cost_micros=cost,
        )
        if self._ledger is not None:
            self._ledger.record(entry)
        return cost
