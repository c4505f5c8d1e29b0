"""The packages that a skill needs, installed for its runs from what the operator gives, and from nowhere else."""

import contextlib
import json
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from attrs import frozen

from haldir_sandbox._detect.packages import json_map, manifests
from haldir_sandbox.contents import Contents

MAX_REQUIREMENTS = 100
MAX_UNPACKED_BYTES = 200_000_000
MAX_UNPACKED_FILES = 20_000
_PYTHON = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]{0,100})\s*(\[[A-Za-z0-9,._ -]{0,200}\])?\s*([<>=!~][<>=!~0-9A-Za-z.*+, -]{0,200})?"
)
_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"
_NODE = re.compile(r"(@[a-z0-9][a-z0-9._~-]{0,100}/)?[a-z0-9][a-z0-9._~-]{0,100}")
_SCRIPT = re.compile(r"^# /// script\s*$(.{0,8000}?)^# ///\s*$", re.MULTILINE | re.DOTALL)


@frozen(kw_only=True)
class Supply:
    """Where packages come from: a folder of wheels or the address of a simple index, and a folder of npm tarballs."""

    wheels: Path | None = None
    index: str | None = None
    tarballs: Path | None = None


NOTHING = Supply()


@frozen(kw_only=True)
class Needs:
    """The packages that a skill names; ``unclear`` are lines that name a place, a file or an option instead."""

    python: tuple[str, ...]
    node: tuple[str, ...]
    unclear: tuple[str, ...] = ()


@frozen(kw_only=True)
class Target:
    """The folders to install into, and the interpreter that Python packages are for."""

    python: Path
    node_modules: Path
    interpreter: str | None


@frozen(kw_only=True)
class Installed:
    """What is there for a run, and what is missing."""

    python: bool = False
    missing: tuple[str, ...] = ()


def needs(contents: Contents) -> Needs:
    """Return what the skill's manifests ask for; nothing is looked up."""
    python: dict[str, None] = {}
    unclear: list[str] = []
    for line in _python_lines(contents):
        plain = line.split("#", 1)[0].split(";", 1)[0].strip()
        if not plain:
            continue
        if _PYTHON.fullmatch(plain):
            python[plain.replace(" ", "")] = None
        else:
            unclear.append(plain[:200])
    node: dict[str, None] = {}
    for path in manifests(contents, "package.json"):
        wanted = json_map(contents.text(path)).get("dependencies")
        for name in wanted if isinstance(wanted, dict) else ():
            if isinstance(name, str) and _NODE.fullmatch(name):
                node[name] = None
            else:
                unclear.append(str(name)[:200])
    return Needs(
        python=tuple(python)[:MAX_REQUIREMENTS],
        node=tuple(node)[:MAX_REQUIREMENTS],
        unclear=tuple(unclear[:MAX_REQUIREMENTS]),
    )


def install(wanted: Needs, supply: Supply, target: Target, seconds: float) -> Installed:
    """Return what could be installed within ``seconds``.

    No code of a package runs here: Python packages are wheels, and scripts of npm packages are not started.
    """
    missing = list(wanted.unclear)
    python = bool(wanted.python) and _pip(wanted.python, supply, target, seconds)
    if not python:
        missing += wanted.python
    if supply.tarballs is not None:
        missing += _unpack(wanted.node, supply.tarballs, target.node_modules)
    else:
        missing += wanted.node
    return Installed(python=python, missing=tuple(missing))


def _python_lines(contents: Contents) -> Iterator[str]:
    for path in sorted(contents.files):
        name = PurePosixPath(path).name
        if name.startswith("requirements") and name.endswith(".txt") and path.count("/") <= 2:
            yield from contents.text(path).splitlines()[:1000]
        elif path.endswith(".py") and (match := _SCRIPT.search(contents.text(path))):
            yield from _inline(match[1])
    for path in manifests(contents, "pyproject.toml"):
        with contextlib.suppress(tomllib.TOMLDecodeError, RecursionError):
            project = tomllib.loads(contents.text(path)).get("project")
            listed = project.get("dependencies") if isinstance(project, dict) else None
            yield from (item for item in (listed if isinstance(listed, list) else ()) if isinstance(item, str))


def _inline(block: str) -> Iterator[str]:
    """Yield the dependencies of a script that names them itself.  PEP 723."""
    text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in block.splitlines())
    with contextlib.suppress(tomllib.TOMLDecodeError, RecursionError):
        listed = tomllib.loads(text).get("dependencies")
        yield from (item for item in (listed if isinstance(listed, list) else ()) if isinstance(item, str))


