"""The scan of one skill: its files one after the other, then what they are together."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Self

from attrs import define, field

from haldir_scanner._assembled import assembled
from haldir_scanner._engine import check_patterns, engine_of
from haldir_scanner._examine import Examiner
from haldir_scanner._file import Costs
from haldir_scanner._files._folder import Content
from haldir_scanner._files._views import escaped
from haldir_scanner._indicators import KnownBad
from haldir_scanner._limits import Limits
from haldir_scanner._reports._report import Match, ScanReport, order
from haldir_scanner._rules._bundle import RuleBundle, builtin
from haldir_scanner._rules._combination import Evidence, combined
from haldir_scanner._rules._scoring import Policy
from haldir_scanner._rules._table import RuleTable
from haldir_scanner._text import Notice
from haldir_scanner._unpack import UnpackBudget
from haldir_scanner._unpack._records import nowhere
from haldir_scanner._whole import whole_findings

_PERMISSIONS = ".vault/permissions.json"


@define
class Skill:
    """What is known of a skill while it is scanned."""

    bundle: RuleBundle
    rules: RuleTable
    examiner: Examiner
    limits: Limits
    policy: Policy
    folder: str
    _siblings: Callable[[str], bytes | None]
    _matches: list[Match] = field(init=False, factory=list)
    _evidence: list[Evidence] = field(init=False, factory=list)
    _sizes: list[int] = field(init=False, factory=list)
    _paths: list[str] = field(init=False, factory=list)
    _instructions: bytes | None = field(init=False, default=None)

    @classmethod
    def with_rules(
        cls,
        bundle: RuleBundle | None,
        limits: Limits,
        policy: Policy,
        siblings: Callable[[str], bytes | None] = nowhere,
        folder: str = "",
    ) -> Self:
        """A skill of which nothing is known yet, to be judged by the rules of ``bundle``.

        ``siblings`` gives the content of one of its files, by path; None if there is none. ``folder`` is the name of
        the folder that it is scanned in; empty if there is none.
        """
        if bundle is None:
            bundle = builtin()
        elif bundle.digest != builtin().digest:
            _checked(bundle)
        rules = RuleTable.of(bundle)
        costs = Costs(limits, time.process_time, UnpackBudget(siblings=siblings))
        known_bad = KnownBad.of(bundle.indicators)
        examiner = Examiner(engine_of(bundle), rules, limits.max_matches_per_file + 1, costs, known_bad)
        return cls(bundle, rules, examiner, limits, policy, folder, siblings)

    def report(self, items: Iterable[Content | Notice]) -> ScanReport:
        """The report about everything that was read."""
        for item in items:
            if isinstance(item, Notice):
                self._matches.append(self.rules.match_of(item))
            else:
                self._file(item)
        if self.examiner.costs.is_shortened or self.examiner.costs.decode.is_shortened:
            self._matches.append(self.rules.match_of(Notice("parsing_shortened", "")))
        if self.examiner.costs.has_history:
            self._matches.append(self.rules.match_of(Notice("git_history", ".git/objects")))
        self._as_a_whole()
        self._put_together()
        self._matches.extend(combined(self.bundle.rules, self._evidence))
        verdict = self.bundle.scoring.judge((match.definition for match in self._matches), self.policy)
        return ScanReport.of(
            self._matches,
            verdict,
            files_scanned=len(self._sizes),
            bytes_scanned=sum(self._sizes),
            patterns_checked=len(self.rules),
            policy=self.policy,
            bundle_version=self.bundle.version,
            bundle_digest=self.bundle.digest,
        )

    def _as_a_whole(self) -> None:
        """Add what can be said only when all files are known."""
        permissions = self._siblings(_PERMISSIONS)
        hosts = self.examiner.costs.hosts
        for path, seen in whole_findings(self.folder, self._paths, self._instructions, permissions, hosts):
            match = self.rules.match_at(path, seen)
            self._matches.append(match)
            self._evidence.append(Evidence.of(path, [match], ()))

    def _put_together(self) -> None:
        """Add what only the programs show that several parts of the skill make together."""
        known = {match.rule for match in self._matches}
        sizes = dict(zip(self._paths, self._sizes, strict=True))
        for member in assembled(self._instructions, sizes, self._siblings):
            for found in self.examiner.examine(member.path, member.data):
                matches = sorted((match for match in found.matches.values() if match.rule not in known), key=order)
                self._matches.extend(matches[: self.limits.max_matches_per_file])
                self._evidence.append(Evidence.of(found.path, matches, found.signals))
                known |= {match.rule for match in matches}

    def _file(self, content: Content) -> None:
        """Examine a file; of its matches the worst are kept, and all that say that it was not looked at wholly."""
        self._sizes.append(len(content.data))
        self._paths.append(content.path)
        if content.path.lower() == "skill.md":
            self._instructions = content.data[: self.limits.max_parsed_bytes]
        for found in self.examiner.examine(content.path, content.data):
            matches = sorted(found.matches.values(), key=order)
            self._evidence.append(Evidence.of(found.path, matches, found.signals))
            limits = [match for match in matches if match.definition.decided_by == "limits"]
            others = [match for match in matches if match.definition.decided_by != "limits"]
            if len(others) > self.limits.max_matches_per_file and all(
                match.rule != "limit_matches" for match in limits
            ):
                limits.append(self.rules.match_of(Notice("limit_matches", found.path)))
            self._matches.extend((*others[: self.limits.max_matches_per_file], *limits))
        if escaped(content.path) != content.path or "\\" in content.path:
            self._matches.append(self.rules.match_of(Notice("odd_file_name", content.path)))


@lru_cache(maxsize=4)
def _checked(bundle: RuleBundle) -> None:
    """Refuse a bundle with a pattern that is refused; once for each."""
    check_patterns(bundle, time.process_time)
