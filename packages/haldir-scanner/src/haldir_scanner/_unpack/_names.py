"""What the name of a member does to those who unpack it to disk."""

from collections.abc import Iterator

from haldir_scanner._text import Notice
from haldir_scanner._unpack._records import DETAIL_LENGTH


def name_notices(path: str, name: str) -> Iterator[Notice]:
    """A notice if ``name`` leads out of the folder into which the archive is unpacked."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or ".." in plain.split("/") or plain[1:2] == ":" or "\0" in name:
        yield Notice("archive_traversal", path, name[:DETAIL_LENGTH])
