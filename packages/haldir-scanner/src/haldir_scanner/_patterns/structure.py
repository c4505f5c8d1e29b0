"""Rules about what is no plain file, and about the limits of a scan."""

from functools import partial

from haldir_scanner._filetypes import ANY
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(Pattern, category=Category.STRUCTURE, file_types=ANY)
_limit = partial(_rule, severity=Severity.MEDIUM, remediation="Make the skill smaller, or scan it with higher limits.")

SYMLINK = _rule(
    id="symbolic_link",
    severity=Severity.HIGH,
    title="Symbolic link",
    message="A symbolic link: what it points to is not part of the skill and can change after the scan.",
    remediation="Replace the link by a copy of the file.",
)
SPECIAL_FILE = _rule(
    id="special_file",
    severity=Severity.HIGH,
    title="Neither file nor folder",
    message="A FIFO, socket or device: nothing that a skill can ship.",
    remediation="Remove it.",
)
ODD_NAME = _rule(
    id="odd_file_name",
    severity=Severity.MEDIUM,
    title="Misleading file name",
    message="The name holds a backslash, invisible or control characters, or bytes that are no UTF-8.",
    remediation="Rename the file.",
)
LIMIT_FILES = _limit(
    id="limit_files",
    title="Too many files",
    message="There are more files and folders than the limit; this one and those after it were not scanned.",
)
LIMIT_FILE_BYTES = _limit(
    id="limit_file_bytes",
    title="File too large",
    message="The file is larger than the limit; only its beginning was scanned.",
)
LIMIT_TOTAL_BYTES = _limit(
    id="limit_total_bytes",
    title="Too much content",
    message="All files together are larger than the limit; the rest of this one and those after it were not scanned.",
)
LIMIT_DEPTH = _limit(
    id="limit_depth",
    title="Folders too deep",
    message="The folder lies deeper than the limit; nothing in it was scanned.",
)
LIMIT_MATCHES = _limit(
    id="limit_matches",
    title="Too many matches",
    message="The file has more matches than the limit; only the worst are listed.",
)


PATTERNS = (
    SYMLINK,
    SPECIAL_FILE,
    ODD_NAME,
    LIMIT_FILES,
    LIMIT_FILE_BYTES,
    LIMIT_TOTAL_BYTES,
    LIMIT_DEPTH,
    LIMIT_MATCHES,
)
