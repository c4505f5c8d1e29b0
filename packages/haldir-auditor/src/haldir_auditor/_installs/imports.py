"""Modules that code in JavaScript or TypeScript takes from elsewhere by itself: ``import x from "https://..."``."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs.interpret import from_deno
from haldir_auditor.supply import Dependency

_MAX_IMPORTS = 1_000
_IMPORT = re.compile(
    r"(?<![\w.$])(?:from|import)\s*\(?\s*(?P<quote>[\"'`])(?P<module>(?:https?://|npm:|jsr:)[^\"'`\s$]{1,500})(?P=quote)"
)


def imported_in(document: Document) -> Iterator[Dependency]:
    """Yield every module that comes from a URL, or from a registry without a manifest.

    Source: Deno, "Modules and dependencies"; Node.js, "HTTPS and HTTP imports".
    """
    for count, found in enumerate(_IMPORT.finditer(document.text)):
        if count >= _MAX_IMPORTS:
            document.problem(f"more than {_MAX_IMPORTS} imports: the rest is not read", kind="too-large")
            return
        if dependency := from_deno(found["module"], document.place(document.line_at(found.start()))):
            yield dependency
