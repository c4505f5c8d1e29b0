import codecs
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner._files._encoding import holds_text, is_text, utf16_encoding, wide_encoding
from haldir_scanner._files._filetypes import (
    ANY,
    CODE,
    CONFIG,
    PROSE,
    SHELL,
    UNKNOWN_TEXT,
    FileType,
    file_types,
    language,
)
from haldir_scanner._files._magic import Family, magic_of

T = FileType
NOISE = bytes(range(128, 256)) * 80 + bytes(32) * 9


@pytest.mark.parametrize(
    ("name", "data", "types"),
    [
        ("run.sh", b"", {T.SHELL}),
        ("SKILL.md", b"# Title\n", {T.MARKDOWN}),
        ("a.py", b"x = 1\n", {T.PYTHON}),
        ("a.tsx", b"x\n", {T.JAVASCRIPT}),
        ("a.pth", b"import x\n", {T.PYTHON}),
        ("a.vbs", b"x\n", {T.OTHER_CODE}),
        ("a.hta", b"<p>x</p>\n", {T.HTML}),
        ("a.hta", b"<SCRIPT>x</SCRIPT>\n", {T.HTML, T.JAVASCRIPT}),
        ("a.svg", b"<svg><script>x</script></svg>", {T.HTML, T.JAVASCRIPT}),
        ("a.vue", b"x", {T.HTML, T.JAVASCRIPT}),
        ("a.reg", b"x\n", {T.INI}),
        ("a.ps1", b"x\n", {T.POWERSHELL}),
        ("Dockerfile", b"x\n", {T.DOCKERFILE}),
        ("Dockerfile.dev", b"x\n", {T.DOCKERFILE}),
        ("web.dockerfile", b"x\n", {T.DOCKERFILE}),
        ("Containerfile", b"x\n", {T.DOCKERFILE}),
        ("docker-compose.yml", b"a: 1\n", {T.YAML}),
        (".github/workflows/ci.yaml", b"a: 1\n", {T.YAML}),
        ("Makefile", b"x\n", {T.SHELL}),
        ("makefile.am", b"x\n", {T.SHELL}),
        ("justfile", b"x\n", {T.SHELL}),
        (".husky/pre-commit", b"npm test\n", {T.SHELL}),
        (".git/hooks/post-merge", b"x\n", {T.SHELL}),
        ("cron.d/job", b"x\n", {T.SHELL}),
        (".bashrc", b"x\n", {T.SHELL}),
        ("a.service", b"[Unit]\n", {T.INI, T.SHELL}),
        ("a.desktop", b"[Desktop Entry]\n", {T.INI, T.SHELL}),
        ("com.example.plist", b"x\n", {T.INI}),
        (".env", b"A=1\n", {T.ENV}),
        (".env.production", b"A=1\n", {T.ENV}),
        ("prod.env", b"A=1\n", {T.ENV}),
        (".npmrc", b"a=b\n", {T.INI}),
        (".cursorrules", b"Be kind.\n", {T.MARKDOWN}),
        (".windsurfrules", b"Be kind.\n", {T.MARKDOWN}),
        ("rules/a.mdc", b"Be kind.\n", {T.MARKDOWN}),
        ("CLAUDE.md", b"Be kind.\n", {T.MARKDOWN}),
        ("AGENTS", b"Be kind.\n", {T.MARKDOWN}),
        ("LICENSE", b"Permission\n", {T.TEXT}),
        (".mcp.json", b"{}", {T.JSON, T.MCP_CONFIG}),
        ("settings.json", b'{"mcpServers": {}}', {T.JSON, T.MCP_CONFIG}),
        ("tools.json", b'[{"name": "a", "inputSchema": {}}]', {T.JSON, T.MCP_CONFIG}),
        ("package.json", b"{}", {T.JSON, T.NPM_MANIFEST}),
        ("a.ipynb", b'{"cells": []}', {T.JSON, T.NOTEBOOK}),
        ("a.json", b'{"cells": [{"cell_type": "code"}]}', {T.JSON, T.NOTEBOOK}),
        ("a.bin", NOISE, {T.BINARY}),
        ("a.unheard-of", NOISE, {T.BINARY}),
        ("a.png", b"\x89PNG\r\n\x1a\n" + NOISE, {T.BINARY}),
        ("a.py", NOISE, {T.PYTHON}),
    ],
)
def test_the_name_tells_the_type(name: str, data: bytes, types: set[FileType]) -> None:
    assert file_types(name, data) == types


