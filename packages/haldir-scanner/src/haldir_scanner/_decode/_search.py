"""The search for encoded stretches: in a text, in what they say, and in what that says."""

from collections import deque
from collections.abc import Iterator

from attrs import evolve, frozen

from haldir_scanner._decode._base85 import base85, uuencoded
from haldir_scanner._decode._budget import DecodeBudget
from haldir_scanner._decode._escapes import escapes, raw_escapes
from haldir_scanner._decode._gates import Gate, gates
from haldir_scanner._decode._inflate import headless, inflated, name
from haldir_scanner._decode._layer import Blob, Layer, mirrored, rotated
from haldir_scanner._decode._look import Look, is_plain, is_wordy, look
from haldir_scanner._decode._numbers import numbers
from haldir_scanner._decode._pieces import pieces
from haldir_scanner._decode._runs import Decoding, long_runs, short_runs
from haldir_scanner._decode._turned import reverse, rot13, turned, turned_whole
from haldir_scanner._decode._xor import MOST_KEYS, guessed_key, keys, may_be_guessed, opened_with, with_key

MAX_DEPTH = 3

_MOST_WRAPPINGS = 4  # around one text: XOR, gzip, gzip, UTF-16
_HEAD_BYTES = 64
_ENCODED_BYTES = 24
_FEWEST_BYTES = 4


@frozen
class _Source:
    """A text to search, and what is known of it."""

    layer: Layer
    depth: int
    present: frozenset[Gate]
    inflates: bool
    xors: bool


def layers(data: bytes, budget: DecodeBudget) -> Iterator[Layer]:
    """What encoded stretches of ``data`` say, and what encoded stretches of that say, up to three deep.

    Only text, programs, archives and serialised objects are yielded; ``budget.limit_hit`` tells whether some were not.
    """
    seen: set[bytes] = set()
    pending = deque([(Layer(data, (), 0, len(data)), 0)])
    inflates = xors = False
    while pending:
        layer, depth = pending.popleft()
        present = gates(layer.data)
        inflates = inflates or Gate.INFLATE in present
        xors = xors or Gate.XOR in present
        if Gate.XOR in present:
            _remember_keys(layer.data, budget)
        for found in _opened(_Source(layer, depth, present, inflates, xors), budget):
            if found.data in seen:
                continue
            seen.add(found.data)
            if not _is_allowed(found, budget):
                if budget.is_spent:
                    return
                continue
            inner = _placed(found, layer)
            yield inner
            if depth + 1 < MAX_DEPTH:
                pending.append((inner, depth + 1))


def _remember_keys(data: bytes, budget: DecodeBudget) -> None:
    for key in keys(data):
        if key not in budget.keys and any(key):
            if len(budget.keys) >= MOST_KEYS:
                return
            budget.keys.append(key)


def _is_allowed(found: Blob, budget: DecodeBudget) -> bool:
    return budget.take_spare(len(found.data)) if found.is_spare else budget.take(len(found.data))


def _placed(found: Blob, outer: Layer) -> Layer:
    """``found`` at its place in the text that was given at first."""
    if not outer.chain:
        return Layer(found.data, found.chain, found.begin, found.end)
    return Layer(found.data, outer.chain + found.chain, outer.begin, outer.end)


def _opened(source: _Source, budget: DecodeBudget) -> Iterator[Blob]:
    """The blobs of a text that are worth a look, decompressed."""
    for blob in _blobs(source, budget):
        for opened in _open(blob, source, budget):
            yield evolve(opened, data=budget.cut(opened.data))


def _blobs(source: _Source, budget: DecodeBudget) -> Iterator[Blob]:
    data, is_inner = source.layer.data, source.depth > 0
    decoding = Decoding(budget.max_layer_bytes + 1, keeps_noise=source.xors or source.inflates or is_inner)
    yield from _plain_blobs(data, source, decoding)
    yield from turned(data, source.present)
    yield from pieces(data, source.present, budget)
    if is_inner:
        yield from turned_whole(data)
    is_reversed = is_inner or Gate.REVERSED in source.present
    is_rotated = is_inner or Gate.ROT13 in source.present
    if is_reversed:
        yield from mirrored(_turned_blobs(reverse(data), source, decoding), len(data))
    if is_rotated:
        yield from rotated(_turned_blobs(rot13(data), source, decoding))
    if is_reversed and is_rotated:
        yield from mirrored(rotated(_turned_blobs(rot13(reverse(data)), source, decoding)), len(data))


