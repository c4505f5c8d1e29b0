"""gVisor: a kernel of its own in user space, through ``runsc`` and an OCI bundle."""

import json
import os
import shutil
import subprocess

from haldir_enforcer._backends.guest import Adapter, Guest, GuestConfinement
from haldir_enforcer._backends.process import Command
from haldir_enforcer._backends.tree import How, Mount

_OCI_VERSION = "1.0.2"
_MEGABYTE = 1_000_000
_REMOVE_SECONDS = 30
_HOST_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

Json = dict[str, "Json"] | list["Json"] | str | int | bool
"""What stands in an OCI document."""


def gvisor(executable: str | None = None) -> GuestConfinement:
    """Return the backend ``gvisor`` over ``executable``, else the ``runsc`` on PATH."""
    return GuestConfinement(
        Adapter(
            name="gvisor",
            executable=executable or shutil.which("runsc"),
            command=_command,
            remove=_remove,
            advice="runsc: install gVisor (gvisor.dev/docs/user_guide/install)",
        )
    )


def oci_config(guest: Guest) -> Json:
    """Return the ``config.json`` of a guest.  Spec: opencontainers/runtime-spec 1.0.2, config.md."""
    launch = guest.launch
    return {
        "ociVersion": _OCI_VERSION,
        "process": {
            "terminal": False,
            "user": {"uid": os.getuid(), "gid": os.getgid()},
            "args": list(launch.argv),
            "env": [f"{name}={value}" for name, value in launch.environment.items()],
            "cwd": launch.cwd,
            "capabilities": {kind: [] for kind in ("bounding", "effective", "inheritable", "permitted", "ambient")},
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "skill",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
            {
                "destination": "/dev",
                "type": "tmpfs",
                "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755"],
            },
            *(_mount(mount) for mount in guest.tree.mounts),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
            "resources": _resources(guest),
        },
    }


def _mount(mount: Mount) -> Json:
    if mount.how is How.HIDDEN_FOLDER:
        return {
            "destination": mount.path,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["ro", "nosuid", "nodev", "size=0"],
        }
    source = os.devnull if mount.how is How.HIDDEN_FILE else mount.path
    mode = "rw" if mount.how is How.WRITE else "ro"
    return {"destination": mount.path, "type": "bind", "source": source, "options": ["bind", mode, "nosuid", "nodev"]}


def _resources(guest: Guest) -> Json:
    limits = guest.launch.limits
    resources: dict[str, Json] = {}
    if limits.memory_mb is not None:
        resources["memory"] = {"limit": limits.memory_mb * _MEGABYTE}
    if limits.processes is not None:
        resources["pids"] = {"limit": limits.processes}
    return resources


def _options(executable: str, guest: Guest) -> tuple[str, ...]:
    rootless = () if os.getuid() == 0 else ("--rootless", "--ignore-cgroups")
    return (executable, f"--root={guest.bundle / 'state'}", "--network=none", "--host-uds=none", *rootless)


def _command(executable: str, guest: Guest) -> Command:
    (guest.bundle / "config.json").write_text(json.dumps(oci_config(guest)), "utf-8")
    argv = (*_options(executable, guest), "run", f"--bundle={guest.bundle}", guest.name)
    return Command(argv=argv, environment={"PATH": _HOST_PATH})


def _remove(executable: str, guest: Guest) -> None:
    subprocess.run(  # noqa: S603 - the runsc that was found or named
        [*_options(executable, guest), "delete", "--force", guest.name],
        check=False,  # after an ordinary end there is nothing left to delete
        env={"PATH": _HOST_PATH},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_REMOVE_SECONDS,
    )