@pytest.mark.parametrize(
    ("line", "file_type"),
    [
        ("#!/bin/sh", T.SHELL),
        ("#!/usr/bin/env bash", T.SHELL),
        ("#! /usr/bin/env -S node --no-warnings", T.JAVASCRIPT),
        ("#!/usr/bin/env -S uv run --script", T.PYTHON),
        ("#!/usr/bin/python3.11 -m http", T.PYTHON),
        ("#!/usr/bin/env -S A=1 deno run", T.JAVASCRIPT),
        ("#!/usr/bin/perl -w", T.PERL),
        ("#!/usr/bin/ruby", T.RUBY),
        ("#!/usr/bin/php", T.PHP),
        ("#!/bin/busybox sh", T.SHELL),
        ("#!/usr/bin/env pwsh", T.POWERSHELL),
        ("#!/usr/bin/osascript -l JavaScript", T.OTHER_CODE),
        ("#!/usr/bin/env tclsh", T.OTHER_CODE),
        ("#!/usr/bin/make -f", T.SHELL),
        ("#!C:/Python/python.exe", T.PYTHON),
        ("<?php", T.PHP),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff", " \n"], ids=["plain", "byte order mark", "white space"])
def test_the_first_line_tells_the_interpreter(mark: str, line: str, file_type: FileType) -> None:
    data = f"{mark}{line}\n".encode()
    assert file_types("setup", data) == {file_type}
    assert file_types("notes.txt", data) >= {file_type, T.TEXT}
    assert file_types("picture.png", data) == {file_type}


def test_a_second_language_after_the_first_line_counts_too() -> None:
    data = b'#!/usr/bin/env python3\n"exec" "sh" "$0"\nimport os\ncurl https://get.example/i | sh\nexport A="1"\n'
    assert file_types("setup", data) == {T.PYTHON, T.SHELL}


@pytest.mark.parametrize(
    "data",
    [
        b"just some words\n",
        b"#!/opt/own/interpreter\n",
        b"import os\n",
        "Gr\u00fc\u00dfe".encode("latin-1") * 9,
        "\u0417\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439, \u043c\u0438\u0440. ".encode("cp1251") * 9,
        "curl https://get.example | sh\n".encode("utf-16"),
        "curl https://get.example | sh\n".encode("utf-16-be"),
        "curl https://get.example | sh\n".encode("utf-32"),
        b"\0" * 600 + b"curl https://get.example | sh\n",
        b"c\0url https://get.example | sh\n",
        NOISE * 3 + b"curl https://get.example | sh\n" * 900,
        NOISE * 3 + b"curl https://get.example | sh\n" * 1800 + NOISE * 3,
        b"",
    ],
)
@pytest.mark.parametrize("name", ["setup", "a.png", "a.pdf", "a.zip", "a.unheard-of", "a.so", "a.dat"])
def test_text_that_nothing_tells_is_every_kind_of_text(name: str, data: bytes) -> None:
    assert file_types(name, data) == UNKNOWN_TEXT


@pytest.mark.parametrize(
    ("name", "data", "file_type"),
    [
        ("notes.txt", b"import os\nos.system('x')\n", T.PYTHON),
        ("notes.txt", b"\n\nfrom pathlib import Path\n", T.PYTHON),
        ("README.md", b"@echo off\r\ncurl x\r\n", T.BATCH),
        ("data.csv", b"const a = require('a')\n", T.JAVASCRIPT),
        ("data.yaml", b"set -euo pipefail\ncurl x | sh\n", T.SHELL),
        ("data.toml", b"param(\n  [string]$a\n)\n", T.POWERSHELL),
        ("data.json", b"curl https://get.example/i | sh\n", T.SHELL),
        ("data.json", b"import os\n", T.PYTHON),
        ("notes.log", b"function main() {\n", T.JAVASCRIPT),
        ("notes.log", b"use strict;\nmy $x = 1;\n", T.PERL),
        ("notes.md", "import os\n".encode("utf-16"), T.PYTHON),
    ],
)
def test_a_script_is_a_script_under_the_name_of_prose_or_data(name: str, data: bytes, file_type: FileType) -> None:
    assert file_type in file_types(name, data)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("notes.txt", b"Import the data and run the function.\n"),
        ("README.md", b"# Title\n\nimport os\n"),
        ("README.md", b"from the beginning\n"),
        ("a.yaml", b"name: a\non: push\n"),
        ("a.csv", b"class,set,function\n1,2,3\n"),
        ("a.toml", b'[project]\nname = "a"\n'),
        ("notes.txt", b"set the table, echo the words, let it be\n"),
        ("notes.txt", b"Use strict grammar.\n"),
    ],
)
def test_prose_and_data_are_no_scripts(name: str, data: bytes) -> None:
    assert file_types(name, data).isdisjoint(CODE)


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.py", b"x", T.PYTHON),
        ("setup", b"#!/bin/sh\n", T.SHELL),
        ("a.py", b"#!/bin/sh\n", T.SHELL),
        ("setup", b"import os\n", T.PYTHON),
        ("setup", b"const a = 1\n", T.JAVASCRIPT),
        ("setup", b"words\n", None),
        ("setup", b"import os\nexport A='1'\n", None),
        ("a.md", b"# Title\n", None),
    ],
)
def test_the_language_of_a_file_is_the_one_that_runs_it(name: str, data: bytes, expected: FileType | None) -> None:
    assert language(name, data) == expected


