"""What became of one run: the case escaped, was held, or proved nothing."""

import json
import signal
from dataclasses import dataclass
from typing import Any

from manifest import Case

VIOLATION, LIMIT, REFUSED = 126, 124, 125
KILLED = {VIOLATION, LIMIT, 128 + signal.SIGKILL, 128 + signal.SIGSYS}
REFUSALS = {"enforce": REFUSED, "sandbox": 2}
"""How a policy that cannot be held is answered."""
LEVELS = ("none", "L0", "L1", "L2", "L3", "L4", "L5")


@dataclass
class Run:
    """What was seen of one run."""

    code: int | None
    seconds: float
    output: bytes
    size: int
    report: dict[str, Any] | None
    effects: dict[str, Any]

    @property
    def violations(self) -> list[Any]:
        """The violations in the report."""
        return list((self.report or {}).get("violations", []))


def verdict(case: Case, how: str, namespaces: str, seen: Run) -> str:
    """Return ``escaped``, ``held``, ``clean``, or what is wrong."""
    if "executioner" in case.needs:
        # the runner was killed from outside, so there is nothing but the effects
        return _escaped(case, how, seen) if seen.effects else _untried(how, seen) or "held"
    if case.expect == "refused" and how != "control" and seen.code == REFUSALS[how]:
        return _escaped(case, how, seen) or "held"
    if case.expect == "refused" and how == "enforce":  # a sandbox has a home of its own, of which more may be granted
        return f"not refused ({seen.code})"
    proofs = {"violation": _unreported, "limit": _unlimited, "held": _unproven, "refused": _unproven}
    last = _wrong_end if case.expect == "clean" else proofs[case.expect]
    good = "clean" if case.expect == "clean" else "held"
    return _wrong_run(case, how, namespaces, seen) or _escaped(case, how, seen) or last(case, how, seen) or good


def _wrong_run(case: Case, how: str, namespaces: str, seen: Run) -> str:
    if how == "control":
        return ""
    if seen.code is None or (seen.code < 0 and not seen.report):
        return "escaped"
    if seen.report is None:
        return f"no report (exit code {seen.code})"
    if seen.code == REFUSED and case.code != REFUSED:
        return "refused"
    if how == "sandbox" and seen.code not in {0, 1}:
        return f"wrong exit code {seen.code}"
    return _wrong_level(str(seen.report.get("level", "none")), namespaces)


def _wrong_level(level: str, namespaces: str) -> str:
    rank = LEVELS.index(level)
    # without namespaces exactly L2 is right: more would mean that they were not taken away
    right = rank >= LEVELS.index("L3") if namespaces == "with" else rank == LEVELS.index("L2")
    return "" if right else f"wrong level {level}"


def _escaped(case: Case, how: str, seen: Run) -> str:
    return "escaped" if seen.effects or seen.code is None or seen.code < 0 else ""


def _wrong_end(case: Case, how: str, seen: Run) -> str:
    if b"DONE" not in seen.output and how != "sandbox":
        return "not done"
    if seen.violations:
        return "accused"
    report = seen.report or {}
    if how != "sandbox" and {seen.code, report.get("exit_code")} != {case.code}:
        return f"wrong exit code {seen.code}, reported {report.get('exit_code')}"
    return ""


def _unreported(case: Case, how: str, seen: Run) -> str:
    if not seen.violations:
        return "escaped"
    if how == "enforce" and seen.code != VIOLATION:
        return f"wrong exit code {seen.code}"
    return _untried(how, seen)


def _unlimited(case: Case, how: str, seen: Run) -> str:
    return "" if how != "enforce" or seen.code in {LIMIT, VIOLATION} else f"wrong exit code {seen.code}"


def _unproven(case: Case, how: str, seen: Run) -> str:
    if _untried(how, seen):
        return _untried(how, seen)
    tried = b"HELD" in seen.output or b"HELD" in json.dumps(seen.report).encode()
    ended = {seen.code, (seen.report or {}).get("exit_code")} & KILLED
    return "" if tried or seen.violations or ended else "unproven: nothing was tried"


def _untried(how: str, seen: Run) -> str:
    """Say so where a program was stopped before it did what it is here for; a sandbox need not hand on its words."""
    return "" if how == "sandbox" or b"TRYING" in seen.output else "unproven: it never came to the attempt"
