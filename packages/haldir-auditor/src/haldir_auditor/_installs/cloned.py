"""Repositories that are cloned and then run: ``git clone URL && cd x && make``."""

import re
from collections.abc import Iterator

from attrs import evolve

from haldir_auditor._document import Document
from haldir_auditor._installs.piped import fetched
from haldir_auditor._installs.words import shell_words
from haldir_auditor.supply import Dependency

_CLONE = re.compile(r"(?<![\w-])(?:git[ \t]+clone|gh[ \t]+repo[ \t]+clone|hg[ \t]+clone)(?=[ \t])")
_VALUES = frozenset({"-b", "--branch", "--depth", "-o", "--origin", "-c", "--config", "-j", "--jobs", "--filter"})
_REPOSITORY = re.compile(r"(?:(?:https?|git|ssh)://|[\w.-]+@)\S+|[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"\bgit\b[^\n;&|]{0,200}\b(?:checkout|reset|switch)\b[^\n;&|]{0,60}\b([0-9a-f]{40})\b")
_REACH = 600
_STARTS = r"(?:^|[;&|(\n])[ \t]*(?:[$>%][ \t]+)?(?:sudo[ \t]+)?(?:[A-Z_]+=\S*[ \t]+)*"
_INTERPRETERS = r"(?:python[\d.]*|uv[ \t]+run|(?:ba|z|da)?sh|node|deno[ \t]+run|bun|ruby|perl|php|source|\.|Rscript)"
_BUILDS = (
    r"make|cmake|ninja|\./[\w./-]+|(?:python[\d.]*[ \t]+-m[ \t]+)?pip[\d.]*[ \t]+install|uv[ \t]+(?:sync|pip|tool)"
    r"|pipx[ \t]+install|poetry[ \t]+install|(?:npm|pnpm|yarn|bun)(?:[ \t]+(?:i|ci|install|run|start|build))?(?![\w-])"
    r"|cargo[ \t]+(?:install|build|run)|go[ \t]+(?:install|build|run|generate)|gradle|mvn|bundle|rake"
    rf"|docker(?:-compose|[ \t]+(?:build|compose))|{_INTERPRETERS}[ \t]+[\w./-]"
)
_RUN = re.compile(rf"{_STARTS}(?:{_BUILDS})")


def cloned_in(document: Document, text: str, limit: int) -> Iterator[Dependency]:
    """Yield every repository that is cloned and run; one of which a full commit is checked out has that as hash."""
    for count, clone in enumerate(_CLONE.finditer(text)):
        if count >= limit:
            return
        command = shell_words(text, clone.end(), len(text))
        operands = list(_operands(command.words))
        if not operands or not _REPOSITORY.fullmatch(operands[0]):
            continue
        folder = (operands[1] if len(operands) > 1 else operands[0]).rstrip("/").removesuffix(".git")
        after = text[command.end : command.end + _REACH]
        if _is_run(after, folder.rpartition("/")[2]):
            found = fetched(operands[0], document.place(document.line_at(clone.start())))
            commit = _COMMIT.search(after)
            yield evolve(found, hashes=(commit[1],)) if commit else found


def _operands(words: tuple[str, ...]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip or word.startswith("-"):
            skip = not skip and word in _VALUES
        else:
            yield word


def _is_run(after: str, name: str) -> bool:
    """Whether what follows goes into the folder and builds or runs something, or does so by the name of the folder."""
    place = rf"[\"']?(?:[\w.~$/{{}}-]*/)?{re.escape(name)}"
    if entered := re.search(rf"\b(?:cd|pushd|make[ \t]+-C|-C)[ \t]+{place}\b", after):
        return bool(entered[0].startswith("make") or _RUN.search(after, entered.end()))
    named = re.search(rf"{_STARTS}(?:(?:{_BUILDS}|{_INTERPRETERS})\S*[ \t]+(?:-\S+[ \t]+)*{place}|{place}/\S)", after)
    return bool(name and named)
