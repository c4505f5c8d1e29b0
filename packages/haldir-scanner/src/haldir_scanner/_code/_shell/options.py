"""Reading the options of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from haldir_scanner._code._shell.value import Value


@define
class Options:
    """The options of a command, with their values, and its other arguments."""

    given: list[tuple[str, Value | None]] = field(factory=list)
    others: list[Value] = field(factory=list)

    def values(self, *names: str) -> Iterator[Value]:
        """The values of the options of these names."""
        return (value for name, value in self.given if name in names and value is not None)

    def has(self, *names: str) -> bool:
        """Whether one of these options is given."""
        return any(name in names for name, _ in self.given)


def options(arguments: Sequence[Value], short: str, long: frozenset[str] = frozenset()) -> Options:
    """The arguments sorted.

    Args:
        arguments: of the command.
        short: letters of options that take a value, in the same word or the next.
        long: names of options that take a value, in the same word behind ``=`` or as the next word.
    """
    found = Options()
    place = 0
    while place < len(arguments):
        argument = arguments[place]
        place += 1
        following = arguments[place] if place < len(arguments) else None
        text = argument.text
        if text == "--":
            found.others += arguments[place:]
            break
        if text.startswith("--") or (text.startswith("-") and text[1:] in long):
            place += _long(found, argument, following, long)
        elif text.startswith("-") and len(text) > 1:
            place += _short(found, argument, following, short)
        else:
            found.others.append(argument)
    return found


def _long(found: Options, argument: Value, following: Value | None, long: frozenset[str]) -> int:
    """Add a long option; how many words behind it belong to it."""
    name, equals, text = argument.text.lstrip("-").partition("=")
    if equals:
        found.given.append((name, argument.derived(text)))
    elif name in long:
        found.given.append((name, following))
        return 1
    else:
        found.given.append((name, None))
    return 0


def _short(found: Options, argument: Value, following: Value | None, short: str) -> int:
    """Add the short options of one word; how many words behind it belong to them."""
    text = argument.text[:64] if len(argument.text) < 64 else argument.text
    for place, letter in enumerate(text[1:64], 2):
        if letter in short:
            rest = text[place:]
            found.given.append((letter, argument.derived(rest) if rest else following))
            return 0 if rest else 1
        found.given.append((letter, None))
    return 0
