"""``haldir schemapin``: sign, verify and pin the schemas of tools and skill folders as SchemaPin does."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "keygen": "Make a P-256 key pair.",
    "sign": "Sign schemas or a skill folder.",
    "verify": "Verify signed schemas or a skill folder.",
    "pin": "Look at the keys that are pinned, and change them.",
    "bundle": "Make, sign, verify and merge trust bundles.",
    "discover": "Show what a domain publishes.",
    "guard": "Stand between an MCP client and its server, and let only known tools through.",
    "guarded": "Look at the tools of guarded servers, and decide about them.",
}
"""Every command and its first line of help; each is the module of that name in this folder."""


class _Commands(TyperGroup):
    """Loads the module of a command when the command is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override] # noqa: ARG002 - typer's Context is click's
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override] # noqa: ANN401, ARG002 - click's class is private in typer
        if cmd_name not in COMMANDS:
            return None
        app: typer.Typer = import_module(f"{__name__}.{cmd_name}").app
        command = typer.main.get_command(app)
        command.short_help = COMMANDS[cmd_name]
        return command


def _main() -> None:
    """Sign, verify and pin the schemas of tools and skill folders as SchemaPin does."""


app = typer.Typer(
    cls=_Commands,
    callback=_main,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
