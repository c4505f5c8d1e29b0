"""``haldir vet``: vet a skill folder and report what was found."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import PassphraseEnv, PassphraseFd, SkillFolder
from haldir_cli.show import is_seen, say, say_marked

if TYPE_CHECKING:
    from haldir_cli.vetfiles import Files
    from haldir_cli.vetsign import Signing
    from haldir_core import Permissions
    from haldir_pipeline import Configuration, Event, Hooks, Vetting

app = make_app()


class ProfileOption(StrEnum):
    """The profiles of haldir_pipeline; importing them here would slow every start."""

    LOCAL = "local"
    REGISTRY = "registry"


class LayerOption(StrEnum):
    """The layers that can be skipped."""

    SANDBOX = "sandbox"
    REVIEW = "review"


@app.command()
def vet(
    skill: SkillFolder,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON; with --all one line each.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report, for haldir sign --vetting-report.")
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one HTML page for people.")] = None,
    svr: Annotated[Path | None, typer.Option(metavar="FILE", help="Write an in-toto statement (SVR).")] = None,
    receipt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a security-scan receipt for an MCP registry.")
    ] = None,
    openvex: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is known of vulnerabilities as OpenVEX.")
    ] = None,
    permissions: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What it is to declare [default: its present .vault/permissions.json]."),
    ] = None,
    profile: Annotated[ProfileOption | None, typer.Option(help="What is demanded [default: local].")] = None,
    skip: Annotated[list[LayerOption] | None, typer.Option(help="Leave this layer out; repeatable.")] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read this haldir.toml; never one inside the skill.")
    ] = None,
    no_fail_fast: Annotated[
        bool, typer.Option("--no-fail-fast", help="Run every layer, whatever the others say.")
    ] = False,
    publisher_note: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A note of the publisher that becomes part of the report.")
    ] = None,
    sign: Annotated[
        Path | None, typer.Option(metavar="KEY", help="Sign the skill with this private key if it is approved.")
    ] = None,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
    every: Annotated[bool, typer.Option("--all", help="DIR is a repository: vet every skill in it.")] = False,
) -> int:
    """Vet a skill folder: scan it, audit what it depends on, run it under observation, have models review it.

    Without a provider of models in haldir.toml nothing is reviewed.
    Exit code 0 if it is approved, 1 if it is rejected, 3 if a person must look at it or there is no answer.
    """
    from haldir_cli.home import state_folder
    from haldir_cli.vetfiles import Files
    from haldir_pipeline import Hooks, Resumption

    files = Files(report=report, html=html, svr=svr, receipt=receipt, openvex=openvex)
    if every:
        from haldir_cli.vetmany import skills_below, vet_all

        if files.wanted or sign is not None or permissions is not None:
            raise typer.BadParameter(
                "vets many skills: leave out the options that write files, sign, or give permissions",
                param_hint="--all",
            )
        skills = skills_below(skill)
        vetted = skills if config is not None else [skill]
        settings = _configuration(config, vetted, profile, skip, publisher_note, everything=no_fail_fast)
        return vet_all(skills, settings, as_json=json)
    settings = _configuration(config, [skill], profile, skip, publisher_note, everything=no_fail_fast)
    files.refuse_impossible(skill)
    signing = None if sign is None else _signing(skill, sign, passphrase_env, passphrase_fd)
    hooks = Hooks(
        tell=_tell,
        resumption=Resumption(state_folder() / "unfinished"),
        permissions=_permissions(permissions),
        state=state_folder(),
    )
    return _one(skill, settings, hooks, files, signing, as_json=json)


def _configuration(  # the options that change it
    given: Path | None,
    vetted: list[Path],
    profile: ProfileOption | None,
    skip: list[LayerOption] | None,
    note: str | None,
    *,
    everything: bool,
) -> "Configuration":
    """Return the user's configuration with the options of the command line in it."""
    from attrs import evolve

    from haldir_cli.vetconfig import read_configuration
    from haldir_core.report import MAX_NOTE, utf16_length
    from haldir_pipeline import LayerName, Order, ProfileName

    if utf16_length(note or "") > MAX_NOTE:
        raise typer.BadParameter(f"is longer than {MAX_NOTE} UTF-16 units", param_hint="--publisher-note")
    read = read_configuration(given, vetted)
    return evolve(
        read,
        profile=read.profile if profile is None else ProfileName(profile.value),
        skip=read.skip | {LayerName(layer.value) for layer in skip or ()},
        order=Order.EVERYTHING if everything else read.order,
        publisher_note=read.publisher_note if note is None else note,
    )


def _signing(skill: Path, key: Path, variable: str | None, descriptor: int | None) -> "Signing":
    from haldir_cli.secrets import open_private_key, refuse_key_inside
    from haldir_cli.vetsign import Signing

    refuse_key_inside(skill, key)
    return Signing(skill, open_private_key(key, variable, descriptor))


def _permissions(file: Path | None) -> "Permissions | None":
    from haldir_cli.files import read_document
    from haldir_core import Permissions

    return None if file is None else read_document(file, "permissions file", Permissions.from_bytes)


def _one(
    skill: Path, settings: "Configuration", hooks: "Hooks", files: "Files", signing: "Signing | None", *, as_json: bool
) -> int:
    """Vet one skill, tell and write what came of it, and sign it if that is wanted and allowed."""
    from haldir_cli.clock import now
    from haldir_cli.show import json_text
    from haldir_cli.vetwords import describe
    from haldir_pipeline import vetted_path

    if is_seen():
        say(f"Vetting {skill} ...")
    if hooks.resumption is not None:
        hooks.resumption.prune(now())
    with vetted_path(skill, settings, clock=now, hooks=hooks) as vetting:
        files.write(vetting)
        if as_json:
            typer.echo(json_text(vetting.to_json()))
        for line in describe(str(skill), vetting):
            say_marked(line.mark, line.rest, line.colour)
        return _sign(vetting, signing)


def _sign(vetting: "Vetting", signing: "Signing | None") -> int:
    from haldir_pipeline import Result

    codes = {Result.APPROVED: Exit.GOOD, Result.REJECTED: Exit.NO}
    if signing is not None and vetting.result is Result.APPROVED:
        signing.sign(vetting)
    elif signing is not None:
        say("Not signed, because it is not approved")
    return codes.get(vetting.result, Exit.UNDECIDED)


def _tell(event: "Event") -> None:
    from haldir_cli.vetwords import progress

    words = progress(event) if is_seen() else ""
    if words:
        say(words)
