"""The limits of one scan."""

from attrs import field, frozen
from attrs.validators import ge, gt, le


@frozen(kw_only=True)
class Limits:
    """What one scan reads at most; each limit that is hit is a match, so that nothing is skipped silently.

    Attributes:
        max_files: files, folders and links together.
        max_file_bytes: scanned of one file, from its beginning.
        max_total_bytes: scanned of all files together.
        max_depth: folders below the scanned one; at most 256, because each open folder is a file descriptor.
        max_matches_per_file: reported for one file.
        max_parsed_bytes: of all programs and documents that are parsed; the rest is searched and decoded all the same,
            and a note says so.
        max_seconds: of processor time; what was not scanned by then is left out.
    """

    max_files: int = field(default=10_000, validator=ge(1))
    max_file_bytes: int = field(default=10 * 1024 * 1024, validator=ge(1))
    max_total_bytes: int = field(default=256 * 1024 * 1024, validator=ge(1))
    max_depth: int = field(default=64, validator=[ge(1), le(256)])
    max_matches_per_file: int = field(default=200, validator=ge(1))
    max_parsed_bytes: int = field(default=400_000, validator=ge(0))
    max_seconds: float = field(default=60.0, validator=gt(0))
