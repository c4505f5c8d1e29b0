"""What package.json and pyproject.toml declare as programs."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import PurePosixPath

from haldir_sandbox._detect import words
from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import EntryKind, EntryPoint, runner_of

MAX_MANIFESTS = 8
MAX_SCRIPTS = 24
JsonMap = dict[str, object]


def find(contents: Contents) -> Iterator[EntryPoint]:
    """Yield scripts, programs and main files of every package in the skill."""
    for path in manifests(contents, "package.json"):
        yield from _node(path, json_map(contents.text(path)), contents)
    for path in manifests(contents, "pyproject.toml"):
        yield from _python(path, contents)


def manifests(contents: Contents, name: str) -> list[str]:
    """Return the files called ``name`` outside ``node_modules``, the outermost first."""
    paths = [path for path in contents.files if PurePosixPath(path).name == name and "node_modules" not in path]
    return sorted(paths, key=lambda path: (path.count("/"), path))[:MAX_MANIFESTS]


def json_map(text: str) -> JsonMap:
    """Return the JSON object in ``text``, or an empty one: a broken manifest declares nothing."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _node(path: str, package: JsonMap, contents: Contents) -> Iterator[EntryPoint]:
    folder = str(PurePosixPath(path).parent)
    scripts = package.get("scripts")
    for _name, line in list(_texts(scripts))[:MAX_SCRIPTS]:
        for command in words.simple_commands(line) if not words.needs_shell(line) else ():
            inside = words.Command(command.words, words.joined(folder, command.folder))
            yield EntryPoint(
                kind=EntryKind.PACKAGE_SCRIPT,
                argv=inside.words,
                source=path,
                file=words.file_of(inside, contents),
                folder=inside.folder,
            )
        if words.needs_shell(line):
            yield EntryPoint(kind=EntryKind.PACKAGE_SCRIPT, argv=(line,), source=path, is_line=True, folder=folder)
    programs = package.get("bin")
    mains = [programs] if isinstance(programs, str) else [line for _, line in list(_texts(programs))[:MAX_SCRIPTS]]
    for target in [*mains, package.get("main"), package.get("module")]:
        file = words.joined(folder, target) if isinstance(target, str) else ""
        for known in (file, f"{file}.js", f"{file}/index.js"):
            if known in contents.files:
                runner = runner_of(known, contents.text(known)) or "node"
                yield EntryPoint(kind=EntryKind.MAIN, argv=(runner, known), source=path, file=known)
                break


def _python(path: str, contents: Contents) -> Iterator[EntryPoint]:
    try:
        project = tomllib.loads(contents.text(path)).get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    folder = PurePosixPath(path).parent
    scripts = project.get("scripts") if isinstance(project, dict) else None
    for _name, target in list(_texts(scripts))[:MAX_SCRIPTS]:
        module, _, function = target.partition(":")
        for base in (folder, folder / "src"):
            stem = words.joined(str(base), module.strip().replace(".", "/"))
            file = next((known for known in (f"{stem}.py", f"{stem}/__init__.py") if known in contents.files), None)
            if file and _is_dotted(module.strip()) and _is_dotted(function.strip() or "main"):
                yield EntryPoint(
                    kind=EntryKind.MAIN,
                    argv=("python3", "-c", _call(module.strip(), function.strip() or "main")),
                    source=path,
                    file=file,
                    folder=str(base),
                )


def _call(module: str, function: str) -> str:
    first = function.split(".", 1)[0]
    return f"import sys; from {module} import {first}; sys.exit({function}())"


def _is_dotted(name: str) -> bool:
    return len(name) < 200 and all(part.isidentifier() for part in name.split("."))


def _texts(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((name, text) for name, text in value.items() if isinstance(name, str) and isinstance(text, str))
