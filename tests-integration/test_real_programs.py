"""Real programs do their work under a policy that fits them: nothing is refused, and nothing is lost."""

import contextlib
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

import pytest

from haldir_enforcer import Enforcer, Outcome, stage
from haldir_enforcer._linux import LinuxConfinement, Namespaces
from haldir_enforcer.confinement import Ending

TREE = Path(__file__).parents[1]
HALDIR = Path(sys.executable).with_name("haldir")
PYTHON_PACKAGES = ("attrs", "cryptography", "jsonschema", "mcp", "pyyaml")
"""Installed in the versions that are in use here."""
MORE_PYTHON_PACKAGES = ("requests==2.34.2",)
NODE_PACKAGES = ("@modelcontextprotocol/sdk@1.32.2", "semver@7.7.2", "yaml@2.8.1")
CALLS = 1000
AT_ONCE = 50
"""Calls that are on their way at a time."""
COREUTILS = (
    "basename cat cp cut date dirname env find grep head ls mkdir mktemp mv rm sed sort tail tar tr uniq wc xargs"
)
SHELL = """set -eu
mkdir -p out/made/deep
printf '%s\\n' pear apple fig apple quince >out/fruit
sort out/fruit | uniq -c | sed 's/^ *//' | tr ' ' ':' >out/counted
cp out/counted out/made/deep/copy
mv out/made/deep/copy out/made/moved
cat data.txt out/made/moved | grep -v '^#' | head -n 3 | cut -d: -f2
find out -type f | sort | xargs wc -l | tail -n 1
tar -cf out/all.tar -C out made && tar -tf out/all.tar
for name in a b c; do (echo "$name" >"out/$name") & done; wait
ls out
scratch=$(mktemp -p out); rm "$scratch"; rm -r out/made
[ "$(basename "$(dirname /x/y)")" = x ] && date -u -d @0 +%Y && env | grep -c ^PATH=
"""
PYTHON = """
import asyncio, json, multiprocessing, pathlib, sqlite3, ssl, subprocess, sys, tempfile, threading
import attrs, jsonschema, yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

@attrs.frozen
class Point:
    x: int

jsonschema.validate({"x": 1}, {"type": "object", "required": ["x"]})
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b"word"), b"word")
out = pathlib.Path("out")
(out / "point.yaml").write_text(yaml.safe_dump(attrs.asdict(Point(1))))
with sqlite3.connect(out / "points.db") as database:
    database.execute("create table point (x)")
    database.executemany("insert into point values (?)", [(number,) for number in range(100)])
total = sqlite3.connect(out / "points.db").execute("select sum(x) from point").fetchone()[0]
with tempfile.TemporaryDirectory(dir=out) as folder:
    (pathlib.Path(folder) / "gone").write_bytes(bytes(100_000))
done = []
workers = [threading.Thread(target=done.append, args=(number,)) for number in range(8)]
[worker.start() for worker in workers]
[worker.join() for worker in workers]
ssl.create_default_context()

async def both():
    await asyncio.gather(asyncio.sleep(0), asyncio.to_thread(len, "x"))
    child = await asyncio.create_subprocess_exec("sort", stdin=-1, stdout=-1)
    return (await child.communicate(b"b\\na\\n"))[0].decode().split()

context = multiprocessing.get_context("fork")
with context.Pool(2) as pool:
    squares = pool.map(abs, [-1, -2])
print(json.dumps([yaml.safe_load((out / "point.yaml").read_text()), total, len(done), asyncio.run(both()), squares]))
"""
NODE = """
import { readFile, writeFile, mkdir, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import semver from 'semver';
import YAML from 'yaml';

await mkdir('out/deep', { recursive: true });
await writeFile('out/deep/one.yaml', YAML.stringify({ one: semver.inc('1.2.3', 'minor') }));
const read = YAML.parse(await readFile('out/deep/one.yaml', 'utf8'));
await rm('out/deep', { recursive: true });
const sorted = (await promisify(execFile)('sort', ['data.txt'])).stdout.trim().split('\\n');
const code = "require('worker_threads').parentPort.postMessage(6 * 7)";
const answer = await new Promise((done, fail) =>
  new Worker(code, { eval: true }).once('message', done).once('error', fail));
const same = gunzipSync(gzipSync('word')).toString();
console.log(JSON.stringify([read, sorted, answer, same, createHash('sha256').update('').digest('hex').slice(0, 8)]));
"""
SERVER_PY = """
from mcp.server import MCPServer

server = MCPServer("real")

@server.tool()
async def twice(number: int, text: str) -> str:
    return f"{number * 2}:{text}"

server.run("stdio")
"""
SERVER_JS = """
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const server = new McpServer({ name: 'real', version: '1.0.0' });
server.registerTool('twice', { inputSchema: { number: z.number(), text: z.string() } }, async ({ number, text }) => ({
  content: [{ type: 'text', text: `${number * 2}:${text}` }],
}));
await server.connect(new StdioServerTransport());
"""
SIGNALS = """
import os, signal, sys, time

def told(number, frame):
    os.write(1, signal.Signals(number).name.encode() + b"\\n")
    if number == signal.SIGTERM:
        sys.exit(7)

for name in ("SIGHUP", "SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2"):
    signal.signal(getattr(signal, name), told)
os.write(1, b"ready\\n")
while True:
    time.sleep(60)
"""


