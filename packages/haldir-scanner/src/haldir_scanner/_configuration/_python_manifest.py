"""The dependencies of a Python project or script, and where they come from."""

import re
from collections.abc import Iterable, Iterator, Mapping

from haldir_scanner._configuration._mistakable import PYTHON
from haldir_scanner._configuration._places import place_of
from haldir_scanner._configuration._toml import load_toml, table
from haldir_scanner._text import Seen

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_SEPARATORS = re.compile(r"[-_.]{1,20}")
_LINE = re.compile(rb"^[ \t]{0,40}([^#\s][^\n]{0,2000})", re.MULTILINE)
_OPTIONS = {
    "--extra-index-url": "package_index_redirect",
    "--find-links": "package_index_redirect",
    "--index-url": "package_index_redirect",
    "--trusted-host": "package_tls_disabled",
    "-f": "package_index_redirect",
    "-i": "package_index_redirect",
}
_OPTION = re.compile(rf"({'|'.join(_OPTIONS)})[= \t]")
_EDITABLE = re.compile(r"(?:-e|--editable)[= \t]{1,9}")
_ADDRESS = re.compile(r"(?:[\w.\[\],-]{1,200}[ \t]{0,9}@[ \t]{0,9})?((?:git|hg|svn|bzr)\+\S+|https?://\S+|file:\S+)")
_FIXED = re.compile(r"@[0-9a-f]{40}\b|#(?:\S*&)?sha256=[0-9a-f]{64}|--hash[= ]sha256:")
_OUTSIDE = re.compile(r"(?:file:(?://)?)?(?:\.\./|/|~/)")
_SPECIFIED = re.compile(r"[=<>~!@]")
_SCRIPT = re.compile(rb"^# /// script[ \t\r]*+\n", re.MULTILINE)
_SCRIPT_END = re.compile(rb"^# ///[ \t\r]*+$", re.MULTILINE)
_COMMENT = re.compile(rb"^# ?", re.MULTILINE)


def requirements(data: bytes) -> Iterator[Seen]:
    """The lines of a requirements file.  Source: pip documentation, "Requirements File Format"."""
    for line in _LINE.finditer(data):
        text = line[1].decode("utf-8", "replace").strip()
        option = _OPTION.match(text)
        rules = _rules(_EDITABLE.sub("", text, count=1)) if option is None else [_OPTIONS[option[1]]]
        yield from (Seen(rule, place_of(data, *line.span(1))) for rule in rules)


def pyproject(data: bytes) -> Iterator[Seen]:
    """The dependencies of a ``pyproject.toml``, also those of Poetry and uv."""
    try:
        root = load_toml(data)
    except ValueError:
        return  # the reader of hooks says so
    lines = [*_texts(table(root, "project").get("dependencies")), *_texts(table(root, "build-system").get("requires"))]
    for groups in (table(root, "project", "optional-dependencies"), table(root, "dependency-groups")):
        lines += [line for group in groups.values() for line in _texts(group)]
    poetry = table(root, "tool", "poetry")
    lines += _table_lines(table(poetry, "dependencies"))
    for group in table(poetry, "group"):
        lines += _table_lines(table(poetry, "group", group, "dependencies"))
    lines += [line for line in _table_lines(table(root, "tool", "uv", "sources")) if "@" in line]
    yield from _lines(data, lines)
    yield from _indexes(data, poetry.get("source"), table(root, "tool", "uv").get("index"))


def pipfile(data: bytes) -> Iterator[Seen]:
    """The dependencies of a ``Pipfile``."""
    try:
        root = load_toml(data)
    except ValueError:
        yield Seen("manifest_unreadable")
        return
    yield from _lines(data, [*_table_lines(table(root, "packages")), *_table_lines(table(root, "dev-packages"))])
    sources = root.get("source")
    # The first source is the usual one, which every Pipfile names.
    yield from _indexes(data, sources[1:] if isinstance(sources, list) else None)


def script(data: bytes) -> Iterator[Seen]:
    """The dependencies in the head of a script.  Spec: PEP 723."""
    begin = _SCRIPT.search(data)
    end = None if begin is None else _SCRIPT_END.search(data, begin.end())
    if begin is None or end is None:
        return
    try:
        root = load_toml(_COMMENT.sub(b"", data[begin.end() : end.start()]))
    except ValueError:
        return
    yield from (seen for seen in _lines(data, _texts(root.get("dependencies"))) if seen.rule != "requirement_unpinned")
    yield from _indexes(data, table(root, "tool", "uv").get("index"))


def _lines(data: bytes, lines: Iterable[str]) -> Iterator[Seen]:
    for line in lines:
        for rule in _rules(line):
            begin = max(data.find(line.partition(" ")[0].encode("utf-8", "replace")), 0)
            end = data.find(b"\n", begin)
            yield Seen(rule, place_of(data, begin, len(data) if end < 0 else end))


def _rules(line: str) -> Iterator[str]:
    """What is wrong with one requirement.  Spec: PEP 508."""
    address = _ADDRESS.match(line)
    if _OUTSIDE.match(address[1] if address else line):
        yield "dependency_outside_skill"
    elif address is not None and not _FIXED.search(line):
        yield "python_direct_dependency"
    name = _NAME.match(line)
    if name is None or (address is not None and address.start(1) == 0):
        return
    if PYTHON.is_mistakable(_SEPARATORS.sub("-", name[0]).lower()):
        yield "python_typosquat"
    if not _SPECIFIED.search(line.partition(";")[0]):
        yield "requirement_unpinned"


def _texts(value: object) -> list[str]:
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def _table_lines(entries: Mapping[str, object]) -> list[str]:
    """The dependencies of a table as lines of requirements: ``name = "*"`` is ``name``."""
    lines = []
    for name, value in entries.items():
        if name == "python":
            continue
        wanted = value if isinstance(value, Mapping) else {"version": value}
        version = wanted.get("version")
        repository = wanted.get("git", wanted.get("url", wanted.get("path")))
        if isinstance(repository, str):
            prefix = "git+" if "git" in wanted else ""
            lines.append(f"{name} @ {prefix}{repository}@{wanted.get('rev', wanted.get('ref', ''))}")
        else:
            is_any = version in {None, "*", ""}
            lines.append(name if is_any else f"{name} =={version}")
    return lines


def _indexes(data: bytes, *lists: object) -> Iterator[Seen]:
    for entries in lists:
        for entry in entries if isinstance(entries, list) else ():
            address = entry.get("url") if isinstance(entry, Mapping) else None
            if isinstance(address, str):
                begin = max(data.find(address.encode("utf-8", "replace")), 0)
                yield Seen("package_index_redirect", place_of(data, begin, begin + len(address)))
