"""Cargo.toml."""

import re
from collections.abc import Iterator, Mapping

from haldir_auditor._document import Document
from haldir_auditor.supply import Dependency, Ecosystem, Hook, Manifest, Origin, Scope, Supply

FORMAT = "Cargo.toml"

_KINDS = (
    ("dependencies", Scope.RUN),
    ("dev-dependencies", Scope.DEVELOPMENT),
    ("dev_dependencies", Scope.DEVELOPMENT),
    ("build-dependencies", Scope.BUILD),
    ("build_dependencies", Scope.BUILD),
)
_EXACT = re.compile(r"\s*=\s*(\d+\.\d+\.\d+\S*)\s*")  # a bare version is a range
_BUILD = "build.rs"


def read_cargo_toml(document: Document) -> Supply:
    """Return what a Cargo.toml declares.  Raises: UnreadableError if it is not TOML."""
    content = document.toml()
    package = document.table(content, "package")
    manifest = Manifest(
        document.path,
        FORMAT,
        Ecosystem.CARGO,
        tuple(_dependencies(document, content)),
        hooks=tuple(_hooks(document, package)),
        package_name=document.words(package, "name"),
    )
    return Supply(manifests=(manifest,))


def _dependencies(document: Document, content: Mapping[str, object]) -> Iterator[Dependency]:
    workspace = document.table(content, "workspace")
    for table in (content, workspace, *_targets(document, content)):
        for kind, scope in _KINDS:
            yield from _kind(document, document.table(table, kind), scope)
    for source in document.table(content, "patch").values():
        yield from _kind(document, document.as_table(source, "an entry of 'patch'"), Scope.OVERRIDE)
    replaced = {name.partition(":")[0]: value for name, value in document.table(content, "replace").items()}
    yield from _kind(document, replaced, Scope.OVERRIDE)


def _targets(document: Document, content: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for name, target in document.table(content, "target").items():
        yield document.as_table(target, f"the target {name[:60]!r}")


def _kind(document: Document, table: Mapping[str, object], scope: Scope) -> Iterator[Dependency]:
    for called, written in table.items():
        line = document.line_of(called)
        row = {"version": written} if isinstance(written, str) else document.as_table(written, f"{called[:60]!r}")
        name = document.words(row, "package") or called
        version = document.words(row, "version") or ""
        exact = _EXACT.fullmatch(version)
        origin, locator = _origin(document, row)
        yield Dependency(
            Ecosystem.CARGO,
            name,
            version,
            document.place(line),
            Scope.OPTIONAL if row.get("optional") is True else scope,
            origin=origin,
            version=exact[1] if exact and origin is Origin.INDEX else None,
            locator=locator,
            alias=called if called != name else None,
            index=document.words(row, "registry-index") or document.words(row, "registry"),
        )


def _origin(document: Document, row: Mapping[str, object]) -> tuple[Origin, str | None]:
    if row.get("workspace") is True:
        return Origin.WORKSPACE, None
    if repository := document.words(row, "git"):
        return Origin.GIT, repository
    if path := document.words(row, "path"):
        return Origin.FILE, path
    return Origin.INDEX, None


def _hooks(document: Document, package: Mapping[str, object]) -> Iterator[Hook]:
    written = package.get("build")
    if isinstance(written, str):
        yield Hook("build", written, document.place(document.line_of("build")))
    elif written is not False and document.sibling(_BUILD) in document.files:
        yield Hook("build", _BUILD, document.place())
