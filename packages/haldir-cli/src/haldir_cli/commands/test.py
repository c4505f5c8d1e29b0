"""``haldir test``: check that this installation works, end to end."""

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit

app = make_app()


@app.command()
def test() -> int:
    """Sign, verify, co-sign, revoke and tamper with a skill made for the purpose, in a temporary folder."""
    from haldir_cli.selfcheck import run_steps

    failed = 0
    for title, passed in run_steps():
        typer.echo(f"{'ok  ' if passed else 'FAIL'} {title}", err=True)
        failed += not passed
    if failed:
        typer.echo(f"{failed} step(s) failed: do not rely on this installation.", err=True)
        return Exit.NO
    typer.echo("This installation works.", err=True)
    return Exit.GOOD
