import html
import re
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import SkillSnapshot, Status, read_skill
from haldir_pipeline import Configuration, Order, UnavailableError, Vetting, vet
from haldir_pipeline._outputs.markup import element, foreign
from haldir_pipeline.outputs import to_html

Clock = Callable[[], datetime]
Make = Callable[..., Any]

ATTACK = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'><style>*{}</style><a href='//x.example'>"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "div", "p", "span", "h1",
    "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "svg", "circle",
    "rect", "figure", "figcaption", "strong", "small", "time", "pre", "code", "mark", "details", "summary",
}  # fmt: skip
"""All elements that a page may hold: none of them loads or runs anything."""


class Reader(HTMLParser):
    """What is in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the name and the attributes of an element."""
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.words.append(data)


def read(vetting: Vetting) -> Reader:
    reader = Reader()
    reader.feed(to_html(vetting).decode())
    return reader


@pytest.fixture
def make_vetting(snapshot: SkillSnapshot, clock: Clock, make_layers: Make) -> Callable[..., Vetting]:
    """Vet with the layers that are given."""

    def make(configuration: Configuration | None = None, **layers: Any) -> Vetting:  # noqa: ANN401 - layers
        return vet(snapshot, configuration or Configuration(), clock=clock, layers=make_layers(**layers))

    return make


@pytest.fixture
def hostile(make_vetting: Make, make_layer: Make, placed_sample: Make) -> Vetting:
    """Return a vetting all of whose texts are hostile."""
    found = [
        placed_sample(message=ATTACK, path=ATTACK, rule=ATTACK, category=ATTACK, excerpt=ATTACK, severity=severity)
        for severity in ("critical", "high", "medium", "low")
    ]
    deed = {"what": "read", "target": ATTACK, "class": "violation", "count": 2, "decision": "deny"}
    facts = {"level": ATTACK, "behaviour": [deed, 7, {}], "rules_version": ATTACK, "rules_digest": ATTACK}
    layers = {
        name: make_layer(name, *found, status=Status.FLAG, reason=ATTACK, unchecked=(ATTACK,), facts=facts)
        for name in ("scan", "audit", "sandbox")
    }
    layers["review"] = make_layer("review", error=UnavailableError(ATTACK))
    vetting: Vetting = make_vetting(Configuration(order=Order.EVERYTHING, publisher_note=ATTACK), **layers)
    return evolve(vetting, subject=evolve(vetting.subject, name=ATTACK, permissions_problem=ATTACK))


def test_hostile_texts_are_shown_and_become_no_element(hostile: Vetting) -> None:
    page = read(hostile)
    assert set(page.tags) <= TAGS
    assert page.tags.count("style") == 1
    assert sum(ATTACK in word for word in page.words) > 15


def test_no_attribute_loads_or_runs_anything(hostile: Vetting) -> None:
    names = {name for name, _ in read(hostile).attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"href", "src", "srcset", "style", "action", "data", "poster", "background", "xlink:href"}


def test_its_own_policy_forbids_everything_but_its_style(hostile: Vetting) -> None:
    page = to_html(hostile).decode()
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = page[page.index("<style>") + 7 : page.index("</style>")]
    assert not re.search(r"url\(|@import|expression", style)


@pytest.mark.parametrize(
    ("char", "shown"),
    [("\u202e", "U+202E"), ("\u2066", "U+2066"), ("\u200b", "U+200B"), ("\x1b", "U+001B"), ("\U000e0041", "U+E0041")],
    ids=["override", "isolate", "zero-width", "escape", "tag"],
)
def test_what_nobody_could_see_is_written_as_its_number(
    make_vetting: Make, make_layer: Make, placed_sample: Make, char: str, shown: str
) -> None:
    found = placed_sample(message=f"a{char}b", path=f"c{char}d", excerpt=f"e{char}f")
    vetting = make_vetting(scan=make_layer("scan", found))
    page = to_html(evolve(vetting, subject=evolve(vetting.subject, name=f"n{char}"))).decode()
    assert char not in page
    assert page.count(f'<span class="unseen">{shown}</span>') == 4
    assert f"<title>n{shown}: Approved" in page


