"""The program as the option parser sees it: the commands, each loaded when it is called."""

import io
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from haldir_cli.exits import Exit
from haldir_cli.show import say
from haldir_cli.version import VERSION

COMMANDS = {
    "keygen": "Make a key pair.",
    "sign": "Sign a skill folder.",
    "verify": "Verify a signed skill folder.",
    "inspect": "Show what a signed skill says, without verifying it.",
    "cosign": "Add a signature to a signed skill.",
    "revoke": "Add a skill to a revocation list.",
    "trust": "Keep the keys and identities that you trust.",
    "scan": "Scan skills for what no skill should do.",
    "rules": "Write, try and sign rules for the scanner.",
    "enforce": "Run a skill confined to its permissions.",
    "enforce-log": "Check the audit logs of confined runs.",
    "audit": "Audit what a skill takes from elsewhere.",
    "advisories": "Keep the known vulnerabilities that packages are compared with.",
    "sandbox": "Run a skill to see what it does.",
    "review": "Have language models review a skill.",
    "vet": "Vet a skill folder and report what was found.",
    "schemapin": "Sign, verify and pin tools as SchemaPin does.",
    "test": "Check that this installation works, end to end.",
}
"""Every command and its first line of help; each is the module of that name in `haldir_cli.commands`."""


class _Commands(TyperGroup):
    """Loads the module of a command when the command is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override] # noqa: ARG002 - typer's Context is click's
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override] # noqa: ANN401, ARG002 - click's class is private in typer
        if cmd_name not in COMMANDS:
            return None
        app: typer.Typer = import_module(f"haldir_cli.commands.{cmd_name.replace('-', '_')}").app
        command = typer.main.get_command(app)
        command.short_help = COMMANDS[cmd_name]
        return command


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - an option callback of typer
    if wanted:
        typer.echo(f"haldir {VERSION}")
        raise typer.Exit


def _main(
    version: Annotated[  # noqa: FBT002 - typer makes a flag of it
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Sign, verify, co-sign, revoke and vet agent skills and MCP servers."""


app = typer.Typer(
    cls=_Commands,
    callback=_main,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


def call(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; commands that return nothing have succeeded.

    A wrong command line is told here; Ctrl-D at a question counts as Ctrl-C, and what else is raised goes on.
    """
    try:
        if any("\0" in argument for argument in arguments):
            raise typer.BadParameter("an argument holds a NUL character, which no name or path has")
        code = typer.main.get_command(app).main(args=list(arguments), prog_name="haldir", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except typer.TyperException as error:
        _show_usage(error)
        return Exit.USAGE
    return code if isinstance(code, int) else Exit.GOOD


def _show_usage(error: typer.TyperException) -> None:
    """Say what is wrong with the command line."""
    shown = io.StringIO()
    show: Callable[[io.StringIO], None] | None = getattr(error, "show", None)  # every error of the option parser has it
    if show is None:
        shown.write(f"haldir: {error}")
    else:
        show(shown)
    say(*shown.getvalue().splitlines())
