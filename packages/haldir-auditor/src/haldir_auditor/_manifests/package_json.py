"""package.json: what npm, pnpm, yarn and bun read."""

from collections.abc import Iterator, Mapping

from haldir_auditor._document import Document
from haldir_auditor._manifests.catalogs import PREFIX, added_by_pnpm, range_in_catalog
from haldir_auditor._npm_requirement import read_dependency
from haldir_auditor.supply import Dependency, Ecosystem, Hook, Manifest, Scope, Supply

# The later entry wins where npm lets it: an optional dependency is not also a dependency.
_KINDS = (
    ("dependencies", Scope.RUN),
    ("devDependencies", Scope.DEVELOPMENT),
    ("optionalDependencies", Scope.OPTIONAL),
    ("peerDependencies", Scope.PEER),
)

# Run by an installation of the package, or of the folder itself.
# Source: npm, "scripts", life cycle operation order; pnpm runs its own hook before all.
_HOOKS = (
    "preinstall",
    "install",
    "postinstall",
    "prepublish",
    "preprepare",
    "prepare",
    "postprepare",
    "prepack",
    "preuninstall",
    "uninstall",
    "postuninstall",
    "dependencies",
    "pnpm:devPreinstall",
)
_MAX_DEPTH = 20  # of overrides below overrides


def read_package_json(document: Document) -> Supply:
    """Return what a package.json declares.  Raises: UnreadableError if it is not JSON."""
    content = document.json()
    manifest = Manifest(
        document.path,
        "package.json",
        Ecosystem.NPM,
        dependencies=tuple(_dependencies(document, content)),
        hooks=tuple(_hooks(document, content)),
        package_name=document.words(content, "name"),
    )
    return Supply(manifests=(manifest,))


def read_installed_package_json(document: Document) -> Supply:
    """Return what a package.json below node_modules says of the package that is there.

    Its hooks run with those of the skill; what it needs was decided by whoever filled the folder, so that only the
    package itself counts, as bundled.  Raises: UnreadableError if it is not JSON.
    """
    content = document.json()
    name, version = document.words(content, "name"), document.words(content, "version")
    package: tuple[Dependency, ...] = ()
    if name and version:
        place = document.place(document.line_of("name"))
        package = (Dependency(Ecosystem.NPM, name, version, place, Scope.BUNDLED, version=version),)
    hooks = tuple(_hooks(document, content))
    if not package and not hooks:  # e.g. {"type": "module"} in a folder of a package
        return Supply()
    return Supply(
        manifests=(Manifest(document.path, "node_modules", Ecosystem.NPM, package, hooks, package_name=name),)
    )


def _dependencies(document: Document, content: Mapping[str, object]) -> Iterator[Dependency]:
    for section, scope in _KINDS:
        start = document.line_of(section)
        for name, written in document.table(content, section).items():
            place = document.place(document.line_of(name, after=start))
            specifier = _specifier(document, name, written)
            if specifier.startswith(PREFIX):
                specifier = _in_catalog(document, name, specifier, place.line)
            yield read_dependency(name, specifier, place, scope)
    yield from _bundled(document, content)
    yield from _overrides(document, document.table(content, "overrides"), document.line_of("overrides"))
    yield from _resolutions(document, document.table(content, "resolutions"), document.line_of("resolutions"))
    pnpm = document.table(content, "pnpm")
    yield from _resolutions(document, document.table(pnpm, "overrides"), document.line_of("pnpm"))
    yield from added_by_pnpm(document, pnpm)
    manager = content.get("packageManager")  # corepack fetches it, also from a URL
    if isinstance(manager, str) and "://" in manager:
        name, _, url = manager.partition("@")
        yield read_dependency(name, url, document.place(document.line_of("packageManager")), Scope.BUILD)


def _in_catalog(document: Document, name: str, written: str, line: int) -> str:
    found = range_in_catalog(document, name, written)
    if found is None:
        document.problem(f"no catalog says what {written!r} is for {name[:80]!r}", line=line, kind="missing-include")
    return found or ""


def _bundled(document: Document, content: Mapping[str, object]) -> Iterator[Dependency]:
    """Yield what is shipped inside the package: a list of names, or true for all dependencies."""
    for key in ("bundleDependencies", "bundledDependencies"):
        if isinstance(content.get(key), bool):
            continue
        for name in document.texts(content, key):
            place = document.place(document.line_of(name, after=document.line_of(key)))
            yield Dependency(Ecosystem.NPM, name, "", place, Scope.BUNDLED)


def _specifier(document: Document, name: str, written: object) -> str:
    if isinstance(written, str):
        return written
    document.problem(f"the version of {name!r} is no string", line=document.line_of(name))
    return str(written) if isinstance(written, (int, float)) else ""


def _overrides(document: Document, table: Mapping[str, object], start: int, depth: int = 0) -> Iterator[Dependency]:
    """Yield the overrides of npm: a table in a table says for which package they hold, "." is the package itself."""
    for key, written in table.items():
        line = document.line_of(key, after=start)
        if isinstance(written, dict):
            if depth >= _MAX_DEPTH:
                document.problem("overrides are nested too deeply", line=line)
                return
            own = written.get(".")
            if isinstance(own, str):
                yield from _override(document, key, own, line)
            below = {name: value for name, value in written.items() if name != "."}
            yield from _overrides(document, below, line, depth + 1)
        else:
            yield from _override(document, key, _specifier(document, key, written), line)


def _resolutions(document: Document, table: Mapping[str, object], start: int) -> Iterator[Dependency]:
    """Yield the overrides of yarn and pnpm: the last part of ``a/**/b`` or ``a>b`` is the package."""
    for key, written in table.items():
        line = document.line_of(key, after=start)
        name = key.rpartition(">")[2] if ">" in key[1:] and not key.endswith(">") else key
        parts = name.split("/")
        last = "/".join(parts[-2:]) if len(parts) > 1 and parts[-2].startswith("@") else parts[-1]
        yield from _override(document, last, _specifier(document, key, written), line)


def _override(document: Document, key: str, written: str, line: int) -> Iterator[Dependency]:
    if written.startswith("$"):  # the version of a direct dependency, which is declared there
        return
    at = key.find("@", 1)
    yield read_dependency(key[:at] if at > 0 else key, written, document.place(line), Scope.OVERRIDE)


def _hooks(document: Document, content: Mapping[str, object]) -> Iterator[Hook]:
    scripts = document.table(content, "scripts")
    start = document.line_of("scripts")
    for event in _HOOKS:
        if event in scripts:
            command = scripts[event]
            place = document.place(document.line_of(event, after=start))
            yield Hook(event, command if isinstance(command, str) else repr(command)[:500], place)
    compiled = document.sibling("binding.gyp") in document.files
    if compiled and content.get("gypfile") is not False and not {"install", "preinstall"} & scripts.keys():
        # npm runs this by itself.  Source: npm, "scripts", npm install and binding.gyp.
        yield Hook("install", "node-gyp rebuild", document.place())
