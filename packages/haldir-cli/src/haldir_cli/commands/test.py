"""``haldir test``: check that this installation works, end to end."""

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.show import say

app = make_app()


@app.command()
def test() -> int:
    """Sign, verify, co-sign, revoke and tamper with a skill made for the purpose, in a temporary folder."""
    from haldir_cli.selfcheck import run_steps

    failed = 0
    for title, passed in run_steps():
        say(f"{'ok  ' if passed else 'FAIL'} {title}")
        failed += not passed
    if failed:
        say(f"{failed} step(s) failed: do not rely on this installation.")
        return Exit.NO
    say("This installation works.")
    return Exit.GOOD