def _turned_blobs(data: bytes, source: _Source, decoding: Decoding) -> Iterator[Blob]:
    return _plain_blobs(data, evolve(source, present=source.present | gates(data)), evolve(decoding, keeps_noise=False))


def _plain_blobs(data: bytes, source: _Source, decoding: Decoding) -> Iterator[Blob]:
    is_inner = source.depth > 0
    yield from long_runs(data, decoding)
    yield from short_runs(data, source.present, anywhere=is_inner)
    yield from numbers(data, source.present)
    yield from escapes(data, source.present)
    yield from base85(data, source.present, anywhere=is_inner, max_bytes=decoding.max_bytes)
    if Gate.UUENCODED in source.present:
        yield from uuencoded(data, decoding.max_bytes)
    if source.xors:
        yield from raw_escapes(data)


def _open(blob: Blob, source: _Source, budget: DecodeBudget) -> Iterator[Blob]:
    """What a blob is when all that is wrapped around it is taken off; nothing if that is nothing to look at."""
    for _ in range(_MOST_WRAPPINGS):
        kind = look(blob.data)
        if kind is Look.TEXT:
            yield from _counted(blob)
        if kind is None or (kind is Look.TEXT and source.xors and not is_wordy(blob.data)):
            inner = _unlocked(blob, source, budget)
        elif kind is Look.UTF_16:
            text = blob.data[: len(blob.data) & ~1].decode("utf-16-le", "replace")
            inner = evolve(blob, data=text.encode("utf-8", "replace"), chain=(*blob.chain, "utf-16"))
        elif (codec := name(kind)) is not None:
            inner = _inflated(blob, kind, codec, budget)
        elif kind is Look.TEXT:
            return
        else:
            yield from _counted(blob)
            return
        if inner is None:
            return
        blob = inner


def _counted(blob: Blob) -> Iterator[Blob]:
    """``blob``, if it is more than plain data; from a pool of its own, if it is text but hardly words."""
    if len(blob.data) < _FEWEST_BYTES:
        return
    if not blob.needs_words or is_wordy(blob.data):
        yield blob
    elif len(blob.data) >= _ENCODED_BYTES and is_plain(blob.data):
        yield evolve(blob, is_spare=True)


def _inflated(blob: Blob, kind: Look, codec: str, budget: DecodeBudget) -> Blob | None:
    """The content of compressed bytes, cut where a bomb would grow too large."""
    allowed = min(budget.max_layer_bytes + 1, budget.max_ratio * len(blob.data))
    found = inflated(blob.data, kind, allowed)
    if len(found) == allowed and look(found[:_HEAD_BYTES]) is not None:
        budget.limit_hit = True
    return evolve(blob, data=found, chain=(*blob.chain, codec), needs_words=False) if found else None


def _unlocked(blob: Blob, source: _Source, budget: DecodeBudget) -> Blob | None:
    """A blob that looks like nothing, inflated without a header or XORed with a key."""
    if source.inflates or source.depth:
        found = headless(blob.data, min(budget.max_layer_bytes + 1, budget.max_ratio * len(blob.data)))
        if look(found[:_HEAD_BYTES]) is not None:
            return evolve(blob, data=found, chain=(*blob.chain, "deflate"), needs_words=False)
    if source.xors:
        found = opened_with(blob.data, budget.keys) or _guessed(blob.data, budget)
        if found:
            return evolve(blob, data=found, chain=(*blob.chain, "xor"), needs_words=False)
    return None


def _guessed(data: bytes, budget: DecodeBudget) -> bytes:
    if not may_be_guessed(data) or not budget.guess():
        return b""
    key = guessed_key(data)
    return with_key(data, key) if key else b""
