import json
from collections.abc import Callable

import pytest

from haldir_auditor.supply import Lock, Locked, Origin, Supply

Read = Callable[[dict[str, str | bytes]], Supply]


def _by_name(lock: Lock) -> dict[str, Locked]:
    return {package.name: package for package in lock.packages}


def test_sources_of_npm_1_are_told_apart(lock: Callable[..., Lock]) -> None:
    table = {
        "a": {"version": "git+https://h.example/u/a.git#abc", "from": "git+https://h.example/u/a.git"},
        "b": {"version": "https://h.example/b.tgz", "integrity": "sha512-x"},
        "c": {"version": "file:../c"},
        "d": {"version": "npm:real@1.0.0", "resolved": "https://r.example/real.tgz", "bundled": True},
    }
    found = _by_name(lock("package-lock.json", json.dumps({"lockfileVersion": 1, "dependencies": table})))

    assert {name: package.origin for name, package in found.items()} == {
        "a": Origin.GIT,
        "b": Origin.URL,
        "c": Origin.FILE,
        "real": Origin.INDEX,
    }
    assert (found["real"].alias, found["real"].version) == ("d", "1.0.0")
    assert found["a"].resolved == "git+https://h.example/u/a.git#abc"


def test_a_lock_of_npm_1_without_its_manifest_begins_with_what_nothing_needs(lock: Callable[..., Lock]) -> None:
    table = {"a": {"version": "1.0.0", "requires": {"b": "1"}}, "b": {"version": "1.0.0"}}
    found = _by_name(lock("package-lock.json", json.dumps({"lockfileVersion": 1, "dependencies": table})))

    assert (found["a"].depth, found["b"].depth) == (1, 2)


@pytest.mark.parametrize("path", ["package-lock.json", "yarn.lock", "poetry.lock"])
def test_a_manifest_that_cannot_be_read_leaves_its_lock_readable(read: Read, path: str) -> None:
    content = {
        "package-lock.json": '{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}}}',
        "yarn.lock": '# yarn lockfile v1\n\na@^1:\n  version "1.0.0"\n',
        "poetry.lock": '[[package]]\nname = "a"\nversion = "1.0.0"\n\n[metadata]\nlock-version = "2.1"\n',
    }
    found = read({path: content[path], "package.json": "{", "pyproject.toml": "["})

    assert found.locks[0].packages[0].depth == 1
    assert {problem.place.path for problem in found.problems} == {"package.json", "pyproject.toml"}


def test_sources_of_yarn_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
# yarn lockfile v1


"a@https://h.example/a.tgz":
  version "1.0.0"
  resolved "https://h.example/a.tgz#0123456789012345678901234567890123456789"

"b@git+https://h.example/b.git":
  version "1.0.0"
  resolved "git+https://h.example/b.git#0123456789012345678901234567890123456789"

"nice@npm:real@^1.0.0":
  version "1.0.1"
  resolved "https://r.example/real/-/real-1.0.1.tgz#0123456789012345678901234567890123456789"
  optionalDependencies:
    gone "^1"
"""
    found = _by_name(lock("yarn.lock", content))

    assert {name: package.origin for name, package in found.items()} == {
        "a": Origin.URL,
        "b": Origin.GIT,
        "real": Origin.INDEX,
    }
    assert found["real"].alias == "nice"
    assert found["a"].hashes == ("sha1:" + "0123456789" * 4,)
    assert found["b"].hashes == ()


def test_sources_of_berry_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
__metadata:
  version: 8

"a@npm:1.0.0::__archiveUrl=https%3A%2F%2Fh.example%2Fa.tgz":
  version: 1.0.0
  resolution: "a@npm:1.0.0::__archiveUrl=https%3A%2F%2Fh.example%2Fa.tgz"

"b@https://h.example/b.git#commit=abc":
  version: 1.0.0
  resolution: "b@https://h.example/b.git#commit=abc"

"c@workspace:packages/c":
  version: 0.0.0-use.local
  resolution: "c@workspace:packages/c"
  dependencies:
    a: 1.0.0

"nice@npm:real@^1":
  version: 1.0.0
  resolution: "real@npm:1.0.0"
"""
    found = _by_name(lock("yarn.lock", content))

    assert {name: package.origin for name, package in found.items()} == {
        "a": Origin.INDEX,
        "b": Origin.GIT,
        "c": Origin.WORKSPACE,
        "real": Origin.INDEX,
    }
    assert found["a"].resolved == "https://h.example/a.tgz"
    assert found["c"].resolved == "packages/c"
    assert found["real"].alias == "nice"


