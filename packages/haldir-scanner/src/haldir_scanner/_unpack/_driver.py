"""The choice of a reader for a file by its content."""

from collections import Counter
from collections.abc import Callable, Iterator

from haldir_scanner._files._encoding import is_text
from haldir_scanner._files._magic import Family, Kind, Magic, magic_of
from haldir_scanner._text import Notice
from haldir_scanner._unpack._bytecode import bytecode
from haldir_scanner._unpack._compressed import compressed
from haldir_scanner._unpack._disguise import disguises
from haldir_scanner._unpack._image import gif, jpeg, png, sized
from haldir_scanner._unpack._notebook import is_notebook, notebook
from haldir_scanner._unpack._office import compound_file, document_parts, is_document
from haldir_scanner._unpack._pdf import pdf
from haldir_scanner._unpack._pickled import maybe_pickled, numpy_array, pickled
from haldir_scanner._unpack._records import Member, RefusedError, UnpackBudget, inside
from haldir_scanner._unpack._sqlite import sqlite
from haldir_scanner._unpack._strings import strings
from haldir_scanner._unpack._tar import tar_members
from haldir_scanner._unpack._zip import member_names, zip_begin, zip_members

MAX_DEPTH = 2  # files around a file that is unpacked
_NOTICES_PER_RULE = 5  # of one file; the others say nothing new

_Reader = Callable[[str, bytes, UnpackBudget], Iterator[Member | Notice]]


def unpack(path: str, data: bytes, budget: UnpackBudget, depth: int) -> Iterator[Member | Notice]:
    """What stands inside of a file, and what is to be said about the file as such.

    ``depth`` is the number of files that stand around it: 0 for a file of the skill, 1 for its members.  Members of a
    file that lies deeper than ``MAX_DEPTH`` are not yielded, but a notice is.
    """
    counts: Counter[str] = Counter()
    for item in _guarded(path, data, budget):
        notice = item if isinstance(item, Notice) else _too_deep(path, depth)
        if notice is None:
            yield item
            continue
        counts[notice.rule] += 1
        if counts[notice.rule] <= _NOTICES_PER_RULE:
            yield notice
        if notice.rule == "limit_archive_depth":
            return


def _too_deep(path: str, depth: int) -> Notice | None:
    return Notice("limit_archive_depth", path) if depth > MAX_DEPTH else None


def _guarded(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """Everything inside of a file, up to the first limit or error."""
    magic = magic_of(data)
    yield from disguises(path, data, magic)
    try:
        begin = None if magic is not None and magic.family is Family.ARCHIVE else zip_begin(data)
        if begin is None:
            yield from _of_kind(path, data, magic, budget)
        else:
            yield from _with_zip(path, data, begin, magic, budget)
    except RefusedError as error:
        yield Notice(error.rule, path, error.detail)


def _with_zip(
    path: str, data: bytes, begin: int, magic: Magic | None, budget: UnpackBudget
) -> Iterator[Member | Notice]:
    """A file behind which a zip stands that unpacks itself, or that another program finds."""
    if magic is None:
        yield Notice("archive_prefix", path, f"{begin} bytes")
        if data[:begin].strip():
            yield Member(inside(path, "prefix"), data[:begin])
    else:
        is_program = magic.family is Family.PROGRAM
        yield Notice("archive_prefix" if is_program else "polyglot", path, f"{magic.name} and zip")
        yield from _of_kind(path, data[:begin], magic, budget)
    yield from zip_members(path, data, budget, begin)


def _of_kind(path: str, data: bytes, magic: Magic | None, budget: UnpackBudget) -> Iterator[Member | Notice]:
    if magic is None:
        yield from _unknown(path, data, budget)
        return
    if magic.kind is Kind.OPAQUE:
        yield Notice("archive_unsupported", path, magic.name)
    elif magic.kind is Kind.PROGRAM:
        yield Notice("native_binary", path, magic.name)
    unread = len(data)
    for item in _READERS.get(magic.kind, _nothing)(path, data, budget):
        if isinstance(item, Member) and data.endswith(item.data):
            unread = len(data) - len(item.data)
        yield item
    if magic.kind not in _READ_WHOLLY:
        yield from strings(path, data[:unread])


def _unknown(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """Text, which may be a notebook or a pickle, and bytes of no known kind."""
    yield from maybe_pickled(path, data, budget)
    if not is_text(data):
        yield from strings(path, data)
    elif is_notebook(path, data):
        yield from notebook(path, data, budget)


def _zip(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The members of a zip; of a document also its text."""
    find_parts = is_document(member_names(data))
    for item in zip_members(path, data, budget):
        yield item
        if find_parts and isinstance(item, Member):
            yield from document_parts(path, item)


def _compound_file(path: str, data: bytes, _budget: UnpackBudget) -> Iterator[Member | Notice]:
    yield from compound_file(path, data)


def _nothing(_path: str, _data: bytes, _budget: UnpackBudget) -> Iterator[Member | Notice]:
    yield from ()


_READERS: dict[Kind, _Reader] = {
    Kind.BMP: sized,
    Kind.BYTECODE: bytecode,
    Kind.BZIP2: compressed,
    Kind.GIF: gif,
    Kind.GZIP: compressed,
    Kind.JPEG: jpeg,
    Kind.LZMA: compressed,
    Kind.NUMPY: numpy_array,
    Kind.OLE: _compound_file,
    Kind.PDF: pdf,
    Kind.PICKLE: pickled,
    Kind.PNG: png,
    Kind.RIFF: sized,
    Kind.SQLITE: sqlite,
    Kind.TAR: tar_members,
    Kind.WOFF: sized,
    Kind.XZ: compressed,
    Kind.ZIP: _zip,
    Kind.ZLIB: compressed,
}
# Kinds of which every byte is looked at already.
_READ_WHOLLY = frozenset(
    {Kind.BYTECODE, Kind.BZIP2, Kind.GZIP, Kind.LZMA, Kind.PDF, Kind.TAR, Kind.XZ, Kind.ZIP, Kind.ZLIB}
)
