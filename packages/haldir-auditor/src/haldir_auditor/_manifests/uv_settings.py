"""The settings of uv, in pyproject.toml, uv.toml and PEP 723 blocks."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve

from haldir_auditor._document import Document
from haldir_auditor._python_requirement import name_of, origin_of_url
from haldir_auditor.supply import INSECURE, Dependency, Ecosystem, Origin, Supply


def read_uv_toml(document: Document) -> Supply:
    """Return the indexes that a uv.toml names.  Raises: UnreadableError if it is not TOML."""
    main, others = indexes_of(document, document.toml())
    return Supply(indexes=tuple((Ecosystem.PYPI, index) for index in main + others))


def indexes_of(document: Document, uv: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Return the indexes that replace the main one, and those beside it."""
    main: list[str] = []
    others: list[str] = []
    for settings in (uv, document.table(uv, "pip")):
        if url := document.words(settings, "index-url"):
            main.append(url)
        for host in document.texts(settings, "allow-insecure-host"):
            line = document.line_of("allow-insecure-host")
            document.problem(f"no certificate of {host[:80]} is looked at", line=line, kind=INSECURE)
        for key in ("extra-index-url", "find-links"):
            others.extend(document.texts(settings, key))
    if "index" in uv and isinstance(uv["index"], dict):
        rows = [document.table(uv, "index")]
    else:
        rows = list(document.tables(uv, "index"))
    for row in rows:
        if url := document.words(row, "url"):
            (main if row.get("default") is True else others).append(url)
    return main, others


def sourced(document: Document, dependencies: Sequence[Dependency], uv: Mapping[str, object]) -> Iterator[Dependency]:
    """Yield the dependencies with the places that ``[tool.uv.sources]`` sends some of them to."""
    sources = {name_of(name) or name: value for name, value in document.table(uv, "sources").items()}
    urls = {row.get("name"): row.get("url") for row in document.tables(uv, "index")} if sources else {}
    for dependency in dependencies:
        written = sources.get(dependency.name)
        choices = written if isinstance(written, list) else [] if written is None else [written]
        if not choices:
            yield dependency
        for choice in choices:
            yield _sourced(document, dependency, choice, urls)


def _sourced(document: Document, dependency: Dependency, written: object, urls: Mapping[object, object]) -> Dependency:
    source = document.as_table(written, f"the source of {dependency.name[:60]!r}")
    if source.get("workspace") is True:
        return evolve(dependency, origin=Origin.WORKSPACE, version=None)
    if index := document.words(source, "index"):
        url = urls.get(index)
        return evolve(dependency, index=url if isinstance(url, str) else index)
    for key, origin in (("git", Origin.GIT), ("url", Origin.URL), ("path", Origin.FILE)):
        if locator := document.words(source, key):
            return evolve(dependency, origin=origin_of_url(locator) if key == "url" else origin, locator=locator)
    document.problem(f"the source of {dependency.name[:60]!r} is of no known kind", line=dependency.place.line)
    return dependency
