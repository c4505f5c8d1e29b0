"""Whether a skill keeps to the rules of agentskills.io.

Source: agentskills.io, specification, as of 2026.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePosixPath

from haldir_scanner._documents._front_matter import FrontMatter, read
from haldir_scanner._documents._markdown import spans
from haldir_scanner._text import Place, Region, Seen

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_NAME = 64
_LONGEST_DESCRIPTION = 1_024
_LONGEST_COMPATIBILITY = 500
_MOST_LINES = 500
_KNOWN = frozenset({"allowed-tools", "compatibility", "description", "license", "metadata", "name"})
_NO_FILE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*+:|#|/|\?|\.\./|\Z")
_SHOWN = 200  # characters


def seen(folder: str, paths: Collection[str], skill_md: bytes | None) -> Iterator[Seen]:
    """The rules that a skill breaks, at lines of its SKILL.md.

    ``folder``: its name, or empty if what is scanned is no folder; ``paths``: of all files; ``skill_md``: None if there
    is none.
    """
    if skill_md is None:
        if paths and folder:
            yield Seen("skill_file_missing")
        return
    front_matter = read(skill_md)
    yield from (Seen(rule, Place(line)) for rule, line in front_matter.problems)
    if not front_matter.body:
        yield Seen("skill_front_matter_missing", Place(1))
    else:
        yield from _members(front_matter, folder)
    lines = skill_md.count(b"\n", front_matter.body)
    if lines > _MOST_LINES:
        yield Seen("skill_body_too_long", Place(skill_md.count(b"\n", 0, front_matter.body) + 1, 0, f"{lines} lines"))
    yield from _references(skill_md, paths)


def _members(front_matter: FrontMatter, folder: str) -> Iterator[Seen]:
    for name, check in _CHECKS.items():
        rule = check(front_matter.values)
        if rule:
            yield _at(front_matter, rule, name)
    name = front_matter.text("name")
    if folder and name and name != folder:
        yield _at(front_matter, "skill_name_not_folder", "name")
    for key in front_matter.values:
        if key not in _KNOWN:
            yield Seen("skill_unknown_key", Place(front_matter.line(key), 0, key[:_SHOWN]))


def _at(front_matter: FrontMatter, rule: str, name: str) -> Seen:
    return Seen(rule, Place(front_matter.line(name), 0, f"{name}: {front_matter.values.get(name, '')}"[:_SHOWN]))


def _name(values: Mapping[str, object]) -> str:
    name = values.get("name")
    if name is None or name == "":
        return "skill_name_missing"
    is_valid = isinstance(name, str) and len(name) <= _LONGEST_NAME and _NAME.fullmatch(name)
    return "" if is_valid else "skill_name_invalid"


def _description(values: Mapping[str, object]) -> str:
    description = values.get("description")
    if not isinstance(description, str) or not description.strip():
        return "skill_description_missing"
    return "skill_description_too_long" if len(description) > _LONGEST_DESCRIPTION else ""


def _compatibility(values: Mapping[str, object]) -> str:
    compatibility = values.get("compatibility", "any")
    is_valid = isinstance(compatibility, str) and 1 <= len(compatibility) <= _LONGEST_COMPATIBILITY
    return "" if is_valid else "skill_compatibility_invalid"


def _metadata(values: Mapping[str, object]) -> str:
    metadata = values.get("metadata", {})
    is_valid = isinstance(metadata, dict) and all(
        isinstance(key, str) and isinstance(value, str) for key, value in metadata.items()
    )
    return "" if is_valid else "skill_metadata_invalid"


def _allowed_tools(values: Mapping[str, object]) -> str:
    return "" if isinstance(values.get("allowed-tools", ""), str) else "skill_allowed_tools_invalid"


_CHECKS: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "name": _name,
    "description": _description,
    "compatibility": _compatibility,
    "metadata": _metadata,
    "allowed-tools": _allowed_tools,
}


def _references(skill_md: bytes, paths: Collection[str]) -> Iterator[Seen]:
    """Links to files that are not there, and to files more than one folder away."""
    known = set(paths) | {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    position, line = 0, 1
    for span in spans(skill_md):
        target = skill_md[span.begin : span.end]
        if span.region is not Region.LINK or _NO_FILE.match(target) or b"%" in target:
            continue
        line += skill_md.count(b"\n", position, span.begin)
        position = span.begin
        path = re.split(r"[#?]", target.decode("utf-8", "replace"), maxsplit=1)[0].removeprefix("./")
        place = Place(line, 0, path[:_SHOWN])
        if path.rstrip("/") not in known:
            yield Seen("skill_reference_missing", place)
        elif path.strip("/").count("/") > 1:
            yield Seen("skill_reference_deep", place)