class Skill:
    """A folder that declares what its program needs."""

    def __init__(self, folder: Path) -> None:
        """Make it in ``folder``, with a little data."""
        self.folder = folder
        self.home = folder.parent / "home-of-the-user"
        self.home.mkdir()
        folder.mkdir()
        self.write("SKILL.md", "---\nname: real\ndescription: Does real work.\n---\nWorks.\n")
        self.write("data.txt", "# a comment\nx:zebra\nx:ape\n")

    def write(self, name: str, text: str) -> None:
        """Put a file into it."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def declare(self, **declared: Any) -> None:  # noqa: ANN401 - JSON
        """Grant what is declared, and nothing else."""
        (self.folder / ".vault").mkdir()
        document = {"schema_version": "1.0", "declared": declared}
        (self.folder / ".vault" / "permissions.json").write_text(json.dumps(document), encoding="utf-8")

    def run(self, how: Namespaces, *argv: str | Path) -> Outcome:
        """Run it to its end; the first violation would kill it."""
        enforcer = Enforcer(confinements=(LinuxConfinement(how),), home=self.home)
        with stage(self.folder) as copy:
            return enforcer.run(copy, [str(word) for word in argv])

    def command(self, *argv: str | Path) -> list[str | Path]:
        """Return the command line that runs it, with the report beside it."""
        return [HALDIR, "enforce", self.folder, "--no-verify", "--report", self.report, "--", *argv]

    @property
    def report(self) -> Path:
        """The report of a run by the command line."""
        return self.folder.parent / "report.json"


@pytest.fixture
def skill(tmp_path: Path) -> Skill:
    """Return a skill that declares nothing yet."""
    return Skill(tmp_path / "skill")


@pytest.fixture(params=[Namespaces.NEVER, Namespaces.REQUIRED], ids=["alone", "namespaces"])
def how(request: pytest.FixtureRequest) -> Namespaces:
    """Confine without namespaces and with them."""
    chosen: Namespaces = request.param
    return chosen


def _online(command: Sequence[str | Path], offline: dict[str, str], cwd: Path) -> None:
    """Run what installs packages; without a network, from its cache."""
    tried = [subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)]
    if tried[0].returncode != 0:
        environment = {**os.environ, **offline}
        tried.append(subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False))
    assert tried[-1].returncode == 0, "\n".join(each.stderr for each in tried)


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a virtual environment with packages from the index."""
    folder = tmp_path_factory.mktemp("python") / "venv"
    uv = TREE / "scripts" / "uv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, capture_output=True)
    wanted = [f"{name}=={version(name)}" for name in PYTHON_PACKAGES]
    _online([uv, "pip", "install", "--python", folder, *wanted, *MORE_PYTHON_PACKAGES], {"UV_OFFLINE": "1"}, TREE)
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of packages from the registry."""
    folder = tmp_path_factory.mktemp("node")
    options = ("--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--no-bin-links")
    _online(["npm", "install", *options, *NODE_PACKAGES], {"npm_config_offline": "true"}, folder)
    return folder / "node_modules"


def _clean(outcome: Outcome) -> str:
    """Return what a run printed that did nothing but what it may."""
    said = f"{outcome.ended} {outcome.violations[:3]} {outcome.stderr[-2000:]!r}"
    assert outcome.ended.ending is Ending.EXITED, said
    assert outcome.ended.code == 0, said
    assert outcome.violation_count == 0, said
    return outcome.stdout.decode()


def test_python_with_installed_packages_works(skill: Skill, how: Namespaces, python: Path) -> None:
    skill.write("main.py", PYTHON)
    skill.declare(filesystem={"read": [], "write": ["out"]}, exec=["sort"])
    printed = _clean(skill.run(how, python, "main.py"))
    assert json.loads(printed) == [{"x": 1}, 4950, 8, ["a", "b"], [1, 2]]


def test_python_with_requests_reaches_the_peer_that_is_declared(
    skill: Skill, how: Namespaces, python: Path, tmp_path: Path
) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Greeter) as peer:
        threading.Thread(target=peer.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{peer.server_address[1]}"
        skill.write("main.py", f"import requests; print(requests.get('http://{address}/a?b=c').json())")
        skill.declare(filesystem={"read": [], "write": []}, network=[address], exec=[])
        assert _clean(skill.run(how, python, "main.py")) == "{'asked': '/a?b=c'}\n"
        peer.shutdown()


class Greeter(http.server.BaseHTTPRequestHandler):
    """Answers with what was asked for."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({"asked": self.path}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is inherited
        """Say nothing."""


