"""The scan of a folder, a file, or content that is not on disk."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from haldir_scanner._files._budget import Budget
from haldir_scanner._files._folder import Content, folder_name, read_below, read_path
from haldir_scanner._limits import Limits
from haldir_scanner._reports._report import ScanReport
from haldir_scanner._rules._scoring import Policy
from haldir_scanner._text import Notice

if TYPE_CHECKING:
    from haldir_scanner._rules._bundle import RuleBundle

_DEFAULTS = Limits()


def scan(
    path: Path | str,
    *,
    limits: Limits = _DEFAULTS,
    bundle: "RuleBundle | None" = None,
    policy: Policy = Policy.BALANCED,
) -> ScanReport:
    """The report about a folder or a single file.

    Every regular file is scanned, whatever its name; only the folder ``.vault`` directly below ``path`` is left out.
    Links are not followed; they, and everything else that is no regular file, are matches. ``bundle`` holds the rules;
    by default, those that come with this distribution.

    Raises: UnreadableError if ``path`` or something below it is missing or cannot be read; BundleError if the bundle
        cannot be used.
    """
    from haldir_scanner._skill import Skill  # noqa: PLC0415 - the engine is loaded when something is scanned

    root = Path(path)
    skill = Skill.with_rules(
        bundle, limits, policy, lambda name: read_below(root, name, limits.max_file_bytes), folder_name(root)
    )
    return skill.report(read_path(root, Budget(limits)))


def scan_files(
    files: Mapping[str, bytes],
    *,
    limits: Limits = _DEFAULTS,
    bundle: "RuleBundle | None" = None,
    policy: Policy = Policy.BALANCED,
) -> ScanReport:
    """The report about files that are not on disk: content by relative path, with ``/`` between folders.

    As in ``scan``, everything below ``.vault/`` is left out.

    Raises: BundleError if the bundle cannot be used.
    """
    from haldir_scanner._skill import Skill  # noqa: PLC0415 - as above

    skill = Skill.with_rules(bundle, limits, policy, lambda name: _cut(files, name, limits.max_file_bytes))
    return skill.report(_contents(files, Budget(limits)))


def _cut(files: Mapping[str, bytes], name: str, most: int) -> bytes | None:
    return files[name][:most] if name in files else None


def _contents(files: Mapping[str, bytes], budget: Budget) -> Iterator[Content | Notice]:
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
