"""What any text file of a skill installs: prose, scripts, settings."""

import re
from collections.abc import Iterator

from attrs import evolve

from haldir_auditor._document import Document, Reference
from haldir_auditor._installs.calls import called_in
from haldir_auditor._installs.cloned import cloned_in
from haldir_auditor._installs.commands import MAX_COMMANDS, Region, Style, installed_by, note
from haldir_auditor._installs.configurations import configured_in
from haldir_auditor._installs.imports import imported_in
from haldir_auditor._installs.inline import read_inline
from haldir_auditor._installs.installers import installers_in
from haldir_auditor._installs.markdown import regions_of
from haldir_auditor._installs.mentions import mentions_in
from haldir_auditor._installs.notebooks import source_of
from haldir_auditor._installs.piped import piped_in
from haldir_auditor._installs.plain import is_plain_data
from haldir_auditor._installs.services import services_in
from haldir_auditor._installs.spelling import joined
from haldir_auditor._installs.variables import indexed, indexes_in
from haldir_auditor._manifests.requirements import scope_by_name
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.texts import looks_binary
from haldir_auditor.supply import Dependency, Supply

MAX_BYTES = 2_000_000  # of one text that people or agents read

_PROSE = re.compile(r".*\.(?:md|mdx|markdown|rst|txt|adoc|html?|mdc)|(?:^|.*/)[^./]+", re.IGNORECASE)
_TEXT = re.compile(
    r".*\.(?:md|mdx|markdown|mdc|rst|txt|adoc|html?|pyw?|ipynb|[cm]?[jt]sx?|sh|bash|zsh|fish|ps1|psm1|bat|cmd|rb|pl|php"
    r"|lua|json[5c]?|ya?ml|toml|cfg|ini|mk|make|rs|go|java|kt|env|service|desktop|xml|nix|just|csv|tsv|svg|css|sql|r|jl)"
    r"|(?:^|.*/)(?:Makefile|justfile|Procfile|Rakefile|Taskfile|Jenkinsfile|SKILL|README|AGENTS|CLAUDE)",
    re.IGNORECASE,
)
_SKILL = "SKILL.md"
_MODULE_CODE = re.compile(r".*\.[cm]?[jt]sx?", re.IGNORECASE)
_SHEBANG = b"#!"
_BLANKS = dict.fromkeys((0xA0, *range(0x2000, 0x200E), 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF), " ")
"""What looks like a space, or like nothing, to people: models read both as a space."""


def is_text(path: str, data: bytes) -> bool:
    """Say whether a file is read as text: by its name, by its shebang, else by what it begins with."""
    return bool(_TEXT.fullmatch(path)) or data.startswith(_SHEBANG) or not looks_binary(data)


def read_text(document: Document) -> Supply:
    """Return what a text installs, declares in blocks and names.

    Raises: UnreadableError if it is too large.
    """
    if not is_text(document.path, document.data):
        return Supply()
    if len(document.data) > MAX_BYTES:
        raise UnreadableError(f"not read: more than {MAX_BYTES} bytes of text", kind="too-large")
    document = _readable(document)
    text = document.text
    is_prose = bool(_PROSE.fullmatch(document.path)) and not document.data.startswith(_SHEBANG)
    plain = source_of(document) if document.name.endswith(".ipynb") else text
    plain = joined(plain.replace("\\\n", "  ").translate(_BLANKS))  # a continued line is one line; the length stays
    regions = regions_of(plain) if is_prose else iter([Region(0, len(plain), Style.CODE)])
    found = read_inline(document) if "# /// " in text else Supply()
    indexes = indexes_in(text)
    installs = tuple(indexed(_installs(document, plain, regions), indexes))
    used = {(install.ecosystem, install.index) for install in installs}
    return Supply(
        manifests=found.manifests,
        installs=tuple(evolve(install, is_data=True) for install in installs) if is_plain_data(document) else installs,
        mentions=tuple(mentions_in(document)) if is_prose else (),
        indexes=tuple(pair for pair in indexes.items() if pair not in used),
    )


def _readable(document: Document) -> Document:
    """Return the document, byte by byte if it is no text: commands are ASCII in every encoding of one byte."""
    try:
        document.text  # noqa: B018 - reading it is the test
    except UnreadableError as error:
        if _TEXT.fullmatch(document.path) or document.data.startswith(_SHEBANG):
            document.problem(error.message, line=error.line, kind=error.kind)
        bytewise = document.data.replace(b"\0", b"").decode("latin-1").encode()
        return evolve(document, data=bytewise)
    return document


def _installs(document: Document, text: str, regions: Iterator[Region]) -> Iterator[Dependency]:
    seen: set[Dependency] = set()
    for found in installed_by(document, text, regions):
        for dependency in note(document, found):
            if dependency not in seen:
                seen.add(dependency)
                yield dependency
        for name in found.files:
            _refer(document, name)
    if document.name.endswith((".json", ".yaml", ".yml")):
        known = {(dependency.ecosystem, dependency.name) for dependency in seen}
        yield from (found for found in configured_in(document) if (found.ecosystem, found.name) not in known)
    if document.name == _SKILL:
        yield from installers_in(document)
    if document.name.endswith((".yaml", ".yml")):
        yield from services_in(document)
    yield from called_in(document, text)
    if _MODULE_CODE.fullmatch(document.name):
        yield from imported_in(document)
    yield from piped_in(document, text, MAX_COMMANDS)
    yield from cloned_in(document, text, MAX_COMMANDS)


def _refer(document: Document, name: str) -> None:
    """Have a requirements file read that a command names; in prose it may be one of somebody else's project."""
    if "://" in name:
        document.problem(f"{name[:200]!r} is fetched when it is needed: it is not read", kind="outside")
    for path in (document.relative(name), name.removeprefix("./")):
        if path is not None and path in document.files:
            document.references.append(Reference(path, scope_by_name(path)))
            return
