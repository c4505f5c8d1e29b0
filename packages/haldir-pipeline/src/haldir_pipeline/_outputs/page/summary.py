"""The head of the page: the verdict, the score, what speaks against an approval."""

from collections.abc import Sequence

from haldir_core import Severity
from haldir_pipeline._outputs.markup import Markup, element, foreign
from haldir_pipeline._outputs.page import words
from haldir_pipeline.result import Vetting

MAX_REASONS = 30
_RADIUS = 52
_ROUND = 327  # 2 pi times the radius, rounded up


def masthead(vetting: Vetting) -> Markup:
    """Return the name of the skill, the verdict and the score."""
    tone = words.RESULT_TONES[vetting.result]
    title, meaning = words.RESULTS[vetting.result]
    subject = vetting.subject
    files, size = words.counted(len(subject.snapshot.files), "file"), words.size(subject.snapshot.total_bytes)
    return element(
        "header",
        element(
            "div",
            element("p", "Haldir vetting report", class_="kicker"),
            element("h1", foreign(subject.name)),
            element("p", element("span", title, class_=f"verdict {tone}"), class_="verdict-line"),
            element("p", meaning, class_="lead"),
            element(
                "p",
                f"{files} · {size} · profile {vetting.configuration.profile}",
                " · vetted ",
                element("time", _moment(vetting.began.text), datetime=vetting.began.text),
                class_="facts",
            ),
        ),
        _ring(vetting, tone),
        class_="masthead",
    )


def severities(vetting: Vetting) -> Markup:
    """Return the four counts of findings."""
    tiles = []
    for severity in reversed(Severity):
        count = sum(int(getattr(outcome.summary, severity.value)) for outcome in vetting.outcomes)
        none = " none" if count == 0 else ""
        tiles.append(
            element(
                "li",
                element("strong", f"{count:,}"),
                element("span", severity.value),
                class_=f"tile {severity.value}{none}",
            )
        )
    return element("ul", tiles, class_="tiles", aria_label="Findings by severity")


def reasons(vetting: Vetting) -> Markup | None:
    """Return what speaks against an approval."""
    if not vetting.reasons:
        return None
    items = [
        element(
            "li",
            element("span", words.LAYERS[reason.layer][0], class_="layer-name"),
            " ",
            foreign(reason.text),
        )
        for reason in vetting.reasons[:MAX_REASONS]
    ]
    return element("section", element("h2", "Why it is not approved"), element("ul", items, class_="reasons"))


def not_run(vetting: Vetting) -> Markup | None:
    """Return what was not looked at; None if everything was."""
    items: list[Markup] = [
        element(
            "li", element("span", words.LAYERS[outcome.layer][0], class_="layer-name"), " ", foreign(outcome.reason)
        )
        for outcome in vetting.outcomes
        if outcome.state.value in {"skipped", "carried", "error", "inconclusive"}
    ]
    items += [
        element("li", element("span", "Known vulnerabilities", class_="layer-name"), " ", foreign(text))
        for outcome in vetting.outcomes
        for text in outcome.unchecked[:MAX_REASONS]
    ]
    if vetting.subject.permissions_problem:
        problem = foreign(vetting.subject.permissions_problem)
        items.append(element("li", element("span", "Permissions", class_="layer-name"), " ", problem))
    if not items:
        return None
    note = "A verdict speaks only about what was looked at."
    return element(
        "section", element("h2", "What was not looked at"), element("p", note), element("ul", items, class_="reasons")
    )


def score_table(vetting: Vetting) -> Markup:
    """Return how the score came about."""
    rows = [
        element(
            "tr",
            element("th", words.LAYERS[part.layer][0], scope="row"),
            element("td", _bar(part.points), class_="bar-cell"),
            element("td", f"{part.points / 1000:.3f}", class_="number"),
            element("td", f"\N{MULTIPLICATION SIGN} {part.weight / 1000:.2f}", class_="number"),
            element("td", f"{part.contribution / 1000:.3f}", class_="number"),
        )
        for part in vetting.score.parts
    ]
    ceilings = [
        element("li", f"at most {ceiling.most / 1000:.3f}: {ceiling.reason}") for ceiling in vetting.score.ceilings
    ]
    head = [
        element("th", name, scope="col", class_=style)
        for name, style in (("Layer", None), ("", None), ("Points", "number"), ("Weight", "number"), ("Adds", "number"))
    ]
    return element(
        "section",
        element("h2", f"Trust score {vetting.score.text}"),
        element("table", element("thead", element("tr", head)), element("tbody", rows), class_="score"),
        element("ul", ceilings, class_="ceilings") if ceilings else None,
    )


def facts(pairs: Sequence[tuple[str, str]]) -> Markup:
    """Return a list of names and values."""
    return element("dl", [[element("dt", name), element("dd", value)] for name, value in pairs], class_="facts-list")


def _ring(vetting: Vetting, tone: str) -> Markup:
    filled = vetting.score.thousandths * _ROUND // 1000
    return element(
        "figure",
        element(
            "svg",
            element("circle", cx=60, cy=60, r=_RADIUS, class_="track"),
            element("circle", cx=60, cy=60, r=_RADIUS, class_=f"fill {tone}", stroke_dasharray=f"{filled} {_ROUND}")
            if filled
            else None,
            viewBox="0 0 120 120",
            role="img",
            aria_label=f"trust score {vetting.score.text} of 1",
        ),
        element("figcaption", element("strong", vetting.score.text), element("span", "trust score")),
        class_="ring",
    )


def _bar(points: int) -> Markup:
    return element(
        "svg",
        element("rect", x=0, y=0, width=1000, height=8, rx=4, class_="track"),
        element("rect", x=0, y=0, width=points, height=8, rx=4, class_="fill") if points else None,
        viewBox="0 0 1000 8",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )


def _moment(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC"