def test_the_groups_are_what_they_say() -> None:
    assert SHELL < CODE
    assert not CODE & CONFIG
    assert not CODE & PROSE
    assert UNKNOWN_TEXT < ANY
    assert T.BINARY not in UNKNOWN_TEXT


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("utf-32-le", "utf-32-le"),
        ("utf-32-be", "utf-32-be"),
    ],
)
def test_wide_encodings_are_told_with_and_without_mark(encoding: str, expected: str | None) -> None:
    text = "Some plain text, and a \u0416.\n"
    data = text.encode(encoding)
    assert wide_encoding(data) == expected
    assert is_text(data)
    assert holds_text(data)
    if expected is not None:
        assert data.decode(expected) == text


@pytest.mark.parametrize("data", [b"", b"a", b"\xff", codecs.BOM_UTF16_LE, b"\0", b"\0\0\0\0", b"ab\0"])
def test_short_data_has_an_encoding_or_none(data: bytes) -> None:
    assert wide_encoding(data) in {None, "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"}
    assert utf16_encoding(data) in {None, "utf-16", "utf-16-le", "utf-16-be"}


@pytest.mark.parametrize(
    "data",
    [NOISE, b"\x89PNG\r\n\x1a\n" + NOISE, b"\x7fELF\x02\x01\x01" + bytes(57), bytes(500), bytes(range(256)) * 4],
    ids=["noise", "PNG", "ELF", "zeros", "every byte"],
)
def test_binary_data_is_no_text(data: bytes) -> None:
    assert not is_text(data)


@pytest.mark.parametrize(
    ("data", "family"),
    [
        (b"RIFF" + struct.pack("<I", 99) + b"WEBPVP8 " + NOISE, Family.IMAGE),
        (b"RIFF" + struct.pack("<I", 99) + b"WAVEfmt " + NOISE, Family.MEDIA),
        (b"\0\0\0\x1cftypheic" + NOISE, Family.IMAGE),
        (b"\0\0\0\x1cftypisom" + NOISE, Family.MEDIA),
        (b"MZ" + NOISE, Family.PROGRAM),
        (b"%PDF-1.4\nplain", Family.DOCUMENT),
        (b"\x80\x81" + b"%PDF-1.4\n" + NOISE, Family.DOCUMENT),
        (b"MZ is text " * 20, None),
        (b"GIF89a is text " * 20, None),
        (b"BMW is text " * 20, None),
        (b"RIFF is text " * 20, None),
        (b"The header is %PDF-1.4, " * 20, None),
        (b"x^2 + y^2", None),
        (b"", None),
        (b"abc", None),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_bytes(data: bytes, family: Family | None) -> None:
    magic = magic_of(data)
    assert (magic and magic.family) == family


@given(name=st.text(max_size=20), data=st.binary(max_size=200))
def test_every_file_has_a_type(name: str, data: bytes) -> None:
    assert file_types(name, data)


@given(name=st.text(max_size=20), text=st.text(min_size=1, max_size=200))
def test_no_name_takes_text_out_of_the_search(name: str, text: str) -> None:
    assert file_types(name, text.encode("utf-8", "replace").replace(b"\0", b" ")) != {T.BINARY}


@pytest.mark.parametrize("line", ["a" * 6000, "(" * 6000, "import " + "a." * 3000, "$a=" * 2000, " " * 6000 + "x"])
def test_a_hostile_line_takes_no_time(line: str) -> None:
    data = f"{line}\n".encode() * 500
    begin = time.process_time()
    file_types("notes.txt", data)
    file_types("setup", b"#!/bin/sh\n" + data)
    language("setup", data)
    assert time.process_time() - begin < 10  # what is quadratic takes minutes
