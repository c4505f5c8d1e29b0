"""The front matter of a SKILL.md, read without trusting it."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

import yaml
from attrs import field, frozen

from haldir_scanner._documents._markdown_blocks import front_matter_end

MAX_BYTES = 65_536
MAX_DEPTH = 20
UNREADABLE = "skill_front_matter_unreadable"
DUPLICATE_KEY = "skill_front_matter_duplicate_key"

# libyaml where PyYAML was built with it.
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SIMPLE = re.compile(r"^([A-Za-z][\w-]{0,63}):[ \t]*([^\n]*)", re.MULTILINE)


class UnsafeYamlError(ValueError):
    """YAML that is no single tree of limited depth."""


@frozen(kw_only=True)
class FrontMatter:
    """What stands between the ``---`` lines at the beginning of a document.

    Attributes:
        values: the members; of front matter that is no YAML, those that take one line, as texts.
        lines: 1-based line of each member.
        body: where the text begins, in bytes; 0 if there is no front matter.
        problems: pairs of a rule id and the line of what is wrong with it.
    """

    values: Mapping[str, object] = field(factory=dict)
    lines: Mapping[str, int] = field(factory=dict)
    body: int = 0
    problems: tuple[tuple[str, int], ...] = ()

    def text(self, name: str) -> str:
        """The member as a text; empty if it is missing or something else."""
        value = self.values.get(name)
        return value if isinstance(value, str) else ""

    def line(self, name: str) -> int:
        """The line of the member, or the first."""
        return self.lines.get(name, 1)


@lru_cache(maxsize=1)  # the instructions of a skill are asked for several times
def read(data: bytes) -> FrontMatter:
    """The front matter of a document; whatever is wrong with it is in ``problems``."""
    body = front_matter_end(data)
    head = data[:body].removeprefix(_BYTE_ORDER_MARK)
    if not head.startswith(b"---"):
        return FrontMatter(body=body)
    # The delimiting lines become blank, so that lines count from the beginning of the file.
    inner = b"\n".join([b"", *head.splitlines()[1:-1]]) + b"\n"
    try:
        keys, values = _read(inner)
    except ValueError:
        return _one_line_members(inner, body)
    if values is not None and not isinstance(values, dict):
        return FrontMatter(body=body, problems=((UNREADABLE, 1),))
    named = {name: value for name, value in (values or {}).items() if isinstance(name, str)}
    lines: dict[str, int] = {}
    problems = []
    for name, line in keys:
        if name in lines:
            problems.append((DUPLICATE_KEY, line))
        lines[name] = line
    return FrontMatter(values=named, lines=lines, body=body, problems=tuple(problems))


def load_yaml(data: bytes) -> object:
    """The value of a YAML document.

    Raises: ValueError if it is malformed, has aliases, or is too deep or too large; it is never expanded then.
    """
    return _read(data)[1]


def _read(data: bytes) -> tuple[list[tuple[str, int]], object]:
    """The keys of the outermost mapping with their 1-based lines, and the value.

    Raises: ValueError as ``load_yaml``.
    """
    if len(data) > MAX_BYTES:
        raise UnsafeYamlError(f"more than {MAX_BYTES} bytes")
    try:
        keys = list(_keys(data))
        return keys, yaml.load(data, Loader=_Loader)  # noqa: S506 - a safe loader, whichever of the two it is
    except (yaml.YAMLError, OverflowError, RecursionError) as error:
        raise UnsafeYamlError("malformed YAML") from error


def _keys(data: bytes) -> Iterator[tuple[str, int]]:
    """The keys of the outermost mapping with their 1-based lines.

    Raises: UnsafeYamlError at the first alias, and below the greatest depth.
    """
    depth, is_key = 0, True
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise UnsafeYamlError("an alias: a few of them expand to gigabytes")
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif depth == 1:
            if is_key and isinstance(event, yaml.ScalarEvent) and event.start_mark is not None:
                yield event.value, event.start_mark.line + 1
            is_key = not is_key
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if depth > MAX_DEPTH:
            raise UnsafeYamlError(f"deeper than {MAX_DEPTH}")


def _one_line_members(data: bytes, body: int) -> FrontMatter:
    text = data[:MAX_BYTES].decode("utf-8", "replace")
    members = list(_SIMPLE.finditer(text))
    return FrontMatter(
        values={member[1]: member[2].strip().strip("\"'") for member in members},
        lines={member[1]: text.count("\n", 0, member.start()) + 1 for member in members},
        body=body,
        problems=((UNREADABLE, 1),),
    )
