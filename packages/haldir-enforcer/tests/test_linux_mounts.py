"""The tree of folders in a mount namespace of its own, made by the kernel and looked at from inside."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
from pathlib import Path
from haldir_core.permissions import AgentCapabilities
from haldir_enforcer._linux import _child, _kernel, _mounts
from haldir_enforcer._policy.records import DECLARED, PathRule, Policy

def rules(paths):
    return tuple(PathRule(pattern=f"{path}/**", parent=Path(path), exact=True, source=DECLARED) for path in paths)

asked = json.loads(sys.argv[1])
policy = Policy(
    root=Path(asked["cwd"]), read=rules(asked["read"]), write=rules(asked["write"]), hosts=(), programs=(),
    capabilities=AgentCapabilities(), never_write=(), never_read=(), profiles=(), notes=(),
)
binds = _mounts.binds(policy, ())
tree = _mounts.tree(binds, _mounts.links((asked["link"],)), asked["cwd"])
user, group = os.getuid(), os.getgid()
child = _kernel.fork_into(_child._CLONE_ALL)
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
_child._map(user, group)
_mounts.build(tree, binds)
found = {}
for path in asked["look"]:
    try:
        found[path] = "ro" if os.statvfs(path).f_flag & os.ST_RDONLY else "rw"
    except FileNotFoundError:
        found[path] = None
outside = os.path.exists(asked["outside"])
print(json.dumps([found, outside, os.getcwd(), os.getpid()]), flush=True)
os._exit(0)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with ``a/b/c``, each with a file, a link to ``a``, and a folder whose name goes on with a hyphen."""
    for folder in ("a/b/c", "a-b", "other"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("a", "a/b", "a/b/c", "a-b", "other"):
        (tmp_path / folder / "file").touch()
    (tmp_path / "link").symlink_to("a")
    return tmp_path


def seen(place: Path, *, read: list[str], write: list[str], look: list[str]) -> dict[str, str | None]:
    asked = {
        **{name: [str(place / path) for path in paths] for name, paths in (("read", read), ("write", write))},
        "look": [str(place / path) for path in look],
        "outside": str(place / "other" / "file"),
        "link": str(place / "link" / "file"),
        "cwd": str(place),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(asked)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found, outside, cwd, number = json.loads(done.stdout)
    assert (outside, cwd, number) == ("/" in read, "/", 1)
    return {os.path.relpath(path, place): value for path, value in found.items()}


def test_what_is_granted_for_reading_is_read_only_and_the_rest_is_not_there(place: Path) -> None:
    assert seen(place, read=["a"], write=["a-b"], look=["a/file", "a/b/c/file", "a-b/file", "other"]) == {
        "a/file": "ro",
        "a/b/c/file": "ro",
        "a-b/file": "rw",
        "other": None,
    }


def test_a_writable_folder_in_a_readable_one_in_a_writable_one_is_each_as_it_was_granted(place: Path) -> None:
    assert seen(place, read=["a/b"], write=["a", "a/b/c"], look=["a/file", "a/b/file", "a/b/c/file"]) == {
        "a/file": "rw",
        "a/b/file": "ro",
        "a/b/c/file": "rw",
    }


def test_a_readable_folder_holds_a_writable_one_that_holds_a_readable_one(place: Path) -> None:
    assert seen(place, read=["a", "a/b/c"], write=["a/b"], look=["a/file", "a/b/file", "a/b/c/file"]) == {
        "a/file": "ro",
        "a/b/file": "rw",
        "a/b/c/file": "ro",
    }


def test_the_whole_machine_for_reading_is_read_only_but_where_writing_is_granted(place: Path) -> None:
    assert seen(place, read=["/"], write=["a/b"], look=["/", "a/file", "a/b/file", "other/file"]) == {
        os.path.relpath("/", place): "ro",
        "a/file": "ro",
        "a/b/file": "rw",
        "other/file": "ro",
    }


def test_a_link_on_the_way_leads_where_it_leads_outside(place: Path) -> None:
    assert seen(place, read=["a"], write=[], look=["link/file"]) == {"link/file": "ro"}


def test_what_is_not_there_is_granted_to_nobody(place: Path) -> None:
    assert seen(place, read=["none"], write=[], look=["none", "a/file"]) == {"none": None, "a/file": None}
