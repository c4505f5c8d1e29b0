"""What a sandboxing found, and the verdict that follows from it."""

from collections import Counter
from collections.abc import Iterable

from attrs import asdict, frozen

from haldir_core import Finding, LayerReport, Severity, Status, Summary
from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.report import MAX_COUNT, MAX_DURATION_MS, MAX_FINDINGS
from haldir_enforcer.confinement import Level, Standing
from haldir_sandbox.behaviour import Behaviour, Deed
from haldir_sandbox.entrypoints import EntryPoint
from haldir_sandbox.environment import Circumstance
from haldir_sandbox.rules import fitted
from haldir_sandbox.sinkhole import Request

LAYER = 3
LAYER_NAME = "sandbox_execution"
PASSING_LEVEL = Level.L3
"""Below this level what was not seen may have happened all the same."""
MAX_SHOWN_DEEDS = 1000
MAX_SHOWN_CHARACTERS = 16_384


@frozen(kw_only=True)
class RunReport:
    """One program that was run: what, in which world, and how it ended."""

    entry: EntryPoint
    argv: tuple[str, ...]
    circumstance: Circumstance
    ending: str
    code: int
    seconds: float
    stdout: bytes
    stderr: bytes


@frozen(kw_only=True)
class SandboxReport:
    """Everything that the runs of a skill showed.  ``standing`` is None where nothing could be confined.

    ``trace_left_out`` events had no room in the trace that was asked for; the report knows of them all the same.
    """

    status: Status
    findings: tuple[Finding, ...]
    standing: Standing | None
    entry_points: tuple[EntryPoint, ...]
    runs: tuple[RunReport, ...]
    behaviour: Behaviour
    requests: tuple[Request, ...]
    missing_packages: tuple[str, ...]
    duration_ms: float
    trace_left_out: int = 0

    @property
    def level(self) -> Level:
        """How strong the confinement was."""
        return Level.NONE if self.standing is None else self.standing.level

    @property
    def reasons(self) -> tuple[str, ...]:
        """The messages of the findings that the status follows from, the worst first."""
        weight = {Status.PASS: 0, Status.FLAG: Severity.MEDIUM.rank, Status.REJECT: Severity.HIGH.rank}[self.status]
        return tuple(finding.message for finding in self.findings if finding.severity.rank >= max(weight, 1))

    def layer_report(self, number: int = LAYER) -> LayerReport:
        """Return the report in the form of a vetting report's layer."""
        counts = Counter(finding.severity for finding in self.findings)
        return LayerReport(
            layer=number,
            name=LAYER_NAME,
            status=self.status,
            findings=self.findings[:MAX_FINDINGS],
            duration_ms=round(min(self.duration_ms, MAX_DURATION_MS), 3),
            summary=Summary(**{severity.value: min(counts[severity], MAX_COUNT) for severity in Severity}),
        )

    def to_json(self) -> JsonObject:
        """Return everything as a JSON value; texts of the skill are escaped and cut."""
        standing = self.standing
        return {
            "status": self.status.value,
            "reasons": list(self.reasons),
            "level": self.level.value,
            "enforced": {} if standing is None else asdict(standing.enforced),
            "missing": [] if standing is None else list(standing.missing),
            "findings": [_finding(finding) for finding in self.findings[:MAX_FINDINGS]],
            "entry_points": [_entry(entry) for entry in self.entry_points],
            "runs": [_run(run) for run in self.runs],
            "behaviour": [_deed(deed) for deed in self.behaviour.first(MAX_SHOWN_DEEDS)],
            "requests": [_request(request) for request in self.requests],
            "missing_packages": [fitted(name, 200) for name in self.missing_packages],
            "duration_ms": round(self.duration_ms, 3),
            **({"trace_left_out": self.trace_left_out} if self.trace_left_out else {}),
        }


def verdict(findings: Iterable[Finding]) -> Status:
    """Return what follows from the findings: high and critical reject, medium flags."""
    worst = max((finding.severity.rank for finding in findings), default=0)
    if worst >= Severity.HIGH.rank:
        return Status.REJECT
    return Status.FLAG if worst >= Severity.MEDIUM.rank else Status.PASS


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each different finding once, the worst first."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda finding: -finding.severity.rank))


def _finding(finding: Finding) -> JsonObject:
    return {name: _plain(value) for name, value in asdict(finding).items() if value is not None}


def _entry(entry: EntryPoint) -> JsonObject:
    members: dict[str, JsonValue] = {
        "kind": entry.kind.value,
        "argv": [fitted(word, 500) for word in entry.argv],
        "source": fitted(entry.source, 500),
    }
    if entry.line is not None:
        members["line"] = entry.line
    if entry.file is not None:
        members["file"] = fitted(entry.file, 500)
    return members


def _run(run: RunReport) -> JsonObject:
    return {
        "entry": fitted(run.entry.name, 200),
        "argv": [fitted(word, 500) for word in run.argv],
        "circumstance": run.circumstance.value,
        "ending": run.ending,
        "code": run.code,
        "seconds": round(run.seconds, 3),
        "stdout": _shown(run.stdout),
        "stderr": _shown(run.stderr),
    }


def _deed(deed: Deed) -> JsonObject:
    members: dict[str, JsonValue] = {
        "what": deed.what.value,
        "target": fitted(deed.target, 500),
        "class": deed.kind.value,
        "decision": "deny" if deed.denied else "allow",
        "count": deed.count,
    }
    if deed.argv:
        members["argv"] = list(deed.argv)
    if deed.argv_left_out:
        members["argv_left_out"] = deed.argv_left_out
    if deed.decoy is not None:
        members["decoy"] = deed.decoy.value
    if deed.detail is not None:
        members["detail"] = fitted(deed.detail, 500)
    return members


def _request(request: Request) -> JsonObject:
    return {
        "method": request.method,
        "host": None if request.host is None else fitted(request.host, 255),
        "port": request.port,
        "path": fitted(request.path, 2000),
        "head": _shown(request.head),
        "body": _shown(request.body),
        "tls": request.tls,
    }


def _shown(data: bytes) -> str:
    """Return text without control characters but line ends and tabs."""
    text = data[:MAX_SHOWN_CHARACTERS].decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def _plain(value: object) -> JsonValue:
    return value if isinstance(value, int) else str(value)
