"""The programs that a run starts: found once on a fixed path, never in the skill's words."""

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from haldir_enforcer.policy import Program
from haldir_sandbox._detect.words import programs_in
from haldir_sandbox.entrypoints import INTERPRETERS, EntryPoint, runner_of
from haldir_sandbox.environment import PATH
from haldir_sandbox.places import Places
from haldir_sandbox.samples import Samples

_SAME = {"python": "python3", "nodejs": "node", "dash": "sh"}
_KNOWN_RUNNERS = frozenset({"python3", "node", "sh", "bash"})


@frozen
class Start:
    """A program ready to be launched: absolute ``argv[0]`` and folder."""

    argv: tuple[str, ...]
    folder: Path


@frozen
class Unstartable:
    """Why an entry point cannot be started."""

    reason: str


def find_runners(names: Sequence[str] = tuple(sorted(_KNOWN_RUNNERS))) -> Mapping[str, str]:
    """Return the absolute paths of the interpreters that this machine has."""
    found = {name: shutil.which(name, path=PATH) for name in names}
    return {name: os.path.realpath(path) for name, path in found.items() if path is not None}


def resolve(
    entry: EntryPoint, extra: tuple[str, ...], places: Places, runners: Mapping[str, str], samples: Samples
) -> Start | Unstartable:
    """Return how ``entry`` is started with ``extra`` arguments."""
    folder = _inside(places.skill, entry.folder)
    if folder is None or not folder.is_dir():
        return Unstartable(f"it runs in {entry.folder}, which is no folder of the skill")
    if entry.is_line:
        return _with("sh", ("-c", entry.argv[0]), folder, runners)
    return _words(entry, extra, folder, _World(places, runners, samples))


@frozen
class _World:
    places: Places
    runners: Mapping[str, str]
    samples: Samples


def _words(entry: EntryPoint, extra: tuple[str, ...], folder: Path, world: _World) -> Start | Unstartable:
    places, runners = world.places, world.runners
    name = entry.argv[0].rpartition("/")[2]
    name = _SAME.get(name, name)
    rest = tuple(_argument(word, folder, world.samples) for word in entry.argv[1:]) + extra
    if name in _KNOWN_RUNNERS and entry.argv[0].rpartition("/")[0] in {"", *PATH.split(":")}:
        return _with(name, rest, folder, runners)
    if entry.file is not None and entry.argv[0].rpartition("/")[2] == entry.file.rpartition("/")[2]:
        return _script(places.skill / entry.file, rest, folder, runners)
    return found(entry.argv[0], rest, folder)


def found(word: str, rest: tuple[str, ...], folder: Path) -> Start | Unstartable:
    """Return the start of a program of this machine, by its name alone."""
    program = None if "/" in word else shutil.which(word, path=PATH)
    if program is None:
        return Unstartable(f"{word} is neither a file of the skill nor a program of this machine")
    return Start((program, *rest), folder)


def named_in(entry: EntryPoint) -> tuple[str, ...]:
    """Return the programs of the machine that an entry point itself names, without what runs a file of the skill."""
    if entry.is_line:
        return tuple(name for name in programs_in(entry.argv[0]) if shutil.which(name, path=PATH) is not None)
    name = entry.argv[0]
    return () if entry.file is not None or "/" in name or name in INTERPRETERS else (name,)


def grants(names: tuple[str, ...], source: str) -> tuple[Program, ...]:
    """Return the programs ``names`` as they are on this machine, for a policy."""
    found_at = {name: shutil.which(name, path=PATH) for name in names}
    return tuple(_grant(name, Path(os.path.realpath(path)), source) for name, path in found_at.items() if path)


def _grant(name: str, path: Path, source: str) -> Program:
    with path.open("rb") as file:
        return Program(name=name, path=path, digest=hashlib.file_digest(file, "sha256").hexdigest(), source=source)


def _script(path: Path, rest: tuple[str, ...], folder: Path, runners: Mapping[str, str]) -> Start | Unstartable:
    with path.open("rb") as stream:
        beginning = stream.read(4096)
    runner = runner_of(path.name, beginning.decode("utf-8", "replace"))
    if runner is None:
        return Unstartable(f"{path.name} is for no interpreter that is known here")
    return _with(runner, (str(path), *rest), folder, runners)


def _with(name: str, rest: tuple[str, ...], folder: Path, runners: Mapping[str, str]) -> Start | Unstartable:
    if name not in runners:
        return Unstartable(f"this machine has no interpreter {name}")
    return Start((runners[name], *rest), folder)


def _argument(word: str, folder: Path, samples: Samples) -> str:
    """Return ``word``, or a sample in its place if it looks like a file that the skill does not have."""
    if word.startswith("-") or (folder / word).exists() or len(word) > 200:
        return word
    stem, dot, suffix = word.rpartition(".")
    looks_like_file = bool(dot) and bool(stem) and 1 <= len(suffix) <= 5 and suffix.isalnum() and not suffix.isdigit()
    placeholder = word.isupper() or "/" in word or word.lower() in {"file", "path", "input", "input-file", "output"}
    if word.startswith(("http://", "https://")) or not (looks_like_file or placeholder):
        return word
    return samples.value(word)


def _inside(root: Path, folder: str) -> Path | None:
    path = Path(os.path.normpath(root / folder))
    return path if path == root or path.is_relative_to(root) else None