def test_sources_of_bun_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
{
  "lockfileVersion": 1,
  "workspaces": { "": { "dependencies": { "a": "1" } }, "packages/c": { "name": "c", "dependencies": { "d": "1" } } },
  "packages": {
    "@s/nice": ["real@1.0.0", "https://r.example/real.tgz", {}, "sha512-x=="],
    "a": ["a@git+https://h.example/a.git#abc", {}, "u-a-abc"],
    "c": ["c@workspace:packages/c"],
    "c/d": ["d@1.0.0", "", {}, "sha512-x=="],
  },
}
"""
    found = _by_name(lock("bun.lock", content))

    assert {name: package.origin for name, package in found.items()} == {
        "real": Origin.INDEX,
        "a": Origin.GIT,
        "c": Origin.WORKSPACE,
        "d": Origin.INDEX,
    }
    assert (found["real"].alias, found["real"].resolved) == ("@s/nice", "https://r.example/real.tgz")
    assert found["d"].depth == 1


def test_sources_of_pnpm_5_and_its_projects_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
lockfileVersion: 5.4
importers:
  packages/x:
    specifiers: {nice: 'npm:real@1'}
    dependencies: {nice: /real/1.0.0, linked: 'link:../y'}
packages:
  /real/1.0.0:
    resolution: {integrity: sha512-x}
  h.example/u/r/abc:
    resolution: {tarball: https://h.example/u/r/abc.tgz}
    name: fromgit
    version: 1.0.0
  file:../dir:
    resolution: {directory: ../dir, type: directory}
    name: dir
    version: 1.0.0
---
lockfileVersion: 5.4
packages:
  /tool/1.0.0:
    resolution: {integrity: sha512-x}
"""
    found = _by_name(lock("pnpm-lock.yaml", content))

    assert {name: (package.origin, package.depth) for name, package in found.items()} == {
        "real": (Origin.INDEX, 1),
        "fromgit": (Origin.INDEX, None),
        "dir": (Origin.FILE, None),
        "tool": (Origin.INDEX, None),
    }


def test_a_snapshot_of_no_package_is_a_problem(read: Read) -> None:
    content = "lockfileVersion: '9.0'\npackages: {}\nsnapshots:\n  a@1.0.0: {}\n"

    assert len(read({"pnpm-lock.yaml": content}).problems) == 1


def test_sources_of_poetry_are_told_apart(lock: Callable[..., Lock]) -> None:
    rows = {
        "a": 'type = "git"\nurl = "https://h.example/a"\nreference = "v1"\nresolved_reference = "abc"',
        "b": 'type = "url"\nurl = "https://h.example/b.whl"',
        "c": 'type = "directory"\nurl = "../c"',
        "d": 'type = "legacy"\nurl = "https://i.example/simple"\nreference = "mine"',
    }
    content = "".join(
        f'[[package]]\nname = "{name}"\nversion = "1"\ncategory = "dev"\n\n[package.source]\n{row}\n\n'
        for name, row in rows.items()
    )
    files = """\
[metadata]
lock-version = "1.1"

[metadata.files]
d = [
    {file = "d-1.tar.gz", hash = "sha256:x"},
]
"""
    read = lock("poetry.lock", content + files)
    found = _by_name(read)

    assert [found[name].origin for name in "abcd"] == [Origin.GIT, Origin.URL, Origin.FILE, Origin.INDEX]
    assert found["a"].resolved == "https://h.example/a#abc"
    assert (found["d"].index, found["d"].source_only, found["d"].hashes) == (
        "https://i.example/simple",
        True,
        ("sha256:x",),
    )
    assert all(package.development for package in read.packages)
    assert read.indexes == ("https://i.example/simple",)


def test_sources_of_pdm_and_its_extras_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
[metadata]
lock_version = "4.5.0"

