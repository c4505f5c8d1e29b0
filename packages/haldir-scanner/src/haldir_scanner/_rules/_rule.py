"""The record of one rule, and of the signals and combinations that rules give rise to."""

from enum import StrEnum

from attrs import field, frozen

from haldir_scanner._files._filetypes import FileType
from haldir_scanner._severity import Severity
from haldir_scanner._text import Region

Fixture = tuple[tuple[str, str], ...]
"""A small skill: pairs of file name and content.  A content that begins with ``base64:`` stands for bytes."""


class Category(StrEnum):
    """What a rule is about."""

    CAMPAIGN_INDICATOR = "campaign_indicator"
    COMPLIANCE = "compliance"
    CREDENTIAL_EXPOSURE = "credential_exposure"
    EXFILTRATION = "exfiltration"
    OBFUSCATION = "obfuscation"
    PERSISTENCE = "persistence"
    PRIVILEGE_ESCALATION = "privilege_escalation"
    PROMPT_INJECTION = "prompt_injection"
    STRUCTURE = "structure"
    SUPPLY_CHAIN = "supply_chain"
    TOOL_POISONING = "tool_poisoning"


class Confidence(StrEnum):
    """How sure a single match is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(StrEnum):
    """What one match does to the verdict."""

    REJECT = "reject"
    FLAG = "flag"
    SCORE = "score"
    NOTE = "note"


class Scope(StrEnum):
    """Where the parts of a combination must be found together."""

    FILE = "file"
    SKILL = "skill"


@frozen(kw_only=True)
class Matcher:
    """Regexes in RE2 syntax over the UTF-8 bytes of a text, multi-line mode on.

    Attributes:
        any_of: alternatives, of which one must match; empty if ``all_of`` is given.
        all_of: every one must match.
        near: greatest distance in bytes between the begins of the matches of ``all_of``.
        exclude: a match is dropped if one of these is found in the matched text itself, never if it merely stands
            beside it, so that no comment can switch a rule off.
        hint: regexes of which one is found in every text in which the matcher is; they are looked for first, where the
            matcher itself begins with words that are in every text.
        file_types: the files in which is searched.
        regions: the regions in which a match may begin.
    """

    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    near: int = 0
    exclude: tuple[str, ...] = ()
    hint: tuple[str, ...] = ()
    file_types: frozenset[FileType] = frozenset()
    regions: frozenset[Region] = frozenset(Region)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The regexes that are searched for."""
        return self.any_of or self.all_of


@frozen(kw_only=True, eq=False)
class Rule:
    """One row of the table of rules.  Spec: spec/rules-1.0.md.

    Attributes:
        id: stable name, unique in a bundle.
        category: what the rule is about.
        severity: how bad a match is.
        confidence: how sure a single match is.
        title: a few words for a list of rules.
        message: what was found and why it matters, for the reader of a report.
        remediation: what the author of the skill can do.
        matcher: what is searched; None for a rule that code or a combination decides.
        decided_by: the part of the scanner that decides the rule, if it is no matcher and no combination.
        needs: of a combination: groups of signals and rule ids, of each of which one must be there.
        scope: of a combination.
        signals: what a match says about what the skill does.
        effect: what a match does to the verdict.
        weight: points of a match, where the effect is ``score``; None: by severity and confidence.
        cwe: numbers of the Common Weakness Enumeration.
        owasp_llm: ids of the OWASP Top 10 for LLM applications.
        owasp_agentic: ids of the OWASP Top 10 for agentic applications.
        owasp_skills: ids of the OWASP Agentic Skills Top 10.
        atlas: ids of MITRE ATLAS techniques.
        references: addresses of further reading.
        match: skills in which the rule must be found.
        no_match: skills in which it must not be found.
    """

    id: str
    category: Category
    severity: Severity
    confidence: Confidence
    title: str
    message: str
    remediation: str
    matcher: Matcher | None = None
    decided_by: str = ""
    needs: tuple[frozenset[str], ...] = ()
    scope: Scope = Scope.SKILL
    signals: frozenset[str] = frozenset()
    effect: Effect = Effect.SCORE
    weight: int | None = None
    cwe: tuple[int, ...] = ()
    owasp_llm: tuple[str, ...] = ()
    owasp_agentic: tuple[str, ...] = ()
    owasp_skills: tuple[str, ...] = ()
    atlas: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    match: tuple[Fixture, ...] = field(default=(), repr=False)
    no_match: tuple[Fixture, ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class Signal:
    """A capability that is no finding by itself, and what shows it."""

    id: str
    matcher: Matcher
