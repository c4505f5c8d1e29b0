"""What the mere fact that something was encoded says."""

import re
from collections.abc import Iterator

from haldir_scanner._decode._layer import Layer
from haldir_scanner._decode._look import Look, look

# Escapes of addresses and markup are everyday; these codecs are chosen.
_CHOSEN = frozenset(
    {
        "base64",
        "base64 with own alphabet",
        "base32",
        "base85",
        "uuencode",
        "hex",
        "character codes",
        "binary digits",
        "rot13",
        "reversed",
        "xor",
        "joined",
    }
)
_ESCAPES = frozenset({"escapes", "entities", "quoted-printable"})
_LAYERS = 2
_SCRIPT = re.compile(
    rb"(?i)\A\s{0,20}#!\s?/|\b(?:curl|wget)\b[^\n]{0,200}(?:https?://|\d{1,3}\.\d{1,3}\.)|\|\s?(?:sudo\s)?(?:ba|z|da|k)?sh\b"
    rb"|/bin/(?:ba|z|da)?sh\b|/dev/tcp/|\b(?:eval|exec|os\.system|popen|execsync)\s?\(|\bsubprocess\.\w|child_process"
    rb"|\bpowershell\b"
    rb"|\binvoke-(?:expression|webrequest)|\biex\b[\s(]|\b(?:import (?:os|socket|subprocess)\b)|__import__"
    rb"|\bnc (?:-\w{1,6} ){0,3}[\w.-]{4,60} \d{2,5}\b|\brm -rf [~/$]|\bchmod (?:\+x|[0-7]{3,4}) "
)


def facts(layer: Layer) -> Iterator[str]:
    """The ids of the rules that ``layer`` breaks by having been encoded."""
    chosen = [codec for codec in layer.chain if codec in _CHOSEN]
    kind = look(layer.data)
    if kind is Look.PROGRAM and chosen:
        yield "encoded_program"
    elif kind is Look.ARCHIVE and chosen:
        yield "encoded_archive"
    elif kind is Look.OBJECT and chosen:
        yield "encoded_object"
    elif kind is Look.TEXT and _SCRIPT.search(layer.data):
        yield from _script(layer, chosen)


def _script(layer: Layer, chosen: list[str]) -> Iterator[str]:
    if "xor" in chosen:
        yield "xor_payload"
    if len(chosen) >= _LAYERS:
        yield "nested_encoding"
    if chosen:
        yield "encoded_command"
    elif not _ESCAPES.isdisjoint(layer.chain):
        yield "escaped_command"