def _pip(names: tuple[str, ...], supply: Supply, target: Target, seconds: float) -> bool:
    """Whether pip has put the wheels of ``names`` into the target."""
    pip = _pip_place()
    if pip is None or target.interpreter is None or seconds <= 0 or not (supply.wheels or supply.index):
        return False
    source = ["--index-url", supply.index] if supply.index else ["--no-index"]
    found = ["--find-links", str(supply.wheels.resolve())] if supply.wheels else []
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--isolated", "--no-cache-dir", "--no-compile"]
    environment = {"PATH": "/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null", "HOME": str(target.python.parent)}
    try:
        version = _output([target.interpreter, "-I", "-c", _VERSION], environment, seconds).decode("ascii").strip()
        wanted = [
            "--only-binary",
            ":all:",
            "--python-version",
            version,
            *source,
            *found,
            "--target",
            str(target.python),
        ]
        command = [sys.executable, "-m", "pip", "install", *options, *wanted, "--", *names]
        _output(command, {**environment, "PYTHONPATH": pip}, seconds)
    except (subprocess.SubprocessError, OSError, UnicodeDecodeError):
        return False
    return True


def _output(command: list[str], environment: dict[str, str], seconds: float) -> bytes:
    """Return what a program of ours says.  Raises: SubprocessError if it fails or takes too long."""
    return subprocess.run(  # noqa: S603 - our interpreter or the machine's; names of packages have the form of names
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=seconds,
        check=True,
        cwd="/",
        env=environment,
    ).stdout


def _pip_place() -> str | None:
    """Return the folder or wheel with pip: an installed one, or the one that Python brings for new environments."""
    spec = find_spec("pip")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent.parent)
    ensure = find_spec("ensurepip")
    bundled = Path(ensure.origin).parent / "_bundled" if ensure is not None and ensure.origin is not None else None
    wheels = sorted(bundled.glob("pip-*.whl")) if bundled is not None else []
    return str(wheels[-1]) if wheels else None


def _unpack(names: tuple[str, ...], tarballs: Path, modules: Path) -> list[str]:
    """Unpack ``names`` and what they need into ``modules``; return the names for which there is no tarball."""
    known = _catalogue(tarballs)
    waiting, done, lacking = list(names), set[str](), list[str]()
    left = [MAX_UNPACKED_BYTES, MAX_UNPACKED_FILES]
    while waiting:
        name = waiting.pop(0)
        if name in done:
            continue
        done.add(name)
        if name not in known:
            lacking.append(name)
            continue
        file, wanted = known[name]
        try:
            _extract(file, modules / name, left)
        except (OSError, tarfile.TarError, ValueError):
            lacking.append(name)
            continue
        waiting += [other for other in wanted if _NODE.fullmatch(other)]
    return lacking


def _catalogue(tarballs: Path) -> Mapping[str, tuple[Path, tuple[str, ...]]]:
    """Return file and dependencies of every package in the folder by its name; the last file of a name counts."""
    found: dict[str, tuple[Path, tuple[str, ...]]] = {}
    for file in sorted(tarballs.glob("*.tgz")):
        with contextlib.suppress(OSError, tarfile.TarError, ValueError, KeyError), tarfile.open(file) as archive:
            member = archive.extractfile("package/package.json")
            package = json.loads(member.read(1_000_000)) if member is not None else {}
            wanted = package.get("dependencies", {})
            if _NODE.fullmatch(package["name"]):
                found[package["name"]] = (file, tuple(wanted) if isinstance(wanted, dict) else ())
    return found


def _extract(file: Path, target: Path, left: list[int]) -> None:
    """The regular files of an npm tarball are below ``target``.  Raises: ValueError beyond the limits."""
    with tarfile.open(file) as archive:
        for member in archive:
            parts = PurePosixPath(member.name).parts
            if not member.isfile() or len(parts) < 2 or ".." in parts or member.name.startswith("/"):
                continue
            left[0] -= member.size
            left[1] -= 1
            if min(left) < 0:
                raise ValueError(f"{file} unpacks to too much")
            place = target.joinpath(*parts[1:])  # the first part is "package"
            place.parent.mkdir(parents=True, exist_ok=True)
            stream = archive.extractfile(member)
            if stream is not None:
                place.write_bytes(stream.read())
