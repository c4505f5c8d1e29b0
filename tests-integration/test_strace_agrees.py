"""Our trace of a program and that of strace name the same paths, endpoints and arguments."""

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from haldir_enforcer import Enforcer, Event, Reaction, Recording, stage
from haldir_enforcer._linux import LinuxConfinement, Namespaces
from haldir_enforcer.confinement import Ending
from haldir_enforcer.enforcer import PASSED_ON, SEARCH_PATH
from haldir_enforcer.events import Action, Class, Decision

Seen = dict[str, set[object]]

CALLS = (
    "open openat openat2 creat unlink unlinkat rmdir rename renameat renameat2 mkdir mkdirat symlink symlinkat "
    "link linkat chmod fchmod fchmodat chown fchown lchown fchownat utimensat truncate connect execve execveat chdir "
    "fchdir"
)
PROGRAMS = "cat cp cut find grep head ls mkdir mktemp mv rm sed sort tail tr uniq wc xargs"

PYTHON = """
import os, socket, subprocess, sys

with open("SKILL.md") as file:
    file.read()
os.stat("data.txt"), os.path.exists("/etc/passwd"), os.listdir("."), os.getppid()
for missing in ("absent", "out/absent", "/nowhere/at/all"):
    try:
        open(missing)
    except FileNotFoundError:
        pass
os.makedirs("out/a/b")
folder = os.open("out/a", os.O_RDONLY)
os.close(os.open("inside", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=folder))
os.rename("inside", "renamed", src_dir_fd=folder, dst_dir_fd=folder)
os.symlink("a/renamed", "out/link")
open("out/link").close()
os.link("out/a/renamed", "out/second")
os.chmod("out/second", 0o640)
os.chdir("out")
with open("w\\u00efth spaces \\"and\\" quotes\\n", "w") as file:
    file.write("x")
os.truncate("second", 0)
os.remove("second")
os.rmdir("a/b")
os.chdir("..")
for family, address in ((socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_INET6, ("::1", PORT6))):
    with socket.socket(family) as peer:
        peer.connect(address)
with socket.socket(socket.AF_INET) as peer:
    peer.connect_ex(("127.0.0.1", CLOSED))
subprocess.run(["sort", "-r", "data.txt", "out/with a space"], stderr=subprocess.DEVNULL)
subprocess.run(["/bin/sh", "-c", "cat data.txt | head -n 1 >out/first; exit 3"])
if not os.fork():
    open("out/of the child", "w").close()
    os._exit(0)
os.wait()
"""
SHELL = """set -e
mkdir -p out/made/deep
printf '%s\\n' pear apple fig >out/fruit
sort out/fruit | uniq -c | tr ' ' ':' >>out/counted
cp out/counted out/made/deep/copy
mv out/made/deep/copy out/made/moved
cat data.txt out/made/moved | grep -v '^#' | head -n 3 | cut -d: -f2
cd out; find . -type f | xargs wc -l | tail -n 1; (cd made; ls; echo x >y); cd ..
sed -i s/pear/plum/ out/fruit
[ -r /etc/absent ] || cat absent 2>/dev/null || true
rm -r out/made
"""
NODE = """
const fs = require('node:fs');
const net = require('node:net');
const { execFileSync } = require('node:child_process');
fs.readFileSync('data.txt');
fs.existsSync('/etc/passwd');
try { fs.readFileSync('absent'); } catch {}
fs.mkdirSync('out/x/y', { recursive: true });
fs.promises.writeFile('out/x/one', 'one').then(() => {
  fs.renameSync('out/x/one', 'out/x/two');
  fs.appendFileSync('out/x/two', 'more');
  execFileSync('sort', ['data.txt', 'out/x/two']);
  fs.rmSync('out/x', { recursive: true });
  net.connect(PORT, '127.0.0.1', function () { this.end(); });
});
"""


