"""Who depends on whom among the eleven distributions, and what each of them has to have."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

EDGES = {
    "haldir-auditor": set(),
    "haldir-cli": {
        "haldir-auditor", "haldir-core", "haldir-enforcer", "haldir-pipeline", "haldir-registry", "haldir-reviewer",
        "haldir-sandbox", "haldir-scanner", "haldir-scheduler", "haldir-sdk",
    },
    "haldir-core": set(),
    "haldir-enforcer": {"haldir-core"},
    "haldir-pipeline": {"haldir-auditor", "haldir-core", "haldir-reviewer", "haldir-sandbox", "haldir-scanner"},
    "haldir-registry": {"haldir-core", "haldir-pipeline", "haldir-scanner", "haldir-scheduler"},
    "haldir-reviewer": {"haldir-core"},
    "haldir-sandbox": {"haldir-core", "haldir-enforcer"},
    "haldir-scanner": set(),
    "haldir-scheduler": {"haldir-core"},
    "haldir-sdk": {"haldir-core", "haldir-enforcer"},
}  # fmt: skip

each_package = pytest.mark.parametrize("name", EDGES)


@pytest.fixture(scope="module")
def projects(packages: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Return the ``[project]`` table of every distribution."""
    return {
        name: tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for name, folder in packages.items()
    }


def _siblings(project: dict[str, Any]) -> dict[str, Requirement]:
    required = [Requirement(text) for text in project.get("dependencies", ())]
    return {requirement.name: requirement for requirement in required if requirement.name in EDGES}


def test_there_are_eleven_distributions(packages: dict[str, Path]) -> None:
    assert set(packages) == set(EDGES)


@each_package
def test_a_distribution_declares_its_siblings_and_no_others(projects: dict[str, dict[str, Any]], name: str) -> None:
    assert set(_siblings(projects[name])) == EDGES[name]


@each_package
def test_the_bounds_of_a_sibling_admit_its_present_version(projects: dict[str, dict[str, Any]], name: str) -> None:
    present = {sibling: Version(projects[sibling]["version"]) for sibling in EDGES[name]}
    siblings = _siblings(projects[name])
    assert [sibling for sibling, number in present.items() if number not in siblings[sibling].specifier] == []


@each_package
def test_the_bounds_of_a_sibling_have_a_floor_and_a_cap(projects: dict[str, dict[str, Any]], name: str) -> None:
    for requirement in _siblings(projects[name]).values():
        assert sorted(part.operator for part in requirement.specifier) == ["<", ">="]


@each_package
@pytest.mark.parametrize("file", ["LICENSE", "README.md", "CHANGELOG.md"])
def test_a_distribution_has_its_papers(packages: dict[str, Path], name: str, file: str) -> None:
    assert (packages[name] / file).stat().st_size > 0


@each_package
def test_a_distribution_ships_its_types(packages: dict[str, Path], name: str) -> None:
    assert (packages[name] / "src" / name.replace("-", "_") / "py.typed").is_file()


@each_package
def test_a_distribution_asks_for_python_3_11(projects: dict[str, dict[str, Any]], name: str) -> None:
    assert projects[name]["requires-python"] == ">=3.11"


@each_package
def test_every_distribution_has_the_licence_of_the_project(tree: Path, packages: dict[str, Path], name: str) -> None:
    assert (packages[name] / "LICENSE").read_bytes() == (tree / "LICENSE").read_bytes()
