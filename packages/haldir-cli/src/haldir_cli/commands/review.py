"""``haldir review``: have language models review a skill."""

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import SkillFolder
from haldir_cli.show import is_seen, say, say_marked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from haldir_core.canonical import JsonObject
    from haldir_reviewer import ReviewReport
    from haldir_reviewer.configuration import ReviewConfiguration
    from haldir_reviewer.opening import OpenedReview
    from haldir_reviewer.panels import Panel

app = make_app()

MOST_SHOWN = 20
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": ""}
_WORDS = {
    "approve": ("APPROVED", "green", Exit.GOOD),
    "reject": ("REJECTED", "red", Exit.NO),
    "human": ("A PERSON MUST DECIDE", "yellow", Exit.UNDECIDED),
}
_NO_ANSWER = ("NO ANSWER", "yellow", Exit.UNDECIDED)


@app.command()
def review(
    skill: SkillFolder,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    provider: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Ask this provider of the configuration; repeatable [default: its panel]."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read [review] of this haldir.toml; never one inside the skill.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What this review may cost, in the configured currency.")
    ] = None,
) -> int:
    """Have two language models review a skill, and a third one if they differ.

    The providers stand in the table [review] of haldir.toml, their keys in the environment or in files.
    Exit code 0 if it is approved, 1 if it is rejected, 3 if a person must decide or there is no answer.
    """
    from haldir_cli.clock import now
    from haldir_cli.home import state_folder
    from haldir_cli.show import json_text
    from haldir_core import UnreadableError
    from haldir_reviewer import ProviderError
    from haldir_reviewer.opening import Machine, open_review

    configuration = _configuration(skill, config, provider or [], budget)
    machine = Machine(environment=os.environ, now=now, randomness=secrets.token_bytes, state=state_folder())
    try:
        opened = open_review(configuration, machine)
    except ProviderError as error:
        raise UnreadableError(str(error)) from error
    _say_before(skill, opened.panel)
    report = _review(skill, opened)
    currency = configuration.budget.currency
    if json:
        typer.echo(json_text(_to_json(report, opened.panel, currency)))
    return _say(skill, report, opened.panel, currency)


def _configuration(skill: Path, given: Path | None, names: list[str], budget: str | None) -> "ReviewConfiguration":
    """Return the table ``[review]`` of the user with the options of the command line in it.

    Raises: ConfigurationError
    """
    from attrs import evolve

    from haldir_cli.vetconfig import read_configuration as read_all
    from haldir_reviewer.configuration import read_configuration
    from haldir_reviewer.costs import to_micros

    whole = read_all(given, [skill])
    read = read_configuration(whole.review, folder=Path(whole.folder))
    if budget is not None:
        try:
            read = evolve(read, budget=evolve(read.budget, per_review=to_micros(budget)))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--budget") from error
    chosen = tuple(names) or tuple(provider.name for provider in read.panel)
    return evolve(read, panel=read.choose(chosen))


def _review(skill: Path, opened: "OpenedReview") -> "ReviewReport":
    from haldir_cli.clock import now
    from haldir_core import Permissions, UnreadableError, read_skill
    from haldir_core.scratch import PrivateFolder
    from haldir_reviewer import ReviewError
    from haldir_reviewer import review as ask_models

    with PrivateFolder("haldir-review-") as work:
        snapshot = read_skill(skill, copy_to=work / "skill")
        snapshot.refuse_problems()
        data = (snapshot.vault or {}).get("permissions.json")
        permissions = Permissions.deny_all() if data is None else Permissions.from_bytes(data)
        randomness = opened.randomness(snapshot)
        try:
            return ask_models(
                snapshot,
                opened.panel.models,
                permissions=permissions,
                settings=opened.settings,
                now=now(),
                randomness=randomness,
            )
        except ReviewError as error:
            raise UnreadableError(str(error)) from error


def _to_json(report: "ReviewReport", panel: "Panel", currency: str) -> "JsonObject":
    from haldir_reviewer.costs import to_text

    cost = to_text(panel.purse.spent_micros)
    return {
        **report.to_json(),
        "recorded": panel.is_recorded,
        "missing": dict(panel.missing),
        "cost": {"amount": cost, "currency": currency},
    }


def _say_before(skill: Path, panel: "Panel") -> None:
    """Say who is asked, and who cannot be."""
    if panel.is_recorded:
        say("The answers are recordings: no model is asked.")
    for name, why in panel.missing.items():
        say(f"Note: {name} is not asked: {why}")
    if not panel.models and not panel.missing:
        say("No provider of models is configured: see [review] in haldir.toml.")
    elif is_seen():
        say(f"Asking {', '.join(model.name for model in panel.models) or 'nobody'} about {skill} ...")


def _say(skill: Path, report: "ReviewReport", panel: "Panel", currency: str) -> int:
    """Tell a person what came of it, and return the exit code."""
    from haldir_reviewer.costs import to_text

    mark, colour, code = _WORDS.get(report.outcome.value, _NO_ANSWER)
    say_marked(mark, f": {skill}: {'; '.join(report.reasons)}", colour)
    for found in report.reviews:
        say(f"  {found.model}: {found.problem or _scores(found.scores or {})}")
    for finding in report.findings[:MOST_SHOWN]:
        place = f"{finding.path}:{finding.line}" if finding.line else finding.path
        say_marked(f"  {finding.severity:<8} ", f"{place}: {finding.message}", _COLOURS[finding.severity])
    if len(report.findings) > MOST_SHOWN:
        say(f"  ... and {len(report.findings) - MOST_SHOWN} more: --json shows all")
    what = "It would have cost" if panel.is_recorded else "It cost"
    say(f"{what} {to_text(panel.purse.spent_micros)} {currency}.")
    return code


def _scores(scores: "Mapping[str, int]") -> str:
    return ", ".join(f"{question} {score / 1000:.2f}" for question, score in scores.items())
