"""The program: finds the command that was asked for, and turns every error into words with an exit code."""

import atexit
import codecs
import contextlib
import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

from haldir_cli.exits import Exit

VERSION = "0.1.0"

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
    version: Annotated[
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


def run() -> None:
    """Run the command line of this process and exit."""
    codecs.register_error("haldir.json", _as_json_escapes)
    gc.disable()  # 5 ms of a small verification, and a process that ends in a moment has no cycles worth finding
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="haldir.json")  # a name from a skill may not fit the terminal's encoding
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _interrupt)  # so that temporary folders are cleaned up as after Ctrl-C
    interrupted: list[int] = []
    # CPython ends by SIGINT after a KeyboardInterrupt that passed a text in eval, whatever became of it since.
    atexit.register(lambda: interrupted and os._exit(interrupted[0]))
    code = main(sys.argv[1:])
    if code == Exit.INTERRUPTED:
        interrupted.append(code)
    if not _flushed(sys.stdout):
        code = code or Exit.USAGE
    _flushed(sys.stderr)  # who cannot be told in words still has the exit code
    sys.exit(code)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments`` and return the exit code; nothing is raised.

    Words for people go to stderr, results to stdout.
    """
    try:
        return _call(arguments)
    except typer.TyperException as error:
        _show_usage(error)
        return Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except (BrokenPipeError, SystemExit) as ended:
        return _ended(ended)
    except Exception as error:  # noqa: BLE001 - the one boundary: whatever happens is told in words, and is no success
        return _explain(error)


def _call(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; commands that return nothing have succeeded."""
    if list(arguments) == ["--version"]:  # what scripts call most does not wait for the option parser
        typer.echo(f"haldir {VERSION}")
        return Exit.GOOD
    if any("\0" in argument for argument in arguments):
        raise typer.BadParameter("an argument holds a NUL character, which no name or path has")
    code = typer.main.get_command(app).main(args=list(arguments), prog_name="haldir", standalone_mode=False)
    if code == Exit.INTERRUPTED:  # how typer reports Ctrl-C
        return _interrupted()
    if sys.stdout is not None:
        sys.stdout.flush()
    return code if isinstance(code, int) else Exit.GOOD


def _ended(reason: BrokenPipeError | SystemExit) -> int:
    """Return the exit code where typer ended the program: completion was shown or installed, or the reader has gone."""
    if isinstance(reason, SystemExit) and not reason.code:
        return Exit.GOOD
    return Exit.USAGE


def _interrupted() -> int:
    with contextlib.suppress(OSError):
        print("\nInterrupted.", file=sys.stderr)  # noqa: T201 - a new line after a prompt; nothing is to be escaped
    return Exit.INTERRUPTED


def _flushed(stream: TextIO | None) -> bool:
    """Write what is still to be written; where that fails, send it nowhere, so that Python says nothing at its end."""
    if stream is None:
        return True
    try:
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


def _show_usage(error: typer.TyperException) -> None:
    """Say what is wrong with the command line."""
    from haldir_cli.show import say

    shown = io.StringIO()
    show: Callable[[io.StringIO], None] | None = getattr(error, "show", None)  # every error of the option parser has it
    if show is None:
        shown.write(f"haldir: {error}")
    else:
        show(shown)
    say(*shown.getvalue().splitlines())


def _explain(error: Exception) -> int:
    """Say what happened and return the exit code for it."""
    from haldir_cli.show import say
    from haldir_core.errors import HaldirError, RevocationError, SigningError, UnsafeSkillError

    if isinstance(error, HaldirError):
        say(f"haldir: {error}")
        refusals = (SigningError, UnsafeSkillError, RevocationError)
        return Exit.NO if isinstance(error, refusals) else Exit.USAGE
    if isinstance(error, OSError):
        where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        say(f"haldir: {where}{error.strerror or error}")
        return Exit.USAGE
    if os.environ.get("HALDIR_DEBUG"):
        traceback.print_exception(error)
    say(
        f"haldir: internal error ({type(error).__name__}). Nothing was decided. "
        "Run it again with HALDIR_DEBUG=1 and report what it prints."
    )
    return Exit.USAGE


def _as_json_escapes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write characters that an output cannot encode as JSON escapes, so that JSON stays JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4)), error.end
