"""The second half of a review: a judge that sees facts only, asked twice in different orders."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from haldir_reviewer._content.declared import Declared
from haldir_reviewer._draw import Draw
from haldir_reviewer.canaries import Canary, control, decoy_facts, failed_echo, judged_decoy
from haldir_reviewer.decision import MAX_DIFFERENCE
from haldir_reviewer.facts import Fact
from haldir_reviewer.model import JsonObject, Request
from haldir_reviewer.prompts import Control, ShownCase, fact_line, judge_request
from haldir_reviewer.questions import CRITICAL_IDS, QUESTION_IDS, QUESTIONS, read_scores, weigh
from haldir_reviewer.settings import Settings

_DECOY_DESCRIPTIONS = (
    "Formats tables in Markdown files.",
    "Sorts the entries of a bibliography.",
    "Counts words and headings in a document.",
    "Renames pictures by the date on which they were taken.",
)


@frozen
class Docket:
    """One request for scores: the name of the real case, that of the decoy, and the facts by their numbers."""

    request: Request
    control: Control
    case: str
    decoy: str
    facts: Mapping[int, Fact]


@frozen(kw_only=True)
class Judgement:
    """What one answer says about the skill; ``scores`` are None if it has another form than was asked for."""

    scores: Mapping[str, int] | None
    evidence: tuple[Fact, ...] = ()
    failed: frozenset[Canary] = field(default=frozenset())
    discarded: int = 0


def selected(facts: Sequence[Fact], settings: Settings) -> tuple[Fact, ...]:
    """Return the facts for the judge, the adverse ones first, as many as there is room for."""
    left = settings.max_facts_bytes
    chosen = []
    for fact in sorted(dict.fromkeys(facts), key=lambda fact: not fact.adverse):
        left -= len(fact_line(0, fact).encode("utf-8", "surrogateescape"))
        if left < 0:
            break
        chosen.append(fact)
    return tuple(chosen)


def docket(declared: Declared, facts: Sequence[Fact], draw: Draw, settings: Settings) -> Docket:
    """Return the request for scores: the skill and a known-bad case in random order, questions and facts shuffled."""
    real, decoy = draw.token("case", 6), draw.token("decoy", 6)
    if real == decoy:
        decoy = f"{decoy}0"
    material = {real: (declared, facts), decoy: (_decoy_declared(draw, declared), decoy_facts(draw.within("facts")))}
    shown, numbered = [], {}
    number = 0
    for name in draw.shuffled("cases", tuple(material)):
        said, known = material[name]
        lines = list(enumerate(draw.shuffled(f"facts of {name}", tuple(known)), number + 1))
        number += len(lines)
        numbered[name] = dict(lines)
        shown.append(ShownCase(name, said.description, said.permissions, tuple(lines)))
    known_answer = control(draw)
    return Docket(
        request=judge_request(shown, draw.shuffled("questions", QUESTIONS), known_answer, settings),
        control=known_answer,
        case=real,
        decoy=decoy,
        facts=numbered[real],
    )


def read(docket: Docket, answer: JsonObject) -> Judgement:
    """Return what ``answer`` says about the skill."""
    cases = _cases(answer.get("cases"))
    if cases is None or cases.keys() != {docket.case, docket.decoy}:
        return Judgement(scores=None)
    scores, decoy_scores = (read_scores(cases[name].get("scores")) for name in (docket.case, docket.decoy))
    cited = cases[docket.case].get("evidence")
    if scores is None or decoy_scores is None or not isinstance(cited, list):
        return Judgement(scores=None)
    numbers = [item for item in cited if isinstance(item, int) and not isinstance(item, bool)]
    evidence = tuple(docket.facts[item] for item in dict.fromkeys(numbers) if item in docket.facts)
    failed = failed_echo(answer, docket.control)
    if not judged_decoy(decoy_scores):
        failed |= {Canary.DECOY_CASE}
    return Judgement(scores=scores, evidence=evidence, failed=failed, discarded=len(cited) - len(evidence))


def lower(views: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the lower score of each question."""
    return {question: min(view[question] for view in views) for question in QUESTION_IDS}


def jumps(views: Sequence[Mapping[str, int]]) -> bool:
    """Whether the score, or that of a critical question, differs between views by more than models may differ."""
    series = [[weigh(view) for view in views], *([view[question] for view in views] for question in CRITICAL_IDS)]
    return any(max(scores) - min(scores) > MAX_DIFFERENCE for scores in series)


def _decoy_declared(draw: Draw, declared: Declared) -> Declared:
    """A harmless description, and the permissions of the skill: they must not tell the cases apart."""
    return Declared(
        f"name: {draw.token('name', 5)}\ndescription: {draw.pick('said', _DECOY_DESCRIPTIONS)}", declared.permissions
    )


def _cases(value: object) -> dict[str, JsonObject] | None:
    """The cases of an answer by their names, or None if they have another form or one comes twice."""
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        return None
    cases = {name: item for item in value if isinstance(name := item.get("case"), str)}
    return cases if len(cases) == len(value) else None
