import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]

DATA = Path(__file__).parent / "data" / "locks"
PACKAGE_JSON = json.dumps({"dependencies": {"alpha": "^1.0.0"}, "devDependencies": {"beta": "3.0.0"}})
PYPROJECT = '[project]\nname = "skill"\ndependencies = ["alpha>=1"]\n[dependency-groups]\ndev = ["beta==3.0.0"]\n'

# Every file has the same graph: the project asks for alpha and beta; alpha needs gamma, that delta, that alpha again.
FILES = {
    "package-lock-1.json": "package-lock.json",
    "package-lock-2.json": "package-lock.json",
    "package-lock-3.json": "npm-shrinkwrap.json",
    "pnpm-lock-5.yaml": "pnpm-lock.yaml",
    "pnpm-lock-6.yaml": "pnpm-lock.yaml",
    "pnpm-lock-9.yaml": "pnpm-lock.yaml",
    "yarn-1.lock": "yarn.lock",
    "yarn-berry.lock": "yarn.lock",
    "bun.lock": "bun.lock",
    "uv.lock": "uv.lock",
    "poetry.lock": "poetry.lock",
    "pdm.lock": "pdm.lock",
    "Cargo.lock": "Cargo.lock",
}
WITHOUT_GRAPH = {"Pipfile.lock": "Pipfile.lock", "go.sum": "go.sum"}


def _read(lock: Callable[..., Lock], file: str, path: str) -> Lock:
    beside = {"package.json": PACKAGE_JSON, "pyproject.toml": PYPROJECT}
    return lock(path, (DATA / file).read_bytes(), beside)


def _by_name(lock: Lock) -> dict[str, Locked]:
    return {package.name: package for package in lock.packages}


@pytest.mark.parametrize(("file", "path"), FILES.items(), ids=FILES)
def test_the_graph_of_a_lock_file_is_read(lock: Callable[..., Lock], file: str, path: str) -> None:
    found = _read(lock, file, path)
    packages = _by_name(found)

    assert found.format == path
    assert {name: package.version for name, package in packages.items()} == {
        "alpha": "1.0.1",
        "beta": "3.0.0",
        "gamma": "2.1.0",
        "delta": "4.0.0",
    }
    assert {name: package.depth for name, package in packages.items()} == {
        "alpha": 1,
        "beta": 1,
        "gamma": 2,
        "delta": 3,
    }
    assert found.depth == 3
    assert packages["gamma"].needs == (packages["delta"].key,)
    assert packages["delta"].needs == (packages["alpha"].key,)
    assert all(package.hashes and package.origin is Origin.INDEX for package in found.packages)
    assert len({package.key for package in found.packages}) == 4


@pytest.mark.parametrize(("file", "path"), [*FILES.items(), *WITHOUT_GRAPH.items()])
def test_the_line_of_a_package_is_where_its_entry_begins(lock: Callable[..., Lock], file: str, path: str) -> None:
    lines = (DATA / file).read_text().split("\n")

    for package in _read(lock, file, path).packages:
        assert package.name in "".join(lines[package.place.line - 1 : package.place.line + 1])


@pytest.mark.parametrize(
    ("file", "path"),
    [(file, path) for file, path in FILES.items() if path not in {"yarn.lock", "Cargo.lock"}]
    + [("Pipfile.lock", "Pipfile.lock")],
)
def test_what_is_needed_for_development_only_is_known(lock: Callable[..., Lock], file: str, path: str) -> None:
    found = _read(lock, file, path)

    assert {package.name for package in found.packages if package.development} == {"beta"}


@pytest.mark.parametrize(
    ("file", "path"),
    [
        (file, path)
        for file, path in FILES.items()
        if path in {"uv.lock", "pnpm-lock.yaml", "bun.lock", "npm-shrinkwrap.json"} or file == "package-lock-2.json"
    ],
)
def test_what_the_project_asked_for_is_recorded(lock: Callable[..., Lock], file: str, path: str) -> None:
    found = _read(lock, file, path)

    assert found.roots is not None
    assert {(root.name, root.scope) for root in found.roots} == {("alpha", Scope.RUN), ("beta", Scope.DEVELOPMENT)}
    assert found.manifest in {"package.json", "pyproject.toml"}


@pytest.mark.parametrize("file", ["package-lock-3.json", "pnpm-lock-5.yaml", "pnpm-lock-6.yaml"])
def test_a_package_that_runs_a_command_when_installed_is_marked(lock: Callable[..., Lock], file: str) -> None:
    found = _read(lock, file, "package-lock.json" if file.endswith("json") else "pnpm-lock.yaml")

    assert [package.name for package in found.packages if package.install_script] == ["alpha"]


def test_a_lock_of_uv_says_index_and_time_of_upload(lock: Callable[..., Lock]) -> None:
    found = _read(lock, "uv.lock", "uv.lock")
    alpha = _by_name(found)["alpha"]

    assert found.indexes == ("https://index.example/simple",)
    assert alpha.index == "https://index.example/simple"
    assert alpha.uploaded == datetime(2024, 2, 2, 3, 4, 5, 678000, UTC)
    assert not alpha.source_only


