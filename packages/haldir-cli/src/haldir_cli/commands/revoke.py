"""``haldir revoke``: add a skill to a revocation list."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import PassphraseEnv, PassphraseFd, SigningKey
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core import PrivateKey, RevocationList, RevokedSkill

app = make_app()


@app.command()
def revoke(
    key: SigningKey,
    list_: Annotated[Path, typer.Option("--list", metavar="FILE", help="The revocation list.", show_default=False)],
    skill: Annotated[
        str | None, typer.Argument(metavar="NAME@VERSION", help="What is revoked; NAME@* for all versions.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why; everybody can read it.")] = None,
    severity: Annotated[str, typer.Option(help="How bad it is.")] = "high",
    init: Annotated[bool, typer.Option("--init", help="Make a new, empty list.")] = False,
    refresh: Annotated[bool, typer.Option("--refresh", help="Only give the list a new date (24 hours).")] = False,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> int:
    """Add NAME@VERSION to a signed revocation list, or make a list, or give it a new date.

    A list can only be extended with the key that signed it.  Without a list at FILE one is made.
    """
    from haldir_cli.clock import now
    from haldir_cli.files import locked, replace_file
    from haldir_cli.secrets import open_private_key

    if init and refresh:
        raise typer.BadParameter("give --init or --refresh, not both")
    if skill is not None and (init or refresh):
        raise typer.BadParameter("--init and --refresh take no NAME@VERSION")
    entry = None if init or refresh else _entry(skill, reason, severity, now())
    signer = open_private_key(key, passphrase_env, passphrase_fd)
    with locked(list_) as real:
        moment = now()
        listed = _new_list(real, signer, moment) if init else _next_list(real, signer, entry, moment)
        replace_file(real, listed.to_bytes(), mode=0o644)
    if entry is not None:
        say(f"{skill} is revoked")
    say(
        f"{list_}: {len(listed.entries)} revoked, sequence number {listed.sequence_number}, "
        f"current until {listed.expires_at.text}"
    )
    return Exit.GOOD


def _entry(skill: str | None, reason: str | None, severity: str, moment: datetime) -> "RevokedSkill":
    """Return the entry that the command line asks for."""
    from haldir_core import RevokedSkill, Severity, SkillIdentity, Timestamp
    from haldir_core.revocation import EVERY_VERSION

    name, _, version = (skill or "").rpartition("@")
    if not name or not version:
        raise typer.BadParameter(
            "say what is revoked, for instance weather@1.2.3, @scope/weather@1.2.3 or weather@*",
            param_hint="NAME@VERSION",
        )
    if not reason:
        raise typer.BadParameter("say why with --reason", param_hint="--reason")
    if not severity:
        raise typer.BadParameter("must not be empty", param_hint="--severity")
    try:  # what no skill can be called revokes nothing, and whoever wrote it believes that it does
        SkillIdentity(name, "0" if version == EVERY_VERSION else version, "skill.md")
    except ValueError as error:
        raise typer.BadParameter(f"no skill can be called {skill!r}: {error}", param_hint="NAME@VERSION") from error
    if severity not in {known.value for known in Severity}:
        say(f"Note: {severity!r} is none of low, medium, high and critical, which readers expect")
    return RevokedSkill(name, (version,), Timestamp.at(moment), reason, severity)


def _new_list(path: Path, signer: "PrivateKey", moment: datetime) -> "RevocationList":
    """Return an empty list for ``path``, where there must be none yet."""
    from haldir_core import RevocationList

    if path.exists():
        raise typer.BadParameter(f"{path} exists and is not overwritten", param_hint="--list")
    return RevocationList.create(signer, moment)


def _next_list(path: Path, signer: "PrivateKey", entry: "RevokedSkill | None", moment: datetime) -> "RevocationList":
    """Return the list that follows the one at ``path``: with ``entry``, or only with a new date."""
    from haldir_cli.files import read_document
    from haldir_core import RevocationList

    if entry is not None and not path.exists():
        say(f"Note: there is no list at {path} yet; a new one is made")
        return RevocationList.create(signer, moment, entry)
    listed = read_document(path, "revocation list", RevocationList.from_bytes)
    if entry is None:
        return listed.refresh(signer=signer, now=moment)
    for known in listed.entries:
        if known.name == entry.name and set(known.versions).issuperset(entry.versions):
            say(f"Note: it was revoked before, and that entry stays as it is ({known.severity}: {known.reason})")
    return listed.revoke(entry, signer=signer, now=moment)
