"""Rules and the catalogues that they point into, as SARIF describes them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import frozen

from haldir_scanner._rules._rule import Effect, Rule
from haldir_scanner._severity import Severity

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
# GitHub: above 9.0 is critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, below it low.
_SECURITY_SEVERITY = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}


@frozen
class Catalogue:
    """A list of kinds of weakness or attack that others keep.

    Attributes:
        name: as SARIF refers to it.
        organization: who keeps it.
        description: what it is.
        ids: of the entries that a rule points to.
    """

    name: str
    organization: str
    description: str
    ids: Callable[[Rule], Sequence[str]]


CATALOGUES = (
    Catalogue(
        "CWE", "MITRE", "Common Weakness Enumeration", lambda rule: tuple(f"CWE-{number}" for number in rule.cwe)
    ),
    Catalogue("OWASP LLM", "OWASP", "Top 10 for LLM Applications", lambda rule: rule.owasp_llm),
    Catalogue("OWASP Agentic", "OWASP", "Top 10 for Agentic Applications", lambda rule: rule.owasp_agentic),
    Catalogue("OWASP Agentic Skills", "OWASP", "Agentic Skills Top 10", lambda rule: rule.owasp_skills),
    Catalogue("MITRE ATLAS", "MITRE", "Adversarial threats to AI systems", lambda rule: rule.atlas),
)


def level_of(rule: Rule) -> str:
    """The level of a match; one that never changes the verdict is a note."""
    return "note" if rule.effect is Effect.NOTE else _LEVELS[rule.severity]


def descriptor(rule: Rule) -> dict[str, Any]:
    """The ``reportingDescriptor`` of a rule."""
    form = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.message},
        "help": {"text": _help(rule), "markdown": _help_in_markdown(rule)},
        "defaultConfiguration": {"level": level_of(rule)},
        "properties": {
            "tags": ["security", rule.category.value, *(f"external/cwe/cwe-{number:03}" for number in rule.cwe)],
            "precision": rule.confidence.value,
            "security-severity": _SECURITY_SEVERITY[rule.severity],
            "problem.severity": {"note": "recommendation"}.get(level_of(rule), level_of(rule)),
        },
    }
    relationships = [
        {
            "target": {"id": name, "toolComponent": {"name": catalogue.name, "index": number}},
            "kinds": ["relevant"],
        }
        for number, catalogue in enumerate(CATALOGUES)
        for name in catalogue.ids(rule)
    ]
    return form | ({"relationships": relationships} if relationships else {})


def taxonomies(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """The catalogues, each with the entries that ``rules`` point to."""
    listed = list(rules)
    return [
        {
            "name": catalogue.name,
            "organization": catalogue.organization,
            "shortDescription": {"text": catalogue.description},
            "isComprehensive": False,
            "taxa": [{"id": name} for name in sorted({name for rule in listed for name in catalogue.ids(rule)})],
        }
        for catalogue in CATALOGUES
    ]


def _help(rule: Rule) -> str:
    parts = [rule.message, f"What to do: {rule.remediation}", "\n".join(rule.references)]
    return "\n\n".join(filter(None, parts))


def _help_in_markdown(rule: Rule) -> str:
    rows = [f"**{rule.title}** (`{rule.id}`)", rule.message, f"**What to do:** {rule.remediation}"]
    rows += ["\n".join(f"- <{reference}>" for reference in rule.references)] if rule.references else []
    return "\n\n".join(rows)