def test_node_with_installed_packages_works(skill: Skill, how: Namespaces, node_modules: Path) -> None:
    (skill.folder / "node_modules").mkdir()
    for name in ("semver", "yaml"):
        _copy(node_modules / name, skill.folder / "node_modules" / name)
    skill.write("main.mjs", NODE)
    skill.declare(filesystem={"read": [], "write": ["out"]}, exec=["sort"])
    printed = json.loads(_clean(skill.run(how, "node", "main.mjs")))
    assert printed == [{"one": "1.3.0"}, ["# a comment", "x:ape", "x:zebra"], 42, "word", "e3b0c442"]


@pytest.mark.parametrize("scheme", ["", "file://"], ids=["copied", "through upload-pack"])
def test_git_clones_a_local_repository(skill: Skill, how: Namespaces, tmp_path: Path, scheme: str) -> None:
    origin = tmp_path / "origin"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@b.example"]
    origin.mkdir()
    (origin / "file.txt").write_text("of the repository\n", encoding="utf-8")
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], cwd=origin, check=True)
    skill.write("main.sh", f"git clone -q {scheme}{origin} out/clone && git -C out/clone log --format=%s && "
                "git -C out/clone status --short && cat out/clone/file.txt\n")  # fmt: skip
    skill.declare(filesystem={"read": [str(origin)], "write": ["out"]}, exec=["git", "cat"])
    assert _clean(skill.run(how, "sh", "main.sh")) == "one\nof the repository\n"


