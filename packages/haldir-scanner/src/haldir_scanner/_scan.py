"""The scan of a folder, a file, or content that is not on disk."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from haldir_scanner._budget import Budget
from haldir_scanner._folder import Content, read_path
from haldir_scanner._limits import Limits
from haldir_scanner._patterns import PATTERNS, structure
from haldir_scanner._report import Match, ScanReport, order
from haldir_scanner._views import escaped

if TYPE_CHECKING:
    from haldir_scanner._engine import Engine

_DEFAULTS = Limits()


def scan(path: Path | str, *, limits: Limits = _DEFAULTS) -> ScanReport:
    """The report about a folder or a single file.

    Every regular file is scanned, whatever its name; only the folder ``.vault`` directly below ``path`` is left out.
    Links are not followed; they, and everything else that is no regular file, are matches.

    Raises: UnreadableError if ``path`` or something below it is missing or cannot be read.
    """
    return _report(read_path(Path(path), Budget(limits)), limits)


def scan_files(files: Mapping[str, bytes], *, limits: Limits = _DEFAULTS) -> ScanReport:
    """The report about files that are not on disk: content by relative path, with ``/`` between folders.

    As in ``scan``, everything below ``.vault/`` is left out.
    """
    return _report(_contents(files, Budget(limits)), limits)


def _contents(files: Mapping[str, bytes], budget: Budget) -> Iterator[Content | Match]:
    for path in sorted(files):
        if path.startswith(".vault/"):
            continue
        yield from budget.enter(path)
        if budget.is_spent():
            return
        allowed = budget.next_bytes
        yield from budget.read(path, min(len(files[path]), allowed + 1))
        yield Content(path, files[path][:allowed])
        if budget.is_spent():
            return


def _report(items: Iterable[Content | Match], limits: Limits) -> ScanReport:
    matches: list[Match] = []
    sizes: list[int] = []
    for item in items:
        if isinstance(item, Match):
            matches.append(evolve(item, path=escaped(item.path)))
        else:
            sizes.append(len(item.data))
            matches.extend(_of_file(item, limits.max_matches_per_file))
    return ScanReport.of(
        matches,
        files_scanned=len(sizes),
        bytes_scanned=sum(sizes),
        patterns_checked=len(PATTERNS) + len(structure.PATTERNS),
    )


def _of_file(content: Content, at_most: int) -> list[Match]:
    """The worst ``at_most`` matches of a file; a match about its name or about further matches comes on top."""
    path = escaped(content.path)
    found = _engine().matches(path, content.data, per_rule=at_most + 1)
    on_top: list[Match] = []
    if path != content.path or "\\" in path:
        on_top.append(Match(pattern=structure.ODD_NAME, path=path))
    if len(found) > at_most:
        on_top.append(Match(pattern=structure.LIMIT_MATCHES, path=path))
    return sorted(found, key=order)[:at_most] + on_top


@cache
def _engine() -> "Engine":
    # RE2 is loaded and the table compiled when something is scanned, so that importing the package stays cheap.
    from haldir_scanner._engine import Engine  # noqa: PLC0415 - see above

    return Engine(PATTERNS)
