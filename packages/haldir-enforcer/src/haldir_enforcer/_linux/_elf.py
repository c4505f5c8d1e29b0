"""The loader that an ELF program names, which the kernel executes together with it."""

# Paths are texts here, as the kernel gives them: a Path would rewrite them.
# ruff: noqa: PTH123

import struct

_PT_INTERP = 3
_HEADER = 4096
_LONGEST_NAME = 4096


def loader_of(path: str) -> str | None:
    """Return the loader that a 64-bit program names, None for a script, a static or an unreadable one."""
    try:
        with open(path, "rb") as file:
            start = file.read(_HEADER)
            if start[:5] != b"\x7fELF\x02" or len(start) < 64:
                return None
            (table,) = struct.unpack_from("<Q", start, 32)
            size, count = struct.unpack_from("<HH", start, 54)
            for at in range(table, table + size * count, size):
                if at + 56 > len(start):
                    return None
                kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", start, at)
                if kind == _PT_INTERP and length <= _LONGEST_NAME:
                    file.seek(offset)
                    return file.read(length).rstrip(b"\0").decode()
    except (OSError, struct.error, UnicodeDecodeError):
        return None
    return None
