"""Images that YAML has started (Compose, Kubernetes, workflows), and the actions that workflows use."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs.interpret import read_image
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.yamls import Scalar, read_yaml
from haldir_auditor.supply import ACTION, Dependency, Ecosystem, Scope

_MAX_TABLES = 5_000
_STARTS_IMAGES = re.compile(r"(?:^|[{,\s\"'])(?:services|containers|initContainers|container|jobs|runs)[\"']?\s*:")
_WORKFLOW = re.compile(r"(?:.*/)?\.github/(?:workflows/[^/]+|actions/.+/action|action)\.ya?ml", re.IGNORECASE)
_ACTION = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?P<path>(?:/[\w./-]+)?)@(?P<ref>\S+)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_LINE = re.compile(r"^[ \t-]*(?P<key>image|uses|container)[ \t]*:[ \t]*[\"']?(?P<value>[^\s\"'#]+)", re.MULTILINE)
_DOCKER = "docker://"


def services_in(document: Document) -> Iterator[Dependency]:
    """Yield every image that is started, and in workflows every action that is used."""
    is_workflow = bool(_WORKFLOW.fullmatch(document.path))
    if not is_workflow and not _STARTS_IMAGES.search(document.text):
        return
    for key, value, line in _entries(document):
        if key in {"image", "container"}:
            yield from _image(document, value, line)
        elif is_workflow:
            yield from _used(document, value, line)


def _entries(document: Document) -> Iterator[tuple[str, str, int]]:
    """Yield key, value and line, in text that is read line by line where it is YAML with aliases, or none."""
    try:
        waiting: list[object] = list(read_yaml(document.text))
    except UnreadableError:
        for found in _LINE.finditer(document.text):
            yield found["key"], found["value"], document.line_at(found.start("key"))
        return
    for _ in range(_MAX_TABLES):
        if not waiting:
            return
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
            yield from _of_table(value)
        elif isinstance(value, list):
            waiting.extend(value)
    document.problem(f"more than {_MAX_TABLES} values: the rest is not searched for images", kind="too-large")


def _of_table(table: dict[str, object]) -> Iterator[tuple[str, str, int]]:
    for key in ("image", "container", "uses"):
        value = table.get(key)
        if isinstance(value, Scalar) and not (key == "image" and "build" in table):  # the name of what is built here
            yield key, str(value), value.line


def _image(document: Document, value: str, line: int) -> Iterator[Dependency]:
    if "$" in value or "{{" in value:
        document.problem(f"the image {value[:80]!r} is known only when it is started", line=line, kind="opaque")
    elif "Dockerfile" not in value and (found := read_image(value, document.place(line), Scope.INSTALLED)):
        yield found


def _used(document: Document, value: str, line: int) -> Iterator[Dependency]:
    if value.startswith(_DOCKER):
        yield from _image(document, value.removeprefix(_DOCKER), line)
    elif found := _ACTION.fullmatch(value):
        commit = found["ref"] if _COMMIT.fullmatch(found["ref"]) else None
        name, place = found["name"] + found["path"], document.place(line)
        yield Dependency(Ecosystem.SYSTEM, name, found["ref"], place, Scope.INSTALLED, version=commit, manager=ACTION)
