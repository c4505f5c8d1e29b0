"""The name and version that a skill's SKILL.md gives to itself."""

import os
from pathlib import Path

from attrs import frozen

from haldir_cli.files import read_beginning
from haldir_core import Digest, UnreadableError
from haldir_core.digest import sha256

MAX_BYTES = 1024 * 1024
"""A larger SKILL.md is not looked at; its front matter is a few hundred bytes."""


@frozen
class FrontMatter:
    """What the front matter says; None for what it does not say in a usable form."""

    name: str | None = None
    version: str | None = None
    problem: str | None = None


def read_front_matter(skill: Path, expected: Digest | None) -> FrontMatter:
    """Return the front matter of ``SKILL.md`` in the folder ``skill``; an empty one if there is none.

    ``expected`` is the digest of the file that is being signed; None if there is none.

    Raises: UnreadableError if the file is another one by now.
    """
    if expected is None:
        return FrontMatter()
    data = read_beginning(skill / "SKILL.md", MAX_BYTES + 1, flags=os.O_NOFOLLOW)
    if len(data) > MAX_BYTES:
        return FrontMatter(problem=f"SKILL.md is larger than {MAX_BYTES} bytes")
    if sha256(data) != expected:
        raise UnreadableError(f"{skill / 'SKILL.md'} was changed while it was being signed: sign again")
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