def test_a_lock_by_pep_751_is_read_as_packaging_checks_it(lock: Callable[..., Lock]) -> None:
    found = _read(lock, "pylock.toml", "pylock.dev.toml")
    packages = _by_name(found)

    assert {name: package.version for name, package in packages.items()} == {
        "alpha": "1.0.1",
        "beta": "3.0.0",
        "gamma": "2.1.0",
        "delta": "4.0.0",
    }
    assert packages["alpha"].attested
    assert not packages["beta"].attested
    assert packages["alpha"].uploaded == datetime(2024, 2, 2, 3, 4, 5, tzinfo=UTC)
    assert packages["alpha"].hashes == ("sha256:" + "ab" * 32,)
    assert packages["beta"].depth == 1


@pytest.mark.parametrize(("file", "path"), WITHOUT_GRAPH.items(), ids=WITHOUT_GRAPH)
def test_a_format_without_graph_says_nothing_about_depth(lock: Callable[..., Lock], file: str, path: str) -> None:
    found = _read(lock, file, path)

    assert len(found.packages) == 4
    assert {package.depth for package in found.packages} == {None}
    assert all(package.hashes for package in found.packages)


def test_a_binary_lock_is_opaque_and_a_problem(read: Read) -> None:
    found = read({"bun.lockb": (DATA / "bun.lockb").read_bytes()})

    assert [each.opaque for each in found.locks] == [True]
    assert [problem.kind for problem in found.problems] == ["opaque"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("package-lock.json", '{"lockfileVersion": 9}'),
        ("package-lock.json", '{"lockfileVersion": []}'),
        ("package-lock.json", "[]"),
        ("pnpm-lock.yaml", "lockfileVersion: '7.0'"),
        ("pnpm-lock.yaml", "a: &x [1]\nb: *x"),
        ("pnpm-lock.yaml", "? [a]\n: b"),
        ("pnpm-lock.yaml", "a: 1\na: 2"),
        ("pnpm-lock.yaml", "[" * 50_000),
        ("pnpm-lock.yaml", "- " * 50_000),
        ("yarn.lock", "nothing"),
        ("yarn.lock", "# yarn lockfile v2\n"),
        ("yarn.lock", '# yarn lockfile v1\n  version "1"'),
        ("yarn.lock", '__metadata:\n  version: 8\n"a@npm:1":\n  version: 1'),
        ("bun.lock", '{"lockfileVersion": 99}'),
        ("bun.lock", '{"lockfileVersion": 1, "packages": {"a": [1]}}'),
        ("bun.lock", "{,}"),
        ("uv.lock", "version = 2"),
        ("uv.lock", "version = "),
        ("poetry.lock", "a = 1"),
        ("pdm.lock", "a = 1"),
        ("Pipfile.lock", "{}"),
        ("pylock.toml", 'lock-version = "1.0"'),
        ("pylock.toml", 'lock-version = "2.0"\ncreated-by = "x"\npackages = []'),
        ("Cargo.lock", "version = 99"),
        ("go.sum", "a b"),
        ("package-lock.json", b"\xff\xff"),
    ],
)
def test_a_lock_file_that_cannot_be_read_is_a_problem(read: Read, path: str, content: str | bytes) -> None:
    found = read({path: content})

    assert found.locks == ()
    assert [problem.place.path for problem in found.problems][:1] == [path]


def test_the_halves_of_a_lock_that_disagree_are_a_problem(read: Read) -> None:
    content = json.loads((DATA / "package-lock-2.json").read_text())
    content["dependencies"]["delta"]["version"] = "4.0.1"
    found = read({"package-lock.json": json.dumps(content)})

    assert "disagree" in found.problems[0].message


def test_an_alias_of_npm_is_the_package_behind_it(lock: Callable[..., Lock]) -> None:
    content = {
        "lockfileVersion": 3,
        "packages": {"": {}, "node_modules/nice": {"name": "@s/evil", "version": "1.0.0"}},
    }
    package = lock("package-lock.json", json.dumps(content)).packages[0]

    assert (package.name, package.alias) == ("@s/evil", "nice")


