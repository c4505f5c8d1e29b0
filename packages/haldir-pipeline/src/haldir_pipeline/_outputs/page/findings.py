"""The findings of the page: each with its place and an excerpt, layer by layer."""

from haldir_core import Finding
from haldir_pipeline._outputs.markup import Markup, element, foreign
from haldir_pipeline._outputs.page import words
from haldir_pipeline.outcomes import Outcome
from haldir_pipeline.result import Vetting

MAX_OPEN = 25
"""Findings of one layer that are shown at once; the next ones are folded."""
MAX_SHOWN = 300
"""Findings of one layer that are shown at all; the report as JSON has up to 1,000."""


def findings(vetting: Vetting) -> Markup:
    """Return the findings of all layers."""
    groups = [_group(outcome) for outcome in vetting.outcomes if outcome.findings]
    if not groups:
        nothing = element("p", "Nothing was found.", class_="lead")
        return element("section", element("h2", "Findings"), nothing)
    return element("section", element("h2", "Findings"), groups)


def _group(outcome: Outcome) -> Markup:
    shown = [_finding(finding) for finding in outcome.findings[:MAX_SHOWN]]
    folded = shown[MAX_OPEN:]
    summary = outcome.summary
    total = max(summary.critical + summary.high + summary.medium + summary.low, len(outcome.findings))
    rest = total - len(shown)
    return element(
        "div",
        element("h3", words.LAYERS[outcome.layer][0], " ", element("small", words.counted(total, "finding"))),
        element("ul", shown[:MAX_OPEN], class_="findings"),
        element(
            "details",
            element("summary", f"{words.counted(len(folded), 'more finding')}"),
            element("ul", folded, class_="findings"),
        )
        if folded
        else None,
        element("p", f"{words.counted(rest, 'finding')} more are not shown here.", class_="facts") if rest else None,
        class_="group",
    )


def _finding(finding: Finding) -> Markup:
    return element(
        "li",
        element(
            "p",
            element("span", finding.severity.value, class_=f"chip {finding.severity.value}"),
            " ",
            element("span", foreign(finding.message), class_="message"),
            class_="headline",
        ),
        _excerpt(finding),
        element(
            "p",
            _place(finding),
            element("span", finding.pattern_id or finding.category, class_="rule"),
            element("span", finding.category, class_="category") if finding.pattern_id else None,
            class_="origin",
        ),
        class_=f"finding {finding.severity.value}",
    )


def _place(finding: Finding) -> Markup | None:
    if not finding.file:
        return None
    where = finding.file if finding.line is None else f"{finding.file}:{finding.line}"
    return element("span", foreign(where), class_="place")


def _excerpt(finding: Finding) -> Markup | None:
    """Return the line of the match with the match marked, or the match alone."""
    match, context = finding.match, finding.context
    if not match and not context:
        return None
    if match and context and match in context:
        before, _, after = context.partition(match)
        return element("pre", element("code", before, element("mark", match), after, dir="ltr"))
    return element("pre", element("code", element("mark", match) if match else context, dir="ltr"))
