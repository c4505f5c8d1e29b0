"""``haldir sign``: sign a skill folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.options import PassphraseEnv, PassphraseFd, SigningKey, SkillFolder
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core import Permissions, SkillSnapshot, VettingReport

app = make_app()


@app.command()
def sign(
    skill: SkillFolder,
    key: SigningKey,
    name: Annotated[str | None, typer.Option(help="Name of the skill [default: from SKILL.md, else unnamed].")] = None,
    skill_version: Annotated[str | None, typer.Option(help="Its version [default: from SKILL.md, else 0.0.0].")] = None,
    type_: Annotated[str, typer.Option("--type", help="Its type: skill.md, mcp, ...")] = "skill.md",
    permissions: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What it may do [default: its present .vault/permissions.json, else nothing]."
        ),
    ] = None,
    vetting_report: Annotated[Path | None, typer.Option(metavar="FILE", help="Bind this vetting report.")] = None,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Sign a skill folder: writes .vault/, all of it or nothing.

    Whatever signatures and reports .vault/ held before are replaced.
    """
    from haldir_cli.clock import now
    from haldir_cli.describe import describe_permissions
    from haldir_cli.files import read_document
    from haldir_cli.notes import notes_on_signing
    from haldir_cli.secrets import open_private_key, refuse_key_inside
    from haldir_core import SkillIdentity, read_skill, write_vault
    from haldir_core import sign as sign_snapshot
    from haldir_core.vault import refuse_leftovers

    refuse_key_inside(skill, key)
    signer = open_private_key(key, passphrase_env, passphrase_fd)
    report, vetted_content = None, None
    if vetting_report is not None:
        report, vetted_content = read_document(vetting_report, "vetting report", _report_and_content)
    refuse_leftovers(skill)
    snapshot = read_skill(skill)
    if report is not None:
        _refuse_report_of_another(snapshot, vetting_report, vetted_content)
    try:
        identity = SkillIdentity(*_name_and_version(snapshot, name, skill_version), type_)
    except ValueError as error:
        raise typer.BadParameter(f"{error} (give --name, --skill-version or --type)") from error
    granted = _permissions(snapshot, permissions)
    documents = sign_snapshot(snapshot, identity, granted, signer, clock=now, report=report)
    vault = write_vault(skill, documents)
    say(*notes_on_signing(snapshot, identity, granted, report, signer.keyid))
    say(f"Signed {identity.name}@{identity.version} with key {signer.keyid}")
    vetted = "no vetting report" if report is None else f"vetting report: {report.overall_status}"
    say(f"{len(snapshot.files)} files, {vetted}: {vault}", *describe_permissions(granted))


def _report_and_content(data: bytes) -> "tuple[VettingReport, str | None]":
    """Return the report, and the digest of the content that ``haldir vet`` says it is about.

    Raises: MalformedError if it is no report.
    """
    import json

    from haldir_core import VettingReport

    report = VettingReport.from_bytes(data)
    found: object = json.loads(data)
    for member in ("vetting", "skill", "content"):
        found = found.get(member) if isinstance(found, dict) else None
    return report, found if isinstance(found, str) else None


def _refuse_report_of_another(snapshot: "SkillSnapshot", file: Path | None, content: str | None) -> None:
    from haldir_core import SigningError
    from haldir_pipeline.subject import content_digest

    if content is None:
        say(f"Note: {file} does not say which content was vetted: bind it only if it was this one")
    elif content != content_digest(snapshot):
        raise SigningError(f"not signed: {file} is the report of other content; vet the skill as it is now")


def _name_and_version(snapshot: "SkillSnapshot", name: str | None, version: str | None) -> tuple[str, str]:
    """Return what the options say, else what SKILL.md says, else ``unnamed`` and ``0.0.0``."""
    if name is not None and version is not None:
        return name, version
    from haldir_cli.frontmatter import read_front_matter

    found = read_front_matter(snapshot.path, snapshot.files.get("SKILL.md"))
    if found.problem:
        say(f"Note: {found.problem}; its name and version are not used")
    chosen = found.name or "unnamed" if name is None else name
    return chosen, found.version or "0.0.0" if version is None else version


def _permissions(snapshot: "SkillSnapshot", file: Path | None) -> "Permissions":
    """Return the permissions to sign: those of ``file``, else the present valid ones, else none."""
    from haldir_cli.files import read_document
    from haldir_core import MalformedError, Permissions

    if file is not None:
        return read_document(file, "permissions file", Permissions.from_bytes)
    present = (snapshot.vault or {}).get("permissions.json")
    if present is None:
        return Permissions.deny_all()
    try:
        kept = Permissions.from_bytes(present)
    except MalformedError as error:
        say(f"Note: {error}; the skill is signed with no permissions at all")
        return Permissions.deny_all()
    if kept != Permissions.deny_all():
        say("Note: the permissions below were in .vault/permissions.json already: sign them only if you know them")
    return kept