def test_a_bundled_package_is_covered_by_the_hash_of_the_one_that_has_it(lock: Callable[..., Lock]) -> None:
    packages = {
        "node_modules/a": {"version": "1.0.0", "resolved": "https://r.example/a.tgz", "integrity": "sha512-x"},
        "node_modules/a/node_modules/b": {"version": "2.0.0", "inBundle": True},
    }
    found = lock("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages}))

    assert _by_name(found)["b"].hashes == ("sha512-x",)


def test_a_workspace_is_a_part_of_the_project_and_asks_for_its_own(lock: Callable[..., Lock]) -> None:
    packages = {
        "": {"workspaces": ["packages/*"]},
        "node_modules/mine": {"resolved": "packages/mine", "link": True},
        "packages/mine": {"name": "mine", "version": "1.0.0", "dependencies": {"a": "1"}},
        "packages/mine/node_modules/a": {"version": "1.0.0"},
    }
    found = _by_name(lock("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages})))

    assert (found["mine"].origin, found["mine"].resolved) == (Origin.WORKSPACE, "packages/mine")
    assert found["a"].depth == 1


def test_of_many_urls_the_one_on_another_host_is_shown(lock: Callable[..., Lock]) -> None:
    content = (
        (DATA / "uv.lock")
        .read_text()
        .replace("https://files.example/gamma-2.1.0-py3", "https://evil.example/gamma-2.1.0-py3")
    )
    found = _by_name(lock("uv.lock", content))

    assert found["gamma"].resolved == "https://evil.example/gamma-2.1.0-py3-none-any.whl"


def test_one_file_without_hash_leaves_the_package_without_hashes(lock: Callable[..., Lock]) -> None:
    content = (DATA / "uv.lock").read_text()
    start = content.index("alpha-1.0.1-py3")
    changed = content[:start] + content[start:].replace(', hash = "sha256:' + "ab" * 32 + '"', "", 1)

    assert _by_name(lock("uv.lock", changed))["alpha"].hashes == ()


def test_sources_of_uv_other_than_an_index_are_told_apart(lock: Callable[..., Lock]) -> None:
    rows = [
        ('git = "https://h.example/u/r?rev=v1#abc"', Origin.GIT),
        ('url = "https://h.example/x.whl"', Origin.URL),
        ('path = "vendor/x.whl"', Origin.FILE),
        ('directory = "../outside"', Origin.FILE),
        ('editable = "packages/inside"', Origin.WORKSPACE),
    ]
    content = "version = 1\n" + "".join(
        f'[[package]]\nname = "p{number}"\nversion = "1"\nsource = {{ {row} }}\n'
        for number, (row, _) in enumerate(rows)
    )
    found = lock("uv.lock", content)

    assert [package.origin for package in found.packages] == [origin for _, origin in rows]


def test_the_lock_of_a_script_belongs_to_the_script(lock: Callable[..., Lock]) -> None:
    content = """\
version = 1
[manifest]
requirements = [{ name = "a", specifier = ">=1" }]
[[package]]
name = "a"
version = "1"
source = { registry = "https://i.example" }
"""
    found = lock("tools/run.py.lock", content, {"tools/run.py": "print()"})

    assert (found.manifest, found.packages[0].depth) == ("tools/run.py", 1)
    assert [root.name for root in found.roots or ()] == ["a"]


def test_packages_of_pnpm_from_elsewhere_are_told_apart(lock: Callable[..., Lock]) -> None:
    content = """\
lockfileVersion: '9.0'
packages:
  a@https://h.example/a.tgz:
    resolution: {tarball: https://h.example/a.tgz}
    version: 1.0.0
  b@git+https://h.example/b.git#abc:
    resolution: {commit: abc, repo: https://h.example/b.git, type: git}
    version: 1.0.0
  c@file:c.tgz:
    resolution: {integrity: sha512-x, tarball: file:c.tgz}
  '@s/d@1.0.0':
    resolution: {integrity: sha512-x}
"""
    found = _by_name(lock("pnpm-lock.yaml", content))

    assert found["b"].resolved == "https://h.example/b.git#abc"
    assert {name: package.origin for name, package in found.items()} == {
        "a": Origin.INDEX,
        "b": Origin.GIT,
        "c": Origin.FILE,
        "@s/d": Origin.INDEX,
    }


def test_a_version_that_looks_like_a_number_stays_as_written(lock: Callable[..., Lock]) -> None:
    content = '__metadata:\n  version: 8\n"a@npm:1":\n  version: 1.10\n  resolution: "a@npm:1.10"\n'

    assert lock("yarn.lock", content).packages[0].version == "1.10"


def test_a_lock_below_node_modules_locks_nothing(read: Read) -> None:
    assert read({"node_modules/a/package-lock.json": (DATA / "package-lock-3.json").read_bytes()}).locks == ()


def test_the_packages_of_cargo_and_go_have_their_ecosystems(lock: Callable[..., Lock]) -> None:
    assert _read(lock, "Cargo.lock", "Cargo.lock").packages[0].ecosystem is Ecosystem.CARGO
    assert _read(lock, "go.sum", "go.sum").packages[0].ecosystem is Ecosystem.GO


def test_a_folder_outside_of_the_project_is_no_part_of_it(lock: Callable[..., Lock]) -> None:
    packages = {"": {}, "node_modules/x": {"resolved": "../x", "link": True}, "../x": {"name": "x", "version": "1.0.0"}}
    found = lock("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages}))

    assert [(package.name, package.origin) for package in found.packages] == [("x", Origin.FILE)]
