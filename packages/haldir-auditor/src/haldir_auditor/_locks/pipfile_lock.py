"""Pipfile.lock."""

from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor._locks.pypi_family import words
from haldir_auditor._python_requirement import exact_version
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Supply

FORMAT = "Pipfile.lock"
_META = "_meta"
_SOURCES = (("git", Origin.GIT), ("hg", Origin.GIT), ("svn", Origin.GIT), ("file", Origin.URL), ("path", Origin.FILE))


def read_pipfile_lock(document: Document) -> Supply:
    """Return the lock, which does not say who needs what.  Raises: UnreadableError if it is not JSON."""
    content = document.json()
    if _META not in content:
        raise UnreadableError("this is no lock file of pipenv: it has no _meta")
    sources = {
        words(source, "name"): words(source, "url")
        for source in document.tables(document.table(content, _META), "sources")
    }
    packages = tuple(_packages(document, content, sources))
    manifest = document.sibling("Pipfile")
    lock = Lock(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        packages,
        None,
        manifest if manifest in document.files else None,
        tuple(url for url in sources.values() if url),
    )
    return Supply(locks=(lock,))


def _packages(document: Document, content: Mapping[str, object], sources: Mapping[str, str]) -> Iterator[Locked]:
    for group in content:
        if group == _META:
            continue
        start = document.line_of(group)
        for name, value in document.table(content, group).items():
            row = document.as_table(value, f"the package {name[:80]!r}")
            line = document.line_of(name, after=start)
            origin, locator = _source(row)
            yield Locked(
                Ecosystem.PYPI,
                str(canonicalize_name(name)),
                exact_version(words(row, "version")) or words(row, "version"),
                f"{group} {name}",
                document.place(line),
                origin=origin,
                resolved=locator,
                index=sources.get(words(row, "index")) or None,
                hashes=tuple(document.texts(row, "hashes")),
                development=group != "default",
            )


def _source(row: Mapping[str, object]) -> tuple[Origin, str | None]:
    for key, origin in _SOURCES:
        if locator := words(row, key):
            outside = origin is Origin.URL and "://" not in locator
            reference = f"#{words(row, 'ref')}" if origin is Origin.GIT else ""
            return (Origin.FILE if outside else origin), locator + reference
    return Origin.INDEX, None
