"""Small files of whoever audits (ignores, VEX): read once, from outside of what is audited, and parsed strictly."""

import json
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

MAX_BYTES = 4 * 1024 * 1024


class DocumentError(ValueError):
    """A file with ignores or with VEX statements cannot be used; the message says what is wrong with it."""


def read_outside(path: Path, *, audited: Path) -> bytes:
    """The bytes of the file at ``path``, which must not lie in the folder that is audited.

    Raises: DocumentError if it lies there, is no regular file, is too large or cannot be read.
    """
    if "\0" in str(path):
        raise DocumentError(f"cannot read {str(path)!r}: no path has a NUL")
    if is_inside(path, audited):
        raise DocumentError(
            f"{path} lies in {audited}, which is audited: what is audited must not choose what is ignored; "
            "keep the file somewhere else"
        )
    try:
        # O_NONBLOCK: a FIFO must not make this wait.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise DocumentError(f"{path} is no regular file")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise DocumentError(f"{path} is larger than {MAX_BYTES} bytes")
    return data


def is_inside(path: Path, folder: Path) -> bool:
    """Whether the name, or the file that it leads to, lies in ``folder`` or is it."""
    named, real = Path(os.path.abspath(path)), Path(os.path.realpath(path))  # noqa: PTH100 - without links
    return any(_is_same(place, folder) for place in (named, *named.parents, real, *real.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def parse_document(data: bytes) -> Mapping[str, object]:
    """The table that ``data`` holds, as JSON if it begins with a brace, else as TOML.

    Raises: DocumentError if it is neither.
    """
    try:
        text = data.decode("utf-8")
        value = _json(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"is neither TOML nor JSON: {str(error) or 'nested too deeply':.200}") from error
    return value


def parse_json(data: bytes) -> Mapping[str, object]:
    """The JSON object that ``data`` holds.

    Raises: DocumentError if it is none.
    """
    try:
        value = _json(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"is not JSON: {str(error) or 'nested too deeply':.200}") from error
    if not isinstance(value, dict):
        raise DocumentError("is no JSON object")
    return value


def _json(text: str) -> dict[str, object]:
    value: dict[str, object] = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse)
    return value


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
