"""Files that are not what their names say, or that are two things at once."""

import re
from collections.abc import Iterator

from haldir_scanner._files._encoding import is_text
from haldir_scanner._files._magic import Family, Kind, Magic
from haldir_scanner._text import Notice

# Suffixes that promise a family of formats, none of which is text.
_PROMISED = {
    suffix: family
    for family, suffixes in {
        Family.ARCHIVE: "zip gz tgz bz2 xz zst 7z rar tar whl jar egg docx xlsx pptx odt ods odp epub vsix",
        Family.DOCUMENT: "pdf",
        Family.FONT: "woff woff2 ttf otf eot ttc",
        Family.IMAGE: "png jpg jpeg gif webp ico bmp tiff tif avif heic psd",
        Family.MEDIA: "mp3 mp4 mov ogg wav webm flac m4a avi mkv",
    }.items()
    for suffix in suffixes.split()
}
# Suffixes that promise text; .ts, .key, .lock, .dat and .bin promise nothing.
_TEXTUAL = frozenset(
    suffix
    for suffixes in (
        "md mdx markdown mdc txt text rst csv tsv log license gitignore",
        "json jsonc jsonl yaml yml toml ini cfg conf env xml html htm svg css ipynb",
        "py pyi js mjs cjs jsx tsx sh bash zsh rb pl php go rs java c h cpp lua sql ps1 bat cmd",
    )
    for suffix in suffixes.split()
)
_TEXT_MAGIC = re.compile(rb"GIF8[79]a|RIFF....(?:WEBP|WAVE)|MZqFpD", re.DOTALL)
_MARKUP = (b"<?php", b"<script", b"<SCRIPT", b"#!/bin/", b"#!/usr/bin/")
_LFS = b"version https://git-lfs.github.com/spec/"


def disguises(path: str, data: bytes, magic: Magic | None) -> Iterator[Notice]:
    """Notices about a name that tells of another kind of file, and about a file that is two kinds of it."""
    if data.startswith(_LFS) and len(data) < 1024:
        yield Notice("lfs_pointer", path)
        return
    stem, dot, suffix = path.rpartition("/")[2].lower().rpartition(".")
    if stem and dot and (detail := _mismatch(suffix, data, magic)) is not None:
        yield Notice("extension_mismatch", path, detail)
    if (detail := _second_kind(data, magic)) is not None:
        yield Notice("polyglot", path, detail)


def _mismatch(suffix: str, data: bytes, magic: Magic | None) -> str | None:
    """What a file is, if its suffix says that it is something else, and the difference may matter."""
    promised = _PROMISED.get(suffix)
    if promised is not None and data.strip(b"\0 \r\n\t"):
        return _broken_promise(promised, data, magic)
    if suffix not in _TEXTUAL or magic is None:
        return None
    is_telling = magic.family in {Family.ARCHIVE, Family.PROGRAM} or magic.kind is Kind.PICKLE
    return f"{magic.name} named .{suffix}" if is_telling else None


def _broken_promise(promised: Family, data: bytes, magic: Magic | None) -> str | None:
    if magic is None:
        return f"text named as {promised.value}" if is_text(data) else None
    # Old and encrypted office documents are no zip; pictures under each other's names are harmless.
    if magic.family is promised or magic.kind in {Kind.OLE, Kind.PDF}:
        return None
    if magic.family in {Family.PROGRAM, Family.ARCHIVE}:
        return f"{magic.name} named as {promised.value}"
    return None


def _second_kind(data: bytes, magic: Magic | None) -> str | None:
    if magic is None:
        head = _TEXT_MAGIC.match(data)
        return None if head is None else f"text that begins like {head.group()!r}"
    if magic.family not in {Family.IMAGE, Family.FONT, Family.MEDIA}:
        return None
    found = next((markup for markup in _MARKUP if markup in data), None)
    return None if found is None else f"{magic.name} that holds {found.decode('ascii')}"
