"""Records a review of one of the example skills, and writes a ledger of reviews of all of them, and what it comes to.

No model is asked: a stand-in answers, which reports every line of a file and knows nothing but the places of secrets.
What it says shows how a review runs and what it takes, not what a model would think.  Run it after the prompts have
changed::

    python examples/review/record.py
"""

import json
import math
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from attrs import frozen

from haldir_core import Permissions, read_skill
from haldir_reviewer import ReviewReport, review
from haldir_reviewer._providers.connected import ConnectedModel, Offer
from haldir_reviewer._providers.interface import Answer, Call
from haldir_reviewer.budget import Budget, Purse
from haldir_reviewer.cassette import Recorder, begin_cassette
from haldir_reviewer.configuration import ReviewConfiguration, read_configuration
from haldir_reviewer.costs import MICROS
from haldir_reviewer.ledger import Ledger, project_month, summarise
from haldir_reviewer.questions import QUESTION_IDS

HERE = Path(__file__).parent
SKILLS = HERE.parent / "skills"
PAGE = HERE.parents[1] / "docs" / "how-to" / "review-with-models.md"
RECORDED = "csv-profiler"
SEED = bytes(range(32))
FIRST = datetime(2026, 11, 2, 9, tzinfo=UTC)
BYTES_PER_TOKEN = 4
SECRETS = re.compile(r"\.ssh/|\.aws/|\.netrc|\.kube/|hosts\.yml")


@frozen
class StandIn:
    """A provider that reports each line, finds the places of secrets, and gives one score to what has none."""

    score: float = 1.0

    async def post(self, call: Call) -> Answer:
        """Answer as the protocol of the path has it, with the tokens that four bytes each make."""
        body: Any = call.body
        sent = math.ceil(len(json.dumps(body, ensure_ascii=False).encode()) / BYTES_PER_TOKEN)
        said: dict[str, Any]
        if call.path == "/chat/completions":
            text = json.dumps(self.answer(body["messages"][1]["content"]))
            usage = {"prompt_tokens": sent, "completion_tokens": math.ceil(len(text) / BYTES_PER_TOKEN)}
            said = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": usage}
        else:
            value = self.answer(body["messages"][0]["content"][0]["text"])
            block = {"type": "tool_use", "name": body["tool_choice"]["name"], "input": value}
            usage = {"input_tokens": sent, "output_tokens": math.ceil(len(json.dumps(value)) / BYTES_PER_TOKEN)}
            said = {"content": [block], "stop_reason": "tool_use", "usage": usage}
        return Answer(json.dumps({"model": "stand-in", **said}).encode())

    def answer(self, text: str) -> dict[str, Any]:
        """Return facts, or scores if these are asked for."""
        mark, total, *lines = text.split("\n")
        left, right = total.removeprefix("Sum: ").split(" + ")
        known = {"mark": mark.removeprefix("Mark: "), "control": int(left) + int(right)}
        said = [line.removeprefix(f"{known['mark']} ") for line in lines]
        return {**known, **({"cases": self.cases(said)} if "Questions:" in lines else {"facts": self.facts(said)})}

    def facts(self, lines: list[str]) -> list[dict[str, Any]]:
        """Report every line that holds more than a few characters; the place of a secret is taken for theft."""
        facts = []
        for line in lines:
            number, _, text = line.partition(" ")
            quote = json.loads(text).strip() if number.isdigit() else ""
            if len(quote) >= 10:
                kind = "takes_secrets" if SECRETS.search(quote) else "explains"
                facts.append({"kind": kind, "line": int(number), "quote": quote})
        return facts

    def cases(self, lines: list[str]) -> list[dict[str, Any]]:
        """Give the lowest scores to what takes secrets."""
        cases: list[dict[str, Any]] = []
        for line in lines:
            if line.startswith("case "):
                cases.append({"case": line[5:], "scores": dict.fromkeys(QUESTION_IDS, self.score), "evidence": []})
            elif match := re.match(r"fact (\d+): takes_secrets", line):
                cases[-1]["scores"] = dict.fromkeys(QUESTION_IDS, 0.0)
                cases[-1]["evidence"].append(int(match[1]))
        return cases


def configuration() -> ReviewConfiguration:
    """Return the configuration beside this file."""
    table = tomllib.loads((HERE / "haldir.toml").read_text(encoding="utf-8"))["review"]
    return read_configuration(table, folder=HERE)


def record(skill: Path, tape: Path, *scores: float) -> ReviewReport:
    """Write a new cassette of a review of ``skill`` in which the stand-ins give these scores."""
    begin_cassette(tape, SEED)
    providers = configuration().providers
    transports = [
        Recorder(StandIn(score), provider.name, tape) for provider, score in zip(providers, scores, strict=True)
    ]
    return _review(skill, transports, Purse(Budget(), None, lambda: FIRST, lambda: "name"))


def account(folder: Path) -> Ledger:
    """Write a ledger of one review of each skill."""
    ledger, names = Ledger(folder), _names()
    for number, skill in enumerate(sorted(SKILLS.iterdir())):
        moment = FIRST + timedelta(minutes=5 * number)
        purse = Purse(Budget(), ledger, lambda moment=moment: moment, lambda: next(names))  # type: ignore[misc] # bound now
        _review(skill, [StandIn(), StandIn()], purse)
    return ledger


def _review(skill: Path, transports: "list[Any]", purse: Purse) -> ReviewReport:
    models = [
        ConnectedModel(
            Offer(name=provider.name, model=provider.model, prices=provider.prices), provider.protocol, way, purse
        )
        for provider, way in zip(configuration().providers, transports, strict=True)
    ]
    with tempfile.TemporaryDirectory() as work:
        snapshot = read_skill(skill, copy_to=Path(work) / "copy")
        data = (snapshot.vault or {}).get("permissions.json")
        permissions = Permissions.deny_all() if data is None else Permissions.from_bytes(data)
        return review(snapshot, models, permissions=permissions, now=FIRST, randomness=lambda length: SEED[:length])


def _names() -> Iterator[str]:
    return (f"{number:032x}" for number in count(1))


def figures(ledger: Ledger) -> dict[str, str]:
    """Return what the ledger comes to, as the page about reviews has it; cents are rounded up."""
    summary = summarise(ledger.entries("2026-11"))

    def money(micros: int) -> str:
        return f"{math.ceil(micros * 100 / MICROS) / 100:.2f} USD"

    return {
        "reviews": f"{summary.reviews:,}",
        "questions": f"{summary.questions:,}",
        "tokens in": f"{summary.input_tokens:,}",
        "tokens out": f"{summary.output_tokens:,}",
        "one review": money(-(-summary.cost_micros // summary.reviews)),
        **{
            f"{number} submissions a day, for 30 days": money(project_month(summary, reviews_per_day=number))
            for number in (100, 500)
        },
    }


def main() -> None:
    """Write both anew, and the figures on the page about reviews."""
    tape = HERE / "recorded.jsonl"
    tape.unlink(missing_ok=True)
    print(f"{RECORDED}: {record(SKILLS / RECORDED, tape, 1.0, 1.0).outcome}")
    tape.chmod(0o644)
    shutil.rmtree(HERE / "ledger", ignore_errors=True)
    text = PAGE.read_text(encoding="utf-8")
    for name, figure in figures(account(HERE / "ledger")).items():
        print(f"{name}: {figure}")
        text = re.sub(rf"^\| {re.escape(name)} \| .* \|$", f"| {name} | {figure} |", text, flags=re.MULTILINE)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
