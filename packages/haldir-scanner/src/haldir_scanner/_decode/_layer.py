"""What was decoded, and from where."""

from collections.abc import Iterable, Iterator

from attrs import evolve, field, frozen


@frozen
class Layer:
    """Decoded bytes.

    Attributes:
        data: UTF-8 text; or a program, an archive or a serialised object as it is.
        chain: the codecs, outermost first.
        begin: the first byte of the outermost encoded stretch, in the text given.
        end: one past its last byte.
    """

    data: bytes = field(repr=False)
    chain: tuple[str, ...]
    begin: int
    end: int


@frozen
class Blob:
    """Bytes that a finder decoded from a stretch of one text; nobody has looked yet what they are.

    Attributes:
        data: the bytes.
        chain: the codecs, outermost first.
        begin: the first byte of the stretch.
        end: one past its last byte.
        needs_words: the stretch may be plain data, so its bytes count only if they look like words.
        is_spare: honest files are full of such stretches; they are paid for from a pool of their own.
    """

    data: bytes = field(repr=False)
    chain: tuple[str, ...]
    begin: int
    end: int
    needs_words: bool = False
    is_spare: bool = False


def mirrored(blobs: Iterable[Blob], length: int) -> Iterator[Blob]:
    """``blobs`` of a reversed text of ``length`` bytes, at their places in the text itself."""
    for blob in blobs:
        yield evolve(blob, chain=("reversed", *blob.chain), begin=length - blob.end, end=length - blob.begin)


def rotated(blobs: Iterable[Blob]) -> Iterator[Blob]:
    """``blobs`` of a text that was shifted by 13 letters."""
    for blob in blobs:
        yield evolve(blob, chain=("rot13", *blob.chain))