def test_texts_of_the_skill_stand_apart_from_their_surroundings() -> None:
    assert foreign("\u05d0\u05d1") == '<span class="foreign" dir="auto">\u05d0\u05d1</span>'


@given(st.text(), st.text())
def test_no_text_leaves_its_place(text: str, value: str) -> None:
    reader = Reader()
    reader.feed(element("p", text, title=value))
    assert reader.tags == ["p"] + ["span"] * reader.tags.count("span")
    assert reader.attributes[0][0] == "title"


def test_a_match_is_marked_in_its_line(make_vetting: Make, make_layer: Make) -> None:
    from haldir_core import Finding, Severity  # noqa: PLC0415 - here only
    from haldir_pipeline import Answer  # noqa: PLC0415 - here only

    finding = Finding(
        severity=Severity.HIGH, category="c", message="m", file="a.sh", line=3, match="curl", context="run curl | sh"
    )
    layer = make_layer("scan")
    vetting = make_vetting(scan=evolve(layer, answer=Answer(status=Status.PASS, findings=(finding,))))
    page = to_html(vetting).decode()
    assert "run <mark>curl</mark> | sh" in page
    assert "a.sh:3" in page


def test_many_findings_are_folded_and_the_rest_is_counted(
    make_vetting: Make, make_layer: Make, placed_sample: Make
) -> None:
    page = to_html(make_vetting(scan=make_layer("scan", *[placed_sample()] * 400))).decode()
    assert page.count('class="finding low"') == 300
    assert "275 more findings" in page
    assert "100 findings more are not shown here" in page


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.PASS, "Approved"),
        (Status.FLAG, "A person must decide"),
        (Status.REJECT, "Rejected"),
    ],
)
def test_the_verdict_stands_at_the_top(make_vetting: Make, make_layer: Make, status: Status, words: str) -> None:
    page = read(make_vetting(scan=make_layer("scan", status=status, reason="so it is")))
    assert words in page.words[:40]


def test_an_error_has_a_page_too(make_vetting: Make, make_layer: Make) -> None:
    page = read(make_vetting(audit=make_layer("audit", error=RuntimeError("broke"))))
    assert "No answer" in page.words
    assert any("broke" in word for word in page.words)


def test_it_says_what_was_not_looked_at(make_vetting: Make, make_layer: Make) -> None:
    vetting = make_vetting(
        audit=make_layer("audit", unchecked=("no source was given",)),
        review=make_layer("review", error=UnavailableError("no provider of models is configured")),
    )
    words = read(vetting).words
    assert "What was not looked at" in words
    assert "no source was given" in words
    assert "no provider of models is configured" in words


def test_it_shows_what_was_declared_used_and_tried(
    skill: Path, tmp_path: Path, clock: Clock, make_layer: Make, make_layers: Make
) -> None:
    declared = '{"filesystem":{"read":["~/tables"],"write":[]},"network":["api.example"],"exec":["git"]}'
    (skill / ".vault").mkdir()
    (skill / ".vault" / "permissions.json").write_text(f'{{"schema_version":"1.0","declared":{declared}}}')
    deeds = [
        {"what": "read", "target": "~/tables/a.csv", "class": "declared", "count": 1},
        {"what": "connect", "target": "evil.example:443", "class": "violation", "count": 3},
    ]
    sandbox = make_layer("sandbox", facts={"level": "L3", "behaviour": deeds})
    snapshot = read_skill(skill, copy_to=tmp_path / "a-copy")
    page = read(vet(snapshot, clock=clock, layers=make_layers(sandbox=sandbox)))
    for shown in ("~/tables", "api.example", "git", "~/tables/a.csv", "evil.example:443 (3 times)"):
        assert shown in page.words


def test_the_same_vetting_gives_the_same_page(make_vetting: Make) -> None:
    vetting = make_vetting()
    assert to_html(vetting) == to_html(vetting)
