"""Tokens and money: all amounts are integers, in millionths of the currency, and rounded up."""

from decimal import Decimal, InvalidOperation

from attrs import frozen

MICROS = 1_000_000
"""Millionths in one unit of the currency."""

MAX_AMOUNT = 1_000_000_000
"""Largest amount of money that can be configured, in units of the currency."""

MAX_TOKENS = 100_000_000
"""More tokens than this no request has: a provider that reports them is wrong."""

BYTES_PER_TOKEN = 2
"""For estimates: English has about four bytes to a token; marked, encoded and unusual text has fewer."""


@frozen
class Tokens:
    """What one answer took.

    ``input`` are all tokens of the question; of these ``cached`` were read from the provider's cache, and ``written``
    were written to it.
    """

    input: int
    output: int
    cached: int = 0
    written: int = 0


@frozen(kw_only=True)
class Prices:
    """The prices of a model, in millionths of the currency for a million tokens."""

    input: int
    output: int
    cached_input: int
    cache_write: int

    def cost(self, tokens: Tokens) -> int:
        """Return what the tokens cost, in millionths, rounded up."""
        plain = tokens.input - tokens.cached - tokens.written
        total = (
            plain * self.input
            + tokens.cached * self.cached_input
            + tokens.written * self.cache_write
            + tokens.output * self.output
        )
        return -(-total // MICROS)

    def highest_cost(self, tokens: Tokens) -> int:
        """Return what the tokens cost at most, whatever the provider's cache does."""
        dearest = max(self.input, self.cached_input, self.cache_write)
        return -(-(tokens.input * dearest + tokens.output * self.output) // MICROS)


FREE = Prices(input=0, output=0, cached_input=0, cache_write=0)


def estimate(sent_bytes: int, max_output_tokens: int) -> Tokens:
    """Return what a request of so many bytes takes, guessed high."""
    return Tokens(input=-(-sent_bytes // BYTES_PER_TOKEN), output=max_output_tokens)


def to_micros(value: object) -> int:
    """Return an amount of money, a number or its text, in millionths.

    Raises: ValueError if it is none, is negative, or has more than six decimals.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be an amount of money such as 2.50")  # noqa: TRY004 - a value of a file, not a mistake of a caller
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("must be an amount of money such as 2.50") from error
    if not (amount.is_finite() and 0 <= amount <= MAX_AMOUNT):
        raise ValueError(f"must be an amount of money from 0 to {MAX_AMOUNT}")
    micros = amount * MICROS
    if micros != int(micros):
        raise ValueError("has more than six decimals")
    return int(micros)


def to_text(micros: int) -> str:
    """Return an amount as people write it, with at least two decimals: ``1.50``, ``0.000312``."""
    units, rest = divmod(micros, MICROS)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{units}.{decimals}"
