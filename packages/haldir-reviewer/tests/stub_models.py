"""Models of our own that answer by rule, without a provider."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen

from haldir_reviewer.facts import ADVERSE, FactKind
from haldir_reviewer.model import ProviderError, Reply, Request, Usage
from haldir_reviewer.questions import QUESTION_IDS

# What an attentive reader sees in a line; the first that matches counts.
_KNOWLEDGE = (
    (
        r"(?i)keep (?:this|that) from|never mention|without a word to|(?:do not|don't) (?:tell|inform|mention)",
        "hides_from_user",
    ),
    (r"(?i)\.ssh/|\.aws/cred|\.netrc|\.kube/config|hosts\.yml|/etc/passwd|os\.environ\b(?![\[.])", "takes_secrets"),
    (r"(?i)\|\s*(?:ba)?sh\b|eval\(|exec\(", "runs_remote_code"),
    (r"(?i)base64 -d|b64decode|atob\(", "conceals_code"),
    (r"(?i)crontab|authorized_keys|\.bashrc", "persists"),
    (r"(?i)ignore (?:all |the )?(?:previous|prior)", "overrides_instructions"),
    (r"(?i)curl .*(?:-d|-F|--data)|requests\.post|urlopen\(.*data=|upload", "sends_data_out"),
    (r"(?i)requests\.get|curl |urlopen", "uses_network"),
    (r"(?i)open\(|read_text|write_text", "reads_files"),
)
_FILE = re.compile(r'(?P<mark>\S+) file (?P<name>".*") \((?P<note>.*)\)')
_LINE = re.compile(r'(?P<mark>\S+) (?P<number>\d+) (?P<text>".*")')
_FACT = re.compile(
    r'(?P<mark>\S+) fact (?P<number>\d+): (?P<kind>\w+) in (?P<path>".*") line (?P<line>\d+): (?P<quote>".*")'
)


@frozen
class SeenFile:
    """A file as a model sees it."""

    name: str
    lines: tuple[tuple[int, str], ...]


@frozen
class SeenCase:
    """A case as a judge sees it."""

    name: str
    texts: tuple[str, ...]
    facts: tuple[tuple[int, str, str], ...]


def seen_files(request: Request) -> list[SeenFile]:
    """Read the files out of a request for facts."""
    files: list[SeenFile] = []
    for line in request.user.split("\n"):
        if header := _FILE.fullmatch(line):
            files.append(SeenFile(json.loads(header["name"]), ()))
        elif match := _LINE.fullmatch(line):
            files[-1] = evolve(files[-1], lines=(*files[-1].lines, (int(match["number"]), json.loads(match["text"]))))
    return files


def seen_cases(request: Request) -> list[SeenCase]:
    """Read the cases out of a request for scores."""
    cases: list[SeenCase] = []
    for line in request.user.split("\n"):
        if match := re.fullmatch(r"\S+ case (\S+)", line):
            cases.append(SeenCase(match[1], (), ()))
        elif match := re.fullmatch(r"\S+ (?:description|declared permissions): (.*)", line):
            cases[-1] = evolve(cases[-1], texts=(*cases[-1].texts, json.loads(match[1])))
        elif match := _FACT.fullmatch(line):
            item = (int(match["number"]), match["kind"], json.loads(match["quote"]))
            cases[-1] = evolve(cases[-1], facts=(*cases[-1].facts, item))
    return cases


def echo(request: Request) -> dict[str, Any]:
    """Read mark and sum out of a request."""
    mark, total = request.user.split("\n")[:2]
    left, right = total.removeprefix("Sum: ").split(" + ")
    return {"mark": mark.removeprefix("Mark: "), "control": int(left) + int(right)}


def kind_of(line: str) -> str | None:
    """Return what an attentive reader sees in a line."""
    return next((kind for pattern, kind in _KNOWLEDGE if re.search(pattern, line)), None)


@define
class Honest:
    """A model that reads everything, obeys nobody, and reports what it sees."""

    name: str = "honest"
    score: float = 1.0
    requests: list[Request] = field(factory=list)

    async def ask(self, request: Request) -> Reply:
        """Answer at once, after other tasks had their turn."""
        self.requests.append(request)
        await asyncio.sleep(0)
        value = self.facts(request) if request.name == "facts" else self.scores(request)
        return Reply(value, self.name, Usage(len(request.user) // 4, 100, 0, 7))

    def facts(self, request: Request) -> dict[str, Any]:
        """Report facts."""
        facts = [fact for file in seen_files(request) for fact in self.facts_of(file)]
        return {**echo(request), "facts": facts}

    def facts_of(self, file: SeenFile) -> list[dict[str, Any]]:
        """Report one file: what is said first, and every line in which something is seen."""
        shown = [(number, text) for number, text in file.lines if text.strip()]
        facts = [fact("explains", *shown[0])] if shown else []
        return facts + [fact(kind, number, text) for number, text in shown if (kind := kind_of(text)) is not None]

    def scores(self, request: Request) -> dict[str, Any]:
        """Give scores."""
        return {**echo(request), "cases": [self.case(case) for case in seen_cases(request)]}

    def case(self, case: SeenCase) -> dict[str, Any]:
        """Judge one case: bad if it has something adverse."""
        against = [number for number, kind, _ in case.facts if FactKind(kind) in ADVERSE]
        scores = dict.fromkeys(QUESTION_IDS, 0.1 if against else self.score)
        return {"case": case.name, "scores": scores, "evidence": against}


@define
class Silent:
    """A provider that gives no answer."""

    name: str
    error: ProviderError

    async def ask(self, _: Request) -> Reply:
        """Fail."""
        raise self.error


@define
class Changed:
    """A model whose answers are changed on the way, by a function of request and answer."""

    inner: Honest
    change: Callable[[Request, dict[str, Any]], Any]

    @property
    def name(self) -> str:
        """The name of the model behind it."""
        return self.inner.name

    async def ask(self, request: Request) -> Reply:
        """Answer, and change it."""
        reply = await self.inner.ask(request)
        return evolve(reply, value=self.change(request, dict(reply.value)))


def fact(kind: str, number: int, text: str) -> dict[str, Any]:
    """Form a fact as it is answered."""
    return {"kind": kind, "line": number, "quote": text.strip()[:120]}
