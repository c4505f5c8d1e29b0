"""Calls that compute one value from others: decoders, text functions, containers."""

import ast
import re
from collections.abc import Mapping, Sequence
from functools import partial

from haldir_scanner._code._python import folding
from haldir_scanner._code._python.call import Arguments, Call, CallHandler
from haldir_scanner._code._python.decoders import DECODERS, Decoder, UndecodableError, codec, decoded
from haldir_scanner._code._python.functions import call_target
from haldir_scanner._code._python.names import UNMARSHALLERS, UNPICKLERS
from haldir_scanner._code._python.run import Run
from haldir_scanner._code._python.value import HOLE, UNKNOWN, Kind, Taint, Value, merge, tainted, text_of, union

_LONGEST_MARSHALLED_NUMBER = 16
# The two strings of a pickle's GLOBAL and STACK_GLOBAL instructions, for functions that run what they are given.
_CALLING_PICKLE = re.compile(
    rb"(?:posix|nt|os|subprocess|builtins|__builtin__|runpy|pty)[\n\x94\x8c\x93\x00-\x10]{1,6}"
    rb"(?:system|popen|exec|eval|Popen|run|call|check_output|check_call|compile|__import__|spawn|run_path)"
)
_DECODING_FACTOR = 8  # the same for each character that it gives
_DECODING_COST = 8 * 1024  # characters that are put together in the time that the slowest decoder takes to begin


def undo(run: Run, decoder: Decoder, data: Value | None, node: ast.expr) -> Value | None:
    """What decoding a value gives: a constant if it is one, else something unpacked."""
    if data is None or data.constant is UNKNOWN or not isinstance(data.constant, str | bytes):
        taints = () if data is None else data.taints
        return Value(taints=merge(taints, (Taint(Kind.UNPACKED, "", (node,)),)))
    try:
        run.charge(_DECODING_COST)
        return run.fold(node, partial(_undone, run, decoder, data.constant), (data,))
    except (UndecodableError, folding.UnknownValueError):
        return tainted(data.taints)


def _undone(run: Run, decoder: Decoder, data: object) -> folding.Fold:
    result = decoded(decoder, data)
    run.charge(_DECODING_FACTOR * len(result))
    return folding.Fold(result, decoder.step)


def _decode(run: Run, call: Call) -> Value | None:
    data = call.arguments.get(0) or next(iter(call.arguments.keywords.values()), None)
    return undo(run, DECODERS[call.name], data, call.node)


def _decode_codec(run: Run, call: Call) -> Value | None:
    name = call.arguments.get(1, "encoding")
    decoder = codec(name.constant) if name is not None else None
    data = call.arguments.get(0, "obj")
    if decoder is None:
        return data
    return undo(run, decoder, data, call.node)


def _unmarshal(run: Run, call: Call) -> Value | None:
    """Code in a form that only the interpreter reads."""
    data = call.arguments.get(0)
    taints = union((data,))
    constant = data.constant if data is not None else UNKNOWN
    if call.name in UNPICKLERS:
        if isinstance(constant, bytes) and _CALLING_PICKLE.search(constant):
            run.see("marshal_payload", call.node)
        return tainted(taints)
    if isinstance(constant, bytes) and len(constant) > _LONGEST_MARSHALLED_NUMBER:
        run.see("marshal_payload", call.node)
    return Value(name="marshal.loads()", taints=taints)


def _fold(run: Run, call: Call) -> Value | None:
    constants = call.arguments.constants()
    if constants is None:
        return _composed(run, call)
    try:
        return run.fold(call.node, partial(folding.function, call.name, constants), call.operands())
    except folding.UnknownValueError:
        return _composed(run, call)


def _composed(_run: Run, call: Call) -> Value | None:
    """The result of a function that keeps what its arguments are made from."""
    given = call.arguments.positional
    first = given[0] if given else None
    taints = union(call.arguments.all)
    if call.name in _FROM_CODES and any(taint.kind is Kind.CONTENT for taint in taints):
        taints = merge(taints, (Taint(Kind.UNPACKED, "", (call.node,)),))
    if call.name in _TEXTS and first is not None:
        return Value(partial=first.text, taints=taints, chain=first.chain, origin=first.origin)
    if call.name in _CONTAINERS and first is not None and first.elements is not None:
        return Value(elements=first.elements, taints=taints)
    return tainted(taints)


def _map(run: Run, call: Call) -> Value | None:
    """A function applied to each element of a constant."""
    given = call.arguments.positional
    function, values = (given[0], given[1]) if len(given) == 2 else (None, None)
    if function is None or values is None or not isinstance(values.constant, str | bytes | list | tuple):
        return tainted(union(given))
    results: list[object] = []
    known: dict[tuple[type, object], object] = {}
    for item in values.constant:
        key = (type(item), item)
        if not isinstance(item, str | int | bytes):
            return tainted(union(given))
        if key not in known:
            made = _apply(run, call.node, function, Value(item))
            if made is None or made.constant is UNKNOWN:
                return tainted(union(given))
            known[key] = made.constant
        results.append(known[key])
    return Value(results, taints=values.taints, chain=(*values.chain, "chr"), origin=call.node)


