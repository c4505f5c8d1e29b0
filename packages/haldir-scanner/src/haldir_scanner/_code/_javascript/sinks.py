"""Calls that run code, send data to another machine, or write files that are obeyed later."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from attrs import define, field

from haldir_scanner._code._javascript.names import RUNNERS
from haldir_scanner._code._javascript.sources import address_of, addresses_of
from haldir_scanner._code._javascript.value import DECODINGS, HOLE, UNKNOWN, Value, as_text, mixed
from haldir_scanner._code._shell.machine import (
    DECODED_TO_EXEC,
    ENVIRONMENT_TO_NETWORK,
    FILES_TO_NETWORK,
    INPUT_TO_SHELL,
    KEY_IN_MESSAGE,
    SECRET_TO_NETWORK,
    TO_AGENT_FILE,
    TO_EXEC,
    UNPACKED_TO_EXEC,
)
from haldir_scanner._code._shell.sensitive import is_local, issuers, keeps_notes, steers_an_agent
from haldir_scanner._code._shell.value import (
    DECODED,
    ENVIRONMENT,
    FETCHED,
    FILES,
    HEADER_ONLY,
    INPUT,
    KEY,
    SECRET,
    TOKEN,
    WALLET_KEY,
)
from haldir_scanner._files._filetypes import FileType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from haldir_scanner._code._javascript.calls import Target

DYNAMIC_NAME = "dynamic_name_exec"
EVAL = "ast_eval_non_literal"
EXEC = "ast_exec_non_literal"
INDIRECT = "ast_indirect_execution"
IMPORT = "ast_dynamic_import"
FUNCTION = "ast_function_constructor"
ADDRESS_HIDDEN = "taint_decoded_address"

_MOST_FINDINGS = 100
_MOST_TEXTS = 300
_SEVERAL = 2
JAVASCRIPT = frozenset({FileType.JAVASCRIPT})
SHELL = frozenset({FileType.SHELL})
_SHELLS = re.compile(r"(?:.{0,60}/)?(?:ba|z|da|k|a)?sh$|cmd(?:\.exe)?$|powershell(?:\.exe)?$|pwsh$")
_TEXT_FLAGS = frozenset({"-c", "-lc", "-ic", "-ec", "/c", "/C", "-Command", "-command"})
_INTERPRETERS = re.compile(r"(?:.{0,60}/)?(?:node|bun|deno|python[\d.]{0,5}|perl|ruby|php|osascript)(?:\.exe)?$")
_DOWNLOADERS = frozenset({"curl", "wget"})
_OUTPUT_OPTIONS = frozenset(
    {"-o", "-O", "--output", "--output-document", "-so", "-sLo", "-fsSLo", "-sSLo", "-Lo", "-qO"}
)
_SHORTEST_NAME = 2
_CODE_FLAGS = frozenset({"-e", "--eval", "-p", "-c", "-r", "eval"})
# Where something unknown is a command, and not the argument of one.
_AT_COMMAND = re.compile(r"^\s*\{\}|[;&|]\s*\{\}")
_REMOTE_CODE = re.compile(r"^(?:https?|data|blob):")
# Fields of the options of a request.
_HEADERS = frozenset({"headers", "auth", "agent", "httpsAgent", "signal", "proxy", "method", "cert", "key", "ca"})
_ADDRESS = frozenset({"url", "uri", "host", "hostname", "path", "query", "params", "search", "searchParams", "qs"})
_BODY = frozenset({"body", "data", "json", "form"})
_THIS = re.compile(r"\s*return\s+(?:this|globalThis|\w+)\s*;?\s*$")


@define
class Findings:
    """What has been found in one program; places are offsets of bytes."""

    flows: dict[tuple[str, int], int] = field(factory=dict)
    seen: dict[tuple[str, int], None] = field(factory=dict)
    texts: dict[str, tuple[int, frozenset[FileType], tuple[str, ...]]] = field(factory=dict)
    written: dict[str, int] = field(factory=dict)

    def flow(self, rule: str, source: int, sink: int) -> None:
        """Data flows from ``source`` to ``sink``."""
        if len(self.flows) < _MOST_FINDINGS:
            self.flows.setdefault((rule, sink), source)

    def see(self, rule: str, place: int) -> None:
        """A rule is broken at ``place``."""
        if len(self.seen) < _MOST_FINDINGS:
            self.seen.setdefault((rule, place))

    def compute(self, text: str, place: int, types: frozenset[FileType], chain: tuple[str, ...]) -> None:
        """A text is computed."""
        if len(self.texts) < _MOST_TEXTS and text.strip("{} \t\r\n"):
            self.texts.setdefault(text, (place, types, chain))


@define
class Sink:
    """A call that does something with its arguments."""

    findings: Findings
    target: Target
    values: list[Value]
    place: int
    name: str

    def argument(self, index: int) -> Value:
        """The value of an argument."""
        return self.values[index] if index < len(self.values) else UNKNOWN


def run_code(sink: Sink, value: Value, *, is_command: bool) -> None:
    """Take notice of where a text comes from that is run."""
    taints, text = value.taints, as_text(value)
    is_decoded = bool(DECODINGS & set(value.chain))
    if DECODED in taints or is_decoded:
        rule = DECODED_TO_EXEC if is_decoded and value.text is not None else UNPACKED_TO_EXEC
        sink.findings.flow(rule, taints.get(DECODED, sink.place), sink.place)
    if FETCHED in taints and (not is_command or value.text is None or _AT_COMMAND.search(text)):
        sink.findings.flow(TO_EXEC, taints[FETCHED], sink.place)
    elif INPUT in taints:
        sink.findings.flow(INPUT_TO_SHELL, taints[INPUT], sink.place)
    if is_command:
        for path, written in sink.findings.written.items():
            if path in text:
                sink.findings.flow(TO_EXEC, written, sink.place)
    if value.text is not None and (value.chain or is_command):
        sink.findings.compute(text, sink.place, SHELL if is_command else JAVASCRIPT, value.chain or ("command line",))


def _evaluate(sink: Sink) -> None:
    if not sink.values:
        return
    argument = sink.argument(0)
    if argument.known is None or argument.chain:
        sink.findings.see(EVAL, sink.place)
    run_code(sink, argument, is_command=False)


def _construct(sink: Sink) -> None:
    body = sink.values[-1] if sink.values else UNKNOWN
    if sink.values and any(value.known is None or value.chain for value in sink.values):
        sink.findings.see(FUNCTION, sink.place)
    if not (body.known and _THIS.match(body.known)):
        run_code(sink, body, is_command=False)


def _virtual_machine(sink: Sink) -> None:
    run_code(sink, sink.argument(0), is_command=False)


def _timer(sink: Sink) -> None:
    argument = sink.argument(0)
    if argument.function is None and (argument.text is not None or DECODINGS & set(argument.chain)):
        run_code(sink, argument, is_command=False)


def _command(sink: Sink) -> None:
    argument = sink.argument(0)
    if sink.values and argument.known is None:
        sink.findings.see(EXEC, sink.place)
    run_code(sink, argument, is_command=True)


def _program(sink: Sink) -> None:
    """A program with its arguments one by one; a shell is given its commands so."""
    program, rest = sink.argument(0), sink.argument(1).items or ()
    options = sink.argument(2).fields or sink.argument(1).fields or {}
    words = [as_text(item) for item in rest]
    flag = next((place for place, word in enumerate(words) if word in _TEXT_FLAGS), -1)
    if _SHELLS.match(as_text(program)) and 0 <= flag < len(rest) - 1:
        run_code(sink, rest[flag + 1], is_command=True)
        return
    if "shell" in options and not rest:
        run_code(sink, program, is_command=True)
        return
    if FETCHED in program.taints:
        sink.findings.flow(TO_EXEC, program.taints[FETCHED], sink.place)
    if _INTERPRETERS.match(as_text(program)):
        flag = next((place for place, word in enumerate(words) if word in _CODE_FLAGS), len(words))
        for value in rest[flag + 1 : flag + 2]:
            run_code(sink, value, is_command=False)
    line = " ".join([as_text(program), *words])
    for path, written in sink.findings.written.items():
        if path in line:
            sink.findings.flow(TO_EXEC, written, sink.place)
    _note_download(sink, as_text(program), words)
    if line.strip(HOLE + " "):
        chain = tuple(dict.fromkeys(trick for value in (program, *rest) for trick in value.chain))
        sink.findings.compute(line, sink.place, SHELL, chain or ("command line",))


def _note_download(sink: Sink, program: str, words: Sequence[str]) -> None:
    """Take notice of a file that a program downloads by its own name for it."""
    if program.rpartition("/")[2].removesuffix(".exe") not in _DOWNLOADERS:
        return
    for option, path in pairwise(words):
        if option in _OUTPUT_OPTIONS and len(path.strip("{}/.")) > _SHORTEST_NAME:
            sink.findings.written.setdefault(path, sink.place)


def _import(sink: Sink) -> None:
    argument = sink.argument(0)
    text = argument.text or ""
    is_hidden = argument.known is not None and bool(DECODINGS & set(argument.chain))
    if _REMOTE_CODE.match(text) or is_hidden or {FETCHED, DECODED} & set(argument.taints):
        sink.findings.see(IMPORT, sink.place)
        if {FETCHED, DECODED} & set(argument.taints):
            run_code(sink, argument, is_command=False)
        if text.startswith("data:"):
            sink.findings.compute(text.partition(",")[2], sink.place, JAVASCRIPT, argument.chain or ("data URL",))


def send(sink: Sink, value: Value, *, is_address: bool = False) -> None:
    """Take notice that ``value`` leaves the machine; an address or a header may hold what identifies the user."""
    taints = value.taints
    if SECRET in taints or (TOKEN in taints and not is_address):
        sink.findings.flow(SECRET_TO_NETWORK, taints.get(SECRET, taints.get(TOKEN, sink.place)), sink.place)
        return
    if ENVIRONMENT in taints:
        sink.findings.flow(ENVIRONMENT_TO_NETWORK, taints[ENVIRONMENT], sink.place)
        return
    keys = [taint for taint in taints if taint.startswith(KEY)]
    if (WALLET_KEY in taints or len(issuers(keys)) >= _SEVERAL) and not is_address:
        sink.findings.flow(SECRET_TO_NETWORK, taints.get(WALLET_KEY, taints[keys[0]]), sink.place)
    elif keys and keys[0].endswith(HEADER_ONLY) and not is_address:
        sink.findings.flow(KEY_IN_MESSAGE, taints[keys[0]], sink.place)
    elif FILES in taints:
        sink.findings.flow(FILES_TO_NETWORK, taints[FILES], sink.place)


def _request(sink: Sink) -> None:
    if is_local(address_of(sink.values)):
        return
    if any(DECODINGS & set(value.chain) for value in addresses_of(sink.values)):
        sink.findings.see(ADDRESS_HIDDEN, sink.place)
    for place, value in enumerate(sink.values):
        fields = value.fields
        if fields is None or not (_HEADERS | _ADDRESS | _BODY) & set(fields):
            send(sink, value, is_address=place == 0)
            continue
        to_all = _HEADERS | _ADDRESS
        send(sink, mixed(part for key, part in fields.items() if key in to_all), is_address=True)
        send(sink, mixed(part for key, part in fields.items() if key not in to_all))


def _transmit(sink: Sink) -> None:
    for value in sink.values[:2]:
        send(sink, value)


def _resolve(sink: Sink) -> None:
    send(sink, sink.argument(0), is_address=True)


def write(sink: Sink, path: Value, value: Value) -> None:
    """Take notice that ``value`` is written to the file ``path``."""
    name = as_text(path)
    if FETCHED in value.taints and len(name.strip("{}/.")) > _SHORTEST_NAME:
        sink.findings.written.setdefault(name, value.taints[FETCHED])
    origins = (FETCHED,) if keeps_notes(name) else (FETCHED, INPUT)
    found = [value.taints[origin] for origin in origins if origin in value.taints]
    if found and steers_an_agent(name):
        sink.findings.flow(TO_AGENT_FILE, found[0], sink.place)


def _store(sink: Sink) -> None:
    write(sink, sink.argument(0), sink.argument(1))


def _pipe(sink: Sink) -> None:
    """What is read goes on: into a file, or into the input of something that runs or sends."""
    argument = sink.argument(0)
    received = sink.target.receiver
    if argument.name == "fs.createWriteStream()":
        write(sink, Value(text=argument.text), received)
    elif argument.name in {"http.request()", "https.request()", "net.connect()", "net.createConnection()"}:
        send(sink, received)


def indirect(sink: Sink, value: Value, arguments: int) -> None:
    """Take notice of a name that is put together, of something that runs code."""
    is_computed = value.name in RUNNERS and value.chain and set(value.chain) != {"sequence"}
    if is_computed or (value.name == "Function" and sink.target.method == "constructor" and arguments):
        sink.findings.see(DYNAMIC_NAME, sink.place)
        sink.findings.see(INDIRECT, sink.place)


CODE_SINKS: dict[str, Callable[[Sink], None]] = {
    **dict.fromkeys(("child_process.exec", "child_process.execSync", "Bun.$"), _command),
    **dict.fromkeys(
        (
            "child_process.execFile",
            "child_process.execFileSync",
            "child_process.fork",
            "child_process.spawn",
            "child_process.spawnSync",
            "execa",
            "Bun.spawn",
            "Deno.Command",
        ),
        _program,
    ),
    **dict.fromkeys(("import", "require", "importScripts"), _import),
    **dict.fromkeys(("setImmediate", "setInterval", "setTimeout"), _timer),
    **dict.fromkeys(
        (
            "vm.Script",
            "vm.compileFunction",
            "vm.runInContext",
            "vm.runInNewContext",
            "vm.runInThisContext",
            "vm.Script().run",
            "module._compile",
            "Worker",
        ),
        _virtual_machine,
    ),
    "Function": _construct,
    "eval": _evaluate,
}
DATA_SINKS: dict[str, Callable[[Sink], None]] = {
    **dict.fromkeys(
        (
            *(
                f"{client}.{verb}"
                for client in ("axios", "got", "needle", "superagent", "ky")
                for verb in ("post", "put")
            ),
            *(f"{client}.{verb}" for client in ("axios", "got", "ky") for verb in ("get", "patch", "request")),
            "axios",
            "fetch",
            "got",
            "http.get",
            "http.request",
            "https.get",
            "https.request",
            "ky",
            "request",
            "request.get",
            "request.post",
            "undici.request",
        ),
        _request,
    ),
    **dict.fromkeys(
        (
            "http.request().end",
            "http.request().write",
            "https.request().end",
            "https.request().write",
            "navigator.sendBeacon",
            "net.connect().end",
            "net.connect().write",
            "net.createConnection().end",
            "net.createConnection().write",
            "superagent.post().send",
            "tls.connect().write",
            "WebSocket().send",
            "XMLHttpRequest().send",
        ),
        _transmit,
    ),
    **dict.fromkeys(("dns.lookup", "dns.resolve", "dns.resolve4", "dns.resolveTxt"), _resolve),
    **dict.fromkeys(
        (
            "fs.writeFile",
            "fs.writeFileSync",
            "fs.appendFile",
            "fs.appendFileSync",
            "fs.outputFile",
            "Bun.write",
            "Deno.writeTextFile",
            "Deno.writeTextFileSync",
        ),
        _store,
    ),
}
SINKS = {**CODE_SINKS, **DATA_SINKS}


def judge(sink: Sink) -> None:
    """Take notice of what a call does."""
    indirect(sink, sink.target.value, len(sink.values))
    handler = SINKS.get(sink.name)
    if handler is not None:
        handler(sink)
    elif sink.target.method == "pipe":
        _pipe(sink)
    elif sink.target.method == "then" and sink.argument(0).name in {"eval", "Function"}:
        run_code(sink, sink.target.receiver, is_command=False)
