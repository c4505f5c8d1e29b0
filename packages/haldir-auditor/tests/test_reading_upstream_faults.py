"""What the first implementation of Haldir did not see, or read wrongly."""

import json
from collections.abc import Callable

import pytest

from haldir_auditor.supply import Lock, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]


def test_the_depth_of_a_hoisted_tree_is_that_of_its_graph(lock: Callable[..., Lock]) -> None:
    packages: dict[str, object] = {"": {"dependencies": {"p0": "1"}}}
    for number in range(8):
        packages[f"node_modules/p{number}"] = {"version": "1.0.0", "dependencies": {f"p{number + 1}": "1"}}

    assert lock("package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages})).depth == 8


def test_slashes_in_names_are_no_depth(lock: Callable[..., Lock]) -> None:
    content = "lockfileVersion: 5.4\ndependencies:\n  '@s/a': 1.0.0\npackages:\n  /@s/a/1.0.0:\n    resolution: {}\n"

    assert lock("pnpm-lock.yaml", content).depth == 1


@pytest.mark.parametrize("path", ["scripts/run.py", "a/b/package.json", ".config/requirements.txt", "x/pyproject.toml"])
def test_manifests_below_the_top_folder_are_read(read: Read, path: str) -> None:
    content = {
        "scripts/run.py": "# /// script\n# dependencies = ['x']\n# ///\n",
        "a/b/package.json": '{"dependencies": {"x": "1"}}',
        ".config/requirements.txt": "x",
        "x/pyproject.toml": '[project]\nname = "y"\ndependencies = ["x"]',
    }
    found = read({path: content[path]})

    assert [(each.path, each.dependencies[0].name) for each in found.manifests] == [(path, "x")]


@pytest.mark.parametrize("written", ["^1.2.3", "~1.2.3", ">=1.2.3", "1.x", "latest", "1.2.3 || 2.0.0"])
def test_a_range_is_never_a_version(read: Read, written: str) -> None:
    content = json.dumps({"dependencies": {"x": written}})

    assert read({"package.json": content}).manifests[0].dependencies[0].version is None


@pytest.mark.parametrize("line", ["x[extra]==1", "x==1 ; python_version > '3'", "x == 1  # why", "X==1"])
def test_extras_markers_and_comments_are_no_part_of_a_name(read: Read, line: str) -> None:
    found = read({"requirements.txt": line}).manifests[0].dependencies[0]

    assert (found.name, found.version) == ("x", "1")


def test_a_requirements_file_is_not_its_own_lock_file(read: Read) -> None:
    assert read({"requirements.txt": "x==1"}).locks == ()


def test_dependencies_for_development_count(read: Read) -> None:
    found = read({"package.json": '{"devDependencies": {"x": "1"}}'})

    assert found.manifests[0].dependencies[0].scope is Scope.DEVELOPMENT


@pytest.mark.parametrize(
    "path", ["package.json", "pyproject.toml", "requirements.txt", "Cargo.toml", "go.mod", "Pipfile"]
)
def test_a_manifest_that_is_no_text_is_no_empty_manifest(read: Read, path: str) -> None:
    found = read({path: b"\xff\xfe\xff"})

    assert [problem.place.path for problem in found.problems]
    assert all(not manifest.dependencies for manifest in found.manifests)


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "hasOwnProperty"])
def test_names_that_mean_something_to_javascript_are_names(read: Read, name: str) -> None:
    content = json.dumps({"dependencies": {name: "1.0.0"}, "scripts": {name: "x"}})

    assert [each.name for each in read({"package.json": content}).manifests[0].dependencies] == [name]
