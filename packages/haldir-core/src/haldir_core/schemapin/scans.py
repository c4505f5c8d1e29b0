"""What a signature says about a scan: whether it passed, with which scanner and which rules.

These members count only inside a signed statement; anybody can write them beside one.  Spec: schemapin, section 9.
"""

from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum
from typing import Self

from attrs import frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.digest import Digest, parse_digest
from haldir_core.errors import MalformedError

MAX_VERSION_CHARACTERS = 100


@frozen(kw_only=True)
class ScanResult:
    """The result of one scan of exactly the files that a statement covers.

    Attributes:
        passed: whether nothing was found that refuses the skill.
        scanner_version: name and version of the scanner, for instance ``haldir-scanner 0.1.0``.
        ruleset_hash: digest of the rules, as the scanner reports it.
    """

    passed: bool
    scanner_version: str
    ruleset_hash: Digest

    @classmethod
    def from_json(cls, value: JsonValue, document: str) -> Self:
        """Read the member ``scan`` of a statement.

        Raises: MalformedError if a member is missing or of another type.
        """
        members = value if isinstance(value, Mapping) else {}
        passed, version, rules = (members.get(name) for name in ("scan_passed", "scanner_version", "ruleset_hash"))
        if not isinstance(passed, bool):
            raise MalformedError(document, "scan_passed must be true or false")
        if not isinstance(version, str) or not 0 < len(version) <= MAX_VERSION_CHARACTERS:
            raise MalformedError(
                document, f"scanner_version must be a text of 1 to {MAX_VERSION_CHARACTERS} characters"
            )
        try:
            digest = parse_digest(rules if isinstance(rules, str) else "")
        except ValueError as error:
            raise MalformedError(document, f"ruleset_hash {error}") from error
        return cls(passed=passed, scanner_version=version, ruleset_hash=digest)

    def to_json(self) -> JsonObject:
        """Return the result as JSON value, members named as in SchemaPin's plan for 1.5."""
        return {
            "scan_passed": self.passed,
            "scanner_version": self.scanner_version,
            "ruleset_hash": self.ruleset_hash,
        }


class ScanDemand(Enum):
    """Whether a signature must come with a scan that passed; one that failed is refused under REQUIRED only."""

    OPTIONAL = "optional"
    REQUIRED = "required"


class OutdatedScan(Enum):
    """What follows if the scan was made with other rules than the current ones."""

    WARN = "warn"
    REFUSE = "refuse"


class ScanStanding(Enum):
    """What a policy finds in a scan."""

    ACCEPTED = "accepted"
    OUTDATED = "outdated"
    REFUSED = "refused"


@frozen(kw_only=True)
class ScanPolicy:
    """What is demanded of a scan.

    Attributes:
        demand: whether there must be one that passed.
        current_rulesets: digests of rules that count as current; empty for any.
        outdated: what follows if its rules are none of these.
    """

    demand: ScanDemand = ScanDemand.OPTIONAL
    current_rulesets: frozenset[str] = frozenset()
    outdated: OutdatedScan = OutdatedScan.WARN

    def judge(self, scan: ScanResult | None) -> tuple[ScanStanding, str]:
        """Return what follows for a scan that a statement authenticates, or for none, and why."""
        if scan is None:
            if self.demand is ScanDemand.REQUIRED:
                return ScanStanding.REFUSED, "a scan is required, and no signed statement tells of one"
            return ScanStanding.ACCEPTED, ""
        if not scan.passed and self.demand is ScanDemand.REQUIRED:
            return ScanStanding.REFUSED, f"a scan that passed is required, and {scan.scanner_version} found something"
        if not self.current_rulesets or scan.ruleset_hash in self.current_rulesets:
            return ScanStanding.ACCEPTED, ""
        reason = f"scanned with rules that are not current ({scan.ruleset_hash}): scan again"
        refused = self.outdated is OutdatedScan.REFUSE and self.demand is ScanDemand.REQUIRED
        return (ScanStanding.REFUSED if refused else ScanStanding.OUTDATED), reason


class ScanCache:
    """Results of scans by the root hash v2 of what was scanned; the least recently used go first.

    A result is given back only for the same scanner and the same rules.  (The root hash v1 is no key: two folders with
    different file names can have the same.)
    """

    def __init__(self, max_entries: int = 1024) -> None:
        """Keep at most ``max_entries`` results."""
        self._results: OrderedDict[tuple[bytes, str, str], ScanResult] = OrderedDict()
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._results)

    def get(self, root_v2: bytes, scanner_version: str, ruleset_hash: str) -> ScanResult | None:
        """Return the result of this scanner with these rules, if it is known."""
        key = (root_v2, scanner_version, ruleset_hash)
        result = self._results.get(key)
        if result is not None:
            self._results.move_to_end(key)
        return result

    def put(self, root_v2: bytes, result: ScanResult) -> None:
        """Keep a result."""
        key = (root_v2, result.scanner_version, result.ruleset_hash)
        self._results[key] = result
        self._results.move_to_end(key)
        while len(self._results) > self._max_entries:
            self._results.popitem(last=False)
