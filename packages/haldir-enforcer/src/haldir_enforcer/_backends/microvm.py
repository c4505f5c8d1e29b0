"""MicroVMs: the adapter interface, over a launcher of the user's that boots one program in a machine of its own.

The launcher is called as ``LAUNCHER run REQUEST.json`` and ``LAUNCHER remove NAME``.  It passes its standard streams
through, exits with the program's code, attaches no network, and takes the machine along when it is killed.
"""

import json
import subprocess

from haldir_enforcer._backends.guest import Adapter, Guest, GuestConfinement
from haldir_enforcer._backends.process import Command
from haldir_enforcer._backends.tree import How

REQUEST_VERSION = 1
_REMOVE_SECONDS = 30
_NAMES = {How.READ: "read", How.WRITE: "write", How.HIDDEN_FILE: "hidden", How.HIDDEN_FOLDER: "hidden"}


def microvm(launcher: str | None) -> GuestConfinement:
    """Return the backend ``microvm`` over a launcher's absolute path; without one it reaches no level."""
    return GuestConfinement(
        Adapter(
            name="microvm",
            executable=launcher,
            command=_command,
            remove=_remove,
            advice="microvm: name a launcher that fits the adapter interface",
        )
    )


def request(guest: Guest) -> dict[str, object]:
    """Return the document that a launcher reads: program, shares in the order of their mounting, links, limits."""
    launch = guest.launch
    return {
        "version": REQUEST_VERSION,
        "name": guest.name,
        "argv": list(launch.argv),
        "cwd": launch.cwd,
        "environment": dict(launch.environment),
        "network": "none",
        "shares": [{"path": mount.path, "access": _NAMES[mount.how]} for mount in guest.tree.mounts],
        "links": [{"path": path, "target": target} for path, target in guest.tree.links],
        "rootfs": str(guest.bundle / "rootfs"),
        "limits": {"memory_mb": launch.limits.memory_mb, "processes": launch.limits.processes},
    }


def _command(launcher: str, guest: Guest) -> Command:
    document = guest.bundle / "request.json"
    document.write_text(json.dumps(request(guest)), "utf-8")
    return Command(argv=(launcher, "run", str(document)), environment={})


def _remove(launcher: str, guest: Guest) -> None:
    subprocess.run(  # noqa: S603 - the user's own launcher
        [launcher, "remove", guest.name],
        check=False,  # after an ordinary end there is nothing left to remove
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_REMOVE_SECONDS,
    )
