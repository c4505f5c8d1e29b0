import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_reviewer._content.chunks import Chunk, chunk, measure
from haldir_reviewer._content.segments import MAX_SEGMENT_CHARS, segments
from haldir_reviewer._content.source import Form, SourceFile

PIECES = st.sampled_from(
    [
        b"line\n",
        b"\n",
        b"x" * 30,
        "\u00e9\u4e2d\U0001f600".encode(),
        b"\xff\xe9",
        b"\r\n",
        b"\t",
        b"a" * 2500,
        b"\xed\xa0\x80",
    ]
)
CONTENTS = st.one_of(
    st.binary(max_size=300),
    st.lists(PIECES, max_size=12).map(b"".join),
    st.text(max_size=200).map(lambda text: b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")),
    st.text(max_size=200).map(lambda text: b"\xfe\xff" + text.encode("utf-16-be", "surrogatepass")),
    st.binary(max_size=100).map(lambda data: b"\x89PNG\r\n\x1a\n\0" + data),
)


def files_of(contents: list[bytes]) -> list[SourceFile]:
    return [SourceFile.of(f"f{number}", data) for number, data in enumerate(contents)]


def shown(chunks: tuple[Chunk, ...], path: str) -> list[tuple[int, int]]:
    return [
        (segment.start, segment.end)
        for item in chunks
        for part in item.parts
        if part.file.path == path
        for segment in part.segments
    ]


@given(st.lists(CONTENTS, max_size=6), st.integers(1_000, 5_000))
def test_every_byte_of_every_text_file_is_in_exactly_one_chunk(contents: list[bytes], chunk_bytes: int) -> None:
    files = files_of(contents)
    chunks = chunk(files, chunk_bytes)
    for file in files:
        spans = shown(chunks, file.path)
        assert all(start < end for start, end in spans)
        if file.form is Form.TEXT:
            times = [0] * len(file.data)
            for start, end in spans:
                for byte in range(start, end):
                    times[byte] += 1
            assert times == [1] * len(file.data)


@given(CONTENTS)
def test_a_segment_is_the_text_of_its_bytes(data: bytes) -> None:
    file = SourceFile.of("f", data)
    for segment in segments(file):
        piece = data[segment.start : segment.end]
        if file.form is Form.TEXT:
            assert segment.text.encode(file.encoding, "surrogateescape") == piece
            assert (
                segment.line
                == (file.text or "")[: len(data[: segment.start].decode(file.encoding, "surrogateescape"))].count("\n")
                + 1
            )
        else:
            assert segment.text in {piece.decode("ascii"), piece.replace(b"\0", b"").decode("ascii")}
        assert len(segment.text) <= MAX_SEGMENT_CHARS


@given(st.lists(CONTENTS, max_size=6))
def test_the_measure_is_complete_without_opaque_files_only(contents: list[bytes]) -> None:
    files = files_of(contents)
    coverage = measure(chunk(files, 2_000), files=len(files), total_bytes=sum(map(len, contents)))
    opaque = sum(len(file.data) for file in files if file.form is Form.OPAQUE)
    assert coverage.opaque == opaque
    assert coverage.complete is (opaque == 0 and bool(files))
    assert coverage.reviewed + coverage.described + coverage.opaque == coverage.bytes


def test_a_missing_file_a_missing_byte_and_a_missing_chunk_are_not_covered() -> None:
    files = files_of([b"one\n" * 500, b"two\n" * 500])
    chunks = chunk(files, 1_000)
    assert len(chunks) > 2
    assert measure(chunks, files=2, total_bytes=4000).complete
    assert not measure(chunks, files=3, total_bytes=4000).complete
    assert not measure(chunks, files=2, total_bytes=4001).complete
    for left_out in range(len(chunks)):
        rest = chunks[:left_out] + chunks[left_out + 1 :]
        assert not measure(rest, files=2, total_bytes=4000).complete


def test_an_empty_file_counts_as_seen() -> None:
    files = files_of([b"", b"x"])
    assert measure(chunk(files, 1_000), files=2, total_bytes=1).complete


def test_a_chunk_stays_near_its_size() -> None:
    files = files_of([b"some words in a line\n" * 3_000])
    sizes = [
        sum(segment.end - segment.start for part in item.parts for segment in part.segments)
        for item in chunk(files, 5_000)
    ]
    assert max(sizes) <= 5_000
    assert min(sizes[:-1]) > 2_000


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"plain\n", Form.TEXT),
        (b"", Form.TEXT),
        ("Gr\u00fc\u00dfe".encode("latin-1") + b" und mehr Text", Form.TEXT),
        ("\ufeffwith a mark".encode(), Form.TEXT),
        (b"\xff\xfe" + "sixteen".encode("utf-16-le"), Form.TEXT),
        (b"\x89PNG\r\n\x1a\n\0\0", Form.MEDIA),
        (b"RIFF\0\0\0\0WEBPVP8 ", Form.MEDIA),
        (b"RIFF\0\0\0\0EVIL", Form.OPAQUE),
        (b"\x7fELF\0\0", Form.OPAQUE),
        (b"PK\x03\x04\0\0", Form.OPAQUE),
        (b"text with one NUL\0 in it", Form.OPAQUE),
        (b"\x01\x02\x03\x04text", Form.OPAQUE),
        ("\u041f\u0440\u0438\u0432\u0435\u0442".encode("cp1251"), Form.OPAQUE),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_can_be_read_is_text_and_what_cannot_is_said_so(data: bytes, form: Form) -> None:
    assert SourceFile.of("f", data).form is form


def test_strings_of_a_binary_are_shown_all_also_wide_ones() -> None:
    data = b"\0\1hidden words\0\2" + "wide words".encode("utf-16-le") + b"\0\3\xff short\1"
    assert [segment.text for segment in segments(SourceFile.of("f", data))] == ["hidden words", "wide words", " short"]
