"""Pipfile."""

from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor._python_requirement import exact_version, origin_of_url
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Origin, Scope, Supply

FORMAT = "Pipfile"

_SETTINGS = frozenset({"source", "requires", "scripts", "pipenv", "pipfile"})
_LOCATORS = (
    ("git", Origin.GIT),
    ("hg", Origin.GIT),
    ("svn", Origin.GIT),
    ("bzr", Origin.GIT),
    ("file", Origin.FILE),
    ("path", Origin.FILE),
    ("uri", Origin.URL),
    ("url", Origin.URL),
)


def read_pipfile(document: Document) -> Supply:
    """Return what a Pipfile declares.  Raises: UnreadableError if it is not TOML."""
    content = document.toml()
    sources = {source.get("name"): document.words(source, "url") for source in document.tables(content, "source")}
    urls = [url for url in sources.values() if url]
    manifest = Manifest(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        tuple(_dependencies(document, content, sources)),
        indexes=tuple(urls),
        main_index_replaced=bool(urls),
    )
    return Supply(manifests=(manifest,))


def _dependencies(
    document: Document, content: Mapping[str, object], sources: Mapping[object, str | None]
) -> Iterator[Dependency]:
    for category in content:
        if category in _SETTINGS:
            continue
        scope = Scope.RUN if category == "packages" else Scope.DEVELOPMENT
        for name, written in document.table(content, category).items():
            row = {"version": written} if isinstance(written, str) else document.as_table(written, f"{name[:60]!r}")
            version = document.words(row, "version") or ""
            origin, locator = _origin(document, row)
            index = document.words(row, "index")
            yield Dependency(
                Ecosystem.PYPI,
                str(canonicalize_name(name)),
                version,
                document.place(document.line_of(name)),
                scope,
                origin=origin,
                version=exact_version(version),
                locator=locator,
                extras=tuple(sorted(document.texts(row, "extras"))),
                marker=document.words(row, "markers"),
                index=sources.get(index) or index,
            )


def _origin(document: Document, row: Mapping[str, object]) -> tuple[Origin, str | None]:
    for key, origin in _LOCATORS:
        if locator := document.words(row, key):
            return origin_of_url(locator) if "://" in locator and origin is Origin.FILE else origin, locator
    return Origin.INDEX, None
