"""Functions whose results come from somewhere: files, other machines, other programs, the user."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from haldir_scanner._code._javascript.value import UNKNOWN, Value, as_text, mixed
from haldir_scanner._code._shell.sensitive import is_local, taint_of_file, taint_of_folder
from haldir_scanner._code._shell.value import DECODED, ENVIRONMENT, FETCHED, FILES, INPUT, SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Source = Callable[[Sequence[Value], int], Value]

# Of a command line: what its output comes from.
_SHOWS_ENVIRONMENT = re.compile(r"(?:^|[;&|]\s*)(?:env|printenv|set)\s*(?:$|[;&|])")
_FETCHES = re.compile(r"(?:^|[;&|]\s*)(?:curl|wget)\b")
_WORD = re.compile(r"[^\s\"'|;&<>()]{4,200}")
_METADATA = re.compile(r"169\.254\.169\.254|metadata\.google\.internal|169\.254\.170\.2\b")

_FETCHERS = """
    fetch axios axios.get axios.post axios.request axios.put got got.get got.post got.stream got.text needle
    needle.get superagent.get superagent.post request request.get undici.request http.get https.get http.request
    https.request phin ky ky.get ky.post ofetch download WebSocket XMLHttpRequest node-fetch net.connect
    net.createConnection tls.connect dns.resolveTxt dns.resolve
"""
# What these give is made of all that they are given, and nothing is left out of it.
_WHOLE = """
    Array.from Buffer.concat JSON.parse JSON.stringify Object.assign Object.entries Object.fromEntries Object.keys
    Object.values Promise.all Promise.resolve String URLSearchParams Uint8Array TextDecoder FormData Blob btoa
    encodeURI encodeURIComponent escape querystring.stringify util.inspect zlib.deflateSync zlib.gzipSync
    zlib.brotliCompressSync crypto.publicEncrypt structuredClone Object.getOwnPropertyNames Reflect.ownKeys Array
    Object yaml.stringify qs.stringify
"""
_READERS = """
    fs.readFile fs.readFileSync fs.createReadStream fs.openSync fs.readJson fs.readJsonSync Bun.file Deno.readFile
    Deno.readTextFile Deno.readTextFileSync
"""


def content(path: Value, place: int) -> Value:
    """What is known about the content of a file."""
    taint = next(filter(None, map(taint_of_file, path.texts)), "")
    # The arguments of a program tell which file it reads, and not what is in it.
    carried = path.without(INPUT)
    return Value(taints={taint: place} if taint else carried.taints)


def _read(arguments: Sequence[Value], place: int) -> Value:
    return content(arguments[0], place) if arguments else UNKNOWN


def _list(arguments: Sequence[Value], place: int) -> Value:
    taint = taint_of_folder(as_text(arguments[0])) if arguments and arguments[0].text else ""
    return Value(taints={FILES if taint == SECRET else taint: place}) if taint else UNKNOWN


def output(command: Value, place: int) -> Value:
    """What is known about the output of a command line."""
    text = as_text(command)
    taints = {taint: place for word in _WORD.findall(text[:4000]) if (taint := taint_of_file(word))}
    if _SHOWS_ENVIRONMENT.search(text):
        taints[ENVIRONMENT] = place
    if _FETCHES.search(text):
        taints[FETCHED] = place
    return Value(taints=taints)


def _output(arguments: Sequence[Value], place: int) -> Value:
    return output(arguments[0], place) if arguments else UNKNOWN


def _spawned(arguments: Sequence[Value], place: int) -> Value:
    """The output of a program that is given its arguments one by one."""
    if len(arguments) > 1 and arguments[1].items is not None:
        words = [as_text(arguments[0]), *map(as_text, arguments[1].items)]
        return output(Value(text=" ".join(words)), place)
    return _output(arguments, place)


def _fetched(arguments: Sequence[Value], place: int) -> Value:
    address = address_of(arguments)
    if _METADATA.search(address):
        return Value(taints={SECRET: place})
    return UNKNOWN if is_local(address) else Value(taints={FETCHED: place})


def address_of(arguments: Sequence[Value]) -> str:
    """The address that a request is sent to, with HOLE for what is not known of it."""
    if not arguments:
        return ""
    if arguments[0].text is not None:
        return arguments[0].text
    return next((value.text for value in addresses_of(arguments) if value.text), "")


def addresses_of(arguments: Sequence[Value]) -> list[Value]:
    """The values that may be the address that a request is sent to, or a part of it."""
    if not arguments:
        return []
    fields = arguments[0].fields or {}
    named = [fields[key] for key in ("url", "uri", "hostname", "host", "baseURL") if key in fields]
    return [arguments[0], *named] if arguments[0].text is not None else named


def _asked(_: Sequence[Value], place: int) -> Value:
    return Value(taints={INPUT: place})


def _deciphered(arguments: Sequence[Value], place: int) -> Value:
    return mixed(arguments).tainted(DECODED, place)


def _whole(arguments: Sequence[Value], _: int) -> Value:
    first = arguments[0] if arguments else UNKNOWN
    if len(arguments) == 1 and first.text is not None:
        return Value(text=first.text, taints=first.taints, chain=first.chain)
    return mixed(arguments)


def _environment(_: Sequence[Value], place: int) -> Value:
    return Value(taints={ENVIRONMENT: place})


def _stream(arguments: Sequence[Value], _: int) -> Value:
    """A stream is known by the path of its file."""
    return Value(text=as_text(arguments[0])) if arguments else UNKNOWN


def _home(_: Sequence[Value], __: int) -> Value:
    return Value(text="~")


def _joined(arguments: Sequence[Value], _: int) -> Value:
    pieces = [as_text(argument).rstrip("/") or "/" for argument in arguments]
    return Value(text="/".join(pieces)[:4000], taints=mixed(arguments).taints)


SOURCES: dict[str, Source] = {
    **dict.fromkeys(_FETCHERS.split(), _fetched),
    **dict.fromkeys(_WHOLE.split(), _whole),
    **dict.fromkeys(
        ("fs.readFile", "fs.readFileSync", "fs.createReadStream", "fs.openSync", "Deno.readTextFile"), _read
    ),
    **dict.fromkeys(("Deno.readTextFileSync", "Deno.readFile", "Bun.file", "fs.readJson", "fs.readJsonSync"), _read),
    **dict.fromkeys(("fs.readdir", "fs.readdirSync", "glob", "glob.sync", "globSync"), _list),
    **dict.fromkeys(("child_process.exec", "child_process.execSync"), _output),
    **dict.fromkeys(
        (
            "child_process.execFile",
            "child_process.execFileSync",
            "child_process.spawn",
            "child_process.spawnSync",
            "execa",
        ),
        _spawned,
    ),
    **dict.fromkeys(("crypto.createDecipheriv", "crypto.createDecipher", "crypto.privateDecrypt"), _deciphered),
    **dict.fromkeys(("prompt", "readline-sync.question", "inquirer.prompt", "prompts"), _asked),
    **dict.fromkeys(("path.join", "path.resolve", "path.normalize", "path.posix.join"), _joined),
    "fs.createWriteStream": _stream,
    "os.homedir": _home,
    "process.env.toObject": _environment,
}
