"""What a skill needs, and how it is installed from what is given."""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from haldir_sandbox import dependencies
from haldir_sandbox.contents import Contents
from haldir_sandbox.dependencies import Needs, Supply, Target


def needed(files: Mapping[str, str]) -> Needs:
    return dependencies.needs(Contents.of({path: text.encode() for path, text in files.items()}))


def target(folder: Path, interpreter: str | None = None) -> Target:
    return Target(python=folder / "python", node_modules=folder / "node_modules", interpreter=interpreter)


def make_wheel(folder: Path, name: str, text: str) -> None:
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data.encode()).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in files.items()
    )
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, data in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(path, data)


def make_tarball(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    with tarfile.open(folder / f"{name.replace('/', '-')}-1.0.0.tgz", "w:gz") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def test_requirements_are_read_from_every_place() -> None:
    files = {
        "requirements.txt": "requests>=2  # http\n\nPyYAML ; python_version > '3'\n",
        "pyproject.toml": '[project]\ndependencies = ["attrs==23.1"]\n',
        "run.py": '# /// script\n# dependencies = ["rich[extra]"]\n# ///\n',
        "package.json": json.dumps({"dependencies": {"left-pad": "1", "@scope/name": "^2"}}),
    }
    assert needed(files) == Needs(
        python=("requests>=2", "PyYAML", "rich[extra]", "attrs==23.1"), node=("left-pad", "@scope/name")
    )


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "--index-url=http://a.example",
        "git+https://a.example/x",
        "./folder",
        "name @ http://a.example/x",
        "a b",
    ],
)
def test_what_is_no_plain_name_is_never_given_to_an_installer(line: str) -> None:
    assert needed({"requirements.txt": line}) == Needs(python=(), node=(), unclear=(line,))


def test_hostile_package_names_are_unclear() -> None:
    files = {"package.json": json.dumps({"dependencies": {"../../x": "1", "--flag": "1", "A": "1"}})}
    assert needed(files).node == ()


@pytest.mark.parametrize("text", ["[" * 50_000, '{"dependencies": 3}', "project = 1", "[project]\ndependencies = 3"])
def test_broken_manifests_need_nothing(text: str) -> None:
    assert needed({"package.json": text, "pyproject.toml": text}) == Needs(python=(), node=())


def test_wheels_are_installed_from_a_folder_and_from_nowhere_else(tmp_path: Path) -> None:
    python = shutil.which("python3")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels, "given_package", "VALUE = 7\n")
    wanted = Needs(python=("given_package==1.0",), node=())
    done = dependencies.install(wanted, Supply(wheels=wheels), target(tmp_path / "there", python), 60)
    assert done.missing == ()
    assert done.python
    assert (tmp_path / "there/python/given_package.py").read_text() == "VALUE = 7\n"
    other = Needs(python=("not_given_package",), node=())
    assert dependencies.install(other, Supply(wheels=wheels), target(tmp_path / "no", python), 60).missing == (
        "not_given_package",
    )
    assert (
        dependencies.install(wanted, dependencies.NOTHING, target(tmp_path / "no", python), 60).missing == wanted.python
    )


def test_node_packages_are_unpacked_with_what_they_need(tmp_path: Path) -> None:
    first = {"package/package.json": b'{"name": "first", "dependencies": {"@s/second": "1"}}', "package/index.js": b"1"}
    make_tarball(tmp_path, "first", first)
    make_tarball(tmp_path, "@s/second", {"package/package.json": b'{"name": "@s/second"}', "package/index.js": b"2"})
    wanted = Needs(python=(), node=("first", "third"))
    done = dependencies.install(wanted, Supply(tarballs=tmp_path), target(tmp_path / "there"), 60)
    assert done.missing == ("third",)
    modules = tmp_path / "there/node_modules"
    assert (modules / "@s/second/index.js").read_bytes() == b"2"
    node = ["node", "-e", "require('first')"]
    subprocess.run(node, env={"NODE_PATH": str(modules), "PATH": "/usr/local/bin:/usr/bin:/bin"}, check=True)


def test_a_tarball_cannot_write_elsewhere(tmp_path: Path) -> None:
    files = {"package/package.json": b'{"name": "bad"}', "package/../../../out": b"x", "/package/abs": b"x"}
    make_tarball(tmp_path, "bad", files)
    dependencies.install(Needs(python=(), node=("bad",)), Supply(tarballs=tmp_path), target(tmp_path / "a/b/c"), 60)
    assert not [*tmp_path.rglob("out"), *tmp_path.rglob("abs")]


def test_a_tarball_that_unpacks_to_too_much_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "MAX_UNPACKED_BYTES", 10)
    make_tarball(tmp_path, "big", {"package/package.json": b'{"name": "big"}', "package/x": b"x" * 100})
    done = dependencies.install(Needs(python=(), node=("big",)), Supply(tarballs=tmp_path), target(tmp_path / "t"), 60)
    assert done.missing == ("big",)