class Peers:
    """Listeners on loopback, and a port where nobody listens."""

    def __init__(self) -> None:
        """Listen."""
        self._servers = [_Server(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)]
        self._servers.append(_Server6(("::1", 0), http.server.BaseHTTPRequestHandler))
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.port, self.port6 = (server.server_address[1] for server in self._servers)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            self.closed = closed.getsockname()[1]

    def fill(self, text: str) -> str:
        """Put the ports into a program."""
        return (
            text.replace("PORT6", str(self.port6)).replace("PORT", str(self.port)).replace("CLOSED", str(self.closed))
        )

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever hangs up has said enough."""


class _Server6(_Server):
    address_family = socket.AF_INET6


@pytest.fixture
def peers() -> Iterator[Peers]:
    """Return what the programs connect to."""
    listening = Peers()
    yield listening
    listening.close()


@pytest.mark.parametrize("how", [Namespaces.NEVER, Namespaces.REQUIRED], ids=["alone", "namespaces"])
@pytest.mark.parametrize(
    ("program", "name", "text"),
    [("python3", "main.py", PYTHON), ("sh", "main.sh", SHELL), ("node", "main.cjs", NODE)],
    ids=["python", "shell", "node"],
)
def test_our_trace_names_what_strace_names(
    tmp_path: Path, peers: Peers, how: Namespaces, program: str, name: str, text: str
) -> None:
    skill = _skill(tmp_path / "skill", peers, name, text)
    home = tmp_path / "user"
    home.mkdir()
    argv0 = shutil.which(program, path=os.pathsep.join(SEARCH_PATH))
    assert argv0 is not None, f"{program} is not installed"
    ours = _ours(skill, home, how, (argv0, name))
    theirs = _of_strace(skill, home, tmp_path / "trace", (argv0, name))
    for kind in sorted(ours.keys() | theirs.keys()):
        assert ours[kind] == theirs[kind], kind
    assert {"opened", "missing", "made", "removed", "renamed", "started"} <= theirs.keys()
    assert ("connected" in theirs) == (program != "sh")


def _skill(folder: Path, peers: Peers, name: str, text: str) -> Path:
    (folder / ".vault").mkdir(parents=True)
    (folder / "out").mkdir()
    (folder / "SKILL.md").write_text("---\nname: traced\ndescription: Is traced.\n---\n", encoding="utf-8")
    (folder / "data.txt").write_text("# a comment\nx:zebra\nx:ape\n", encoding="utf-8")
    (folder / "out" / "with a space").write_text("there\n", encoding="utf-8")
    (folder / name).write_text(peers.fill(text), encoding="utf-8")
    declared = {
        "filesystem": {"read": [], "write": ["out"]},
        "network": [f"127.0.0.1:{peers.port}", f"[::1]:{peers.port6}", f"127.0.0.1:{peers.closed}"],
        "exec": ["sh", *PROGRAMS.split()],
    }
    document = {"schema_version": "1.0", "declared": declared}
    (folder / ".vault" / "permissions.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


# --- ours

_KINDS = {
    Action.FS_CREATE: "made",
    Action.FS_UNLINK: "removed",
    Action.FS_RENAME: "renamed",
    Action.FS_SYMLINK: "symlinked",
    Action.FS_LINK: "linked",
    Action.FS_CHMOD: "changed",
    Action.FS_TRUNCATE: "truncated",
}


def _ours(skill: Path, home: Path, how: Namespaces, argv: tuple[str, ...]) -> Seen:
    events: list[Event] = []
    enforcer = Enforcer(confinements=(LinuxConfinement(how),), reaction=Reaction.DENY, home=home)
    with stage(skill) as copy:
        outcome = enforcer.run(copy, argv, recording=Recording(watch=events.append))
        root = str(copy.folder)
    assert (outcome.ended.ending, outcome.ended.code) == (Ending.EXITED, 0), outcome.stderr
    assert not outcome.violations
    seen: Seen = defaultdict(set)
    for event in events:
        _note_event(seen, event, root)
    return seen


def _note_event(seen: Seen, event: Event, root: str) -> None:
    path = _place(event.path or "", root)
    if event.action in {Action.PROCESS_START, Action.PROCESS_EXEC}:
        seen["started" if event.decision is Decision.ALLOW else "not started"].add((path, event.argv))
    elif event.endpoint is not None:
        seen["connected"].add((event.endpoint.ip, event.endpoint.port))
    elif event.action in {Action.FS_READ, Action.FS_WRITE} or (event.action is Action.FS_CREATE and event.flags):
        seen["opened" if event.decision is Decision.ALLOW else "missing"].add(path)
    elif event.action in _KINDS:
        seen[_KINDS[event.action]].add(path)
    else:
        assert event.kind is not Class.VIOLATION


# --- strace's

_LINE = re.compile(r"(?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?P<rest>.*)")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<(.*?)>(?:, |$)")
_OPENED = re.compile(r"<(.*)>$")
_INET = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"(.*?)"')
_NAMES = {
    "unlink": "removed",
    "unlinkat": "removed",
    "rmdir": "removed",
    "rename": "renamed",
    "renameat": "renamed",
    "renameat2": "renamed",
    "mkdir": "made",
    "mkdirat": "made",
    "symlink": "symlinked",
    "symlinkat": "symlinked",
    "link": "linked",
    "linkat": "linked",
    **dict.fromkeys(("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utimensat"), "changed"),
    "truncate": "truncated",
}


def _of_strace(skill: Path, home: Path, traces: Path, argv: tuple[str, ...]) -> Seen:
    folder = skill.with_name("traced")
    shutil.copytree(skill, folder)
    traces.mkdir()
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    path = os.pathsep.join(place for place in SEARCH_PATH if Path(place).is_dir())
    environment |= {"PATH": path, "HOME": str(home), "PWD": str(folder)}
    options = ("-ff", "-y", "-v", "-s", "65536", "--seccomp-bpf", "-e", "signal=none")
    subprocess.run(
        ["strace", *options, "-e", f"trace={CALLS.replace(' ', ',')}", "-o", traces / "t", *argv],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    seen: Seen = defaultdict(set)
    for trace in traces.iterdir():
        current = str(folder)
        for line in trace.read_text(encoding="utf-8").splitlines():
            if match := _LINE.match(line):
                current = _note_line(seen, match, current, str(folder))
    return seen


def _note_line(seen: Seen, line: re.Match[str], current: str, root: str) -> str:
    """Note one call, and return the working folder after it."""
    call, arguments, failed = line["call"], line["arguments"], line["rest"].startswith(" E")
    folders = [_plain(place) for place in _FOLDER.findall(arguments)] or [current]
    if "AT_FDCWD<" in arguments:
        current = folders[0]
    if call == "connect":
        if match := _INET.search(arguments):
            seen["connected"].add((match[2], int(match[1])))
        return current
    # without a name it is about the file of a descriptor
    texts = [_plain(text) for text in _TEXT.findall(arguments)] or [""]
    paths = [os.path.join(folders[min(at, len(folders) - 1)], text) for at, text in enumerate(texts[:2])]  # noqa: PTH118
    if call in {"chdir", "fchdir"}:
        return current if failed else os.path.normpath(paths[0])
    if call == "execve":
        argv = tuple(_plain(text) for text in _TEXT.findall(arguments.split("[", 1)[1].split('"], [', 1)[0] + '"'))
        real = paths[0] if failed else os.path.realpath(paths[0])
        seen["not started" if failed else "started"].add((_place(real, root), argv))
    elif call in {"open", "openat", "openat2", "creat"}:
        _note_opening(seen, line, paths[0], root)
    elif not failed:
        named = {"linked": paths, "renamed": paths, "symlinked": paths[-1:]}.get(_NAMES[call], paths[:1])
        seen[_NAMES[call]].update(_place(path, root) for path in named)
    return current


def _note_opening(seen: Seen, line: re.Match[str], path: str, root: str) -> None:
    opened = _OPENED.search(line["rest"])
    if "O_PATH" in line["arguments"]:
        return  # it gives no more than stat does, and is not in our trace either
    if opened:
        seen["opened"].add(_place(_plain(opened[1]), root))
    elif line["rest"].startswith((" ENOENT", " ENOTDIR")):
        seen["missing"].add(_place(path, root))


def _plain(text: str) -> str:
    """Return what strace wrote with escapes."""
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1").decode("utf-8")


def _place(path: str, root: str) -> str:
    """Return a path that does not depend on where the skill lies, nor on the number of a process."""
    path = os.path.normpath(path)
    if path.startswith("/proc/"):
        return re.sub(r"^/proc/(?:\d+|self|thread-self)(?:/task/\d+)?", "/proc/self", path)
    if path.startswith(root):
        # sed makes up a name
        return "SKILL" + re.sub(r"(?<=/sed)\w{6}$", "XXXXXX", path.removeprefix(root))
    # with a mount tree of its own a program finds some files where there is a link to them outside
    return re.sub(r"(?<=^/sys/fs/cgroup/memory)/.*(?=/)", "", os.path.realpath(path))
