"""The frame of the page: head, policy, style, and the order of the sections."""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from haldir_pipeline._outputs.markup import Markup, element, inner, plain
from haldir_pipeline._outputs.page import words
from haldir_pipeline._outputs.page.course import timeline
from haldir_pipeline._outputs.page.findings import findings
from haldir_pipeline._outputs.page.permissions import permissions
from haldir_pipeline._outputs.page.summary import facts, masthead, not_run, reasons, score_table, severities
from haldir_pipeline.outcomes import LayerName
from haldir_pipeline.result import PIPELINE_VERSION, Vetting


def to_html(vetting: Vetting) -> bytes:
    """Return one page, complete in itself.

    It holds no script and loads nothing, and its own policy forbids both.  Everything that comes from the skill is
    escaped; characters that cannot be seen are written as their numbers.
    """
    style = _style()
    body = element(
        "body",
        element(
            "main",
            masthead(vetting),
            reasons(vetting),
            severities(vetting),
            timeline(vetting),
            not_run(vetting),
            findings(vetting),
            permissions(vetting),
            score_table(vetting),
            _about(vetting),
        ),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("title", f"{plain(vetting.subject.name)}: {words.RESULTS[vetting.result][0]}"),
        element("style", style),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n".encode("utf-8", "replace")


@cache
def _style() -> Markup:
    sheet = files("haldir_pipeline").joinpath("_outputs", "page", "page.css").read_text(encoding="utf-8")
    return Markup(sheet)


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _about(vetting: Vetting) -> Markup:
    scan = next(outcome for outcome in vetting.outcomes if outcome.layer is LayerName.SCAN)
    rules = f"{scan.facts.get('rules_version', 'none')} ({scan.facts.get('rules_digest', 'not loaded')})"
    pairs = [
        ("Content", vetting.subject.content),
        ("Permissions", vetting.subject.permissions.digest()),
        ("Report", "none" if vetting.report is None else vetting.report.digest()),
        ("Configuration", vetting.configuration.digest),
        ("Scanner rules", rules),
        ("Pipeline", PIPELINE_VERSION),
        ("Began", vetting.began.text),
        ("Ended", vetting.ended.text),
    ]
    note = vetting.configuration.publisher_note
    said = (
        element("section", element("h2", "Note of the publisher"), element("p", note, class_="note")) if note else None
    )
    closing = (
        "This page is for reading. What a signature binds is the report, whose digest stands above. A vetting lowers a "
        "risk; it does not prove that a skill is harmless."
    )
    return inner(
        said,
        element("footer", element("h2", "About this vetting"), facts(pairs), element("p", closing, class_="closing")),
    )
