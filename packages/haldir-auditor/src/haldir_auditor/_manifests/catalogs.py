"""Catalogs: ranges that pnpm and bun keep in one place for all packages of a workspace."""

from collections.abc import Iterator, Mapping

from haldir_auditor._document import Document
from haldir_auditor._npm_requirement import read_dependency
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_json
from haldir_auditor._syntax.texts import text_of
from haldir_auditor._syntax.yamls import Scalar, read_yaml
from haldir_auditor.supply import Dependency, Ecosystem, Hook, Manifest, Place, Scope, Supply

FORMAT = "pnpm-workspace.yaml"
PREFIX = "catalog:"
_DEFAULT = "default"
_CODE = frozenset({"pnpmfile", "globalPnpmfile", "scriptShell", "nodeOptions"})


def read_pnpm_workspace(document: Document) -> Supply:
    """Return the overrides of a workspace; its catalogs count where they are used.

    Raises: UnreadableError if it is not YAML.
    """
    documents = read_yaml(document.text)
    content = document.root(documents[0]) if documents else {}
    found: list[Dependency] = []
    for name, written in document.table(content, "overrides").items():
        place = document.place(name.line if isinstance(name, Scalar) else 0)
        at = name.find("@", 1)
        found.append(read_dependency(name[:at] if at > 0 else str(name), str(written), place, Scope.OVERRIDE))
    found.extend(added_by_pnpm(document, content))
    hooks = tuple(
        Hook(key, str(content[key])[:500], document.place(key.line if isinstance(key, Scalar) else 0))
        for key in content
        if key in _CODE
    )
    registries = [content.get("registry"), *document.table(content, "registries").values()]
    indexes = tuple((Ecosystem.NPM, str(url)) for url in registries if isinstance(url, str))
    return Supply(manifests=(Manifest(document.path, FORMAT, Ecosystem.NPM, tuple(found), hooks),), indexes=indexes)


def added_by_pnpm(document: Document, content: Mapping[str, object]) -> Iterator[Dependency]:
    """Yield what pnpm adds to the dependencies of others, and the packages that configure pnpm itself."""
    for extended, extension in document.table(content, "packageExtensions").items():
        table = document.as_table(extension, f"the extension of {extended[:80]!r}")
        for kind in ("dependencies", "optionalDependencies"):
            for name, written in document.table(table, kind).items():
                yield read_dependency(name, str(written), _place(document, name), Scope.OVERRIDE)
    for name, written in document.table(content, "configDependencies").items():
        if isinstance(written, str):  # else a table, whose text follows the same form
            yield read_dependency(name, written.partition("+")[0], _place(document, name), Scope.BUILD)


def _place(document: Document, name: str) -> Place:
    return document.place(name.line if isinstance(name, Scalar) else document.line_of(name))


def range_in_catalog(document: Document, name: str, written: str) -> str | None:
    """Return the range that ``catalog:`` or ``catalog:group`` means for a name, None if no catalog has it."""
    group = written.removeprefix(PREFIX).strip() or _DEFAULT
    for content in _workspaces(document):
        catalogs = content.get("catalogs")
        named = catalogs.get(group) if isinstance(catalogs, dict) else None
        for catalog in (named, content.get("catalog") if group == _DEFAULT else None):
            found = catalog.get(name) if isinstance(catalog, dict) else None
            if isinstance(found, str):
                return str(found)
    return None


def _workspaces(document: Document) -> Iterator[Mapping[str, object]]:
    """Yield what may hold catalogs, from the folder of the package upwards."""
    folder = document.folder
    while True:
        for name in (FORMAT, "package.json"):
            data = document.files.get(f"{folder}/{name}" if folder else name)
            if data is not None:
                yield from _tables(name, data)
        if not folder:
            return
        folder = folder.rpartition("/")[0]


def _tables(name: str, data: bytes) -> Iterator[Mapping[str, object]]:
    try:
        text = text_of(data)
        values = read_yaml(text)[:1] if name == FORMAT else [read_json(text)]
    except UnreadableError:  # reported where that file is read
        return
    for value in values:
        if isinstance(value, dict):
            yield value
            workspaces = value.get("workspaces")
            if isinstance(workspaces, dict):
                yield workspaces
