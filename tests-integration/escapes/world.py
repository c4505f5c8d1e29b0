"""The world around one skill: files, peers and processes that it must not reach, as seen from outside."""

import ctypes
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from peers import Peers
from watching import Picture, end, picture

KIT = Path(__file__).parent / "kit"
AGENT_FILES = ("AGENTS.md", "CLAUDE.md", "SOUL.md", "MEMORY.md")
IPC_CREAT, IPC_RMID = 0o1000, 0
MQ_OPEN, MQ_UNLINK, MQ_TIMEDSEND = 240, 241, 242  # Source: arch/x86/entry/syscalls/syscall_64.tbl
SEGMENT_BYTES = 4096
_libc = ctypes.CDLL(None, use_errno=True)
_libc.shmat.restype = ctypes.c_void_p
_libc.shmdt.argtypes = [ctypes.c_void_p]


def _word() -> bytes:
    return f"SECRET-{secrets.token_hex(12)}\n".encode()


@dataclass
class World:
    """One skill, and around it everything that it must not reach."""

    base: Path
    word: bytes = field(default_factory=_word)
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    def __post_init__(self) -> None:
        """Everything exists, and nothing has been touched."""
        self.base.chmod(0o755)
        self._files()
        self._peers()
        self._memory()
        self.bystander = self._bystander()
        # what a runner inherits by mistake, and must not hand on
        self.descriptors = (os.open(self.secret, os.O_RDONLY), os.open(self.outside, os.O_RDONLY | os.O_DIRECTORY))
        for descriptor in self.descriptors:
            os.set_inheritable(descriptor, True)

    def _folder(self, name: str, mode: int = 0o755) -> Path:
        folder = self.base / name
        folder.mkdir(parents=True)
        folder.chmod(mode)
        return folder

    def _files(self) -> None:
        self.outside = self._folder("outside", 0o777)
        self.granted = self._folder("granted", 0o777)
        self.home = self._folder("home")
        self.reports = self._folder("reports", 0o777)
        sibling = self._folder("granted-not")
        self.secret = self.outside / "id_secret"
        inner = self._folder("granted/inner")
        for path in (
            self.secret,
            self._folder("home/.ssh") / "id_rsa",
            self._folder("home/.aws") / "credentials",
            sibling / "other.txt",
            inner / "deep.txt",
            self.granted / "SHOUT.TXT",
            self.granted / "private.key",
            self.outside / "input",
        ):
            path.write_bytes(self.word)
        (self.granted / "link.txt").symlink_to("private.key")
        (self.granted / "away").symlink_to(self.outside)
        (self.granted / "plain.txt").write_text("plain\n", encoding="utf-8")
        (self.granted / "CLAUDE.md").write_text("Be kind.\n", encoding="utf-8")
        (self.home / "notes.txt").write_text("notes\n", encoding="utf-8")
        (self.outside / "empty").mkdir()
        (self.outside / "addon.node").write_bytes(self.word * 100)
        self.victim = self.outside / "victim"
        self.victim.write_text("v" * 10, encoding="utf-8")
        self.victim.chmod(0o666)
        os.setxattr(self.victim, "user.kept", b"1")

    def _peers(self) -> None:
        self.peers = Peers(self.word, self.secret)

        def stream(name: str, host: str, port: int = 0) -> int:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = self.peers.add(name, socket.create_server((host, port), family=family))
            return int(listener.getsockname()[1])

        def datagram(name: str, host: str) -> int:
            listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
            listener.bind((host, 0))
            return int(self.peers.add(name, listener).getsockname()[1])

        def unix(name: str, address: str, kind: int = socket.SOCK_STREAM) -> str:
            listener = socket.socket(socket.AF_UNIX, kind)
            listener.bind(address)
            if kind != socket.SOCK_DGRAM:
                listener.listen()
            if address.startswith("/"):
                Path(address).chmod(0o777)
            self.peers.add(name, listener)
            return address.lstrip("\0")

        self.declared = stream("declared", "127.0.0.1")
        stream("other host", "127.0.0.2", self.declared)
        self.ports = {
            "tcp4": stream("tcp4", "127.0.0.1"),
            "tcp6": stream("tcp6", "::1"),
            "udp4": datagram("udp4", "127.0.0.1"),
            "udp6": datagram("udp6", "::1"),
        }
        self.sockets = {
            "stream": unix("stream", str(self.outside / "s")),
            "datagram": unix("datagram", str(self.outside / "d"), socket.SOCK_DGRAM),
            "packets": unix("packets", str(self.outside / "p"), socket.SOCK_SEQPACKET),
            "giver": unix("giver", str(self.outside / "g")),
            "abstract": unix("abstract", f"\0haldir-{self.mark}"),
            "abstract_datagram": unix("abstract datagram", f"\0haldir-{self.mark}-d", socket.SOCK_DGRAM),
        }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.free = int(free.getsockname()[1])
        self.listening = f"haldir-{self.mark}-l"
        self.peers.start()

    def _memory(self) -> None:
        self.segment_key = int(self.mark, 16) & 0x7FFFFFFF or 1
        self._segment = _libc.shmget(self.segment_key, SEGMENT_BYTES, IPC_CREAT | 0o600)
        place = _libc.shmat(self._segment, None, 0)
        ctypes.memmove(place, self.word, len(self.word))
        _libc.shmdt(place)
        self.queue = f"haldir-{self.mark}-q"
        queue = _libc.syscall(MQ_OPEN, self.queue.encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
        _libc.syscall(MQ_TIMEDSEND, queue, self.word, len(self.word), 0, None)
        os.close(queue)

    def _bystander(self) -> "subprocess.Popen[bytes]":
        with self.secret.open("rb") as secret:
            return subprocess.Popen(
                ["/bin/sleep", "120"],
                stdin=secret,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self.outside,
                env={"TOKEN": self.word.decode().strip()},
                start_new_session=True,
            )

    def skill(self, case: Path, declared: dict[str, object]) -> Path:
        """Write the folder of the skill; return it."""
        folder = self._folder("skill")
        self._folder("skill/data")
        self._folder("skill/out", 0o777)
        vault = self._folder("skill/.vault")
        (folder / "SKILL.md").write_text("# A case\n", encoding="utf-8")
        (folder / "data" / "good.txt").write_text("good\n", encoding="utf-8")
        for path in (case, *KIT.glob("attack.*"), KIT / "oldcall.py", KIT / "ring.py"):
            shutil.copyfile(path, folder / path.name)
        facts = {
            "secret": str(self.secret),
            "victim": str(self.victim),
            "outside": str(self.outside),
            "granted": str(self.granted),
            "home": str(self.home),
            "report": str(self.report),
            "mark": self.mark,
            "declared": self.declared,
            **self.ports,
            **self.sockets,
            "free": self.free,
            "listening": self.listening,
            "bystander": self.bystander.pid,
            "segment": self.segment_key,
            "queue": self.queue,
        }
        (folder / "world.json").write_text(json.dumps(facts), encoding="utf-8")
        lines = "".join(f"{name}='{value}'\n" for name, value in facts.items())
        (folder / "world.sh").write_text(lines, encoding="utf-8")
        document = {"schema_version": "1.0", "declared": declared}
        (vault / "permissions.json").write_text(json.dumps(document), encoding="utf-8")
        return folder

    @property
    def report(self) -> Path:
        """The file that the runner writes its report to."""
        return self.reports / "report.json"

    def environment(self) -> dict[str, str]:
        """Return the environment of the runner: with tokens that are none of the skill's business."""
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "HALDIR_HOME": str(self.base / "state"),
            "AWS_SECRET_ACCESS_KEY": self.word.decode().strip(),
            "SOME_TOKEN": self.word.decode().strip(),
        }

    def pictures(self) -> dict[str, Picture]:
        """Return what can be seen of everything that no case may change."""
        granted = picture(self.granted)
        kept = {name: row for name, row in granted.items() if Path(name).name in AGENT_FILES}
        contents: Picture = {
            name: (row[3], row[6])
            for name, row in picture(self.skill_folder, leave_out=("out", "__pycache__")).items()
            if len(row) > 6
        }
        return {
            "outside": picture(self.outside),
            "home": picture(self.home),
            "reports": {name: row for name, row in picture(self.reports).items() if not name.startswith("report.json")},
            "granted": kept,
            "skill": contents,
        }

    @property
    def skill_folder(self) -> Path:
        """The folder of the skill."""
        return self.base / "skill"

    def litter(self) -> Iterator[Path]:
        """Yield what cases may have left in folders of the machine."""
        for folder in ("/dev/shm", "/dev/mqueue", tempfile.gettempdir()):  # noqa: S108 - the names are of this world
            yield from Path(folder).glob(f"haldir-{self.mark}*")

    def segment_left(self) -> bool:
        """Remove the segment of shared memory that a case may have left; return whether it was there."""
        segment = _libc.shmget(self.segment_key ^ 1, 0, 0)
        return bool(segment >= 0 and _libc.shmctl(segment, IPC_RMID, None) == 0)

    def close(self) -> None:
        """Nothing of the world is left."""
        _libc.shmctl(self._segment, IPC_RMID, None)
        _libc.syscall(MQ_UNLINK, self.queue.encode())
        self.peers.stop()
        for descriptor in self.descriptors:
            os.close(descriptor)
        end(os.getpid())
        self.bystander.wait()
        for path in self.litter():
            path.unlink()
        shutil.rmtree(self.base, ignore_errors=True)
