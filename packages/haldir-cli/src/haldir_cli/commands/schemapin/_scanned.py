"""The scan that ``haldir schemapin sign --scan`` signs, and what ``verify --require-scan`` demands of one."""

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haldir_core.digest import Digest
    from haldir_core.schemapin import ScanPolicy, ScanResult, SkillFolder


def scan_of(folder: "SkillFolder") -> "ScanResult":
    """Scan a skill folder that was read, and return what came of it; it passed if nothing was found that counts.

    The scan is of a private copy, and that copy is what was read: nobody can change the files in between.

    Raises:
        SigningError: if the folder has changed since it was read, or the scan cannot be made.
        HaldirError: if it cannot be read, or holds what no skill may hold.
    """
    import haldir_scanner
    from haldir_core import SigningError, read_skill
    from haldir_core.schemapin import FolderVault, ScanResult, read_folder
    from haldir_core.scratch import PrivateFolder

    with PrivateFolder("haldir-sign-") as work:
        copy = work / (folder.path.resolve().name or "skill")
        read_skill(folder.path, copy_to=copy).refuse_problems()
        if read_folder(copy).root_v2() != folder.root_v2(FolderVault.LEFT_OUT):  # the copy has no .vault
            raise SigningError(f"{folder.path} has changed while it was scanned: sign again")
        try:
            report = haldir_scanner.scan(copy)
        except haldir_scanner.ScannerError as error:
            raise SigningError(f"{folder.path} cannot be scanned: {error}") from error
    return ScanResult(
        passed=report.status is haldir_scanner.Status.PASS,
        scanner_version=f"haldir-scanner {version('haldir-scanner')}",
        ruleset_hash=_ruleset_hash(report.bundle_digest),
    )


def demand_scan() -> "ScanPolicy":
    """Return the demand for a scan that passed; rules other than those of this scanner are warned of."""
    from haldir_core.schemapin import ScanDemand, ScanPolicy
    from haldir_scanner.bundles import builtin

    return ScanPolicy(demand=ScanDemand.REQUIRED, current_rulesets=frozenset({_ruleset_hash(builtin().digest)}))


def _ruleset_hash(digest: str) -> "Digest":
    """Return the digest of the rules, which the scanner gives in plain hexadecimal, as statements write it."""
    from haldir_core.digest import parse_digest

    return parse_digest(f"sha256:{digest}")