[[package]]
name = "a"
version = "1"
git = "https://h.example/a"
revision = "abc"

[[package]]
name = "b"
version = "1"
path = "./b"

[[package]]
name = "c"
version = "1"
files = [
    {url = "https://f.example/c-1.tar.gz", hash = "sha256:x"},
]

[[package]]
name = "c"
version = "1"
extras = ["x"]
dependencies = [
    "c==1",
    "b",
]
"""
    found = lock("pdm.lock", content)
    packages = _by_name(found)

    assert len(found.packages) == 3
    assert [packages[name].origin for name in "abc"] == [Origin.GIT, Origin.FILE, Origin.INDEX]
    assert packages["a"].resolved == "https://h.example/a#abc"
    assert (packages["c"].resolved, packages["c"].source_only) == ("https://f.example/c-1.tar.gz", True)
    assert packages["c"].needs == (packages["b"].key,)


def test_sources_of_pipenv_are_told_apart(lock: Callable[..., Lock]) -> None:
    rows = {
        "a": {"git": "https://h.example/a", "ref": "abc"},
        "b": {"file": "https://h.example/b.whl"},
        "c": {"path": "./c", "editable": True},
        "d": {"file": "d.whl"},
    }
    found = _by_name(lock("Pipfile.lock", json.dumps({"_meta": {}, "default": rows})))

    assert [found[name].origin for name in "abcd"] == [Origin.GIT, Origin.URL, Origin.FILE, Origin.FILE]
    assert found["a"].resolved == "https://h.example/a#abc"


def test_sources_of_pep_751_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
lock-version = "1.0"
created-by = "test"

[[packages]]
name = "a"
vcs = { type = "git", url = "https://h.example/a", commit-id = "abc" }

[[packages]]
name = "b"
directory = { path = "../b" }

[[packages]]
name = "c"
archive = { url = "https://h.example/c.zip", hashes = { sha256 = "x" } }
dependencies = [{ name = "d", version = "1.0" }]

[[packages]]
name = "d"
version = "1.0"
sdist = { name = "d-1.0.tar.gz", path = "d-1.0.tar.gz", hashes = { sha256 = "x" } }
"""
    found = _by_name(lock("pylock.toml", content))

    assert [found[name].origin for name in "abcd"] == [Origin.GIT, Origin.FILE, Origin.URL, Origin.INDEX]
    assert found["a"].resolved == "https://h.example/a#abc"
    assert found["d"].source_only
    assert (found["c"].depth, found["d"].depth) == (1, 2)


def test_an_old_lock_of_cargo_has_its_hashes_in_a_table(lock: Callable[..., Lock]) -> None:
    source = "registry+https://i.example/crates"
    content = (
        f'[[package]]\nname = "a"\nversion = "1.0.0"\nsource = "{source}"\n\n'
        '[[package]]\nname = "b"\nversion = "1.0.0"\nsource = "git+https://h.example/b#abc"\n\n'
        f'[metadata]\n"checksum a 1.0.0 ({source})" = "abcd"\n'
    )
    found = _by_name(lock("Cargo.lock", content))

    assert found["a"].hashes == ("sha256:abcd",)
    assert (found["b"].origin, found["b"].resolved) == (Origin.GIT, "git+https://h.example/b#abc")


def test_a_package_of_uv_in_several_versions_is_needed_in_the_one_that_is_written(lock: Callable[..., Lock]) -> None:
    content = """\
version = 1

[[package]]
name = "a"
version = "1"
source = { registry = "https://i.example/simple" }

[[package]]
name = "a"
version = "2"
source = { registry = "https://i.example/simple" }

[[package]]
name = "skill"
source = { editable = "." }
dependencies = [
    { name = "a", version = "2", source = { registry = "https://i.example/simple" } },
]
"""
    found = lock("uv.lock", content)

    assert {package.version: package.depth for package in found.packages} == {"1": None, "2": 1}


def test_a_package_of_uv_without_a_known_source_is_a_problem(read: Read) -> None:
    found = read({"uv.lock": 'version = 1\n[[package]]\nname = "a"\nversion = "1"\nsource = { moon = "x" }\n'})

    assert len(found.problems) == 1
    assert found.locks[0].packages[0].origin is Origin.URL
