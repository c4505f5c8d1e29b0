"""The record of one rule."""

from enum import StrEnum

from attrs import field, frozen

from haldir_scanner._filetypes import FileType
from haldir_scanner._severity import Severity


class Category(StrEnum):
    """What a rule is about."""

    CAMPAIGN_INDICATOR = "campaign_indicator"
    CREDENTIAL_EXPOSURE = "credential_exposure"
    EXFILTRATION = "exfiltration"
    OBFUSCATION = "obfuscation"
    PERSISTENCE = "persistence"
    PRIVILEGE_ESCALATION = "privilege_escalation"
    PROMPT_INJECTION = "prompt_injection"
    STRUCTURE = "structure"
    SUPPLY_CHAIN = "supply_chain"


@frozen(kw_only=True)
class Pattern:
    """One rule: what it looks for, in which files, and the texts that prove it.

    Attributes:
        id: stable name, unique in the table.
        category: what the rule is about.
        severity: how bad a match is.
        title: a few words for a list of rules.
        message: what was found and why it matters, for the reader of a report.
        remediation: what the author of the skill can do.
        file_types: the files in which the rule looks.
        regexes: alternatives in RE2 syntax over the UTF-8 bytes of the text, multi-line mode on; a character outside
            ASCII may stand in a sequence but not in a class. Empty for a rule that is decided by code.
        exclusions: regexes; a match is dropped if one of them is found in the matched text itself, never if it merely
            stands beside it, so that no comment can switch a rule off.
        matches: pairs of file name and text in which the rule must be found.
        non_matches: pairs of file name and text in which it must not be found.
    """

    id: str
    category: Category
    severity: Severity
    title: str
    message: str
    remediation: str
    file_types: frozenset[FileType]
    regexes: tuple[str, ...] = ()
    exclusions: tuple[str, ...] = ()
    matches: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    non_matches: tuple[tuple[str, str], ...] = field(default=(), repr=False)
