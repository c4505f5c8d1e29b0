"""Sample arguments of a program, from what its own text says of its usage."""

import re
from collections.abc import Iterator

from haldir_sandbox.samples import Samples

MAX_LISTS = 3
MAX_OPTIONS = 12
_ADD_ARGUMENT = re.compile(
    r"add_argument\(\s*(?:['\"]-[A-Za-z]['\"]\s*,\s*)?['\"]([A-Za-z-][\w-]{0,40})['\"]([^)]{0,200})"
)
_CLICK = re.compile(
    r"@\w+\.(argument|option)\(\s*(?:['\"]-[A-Za-z]['\"]\s*,\s*)?['\"]([A-Za-z-][\w-]{0,40})['\"]([^)]{0,200})"
)
_SUBCOMMAND = re.compile(r"add_parser\(\s*['\"]([\w-]{1,40})['\"]|\.command\(\s*['\"]([\w-]{1,40})")
_CHOICES = re.compile(r"choices\s*=\s*[\[(]\s*['\"]([^'\"]{1,60})['\"]")
_SWITCH = re.compile(r"action\s*=\s*['\"](store_true|store_false|count|version)|is_flag\s*=\s*True")
_USAGE = re.compile(r"usage\s*:?\s+(?P<line>[^\n]{1,300})", re.IGNORECASE)
_POSITION = re.compile(r"(?:sys\.argv|process\.argv)\s*\[\s*(\d)\s*\]|\$\{?([1-9])\b")
_MANY = re.compile(r"sys\.argv\s*\[\s*1\s*:|process\.argv\.slice\(\s*2|\"?\$@\"?|\$\*")
_USAGE_WORD = re.compile(r"--?[A-Za-z][\w-]*(?:[ =](?:<[^>\s]+>|[A-Z][A-Z_]+))?|<[^>\n]{1,40}>|\b[A-Z][A-Z_.-]{1,30}\b")


def sample_arguments(text: str, samples: Samples) -> tuple[tuple[str, ...], ...]:
    """Return lists of arguments that the program with this text may take, without the empty one."""
    lists = dict.fromkeys(arguments for arguments in _all(text, samples) if arguments)
    return tuple(lists)[:MAX_LISTS]


def _all(text: str, samples: Samples) -> Iterator[tuple[str, ...]]:
    declared = tuple(_declared(text, samples))
    subcommands = [first or second for first, second in _SUBCOMMAND.findall(text)]
    for name in subcommands[:MAX_LISTS]:
        yield (name, *declared)
    if not subcommands:
        yield declared
    if match := _USAGE.search(text):
        yield tuple(_usage(match["line"], samples))
    positions = [int(python or shell) for python, shell in _POSITION.findall(text)]
    first = 2 if "process.argv" in text else 1  # node counts its own name and the script
    count = max(positions, default=0) - first + 1
    if count > 0 and max(positions) <= 9:
        yield tuple(samples.value("file" if number == 0 else "text") for number in range(count))
    elif _MANY.search(text) and not declared:
        yield (samples.value("file"),)
    if not declared and not positions:
        yield (samples.value("file"),)


def _declared(text: str, samples: Samples) -> Iterator[str]:
    found = _ADD_ARGUMENT.findall(text) or [(name, rest) for _, name, rest in _CLICK.findall(text)]
    for name, rest in found[:MAX_OPTIONS]:
        choice = _CHOICES.search(rest)
        value = choice[1] if choice else _typed(name, rest, samples)
        if not name.startswith("-"):
            yield value
        elif _SWITCH.search(rest):
            if "version" not in rest:
                yield name
        elif re.search(r"required\s*=\s*True", rest):
            yield from (name, value)


def _typed(name: str, rest: str, samples: Samples) -> str:
    if re.search(r"type\s*=\s*(int|float)\b", rest):
        return "3"
    return samples.value(name)


def _usage(line: str, samples: Samples) -> Iterator[str]:
    required = re.sub(r"\[[^\[\]]{0,80}\]", " ", line)
    for word in _USAGE_WORD.findall(required)[:MAX_OPTIONS]:
        option, _, operand = word.partition("=") if "=" in word else word.partition(" ")
        if option.startswith("-"):
            yield option
            if operand:
                yield samples.value(operand.strip("<>"))
        else:
            yield samples.value(option.strip("<>"))