def test_a_shell_script_with_coreutils_works(skill: Skill, how: Namespaces) -> None:
    skill.write("main.sh", SHELL)
    skill.declare(filesystem={"read": [], "write": ["out"]}, exec=COREUTILS.split())
    printed = _clean(skill.run(how, "sh", "main.sh"))
    unconfined = subprocess.run(
        ["/bin/sh", "main.sh"], cwd=skill.folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    assert printed == unconfined.stdout.decode()


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", source, target], check=True)


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(skill: Skill) -> Iterator[Start]:
    """Start the skill by the command line, with pipes; what still runs afterwards is killed."""
    with contextlib.ExitStack() as started:

        def call(*argv: str | Path) -> "subprocess.Popen[bytes]":
            process = subprocess.Popen(skill.command(*argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield call


def test_an_mcp_server_of_the_python_sdk_answers_every_call(skill: Skill, start: Start, python: Path) -> None:
    skill.write("server.py", SERVER_PY)
    skill.declare(filesystem={"read": [], "write": []}, exec=[])
    _converse(skill, start(python, "server.py"))


def test_an_mcp_server_of_the_node_sdk_answers_every_call(skill: Skill, start: Start, node_modules: Path) -> None:
    _copy(node_modules, skill.folder / "node_modules")
    skill.write("server.mjs", SERVER_JS)
    skill.declare(filesystem={"read": [], "write": []}, exec=[])
    _converse(skill, start("node", "server.mjs"))


def _converse(skill: Skill, server: "subprocess.Popen[bytes]") -> None:
    """Call a tool many times, many at once; every answer is there once, in order, and is the right one."""
    stdin, stdout = _pipes(server)
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    _send(stdin, {"id": 0, "method": "initialize", "params": hello})
    assert json.loads(stdout.readline())["result"]["serverInfo"]["name"] == "real"
    _send(stdin, {"method": "notifications/initialized"})
    # most are short, every thirteenth is longer than a pipe holds
    texts = [f"{number}-" + "ü→\U0001f600" * (number % 97) * (1 if number % 13 else 41) for number in range(CALLS)]
    free = threading.Semaphore(AT_ONCE)

    def call_all() -> None:
        for number, text in enumerate(texts, 1):
            free.acquire()
            params = {"name": "twice", "arguments": {"number": number, "text": text}}
            _send(stdin, {"id": number, "method": "tools/call", "params": params})

    caller = threading.Thread(target=call_all, daemon=True)
    caller.start()
    answers = []
    for _ in range(CALLS):
        answers.append(json.loads(stdout.readline()))
        free.release()
    caller.join()
    assert [answer["id"] for answer in answers] == list(range(1, CALLS + 1))
    for answer, text in zip(answers, texts, strict=True):
        assert answer["result"]["content"][0]["text"] == f"{answer['id'] * 2}:{text}"
    stdin.close()
    assert stdout.read() == b""
    assert server.wait(30) == 0
    report = json.loads(skill.report.read_bytes())
    assert (report["violations"], report["exit_code"], report["ending"]) == ([], 0, "exited")


def _pipes(server: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert server.stdin is not None
    assert server.stdout is not None
    return server.stdin, server.stdout


def _send(stdin: IO[bytes], message: dict[str, Any]) -> None:
    stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    stdin.flush()


def test_signals_reach_the_program_and_its_exit_code_comes_back(skill: Skill, start: Start) -> None:
    skill.write("main.py", SIGNALS)
    skill.declare(filesystem={"read": [], "write": []}, exec=[])
    program = start("python3", "main.py")
    _, stdout = _pipes(program)
    assert stdout.readline() == b"ready\n"
    for name in ("SIGHUP", "SIGINT", "SIGUSR1", "SIGUSR2", "SIGTERM"):
        program.send_signal(getattr(signal, name))
        assert stdout.readline() == f"{name}\n".encode()
    assert program.wait(30) == 7


def test_a_shell_that_a_signal_ends_is_told_so(skill: Skill, start: Start) -> None:
    skill.declare(filesystem={"read": [], "write": []}, exec=["sleep"])
    program = start("sh", "-c", "echo ready; sleep 60; echo never")
    _, stdout = _pipes(program)
    assert stdout.readline() == b"ready\n"
    program.send_signal(signal.SIGTERM)
    assert program.wait(30) == 128 + signal.SIGTERM
    assert stdout.read() == b""
    assert json.loads(skill.report.read_bytes())["ending"] == "signalled"
