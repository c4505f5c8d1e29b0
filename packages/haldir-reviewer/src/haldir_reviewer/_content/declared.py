"""What a skill says of itself: texts of its publisher, which nothing proves."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_reviewer._content.source import SourceFile

if TYPE_CHECKING:
    from haldir_core import Permissions

MAX_CHARS = 4_000
"""What a judge sees; the format of skills allows a description of 1,024 characters."""

_DESCRIBED_IN = ("SKILL.md", "README.md", "README", "package.json", "pyproject.toml")
_FENCE = "---"


@frozen
class Declared:
    """Description and permissions of a skill, as text; ``cut``: the front matter is longer than what is shown."""

    description: str
    permissions: str
    cut: bool = False


def declare(files: Iterable[SourceFile], permissions: "Permissions") -> Declared:
    """Return what the skill of ``files`` says of itself: its front matter, or the beginning of a file about it."""
    texts = {file.path: file.text for file in files if file.text is not None}
    text = next((texts[path] for path in _DESCRIBED_IN if path in texts), "").removeprefix("\ufeff")
    end = text.find(f"\n{_FENCE}", len(_FENCE)) if text.startswith(_FENCE) else -1
    head = text[: end + 1 + len(_FENCE)] if end >= 0 else text
    cut = end >= 0 and len(head) > MAX_CHARS
    return Declared(head[:MAX_CHARS], json.dumps(permissions.to_json(), ensure_ascii=False), cut)
