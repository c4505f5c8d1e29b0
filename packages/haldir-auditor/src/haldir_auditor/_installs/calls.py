"""Calls of code that install packages: ``install.packages("x")`` of R, ``Pkg.add("X")`` of Julia."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor.supply import Dependency, Ecosystem, Scope

_MAX_CALLS = 1_000
_CALL = re.compile(
    r"(?<![\w.])(?P<name>install\.packages|(?:BiocManager|renv|pak|remotes|devtools)::(?:pkg_)?install(?:_\w+)?"
    r"|biocLite|Pkg\.add|pacman::p_load)\s*\((?P<words>[^()\n]{0,400}(?:\([^()]{0,2000}\))?)"
)
_STRING = re.compile(r"\\?[\"'](?P<text>[\w./@:-]{1,200})\\?[\"']")
_KEYWORD = re.compile(
    r"\b(?:repos|lib|type|method|dependencies|ref|host|url|rev|version)\s*=\s*(?:c\s*\([^)]*\)|[^,()]*)"
)


def called_in(document: Document, text: str) -> Iterator[Dependency]:
    """Yield what such calls install; a name that only a run knows is a problem."""
    for count, call in enumerate(_CALL.finditer(text)):
        line = document.line_at(call.start())
        if count >= _MAX_CALLS:
            document.problem(f"more than {_MAX_CALLS} calls: the rest is not read", kind="too-large")
            return
        manager = "Pkg" if call["name"].startswith("Pkg") else "R"
        given = _KEYWORD.sub("", call["words"])
        names = [found["text"] for found in _STRING.finditer(given)]
        if not names and given.strip():
            message = f"what {call['name']}({given.strip()[:80]!r}) installs is known only when it runs"
            document.problem(message, line=line, kind="opaque")
        for name in names:
            yield Dependency(Ecosystem.SYSTEM, name, "", document.place(line), Scope.INSTALLED, manager=manager)
