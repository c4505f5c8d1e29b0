"""The source tree holds nothing of the machines that it was written on, and nothing half done."""

import re
import subprocess
from pathlib import Path

import pytest

MACHINE_PATH = re.compile(rb"/(?:root|home/[a-z][\w-]*|Users/[A-Za-z][\w-]*)/[\w.]")
REGISTRY_HOST = re.compile(rb"pypi\.(?:org)|python(?:hosted)\.org|registry\.npmjs\.(?:org)|index\.crates\.(?:io)")
HALF_DONE = re.compile(r"NotImplementedError|\bTODO\b|\bFIXME\b|XXX|(?i:\bxxx\b)")
DATA = ("spec/vectors/", "examples/")
"""Input that was recorded or that is bad on purpose."""


@pytest.fixture(scope="module")
def tracked(tree: Path) -> list[str]:
    """Return the path of every file under version control."""
    if not (tree / ".git").exists():
        pytest.skip("this is no working copy")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=tree, capture_output=True, check=True, encoding="utf-8")
    return [path for path in listed.stdout.split("\0") if path]


def test_no_file_holds_a_path_of_a_machine(tree: Path, tracked: list[str]) -> None:
    ours = [path for path in tracked if not path.startswith(DATA) and (tree / path).is_file()]
    assert [path for path in ours if MACHINE_PATH.search((tree / path).read_bytes())] == []


def test_no_file_but_the_lock_file_names_the_host_of_a_package_registry(tree: Path, tracked: list[str]) -> None:
    ours = [path for path in tracked if path != "uv.lock" and not path.startswith(DATA) and (tree / path).is_file()]
    assert [path for path in ours if REGISTRY_HOST.search((tree / path).read_bytes())] == []


def test_no_file_holds_the_path_of_this_tree(tree: Path, tracked: list[str]) -> None:
    here = f"{tree}/".encode()
    assert [path for path in tracked if (tree / path).is_file() and here in (tree / path).read_bytes()] == []


def test_the_lock_file_holds_no_path_that_leads_out_of_the_tree(tree: Path) -> None:
    lock = (tree / "uv.lock").read_text(encoding="utf-8")
    assert re.findall(r'file:|"/|"\.\./', lock) == []


def test_the_lock_file_names_one_registry(tree: Path) -> None:
    lock = (tree / "uv.lock").read_text(encoding="utf-8")
    [registry] = set(re.findall(r'registry = "([^"]+)"', lock))
    assert registry.startswith("https://")


def test_nothing_in_the_sources_is_half_done(tree: Path) -> None:
    sources = sorted(path for kind in ("py", "json", "toml") for path in tree.glob(f"packages/*/src/**/*.{kind}"))
    assert sources
    assert [path.name for path in sources if HALF_DONE.search(path.read_text(encoding="utf-8"))] == []
