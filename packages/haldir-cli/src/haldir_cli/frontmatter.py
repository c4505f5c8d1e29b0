"""The name and version that a skill's SKILL.md gives to itself."""

import os
from pathlib import Path

from attrs import frozen

from haldir_cli.files import read_beginning

MAX_BYTES = 64 * 1024
"""How much of SKILL.md is looked at; a front matter is a few hundred bytes."""


@frozen
class FrontMatter:
    """What the front matter says; None for what it does not say in a usable form."""

    name: str | None = None
    version: str | None = None
    problem: str | None = None


def read_front_matter(skill: Path) -> FrontMatter:
    """Return the front matter of ``SKILL.md`` in the folder ``skill``; an empty one if there is none."""
    try:
        data = read_beginning(skill / "SKILL.md", MAX_BYTES, flags=os.O_NOFOLLOW)
    except (OSError, ValueError):  # whatever it is, it gives no name; what may not be signed is told by `read_skill`
        return FrontMatter()
    return parse_front_matter(data.decode("utf-8", "replace").removeprefix("\ufeff"))


def parse_front_matter(text: str) -> FrontMatter:
    """Read ``name``, and ``version`` or ``metadata.version``, from the YAML between two ``---`` lines."""
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---":
        return FrontMatter()
    ends = [number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"]
    if not ends:
        return FrontMatter(problem="the front matter of SKILL.md has no end")
    import yaml  # noqa: PLC0415 - 8 ms that only a front matter costs

    try:
        # BaseLoader makes texts, lists and mappings only: 1.10 stays 1.10, and no tag can make an object
        members = yaml.load("\n".join(lines[1 : ends[0]]), Loader=yaml.BaseLoader)  # noqa: S506 - see above
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        return FrontMatter(problem=f"the front matter of SKILL.md is not YAML: {str(error).splitlines()[0]}")
    if not isinstance(members, dict):
        return FrontMatter(problem="the front matter of SKILL.md is no mapping")
    metadata = members.get("metadata")
    version = members.get("version") or (metadata.get("version") if isinstance(metadata, dict) else None)
    return FrontMatter(_text(members.get("name")), _text(version))


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
