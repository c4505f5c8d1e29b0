"""pyproject.toml: PEP 621, PEP 735, build-system, and the tables of poetry, pdm and uv."""

from collections.abc import Iterator, Mapping

from attrs import evolve

from haldir_auditor._document import Document
from haldir_auditor._manifests.poetry import read_poetry
from haldir_auditor._manifests.requirement_entries import read_entries
from haldir_auditor._manifests.uv_settings import indexes_of, sourced
from haldir_auditor.supply import Dependency, Ecosystem, Hook, Manifest, Place, Scope, Supply

FORMAT = "pyproject.toml"

# Tables of build backends in which a project names code of its own that runs when it is built.
_BUILD_CODE = (
    ("hatch", "build", "hooks", "custom"),
    ("hatch", "metadata", "hooks", "custom"),
    ("poetry", "build"),
    ("pdm", "build", "run-setuptools"),
    ("setuptools", "cmdclass"),
)


def read_pyproject(document: Document) -> Supply:
    """Return what a pyproject.toml declares.  Raises: UnreadableError if it is not TOML."""
    content = document.toml()
    project, tool = document.table(content, "project"), document.table(content, "tool")
    uv = document.table(tool, "uv")
    dependencies = [
        *_project(document, project),
        *_build(document, document.table(content, "build-system")),
        *_groups(document, document.table(content, "dependency-groups")),
        *read_poetry(document, document.table(tool, "poetry")),
        *_pdm(document, document.table(tool, "pdm")),
        *_uv(document, uv),
    ]
    if "pixi" in tool:
        document.problem("tool.pixi is not read: what it asks for is not known", kind="opaque")
    main, others = _indexes(document, tool, uv)
    name = document.words(project, "name") or document.words(document.table(tool, "poetry"), "name")
    manifest = Manifest(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        tuple(sourced(document, dependencies, uv)),
        hooks=tuple(_hooks(document, content, tool)),
        indexes=tuple(main[:1] + [index for index in main[1:] + others if index not in main[:1]]),
        main_index_replaced=bool(main),
        dynamic=_dynamic(document, project, tool),
        exclude_newer=_exclude_newer(uv),
        package_name=name,
    )
    return Supply(manifests=(manifest,))


def _project(document: Document, project: Mapping[str, object]) -> Iterator[Dependency]:
    yield from read_entries(document, project.get("dependencies", []), "project.dependencies", Scope.RUN)
    for extra, written in document.table(project, "optional-dependencies").items():
        yield from read_entries(document, written, f"the extra {extra[:60]!r}", Scope.OPTIONAL)


def _build(document: Document, build: Mapping[str, object]) -> Iterator[Dependency]:
    return read_entries(document, build.get("requires", []), "build-system.requires", Scope.BUILD)


def _groups(document: Document, groups: Mapping[str, object]) -> Iterator[Dependency]:
    for name, written in groups.items():
        entries = written
        if isinstance(written, list):  # a table is the inclusion of another group, which is read by itself
            entries = [entry for entry in written if not (isinstance(entry, dict) and "include-group" in entry)]
        yield from read_entries(document, entries, f"the group {name[:60]!r}", Scope.DEVELOPMENT)


def _pdm(document: Document, pdm: Mapping[str, object]) -> Iterator[Dependency]:
    for name, written in document.table(pdm, "dev-dependencies").items():
        entries = written
        if isinstance(written, list):
            entries = [entry.removeprefix("-e ").strip() if isinstance(entry, str) else entry for entry in written]
        yield from read_entries(document, entries, f"the group {name[:60]!r}", Scope.DEVELOPMENT)
    overrides = document.table(document.table(pdm, "resolution"), "overrides")
    for name, version in overrides.items():
        text = version if isinstance(version, str) else ""
        spelled = text if not text or text[0] in "<>=!~@" or ":" in text else f"=={text}"
        wanted = f"{name} @ {spelled}" if ":" in spelled else f"{name}{spelled}"
        for found in read_entries(document, [wanted], "tool.pdm.resolution.overrides", Scope.OVERRIDE):
            yield evolve(found, place=document.place(document.line_of(name)))


def _uv(document: Document, uv: Mapping[str, object]) -> Iterator[Dependency]:
    for key, scope in (
        ("dev-dependencies", Scope.DEVELOPMENT),
        ("override-dependencies", Scope.OVERRIDE),
        ("constraint-dependencies", Scope.CONSTRAINT),
        ("build-constraint-dependencies", Scope.CONSTRAINT),
    ):
        yield from read_entries(document, uv.get(key, []), f"tool.uv.{key}", scope)


def _indexes(document: Document, tool: Mapping[str, object], uv: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """Return the indexes that replace the main one, and those beside it."""
    main, others = indexes_of(document, uv)
    for source in document.tables(document.table(tool, "poetry"), "source"):
        if url := document.words(source, "url"):
            replaces = source.get("default") is True or source.get("priority") in {"default", "primary", None}
            (main if replaces else others).append(url)
    for source in document.tables(document.table(tool, "pdm"), "source"):
        if url := document.words(source, "url"):
            (main if source.get("name") == "pypi" else others).append(url)
    return main, others


def _exclude_newer(uv: Mapping[str, object]) -> str | None:
    value = uv.get("exclude-newer")
    return None if value is None else str(value)


def _dynamic(document: Document, project: Mapping[str, object], tool: Mapping[str, object]) -> bool:
    """Say whether dependencies come from elsewhere; files that setuptools reads them from are read."""
    fields = set(document.texts(project, "dynamic")) & {"dependencies", "optional-dependencies"}
    if not fields:
        return False
    dynamic = document.table(document.table(tool, "setuptools"), "dynamic")
    groups = [dynamic.get("dependencies"), *document.table(dynamic, "optional-dependencies").values()]
    files = [name for group in groups if isinstance(group, dict) for name in _file_names(group)]
    for name in files:
        document.include(name, Scope.RUN, document.line_of(name))
    return not files


def _file_names(group: Mapping[str, object]) -> list[str]:
    names = group.get("file")
    if isinstance(names, str):
        return [names]
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _hooks(document: Document, content: Mapping[str, object], tool: Mapping[str, object]) -> Iterator[Hook]:
    build = document.table(content, "build-system")
    if build.get("backend-path"):
        place = _place(document, "backend-path")
        yield Hook("build-backend", str(build.get("build-backend", ""))[:500], place)
    for keys in _BUILD_CODE:
        value: object = tool
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            yield Hook("build", f"tool.{'.'.join(keys)} = {value!r}"[:500], _place(document, f"tool.{'.'.join(keys)}"))


def _place(document: Document, words: str) -> Place:
    line = document.line_of(words)
    if not line:
        at = document.text.find(f"[{words}")
        line = document.text.count("\n", 0, at) + 1 if at >= 0 else 0
    return document.place(line)
