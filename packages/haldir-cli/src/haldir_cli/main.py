"""The program: finds the command that was asked for, and turns every error into words with an exit code."""

import atexit
import codecs
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from haldir_cli.exits import Exit
from haldir_cli.version import VERSION


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
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)  # nothing is left to clean up, and nobody to catch what is raised
    if code == Exit.INTERRUPTED:
        interrupted.append(code)
    if not _flushed(sys.stdout):
        code = code or Exit.USAGE
    _flushed(sys.stderr)  # who cannot be told in words still has the exit code
    gc.freeze()  # or the end of the interpreter would look through all that was loaded for cycles: 8 ms of a small run
    sys.exit(code)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments`` and return the exit code; nothing is raised.

    Words for people go to stderr, results to stdout.
    """
    try:
        return _call(arguments)
    except KeyboardInterrupt:
        return _interrupted()
    except (BrokenPipeError, SystemExit) as ended:
        return _ended(ended)
    except Exception as error:  # noqa: BLE001 - the one boundary: whatever happens is told in words, and is no success
        return _explain(error)


def _call(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code."""
    if list(arguments) == ["--version"]:
        print(f"haldir {VERSION}", flush=True)  # noqa: T201 - nothing is to be escaped
        return Exit.GOOD
    code = _confined(arguments) if list(arguments[:1]) == ["enforce"] else None
    if code is None:
        from haldir_cli.program import call

        code = call(arguments)
    if code == Exit.INTERRUPTED:  # how typer reports Ctrl-C
        return _interrupted()
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _confined(arguments: Sequence[str]) -> int | None:
    """Run a skill for somebody who asks in the plain form, as agents do for every call of a tool; None for other forms.

    The option parser would take as long to load as the run itself.
    """
    from haldir_cli.plainform import read_plain

    request = read_plain(arguments[1:])
    if request is None:
        return None
    from haldir_cli import enforcing

    return enforcing.enforce(request)


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
        import traceback

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
