"""go.mod."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Origin, Scope, Supply

FORMAT = "go.mod"

_MODULE = re.compile(r"^[ \t]*module[ \t]+\"?([^\s\"]+)", re.MULTILINE)
_OPEN = re.compile(r"\s*(\w+)\s*\(\s*")
_KNOWN = frozenset(
    {"module", "go", "toolchain", "require", "exclude", "replace", "retract", "tool", "godebug", "ignore", "use"}
)


def read_go_mod(document: Document) -> Supply:
    """Return what a go.mod requires.  Raises: UnreadableError if it is no text."""
    module = _MODULE.search(document.text)
    manifest = Manifest(
        document.path,
        FORMAT,
        Ecosystem.GO,
        tuple(_dependencies(document)),
        package_name=module[1] if module else None,
    )
    return Supply(manifests=(manifest,))


def _dependencies(document: Document) -> Iterator[Dependency]:
    for number, words in _directives(document):
        if words[0] == "require":
            if len(words) != 3:
                document.problem("a require that is no module and version", line=number)
                continue
            yield Dependency(Ecosystem.GO, words[1], words[2], document.place(number), version=words[2])
        elif words[0] == "replace" and "=>" in words:
            yield from _replaced(document, words[1], words[words.index("=>") + 1 :], number)
        elif words[0] not in _KNOWN:
            document.problem(f"{words[0][:60]!r} is no directive of a go.mod", line=number)


def _directives(document: Document) -> Iterator[tuple[int, list[str]]]:
    """Yield each directive as words; those in a block have its word before them."""
    block = ""
    for number, line in enumerate(document.text.split("\n"), 1):
        words = [word.strip('"`') for word in line.partition("//")[0].split()]
        if not words:
            continue
        if block and words == [")"]:
            block = ""
        elif not block and (opening := _OPEN.fullmatch(" ".join(words))):
            block = opening[1]
        else:
            yield number, [block, *words] if block else words


def _replaced(document: Document, replaced: str, words: list[str], number: int) -> Iterator[Dependency]:
    place = document.place(number)
    if len(words) == 2:
        alias = replaced if replaced != words[0] else None
        yield Dependency(Ecosystem.GO, words[0], words[1], place, Scope.OVERRIDE, version=words[1], alias=alias)
    elif len(words) == 1:
        yield Dependency(Ecosystem.GO, replaced, "", place, Scope.OVERRIDE, origin=Origin.FILE, locator=words[0])
    else:
        document.problem("a replace that is no module and version", line=number)
