"""The dependencies of poetry in pyproject.toml."""

import re
from collections.abc import Iterator, Mapping

from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor._python_requirement import exact_version
from haldir_auditor.supply import Dependency, Ecosystem, Origin, Scope

_BARE_VERSION = re.compile(r"v?\d[\w.+!-]*")  # "1.2.3" means exactly that one
_LOCATORS = (("git", Origin.GIT), ("url", Origin.URL), ("path", Origin.FILE), ("file", Origin.FILE))


def read_poetry(document: Document, poetry: Mapping[str, object]) -> Iterator[Dependency]:
    """Yield the dependencies of ``[tool.poetry]`` and its groups."""
    yield from _table(document, document.table(poetry, "dependencies"), "tool.poetry.dependencies", Scope.RUN)
    yield from _table(
        document, document.table(poetry, "dev-dependencies"), "tool.poetry.dev-dependencies", Scope.DEVELOPMENT
    )
    for name, group in document.table(poetry, "group").items():
        section = f"tool.poetry.group.{name}.dependencies"
        content = document.table(document.as_table(group, f"the group {name[:60]!r}"), "dependencies")
        yield from _table(document, content, section, Scope.DEVELOPMENT)
    build = document.table(poetry, "requires-plugins")
    yield from _table(document, build, "tool.poetry.requires-plugins", Scope.BUILD)


def _table(document: Document, table: Mapping[str, object], section: str, scope: Scope) -> Iterator[Dependency]:
    at = document.text.find(f"[{section}]")
    start = document.text.count("\n", 0, at) + 1 if at >= 0 else 0
    for name, written in table.items():
        if name.lower() == "python":
            continue
        line = document.line_of(name, after=start)
        for choice in written if isinstance(written, list) else [written]:
            yield _dependency(document, name, choice, line, scope)


def _dependency(document: Document, name: str, written: object, line: int, scope: Scope) -> Dependency:
    if isinstance(written, str):
        content: Mapping[str, object] = {"version": written}
    else:
        content = document.as_table(written, f"the dependency {name[:60]!r}")
    version = document.words(content, "version") or ""
    origin, locator = _origin(document, content)
    return Dependency(
        Ecosystem.PYPI,
        str(canonicalize_name(name)),
        version,
        document.place(line),
        Scope.OPTIONAL if content.get("optional") is True else scope,
        origin=origin,
        version=_version(version),
        locator=locator,
        extras=tuple(sorted(document.texts(content, "extras"))),
        marker=document.words(content, "markers"),
        index=document.words(content, "source"),
    )


def _origin(document: Document, content: Mapping[str, object]) -> tuple[Origin, str | None]:
    for key, origin in _LOCATORS:
        if locator := document.words(content, key):
            return origin, locator
    return Origin.INDEX, None


def _version(written: str) -> str | None:
    words = written.strip()
    if _BARE_VERSION.fullmatch(words):
        return words.removeprefix("v")
    return exact_version(words if words.startswith("==") or not words.startswith("=") else f"={words}")
