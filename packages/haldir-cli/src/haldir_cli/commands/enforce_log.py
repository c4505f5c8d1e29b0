"""``haldir enforce-log``: check the audit logs of confined runs."""

from pathlib import Path
from typing import Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.show import say

app = make_app("Check the audit logs of confined runs.")


MOST_SHOWN = 10


@app.callback()
def _group() -> None:
    """Check the audit logs of confined runs."""


@app.command()
def verify(
    log: Annotated[Path, typer.Argument(metavar="FILE", help="The audit log.", show_default=False)],
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key", metavar="FILE", help="The public key that signed; by default this user's own; repeatable."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> int:
    """Check the chain of a log and the signatures of its runs.

    Exit code 0 if nothing was changed, left out or cut off and every run is signed, 1 if not, 2 if it cannot be read.
    """
    from haldir_cli.logkey import log_public_key
    from haldir_cli.show import json_text
    from haldir_core.errors import UnreadableError
    from haldir_core.keyfiles import load_public_key
    from haldir_enforcer import EnforcerError, verify_log

    keys = [load_public_key(path) for path in key or []]
    own = log_public_key() if not keys else None
    keys += [own] if own is not None else []
    try:
        verdict = verify_log(log, keys)
    except EnforcerError as error:
        raise UnreadableError(str(error)) from error
    good = verdict.valid and verdict.complete
    if json:
        typer.echo(
            json_text(
                {
                    "valid": verdict.valid,
                    "complete": verdict.complete,
                    "signed_by": list(verdict.signed_by),
                    "signatures_checked": bool(keys),
                    "runs": verdict.runs,
                    "events": verdict.events,
                    "head": verdict.head,
                    "errors": [{"line": each.line, "message": each.message} for each in verdict.errors],
                }
            )
        )
    for each in verdict.errors[:MOST_SHOWN]:
        say(f"line {each.line}: {each.message}")
    if len(verdict.errors) > MOST_SHOWN:
        say(f"... and {len(verdict.errors) - MOST_SHOWN} more: --json shows all")
    if not keys:
        say("Note: no key is known, so signatures were not looked at; give --key FILE")
    state = "unchanged" if good else "NOT VALID"
    say(f"{state}: {verdict.runs} runs, {verdict.events} events, head {verdict.head[:16] if verdict.head else '-'}")
    return Exit.GOOD if good else Exit.NO
