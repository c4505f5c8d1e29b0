"""Commands that read files, copy them or pack them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from haldir_scanner._code._shell.decoding import TRANSFORMATIONS, transformed
from haldir_scanner._code._shell.options import options
from haldir_scanner._code._shell.reading import content, folder, store
from haldir_scanner._code._shell.value import DECODED, INPUT, NOTHING, Value, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from haldir_scanner._code._shell.machine import Call, Machine

# Letters of options that take a value, of the commands whose other arguments are files.
_SHORT = {"head": "nc", "tail": "nc", "base64": "w", "base32": "w", "xxd": "clos", "split": "bln", "strings": "n"}
# The first argument is no file.
_SCRIPTED = frozenset({"grep", "egrep", "fgrep", "rg", "awk", "gawk", "mawk", "sed", "jq", "yq", "tr", "cut"})
_CHECKS = frozenset({"sha256sum", "sha512sum", "sha1sum", "md5sum", "shasum", "b2sum", "minisign", "cosign", "gpgv"})


def read(machine: Machine, call: Call) -> Value:
    """What a command writes that reads its arguments, or its input, and shows something of it."""
    if call.name == "cat" and not call.arguments:
        return call.stdin
    given = options(call.arguments, _SHORT.get(call.name, ""))
    paths = given.others
    if call.name in _SCRIPTED and not given.has("f"):
        paths = paths[1:] if not given.has("e") else paths
    source = _source(machine, call, paths)
    if call.name == "cat":
        return source
    return transformed(call, source) if call.name in TRANSFORMATIONS else _changed(source)


def _changed(value: Value) -> Value:
    """What a filter leaves: also quotes that make an argument harmless can be its work."""
    taints = {taint: place for taint, place in value.taints.items() if taint != INPUT}
    return Value(is_known=False, taints=taints)


def _source(machine: Machine, call: Call, paths: list[Value]) -> Value:
    named = [path for path in paths if path.text not in {"-", "/dev/stdin"}]
    if not named or call.name == "tr":
        return call.stdin
    return joined(content(machine, path, call.place) for path in named)


def openssl(machine: Machine, call: Call) -> Value:
    """What ``openssl`` makes of the file behind ``-in``, or of its input."""
    texts = call.texts()
    source = call.stdin
    if "-in" in texts[:-1]:
        source = content(machine, call.arguments[texts.index("-in") + 1], call.place)
    result = transformed(call, source)
    if "-out" in texts[:-1]:
        store(machine, texts[texts.index("-out") + 1], result, call.place)
        return NOTHING
    return result


def pack(machine: Machine, call: Call) -> Value:
    """What ``tar``, ``zip`` and their like write."""
    given = options(_old_style(call), "fCTXIgbK", frozenset({"file", "exclude", "directory", "output", "transform"}))
    others = given.others
    targets = [*given.values("f", "file")]
    if call.name in {"zip", "7z", "rar"}:
        paths = [path for path in others if path.text != "a"]
        targets, others = paths[:1], paths[1:]
    elif not given.has("c", "r", "u", "create", "append"):
        return NOTHING
    folders = [*given.values("C", "directory")] if any(path.text == "." for path in others) else []
    packed = joined(folder(machine, path, call.place) for path in [*others, *folders]).unknown()
    stored = [target for target in targets if target.text not in {"-", "/dev/stdout"}]
    for target in stored:
        store(machine, target.text, packed, call.place)
    return NOTHING if stored else packed


def _old_style(call: Call) -> list[Value]:
    """The arguments, the first of which may do without the hyphen."""
    if call.name != "tar" or not call.arguments or call.arguments[0].text.startswith("-"):
        return call.arguments
    return [call.arguments[0].derived("-" + call.arguments[0].text), *call.arguments[1:]]


def copy(machine: Machine, call: Call) -> Value:
    """Take notice of what ``cp``, ``mv``, ``ln`` and ``install`` put where."""
    given = options(call.arguments, "tSmog", frozenset({"target-directory", "mode", "owner", "group"}))
    paths = [*given.others, *given.values("t", "target-directory")]
    if len(paths) < 2:
        return NOTHING
    target = paths[-1].text
    for path in paths[:-1]:
        copied = content(machine, path, call.place)
        store(machine, target, copied, call.place)
        machine.write(target.rstrip("/") + "/" + path.text.rpartition("/")[2], copied)
    return NOTHING


def tee(machine: Machine, call: Call) -> Value:
    """The input, which goes to the files as well."""
    for path in options(call.arguments, "").others:
        store(machine, path.text, call.stdin, call.place)
    return call.stdin


def dd(machine: Machine, call: Call) -> Value:
    """What ``dd`` copies from ``if=`` to ``of=``."""
    operands = dict(text.partition("=")[::2] for text in call.texts())
    source = content(machine, Value(operands["if"]), call.place) if "if" in operands else call.stdin
    if "of" not in operands:
        return source
    store(machine, operands["of"], source, call.place)
    return NOTHING


def find(machine: Machine, call: Call) -> Value:
    """The files that ``find`` lists, or what a command shows of them."""
    places = []
    for argument in call.arguments:
        if argument.text.startswith(("-", "(", "!")):
            break
        places.append(argument)
    listed = joined(folder(machine, path, call.place) for path in places).unknown()
    return listed if {"-exec", "-execdir"} & set(call.texts()) else NOTHING.unknown()


def verify(machine: Machine, call: Call) -> Value:
    """What is decrypted; or notice is taken that a download is compared with what is expected."""
    texts = call.texts()
    if {"-d", "--decrypt"} & set(texts):
        return call.stdin.unknown().with_taint(DECODED, call.place)
    is_check = bool({"-c", "--check", "--verify", "verify", "-V", "verify-blob"} & set(texts))
    machine.checks_downloads = machine.checks_downloads or is_check or call.name in {"gpgv", "minisign"}
    return NOTHING.unknown()


_READERS = """
    cat tac head tail less more nl grep egrep fgrep rg awk gawk mawk sed jq yq cut sort uniq tr rev base64 gbase64
    base32 basenc xxd hexdump od gzip gunzip zcat bzip2 xz zstd strings paste split fold column plutil sqlite3 age
    uuencode pbcopy wl-copy iconv bat
"""
COMMANDS: dict[str, Callable[[Machine, Call], Value]] = {
    **dict.fromkeys(_READERS.split(), read),
    **dict.fromkeys(("tar", "zip", "7z", "rar", "bsdtar"), pack),
    **dict.fromkeys(("cp", "mv", "ln", "install", "gcp", "gmv"), copy),
    **dict.fromkeys((*_CHECKS, "gpg", "gpg2"), verify),
    "dd": dd,
    "find": find,
    "openssl": openssl,
    "sponge": tee,
    "tee": tee,
}
