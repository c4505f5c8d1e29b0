"""The software bill of materials of a skill, with its vulnerabilities, as CycloneDX 1.6.

Spec: CycloneDX 1.6 (ECMA-424).
"""

import uuid
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version

from attrs import define, field

from haldir_auditor._purl import to_purl
from haldir_auditor._reports.hashes import hashes_of
from haldir_auditor._reports.moments import zulu
from haldir_auditor._reports.texts import clean
from haldir_auditor._reports.wire import JsonObject, JsonValue
from haldir_auditor.issues import AuditReport, Issue, Severity, Suppressed
from haldir_auditor.supply import Dependency, Lock, Locked, Origin
from haldir_auditor.vex import VexStatus

_ROOT = "skill"
_NAMESPACE = uuid.UUID("3ef6ba9a-2a9b-5c0b-8a3e-6c0d5c9f9c11")  # drawn once for this purpose
_RATINGS = {severity: severity.value for severity in Severity}
# CycloneDX has words of its own for what VEX calls a justification.
_JUSTIFICATIONS = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
_COMPARED = frozenset({"vulnerable", "malicious"})


def to_cyclonedx(report: AuditReport, *, name: str, now: datetime) -> JsonObject:
    """The bill of materials of the skill called ``name``, made at ``now``; the same report gives the same bytes."""
    parts = _Parts()
    for lock in report.supply.locks:
        parts.add_lock(lock)
    for dependency in _asked(report):
        parts.add_dependency(dependency)
    components: list[JsonValue] = [parts.components[ref] for ref in sorted(parts.components)]
    edges: list[JsonValue] = [
        {"ref": ref, "dependsOn": [str(need) for need in sorted(needs)]} for ref, needs in sorted(parts.needs.items())
    ]
    vulnerabilities: list[JsonValue] = [*_vulnerabilities(report, parts)]
    identity = "\n".join([name, zulu(now), *sorted(parts.components)])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, clean(identity))}",
        "version": 1,
        "metadata": {
            "timestamp": zulu(now),
            "tools": {
                "components": [{"type": "application", "name": "haldir-auditor", "version": version("haldir-auditor")}]
            },
            "component": {"type": "application", "bom-ref": _ROOT, "name": clean(name) or "skill"},
        },
        "components": components,
        "dependencies": edges,
        "vulnerabilities": vulnerabilities,
    }


def _asked(report: AuditReport) -> Iterator[Dependency]:
    for manifest in report.supply.manifests:
        yield from (item for item in manifest.dependencies if item.scope not in {"override", "constraint"})
    yield from report.supply.installs


@define
class _Parts:
    """The components and what needs what; a package that is in a lock file is there with its version only."""

    components: dict[str, JsonValue] = field(factory=dict)
    needs: dict[str, set[str]] = field(factory=lambda: {_ROOT: set()})
    _versions: dict[tuple[str, str], set[str]] = field(factory=dict)

    def add_lock(self, lock: Lock) -> None:
        packages = [package for package in lock.packages if package.origin is not Origin.WORKSPACE]
        refs = {package.key: self._add(package, package.version) for package in packages}
        for package in packages:
            self.needs[refs[package.key]] |= {refs[need] for need in package.needs if need in refs}
            self._versions.setdefault((package.ecosystem, package.name), set()).add(refs[package.key])
        needed = {need for package in packages for need in package.needs}
        self.needs[_ROOT] |= {
            refs[package.key]
            for package in packages
            if package.depth == 1 or (package.depth is None and package.key not in needed)
        }

    def add_dependency(self, dependency: Dependency) -> None:
        locked = self._versions.get((dependency.ecosystem, dependency.name))
        if locked and (dependency.version is None or self._ref(dependency, dependency.version) in locked):
            return
        self.needs[_ROOT].add(self._add(dependency, dependency.version))

    def ref_of(self, item: Dependency | Locked) -> str | None:
        """The component that an issue is about."""
        ref = self._ref(item, item.version)
        if ref in self.components:
            return ref
        return min(self._versions.get((item.ecosystem, item.name), ()), default=None)

    def _ref(self, item: Dependency | Locked, number: str | None) -> str:
        return to_purl(item.ecosystem, item.name, number)

    def _add(self, item: Dependency | Locked, number: str | None) -> str:
        ref = self._ref(item, number)
        component: JsonObject = {"type": "library", "bom-ref": ref, "name": clean(item.name) or "unnamed", "purl": ref}
        if number:
            component["version"] = clean(number)
        hashes = hashes_of(item.hashes)
        if hashes:
            component["hashes"] = [{"alg": algorithm, "content": digest} for algorithm, digest in hashes]
        if isinstance(item, Locked) and (item.development or item.optional):
            component["scope"] = "excluded" if item.development else "optional"
        self.components.setdefault(ref, component)
        self.needs.setdefault(ref, set())
        return ref


def _vulnerabilities(report: AuditReport, parts: _Parts) -> Iterator[JsonObject]:
    rows: list[tuple[Issue, Suppressed | None]] = [(issue, None) for issue in report.issues]
    rows += [(item.issue, item) for item in report.suppressed]
    for number, (issue, item) in enumerate(row for row in rows if row[0].rule in _COMPARED):
        ref = parts.ref_of(issue.dependency) if issue.dependency else None
        yield {
            "bom-ref": f"vulnerability-{number}",
            "id": clean(issue.vulnerability or issue.rule),
            "references": [{"id": clean(alias), "source": {"name": _family(alias)}} for alias in issue.aliases],
            "ratings": [{"severity": _RATINGS[issue.severity]}],
            "description": clean(issue.message),
            "recommendation": f"Update to {clean(', '.join(issue.fixed_in))}." if issue.fixed_in else "",
            "affects": [{"ref": ref or _ROOT}],
            "analysis": _analysis(issue, item),
        }


def _family(alias: str) -> str:
    return clean(alias.partition("-")[0]) or "other"


def _analysis(issue: Issue, item: Suppressed | None) -> JsonObject:
    if item is None:
        return {"state": "exploitable" if issue.rule == "malicious" else "in_triage"}
    if item.vex == VexStatus.FIXED:
        return {"state": "resolved", "detail": clean(item.reason)}
    if item.vex == VexStatus.NOT_AFFECTED and item.justification:
        state: JsonObject = {"state": "not_affected", "justification": _JUSTIFICATIONS[item.justification]}
        return state | {"detail": clean(item.reason)}
    until = f" (until {zulu(item.expires)})" if item.expires else ""
    # Accepted for a while is not the same as not affected.
    return {"state": "exploitable", "response": ["will_not_fix"], "detail": clean(f"{item.reason}{until}")}