def _apply(run: Run, node: ast.Call, function: Value, item: Value) -> Value | None:
    if function.target is not None:
        return call_target(run, node, function.target, Arguments((item,), {}))
    try:
        return Value(folding.function(function.name, (item.constant,)).constant)
    except folding.UnknownValueError:
        return None


def method(run: Run, node: ast.Call, receiver: Value, name: str, arguments: Arguments) -> Value | None:
    """What a method of a constant or of a text that is known in parts returns; None if that is unknown."""
    given = arguments.get(0, "encoding")
    decoder = codec(given.constant) if name == "decode" and given is not None else None
    if decoder is not None:
        return undo(run, decoder, receiver, node)
    constants = arguments.constants()
    if receiver.constant is not UNKNOWN and constants is not None and not set(arguments.keywords) - _IGNORED:
        operands = [receiver, *(value for value in arguments.positional if value is not None)]
        try:
            return run.fold(node, partial(folding.method, receiver.constant, name, constants), operands)
        except folding.UnknownValueError:
            return None
    return _partly(run, node, receiver, name, arguments)


def _partly(run: Run, node: ast.Call, receiver: Value, name: str, arguments: Arguments) -> Value | None:
    text = receiver.text
    first = arguments.get(0)
    if name == "format" and text:
        return run.compute(node, partial(_formatted, text, arguments.positional), (receiver, *arguments.all))
    if name == "join" and isinstance(receiver.constant, str) and first is not None and first.elements is not None:
        elements = first.elements
        return run.compute(node, lambda: text.join(map(text_of, elements)), (receiver, first, *elements))
    if name in _KEEPING and receiver.partial:
        return receiver
    return None


def _formatted(template: str, values: Sequence[Value | None]) -> str:
    pieces = template.split("{}")
    texts = [*map(text_of, values), *([HOLE] * len(pieces))]
    return "".join(piece + text for piece, text in zip(pieces[:-1], texts, strict=False)) + pieces[-1]


_IGNORED = frozenset({"encoding", "errors"})
_KEEPING = frozenset({"strip", "rstrip", "lstrip", "encode", "decode", "lower"})
_TEXTS = frozenset({"builtins.str", "builtins.bytes", "builtins.repr", "os.fspath"})
# What is put together letter by letter from the content of a file is not what its readers see.
_FROM_CODES = frozenset({"builtins.chr", "builtins.bytes", "builtins.bytearray"})
_CONTAINERS = frozenset({"builtins.list", "builtins.tuple", "builtins.reversed", "builtins.sorted"})
# Functions whose result is their argument in another form.
_TRANSPARENT = tuple(
    f"{module}.{name}"
    for module, members in {
        "base64": "b64encode b32encode b16encode b85encode a85encode urlsafe_b64encode standard_b64encode encodebytes",
        "binascii": "hexlify b2a_base64 b2a_hex",
        "builtins": "ascii dict.items filter format iter max min next repr set frozenset sum dict",
        "bz2": "compress",
        "codecs": "encode",
        "copy": "copy deepcopy",
        "csv": "reader DictReader",
        "gzip": "compress",
        "html": "escape unescape",
        "io": "BytesIO StringIO",
        "json": "dumps load loads",
        "lzma": "compress",
        "pickle": "dumps",
        "pprint": "pformat",
        "re": "sub",
        "shlex": "join split",
        "string": "Template",
        "textwrap": "dedent",
        "urllib.parse": "quote quote_plus urlencode",
        "yaml": "dump safe_dump safe_load",
        "zlib": "compress",
    }.items()
    for name in members.split()
)
# Their result says hardly anything about what they are given.
_TELLING_NOTHING = tuple(
    f"{module}.{name}"
    for module, members in {
        "argparse": "ArgumentParser",
        "builtins": "abs all any bool float hasattr hash id isinstance type",
        "hashlib": "md5 sha1 sha256 sha512 blake2b new",
        "hmac": "new",
        "os.path": "basename exists getsize isdir isfile",
        "pipes": "quote",
        "shlex": "quote",
    }.items()
    for name in members.split()
)
_COMPUTED_APART = frozenset({"builtins.int", "builtins.len"})


def _number(run: Run, call: Call) -> Value | None:
    constants = call.arguments.constants()
    if constants is None:
        return None
    try:
        return run.fold(call.node, partial(folding.function, call.name, constants), call.operands())
    except folding.UnknownValueError:
        return None


def _nothing(_run: Run, _call: Call) -> None:
    return None


def _typed(_run: Run, call: Call) -> Value | None:
    return Value(taints=(Taint(Kind.INPUT, "", (call.node,)),))


HANDLERS: Mapping[str, CallHandler] = {
    **dict.fromkeys(_TRANSPARENT, _composed),
    **dict.fromkeys(folding.FUNCTIONS - _COMPUTED_APART, _fold),
    **dict.fromkeys(_TELLING_NOTHING, _nothing),
    **dict.fromkeys(("builtins.int", "builtins.len"), _number),
    **dict.fromkeys(DECODERS, _decode),
    **dict.fromkeys(UNMARSHALLERS | UNPICKLERS, _unmarshal),
    "builtins.input": _typed,
    "builtins.map": _map,
    "argparse.ArgumentParser().parse_args": _typed,
    "argparse.ArgumentParser().parse_known_args": _typed,
    "codecs.decode": _decode_codec,
}
