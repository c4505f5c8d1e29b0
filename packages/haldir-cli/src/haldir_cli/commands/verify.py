"""``haldir verify``: verify a signed skill folder."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import RevocationFile, RevocationKeys, SkillFolder, TrustedKeys, TrustStoreFile
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core import Verification

app = make_app()


class ContextName(StrEnum):
    """The contexts of haldir_core, by name; importing them here would slow every start."""

    INSTALL = "install"
    RUNTIME = "runtime"


@app.command()
def verify(
    skill: SkillFolder,
    key: TrustedKeys = None,
    context: Annotated[
        ContextName, typer.Option(help="install fails closed; runtime lives with a late revocation list.")
    ] = ContextName.INSTALL,
    revocation: RevocationFile = None,
    revocation_key: RevocationKeys = None,
    trust_store: TrustStoreFile = None,
    require: Annotated[
        str, typer.Option(metavar="HOW_MANY", help="Signatures needed: any, all, a number, publisher:N, authority:N.")
    ] = "any",
    skip_hardlink_check: Annotated[
        bool, typer.Option("--skip-hardlink-check", help="Allow files with a second name (counts at runtime only).")
    ] = False,
) -> int:
    """Verify a signed skill folder; prints the verdict as JSON.

    Exit code 0 if the skill is valid, 1 if not, 2 if nothing could be verified.
    """
    from haldir_cli.clock import now
    from haldir_cli.remembered import gather_evidence, remember
    from haldir_cli.show import json_text
    from haldir_cli.trusted import build_keyring
    from haldir_core import Context, HardLinks, Policy, Requirement, read_skill
    from haldir_core import verify as verify_snapshot

    policy = Policy(
        requirement=Requirement.parse(require),
        hard_links=HardLinks.ALLOW_AT_RUNTIME if skip_hardlink_check else HardLinks.REFUSE,
    )
    ring = build_keyring(key or (), revocation_key or (), trust_store)
    verdict = verify_snapshot(
        read_skill(skill),
        ring,
        gather_evidence(ring, revocation),
        context=Context(context.value),
        now=now(),
        policy=policy,
    )
    if verdict.revocation_list is not None:
        remember(verdict.revocation_list)
    typer.echo(json_text(verdict.to_json()))
    say(_in_words(verdict))
    return Exit.GOOD if verdict.valid else Exit.NO


def _in_words(verdict: "Verification") -> str:
    if not verdict.valid:
        return "NOT VALID: " + "; ".join(problem.message for problem in verdict.errors[:3])
    report = verdict.vetting_report
    vetted = f"; vetting report: {report.overall_status}" if report else ""
    warnings = "".join(f"; {warned.message}" for warned in verdict.warnings)
    return f"Valid, trust level {verdict.trust_level}, signed by {', '.join(verdict.signers)}{vetted}{warnings}"
