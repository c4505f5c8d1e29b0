"""A guest machine or kernel that runs one program over a tree of mounts: what gVisor and microVMs have in common."""

import os
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from attrs import frozen

from haldir_core.scratch import PrivateFolder
from haldir_enforcer._backends.process import Command, LaunchedTree
from haldir_enforcer._backends.standing import standing_of
from haldir_enforcer._backends.tree import How, Tree, visible_tree
from haldir_enforcer.confinement import Launch, Level, Standing
from haldir_enforcer.errors import ConfinementError

_LACKS = (
    "hosts: the guest has no network; only skills that declare none are started",
    "programs: whatever can be read can be executed",
    "agent files that do not exist yet, in folders that may be written; such folders can be read, too",
    "trace of what was tried",
)


@frozen(kw_only=True)
class Guest:
    """What is to run inside: one program, and the folder of its own that the launcher may keep its files in."""

    name: str
    launch: Launch
    tree: Tree
    bundle: Path
    """Private, removed when the guest is gone.  ``bundle/rootfs`` has an empty place for each mount, and the links."""


@frozen(kw_only=True)
class Adapter:
    """How to drive one kind of guest.  The launcher must take the guest along when it is killed, or ``remove`` must."""

    name: str
    executable: str | None
    """The launcher's file, if it is there."""
    command: Callable[[str, Guest], Command]
    """Writes what the launcher needs into the bundle and returns its command line; nothing may be joined by a shell."""
    remove: Callable[[str, Guest], None]
    """Nothing of the guest is left; called after the launcher has ended, also where it was killed."""
    advice: str
    """What to install."""


class GuestConfinement:
    """A backend over an adapter: level L5 if its self-test holds."""

    def __init__(self, adapter: Adapter) -> None:
        """The backend is called as its adapter."""
        self._adapter = adapter

    @property
    def name(self) -> str:
        """The name of the adapter."""
        return self._adapter.name

    @cached_property
    def _standing(self) -> Standing:
        if self._adapter.executable is None:
            return standing_of(self.name, None, Level.L5, (self._adapter.advice,))
        return standing_of(self.name, self.start, Level.L5, _LACKS)

    def standing(self) -> Standing:
        """Return what the self-test inside a guest showed."""
        return self._standing

    def start(self, launch: Launch) -> LaunchedTree:
        """The program runs in a guest of its own.

        Raises: ConfinementError if it cannot be confined as asked; nothing of it has run then.
        """
        executable = self._adapter.executable
        if executable is None:
            raise ConfinementError(f"{self.name} is not there; {self._adapter.advice}")
        if launch.policy.hosts:
            raise ConfinementError(
                f"{self.name} is run without a network, and hosts are declared; use the backend linux"
            )
        tree = visible_tree(launch.policy, launch.argv[0])
        with ExitStack() as stack:
            bundle = stack.enter_context(PrivateFolder("haldir-guest-"))
            guest = Guest(name=f"haldir-{secrets.token_hex(8)}", launch=launch, tree=tree, bundle=bundle)
            _make_places(bundle / "rootfs", tree)
            command = self._adapter.command(executable, guest)
            end = ExitStack()
            running = LaunchedTree(
                launch,
                Command(
                    argv=command.argv, environment=command.environment, inherited=command.inherited, after=end.close
                ),
            )
            stack.callback(self._adapter.remove, executable, guest)
            end.push(stack.pop_all())
        return running


def _make_places(rootfs: Path, tree: Tree) -> None:
    """Make an empty folder or file for every mount, and the links."""
    for name in ("dev", "proc", "sys", "tmp"):
        (rootfs / name).mkdir(parents=True)
    for mount in tree.mounts:
        if mount.how in {How.HIDDEN_FILE, How.HIDDEN_FOLDER}:
            continue  # lies in another mount
        place = rootfs / mount.path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if Path(mount.path).is_dir():
            place.mkdir(exist_ok=True)
        else:
            place.touch()
    for path, target in tree.links:
        place = rootfs / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(place):
            place.symlink_to(target)
