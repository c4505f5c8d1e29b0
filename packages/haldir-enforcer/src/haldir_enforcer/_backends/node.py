"""Node's own permission flags: advisory, because the program that is to be held enforces them itself."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from haldir_core.scratch import PrivateFolder
from haldir_enforcer._backends.process import Command, LaunchedTree
from haldir_enforcer._backends.standing import NOTHING
from haldir_enforcer._backends.tree import places
from haldir_enforcer._policy.records import PathRule, Policy
from haldir_enforcer.confinement import Launch, Level, Standing, Truth
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import By

_STABLE = ((22, 13), (23, 5))
"""From these on the flag is called ``--permission``: nodejs.org/api/permissions.html, history."""

_SPECIAL = re.compile(r"[,*\x00-\x1f\x7f]")
_INJECTING = ("NODE_OPTIONS", "NODE_PATH", "NODE_REPL_EXTERNAL_MODULE")
_SECONDS = 20
_LACKS = (
    "network: Node's flags know none",
    "programs: all or none, and what is started is not held",
    "links, native addons and descriptors that are open already: see Node's own list of constraints",
    "limits, trace",
)
_PROGRAM = """
const fs = require('node:fs'), cp = require('node:child_process');
const got = {}, place = process.argv[2];
const attempt = (name, act) => { try { act(); got[name] = 'open'; } catch { got[name] = 'held'; } };
attempt('fs_read', () => fs.readFileSync(place + '/canary'));
attempt('fs_write', () => fs.writeFileSync(place + '/written', ''));
attempt('exec', () => cp.execFileSync(process.execPath, ['--version']));
console.log(JSON.stringify(got));
"""


def flags(policy: Policy, version: tuple[int, int]) -> tuple[str, ...]:
    """Return the options of Node for ``policy``, each path an argument of its own; never a text for NODE_OPTIONS.

    Raises: ConfinementError for a path that Node would read as several, or as a pattern.
    """
    words = [_flag(version), "--no-warnings"]
    words += _paths("--allow-fs-read", policy.read)
    words += _paths("--allow-fs-write", policy.write)
    if policy.programs:
        words.append("--allow-child-process")
    return tuple(words)


def node_version(executable: str) -> tuple[int, int]:
    """Return the major and minor version of a Node.

    Raises: ConfinementError if it does not say one that has permission flags.
    """
    try:
        words = subprocess.run(  # noqa: S603 - the Node that was found or named
            [executable, "--version"], capture_output=True, check=True, env={}, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfinementError(f"{executable} does not say its version: {error}") from error
    match = re.fullmatch(rb"v(\d+)\.(\d+)\.\d+\S*\s*", words.stdout)
    if match is None or int(match[1]) < 20:
        raise ConfinementError(f"{executable} is no Node of version 20 or later; its permission flags are needed")
    return int(match[1]), int(match[2])


class Node:
    """The backend ``node``: the last resort, for Node programs only."""

    name = "node"

    def __init__(self, executable: str | None = None) -> None:
        """``executable`` is tested instead of the Node on PATH."""
        self._executable = executable or shutil.which("node")

    @cached_property
    def _standing(self) -> Standing:
        if self._executable is None:
            return Standing(
                backend=self.name, level=Level.NONE, enforced=NOTHING, missing=("node: install Node 20 or later",)
            )
        try:
            got = _self_test(self._executable)
        except (ConfinementError, OSError, ValueError, subprocess.SubprocessError) as error:
            return Standing(
                backend=self.name, level=Level.NONE, enforced=NOTHING, missing=(f"the self-test did not run: {error}",)
            )
        broken = tuple(f"{name}: the self-test got through" for name, word in sorted(got.items()) if word != "held")
        if broken:
            return Standing(backend=self.name, level=Level.NONE, enforced=NOTHING, missing=(*broken, *_LACKS))
        truth = Truth(
            fs_read=By.ADVISORY,
            fs_write=By.ADVISORY,
            net=By.NONE,
            exec=By.ADVISORY,
            processes=By.NONE,
            memory=By.NONE,
            disk=By.NONE,
            env=By.NONE,
        )
        return Standing(backend=self.name, level=Level.L0, enforced=truth, missing=_LACKS)

    def standing(self) -> Standing:
        """Return what the self-test in a Node with these flags showed: at best L0."""
        return self._standing

    def start(self, launch: Launch) -> LaunchedTree:
        """Node runs the script with permission flags.

        Raises: ConfinementError if it is no Node, or is given options of its own; nothing of it has run then.
        """
        executable = launch.argv[0]
        if len(launch.argv) < 2 or launch.argv[1].startswith("-"):
            raise ConfinementError("Node is given an option or no script; options could lift the permission flags")
        words = flags(launch.policy, node_version(executable))
        environment = {name: value for name, value in launch.environment.items() if name not in _INJECTING}
        argv = (executable, *words, "--", *launch.argv[1:])
        return LaunchedTree(launch, Command(argv=argv, environment=environment, cwd=launch.cwd))


def _flag(version: tuple[int, int]) -> str:
    stable = version >= _STABLE[1] or _STABLE[0] <= version < (_STABLE[1][0], 0)
    return "--permission" if stable else "--experimental-permission"


def _paths(flag: str, rules: Sequence[PathRule]) -> list[str]:
    words = []
    for rule in rules:
        for path in places(rule):
            if _SPECIAL.search(path):
                raise ConfinementError(
                    f"{path!r} holds a comma, a star or a control character, which Node reads in its own way"
                )
            words.append(f"{flag}={path.rstrip('/')}/*" if Path(path).is_dir() else f"{flag}={path}")
    return words


def _self_test(executable: str) -> dict[str, str]:
    """Return what a script got through to, in a Node that may read itself alone."""
    version = node_version(executable)
    with PrivateFolder("haldir-probe-") as folder:
        place = os.path.realpath(folder)
        Path(place, "canary").write_text("canary", "utf-8")
        script = Path(place, "probe.cjs")
        script.write_text(_PROGRAM, "utf-8")
        run = subprocess.run(  # noqa: S603 - as above
            [
                executable,
                _flag(version),
                "--no-warnings",
                f"--allow-fs-read={script}",
                "--",
                str(script),
                place,
            ],
            capture_output=True,
            check=True,
            env={},
            timeout=_SECONDS,
        )
        got = {str(name): str(word) for name, word in dict(json.loads(run.stdout)).items()}
        if Path(place, "written").exists():
            got["fs_write"] = "open"
    if set(got) != {"exec", "fs_read", "fs_write"}:
        raise ValueError("it gave no whole answer")
    return got
