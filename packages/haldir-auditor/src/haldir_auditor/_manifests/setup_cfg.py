"""setup.cfg: what setuptools reads from it."""

import configparser
from collections.abc import Iterator, Mapping

from haldir_auditor._document import Document
from haldir_auditor._manifests.requirement_entries import read_entry
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Scope, Supply

FORMAT = "setup.cfg"

_KEYS = (("install_requires", Scope.RUN), ("setup_requires", Scope.BUILD), ("tests_require", Scope.DEVELOPMENT))
_FILE = "file:"


def read_setup_cfg(document: Document) -> Supply:
    """Return what a setup.cfg declares.  Raises: UnreadableError if it is of another form."""
    parser = configparser.RawConfigParser(strict=False, delimiters=("=", ":"))
    try:
        parser.read_string(document.text)
    except configparser.Error as error:
        raise UnreadableError(f"not read: {error.message.splitlines()[0]}", line=getattr(error, "lineno", 0)) from error
    manifest = Manifest(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        tuple(_dependencies(document, parser)),
        indexes=tuple(_words(parser, "options", "dependency_links")),
        package_name=parser.get("metadata", "name", fallback=None),
    )
    if not manifest.dependencies and not parser.has_section("metadata") and not parser.has_section("options"):
        return Supply()  # only the settings of linters
    return Supply(manifests=(manifest,))


def _dependencies(document: Document, parser: configparser.RawConfigParser) -> Iterator[Dependency]:
    lines = _lines(document.text)
    for key, scope in _KEYS:
        for name in (key, key.replace("_", "-")):
            yield from _value(document, parser.get("options", name, fallback=""), scope, lines)
    if parser.has_section("options.extras_require"):
        for _, written in parser.items("options.extras_require"):
            yield from _value(document, written, Scope.OPTIONAL, lines)


def _value(document: Document, written: str, scope: Scope, lines: Mapping[str, int]) -> Iterator[Dependency]:
    """Yield the requirements of a list, one a line or between semicolons, or of the files that it names."""
    if written.strip().startswith(_FILE):
        for name in written.strip().removeprefix(_FILE).replace("\n", ",").split(","):
            if name.strip():
                document.include(name.strip(), scope, 0)
        return
    for line in written.split("\n"):
        words = line.partition(" #")[0].strip()
        if not words or words.startswith("#"):
            continue
        yield from read_entry(document, words, lines.get(words, 0), scope)


def _words(parser: configparser.RawConfigParser, section: str, key: str) -> list[str]:
    return parser.get(section, key, fallback="").split()


def _lines(text: str) -> dict[str, int]:
    """Return where each value is written first: a line of its own, or what stands behind the name of an option."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.partition(" #")[0]
        for words in (bare.strip(), bare.partition("=")[2].strip()):
            found.setdefault(words, number)
    return found
