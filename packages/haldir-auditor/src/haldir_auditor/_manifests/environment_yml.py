"""environment.yml: what conda reads."""

import re
from collections.abc import Iterator

from attrs import evolve

from haldir_auditor._document import Document
from haldir_auditor._manifests.requirements import read_requirement_lines
from haldir_auditor._syntax.yamls import Scalar, read_yaml
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Scope, Supply

FORMAT = "environment.yml"

_SPEC = re.compile(r"(?:(?P<channel>[^\s:]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<range>.*)", re.DOTALL)
_EXACT = re.compile(r"(?:==|=)(?P<version>[\w.!+]+)=[\w.*]+|==(?P<only>[\w.!+]+)|=(?P<full>\d+\.\d+\.\d+[\w.]*)")
# name=1.0 fits 1.0.5 too; three numbers, as conda env export writes them, are one version of nearly everything


def read_environment(document: Document) -> Supply:
    """Return what a conda environment has.  Raises: UnreadableError if it is not YAML."""
    documents = read_yaml(document.text)
    content = documents[0] if documents else None
    if not isinstance(content, dict) or "dependencies" not in content:
        return Supply()  # some other kind of environment
    pip = Manifest(document.path, FORMAT, Ecosystem.PYPI)
    dependencies: list[Dependency] = []
    for entry in document.rows(content, "dependencies"):
        if isinstance(entry, str):
            dependencies.extend(_conda(document, entry))
        else:
            rows = document.rows(document.as_table(entry, "an entry of 'dependencies'"), "pip")
            lines = [(_line(row), row) for row in rows if isinstance(row, str)]
            pip = read_requirement_lines(document, lines, Scope.RUN, pip)
    channels = tuple(document.texts(content, "channels"))
    manifest = evolve(
        pip,
        ecosystem=Ecosystem.CONDA,
        dependencies=(*dependencies, *pip.dependencies),
        indexes=channels + pip.indexes,
        main_index_replaced=bool(channels),
        package_name=document.words(content, "name"),
    )
    return Supply(manifests=(manifest,))


def _line(value: object) -> int:
    return value.line if isinstance(value, Scalar) else 0


def _conda(document: Document, entry: str) -> Iterator[Dependency]:
    found = _SPEC.fullmatch(entry.strip())
    if not found:
        document.problem(f"{entry[:80]!r} is no package of conda", line=_line(entry))
        return
    written = found["range"].strip()
    exact = _EXACT.fullmatch(written)
    yield Dependency(
        Ecosystem.CONDA,
        found["name"].lower(),
        written,
        document.place(_line(entry)),
        version=(exact["version"] or exact["only"] or exact["full"]) if exact else None,
        index=found["channel"],
    )
