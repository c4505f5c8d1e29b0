"""Commands that run a text or a file as a program."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

from haldir_scanner._code._shell.decoding import DECODINGS
from haldir_scanner._code._shell.machine import (
    DECODED_TO_EXEC,
    DEEPEST,
    INPUT_TO_SHELL,
    TO_EXEC,
    UNPACKED_TO_EXEC,
    Call,
    Machine,
)
from haldir_scanner._code._shell.options import options
from haldir_scanner._code._shell.parser import parse
from haldir_scanner._code._shell.reading import content
from haldir_scanner._code._shell.sensitive import taint_of_file
from haldir_scanner._code._shell.value import CLONED, DECODED, FETCHED, INPUT, NOTHING, Value, joined
from haldir_scanner._files._filetypes import FileType

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[[Machine, Call], Value]

_SHELL = frozenset({FileType.SHELL})
_LANGUAGES = {
    "bun": FileType.JAVASCRIPT,
    "deno": FileType.JAVASCRIPT,
    "node": FileType.JAVASCRIPT,
    "nodejs": FileType.JAVASCRIPT,
    "osascript": FileType.OTHER_CODE,
    "perl": FileType.PERL,
    "php": FileType.PHP,
    "pypy": FileType.PYTHON,
    "python": FileType.PYTHON,
    "ruby": FileType.RUBY,
}
# The options behind which the program itself stands.
_TEXT_OPTIONS = {
    FileType.JAVASCRIPT: ("e", "p", "eval", "print", "pe"),
    FileType.OTHER_CODE: ("e",),
    FileType.PERL: ("e", "E"),
    FileType.PHP: ("r",),
    FileType.PYTHON: ("c",),
    FileType.RUBY: ("e",),
}
_FLAGS_BEFORE_TEXT = {FileType.PYTHON: "cmWX", FileType.JAVASCRIPT: "epr", FileType.RUBY: "erI", FileType.PHP: "rd"}
_LONG_OPTIONS = frozenset({"eval", "print", "require", "import", "rcfile", "init-file"})
_PATH = re.compile(r"[\"']([^\"'\n]{3,120})[\"']")
# Where a text that is not known is a command, and not the argument of one.
_AT_COMMAND = re.compile(r"^\s*[\"']?[$<`]|[;&|]\s*[\"']?[$`]")
_FEWEST_LETTERS = 3


def language(name: str) -> FileType | None:
    """What the interpreter called ``name`` runs, if it is one other than a shell."""
    return _LANGUAGES.get(name.rstrip("0123456789."))


def judge(machine: Machine, value: Value, place: int) -> None:
    """Take notice of where a text comes from that is run."""
    taints = value.taints
    is_decoded = bool(DECODINGS & set(value.tricks))
    if DECODED in taints or is_decoded:
        machine.flow(DECODED_TO_EXEC if is_decoded else UNPACKED_TO_EXEC, taints.get(DECODED, place), place)
    if FETCHED in taints:
        machine.flow(TO_EXEC, taints[FETCHED], place)
    elif INPUT in taints:
        machine.flow(INPUT_TO_SHELL, taints[INPUT], place)


def run_text(machine: Machine, value: Value, place: int, *, arguments: list[Value] | None = None) -> Value:
    """What ``value`` writes if it is run by a shell."""
    if value.is_known or _AT_COMMAND.search(value.text) or not value.text:
        judge(machine, value, place)
    if value.tricks and value.is_known:
        machine.compute(value, place, _SHELL)
    if not value.text.strip() or machine.depth >= DEEPEST:
        return value.unknown()
    machine.budget.spend(1 + len(value.text) // 64)
    script = parse(value.text, machine.budget, fixed=place, depth=machine.depth)
    outer, machine.arguments = machine.arguments, arguments if arguments is not None else machine.arguments
    output = machine.run(machine, script.body, NOTHING)
    machine.arguments = outer
    return output.value


def shell(machine: Machine, call: Call) -> Value:
    """What a shell writes that is given a text, a file or an input."""
    given = options(call.arguments, "oO", _LONG_OPTIONS)
    flags = [name for name, _ in given.given]
    if "c" in flags and given.others:
        return run_text(machine, given.others[0], call.place, arguments=given.others[2:] or None)
    if given.others and "s" not in flags:
        return _file(machine, given.others[0], call.place, given.others[1:])
    return run_text(machine, call.stdin, call.place) if call.has_stdin else NOTHING.unknown()


def _file(machine: Machine, path: Value, place: int, arguments: list[Value]) -> Value:
    """What the shell script ``path`` writes."""
    if path.text in {"-", "/dev/stdin"}:
        return NOTHING
    source = content(machine, path, place)
    if path.text.startswith("<(") and not source.is_known:
        judge(machine, source, place)
        return source
    return _run_file(machine, source, place, arguments)


def _run_file(machine: Machine, source: Value, place: int, arguments: list[Value]) -> Value:
    if source.is_known and source.text:
        return run_text(machine, source, place, arguments=arguments)
    if not machine.checks_downloads:
        judge(machine, _without_input(source), place)
    return NOTHING.unknown()


def _without_input(value: Value) -> Value:
    """The value as the content of a file, which is no command line."""
    taints = {taint: place for taint, place in value.taints.items() if taint not in {INPUT, CLONED}}
    return Value(value.text, value.is_known, taints, value.tricks)


def program(machine: Machine, path: Value, place: int, arguments: list[Value]) -> Value | None:
    """What a command writes that is called by its path; None if the script has not made it."""
    source = machine.file(path.text)
    return None if source is None else _run_file(machine, source, place, arguments)


def source(machine: Machine, call: Call) -> Value:
    """What ``source`` and ``.`` write."""
    if not call.arguments:
        return NOTHING
    if call.arguments[0].text in {"/dev/stdin", "-"}:
        return run_text(machine, call.stdin, call.place)
    return _file(machine, call.arguments[0], call.place, call.arguments[1:])


def evaluate(machine: Machine, call: Call) -> Value:
    """What ``eval`` writes."""
    return run_text(machine, joined(call.arguments, " "), call.place)


def later(machine: Machine, call: Call) -> Value:
    """``trap``, ``watch``, ``at``, ``su -c`` and ``ssh``: a text that is run some time or by somebody."""
    texts = call.texts()
    if call.name in {"at", "batch"}:
        return run_text(machine, call.stdin, call.place) if call.has_stdin else NOTHING
    if call.name in {"su", "script", "runuser"}:
        commands = list(options(call.arguments, "csgG", frozenset({"command"})).values("c", "command"))
        return run_text(machine, commands[0], call.place) if commands else NOTHING
    if call.name == "trap" and len(texts) > 1:
        return run_text(machine, call.arguments[0], call.place)
    if call.name == "watch" and texts:
        return run_text(machine, joined(options(call.arguments, "n").others, " "), call.place)
    return NOTHING


def other_language(machine: Machine, call: Call) -> Value:
    """What an interpreter of another language writes."""
    kind = language(call.name)
    if kind is None:
        return NOTHING
    types = frozenset({kind})
    given = options(call.arguments, _FLAGS_BEFORE_TEXT.get(kind, "eE"), _LONG_OPTIONS)
    programs = list(given.values(*_TEXT_OPTIONS[kind]))
    if programs:
        return _program_text(machine, programs[0], call, types)
    if given.has("m") and kind is FileType.PYTHON:
        return call.stdin.unknown()
    others = [other for other in given.others if other.text not in {"-", "/dev/stdin", "run"}]
    if others:
        found = content(machine, others[0], call.place)
        if not machine.checks_downloads:
            judge(machine, _without_input(found), call.place)
        _searched(machine, found, call.place, types)
    elif call.has_stdin:
        judge(machine, call.stdin, call.place)
        _searched(machine, call.stdin, call.place, types)
    return NOTHING.unknown()


def _program_text(machine: Machine, text: Value, call: Call, types: frozenset[FileType]) -> Value:
    if text.is_known or _AT_COMMAND.match(text.text):
        judge(machine, text, call.place)
    _searched(machine, text, call.place, types)
    taints = dict(call.stdin.taints)
    for match in _PATH.finditer(text.text[:8000]):
        taint = taint_of_file(match[1])
        if taint:
            taints[taint] = call.place
    if re.search(r"\bos\.environ\b(?!\s*(?:\[|\.get))|\bprocess\.env\b(?!\s*[.\[])", text.text[:8000]):
        taints["environment"] = call.place
    return Value("", is_known=False, taints=taints)


def _searched(machine: Machine, text: Value, place: int, types: frozenset[FileType]) -> None:
    if len(text.text) >= _FEWEST_LETTERS and not text.text.startswith("<("):
        machine.compute(text, place, types, () if text.tricks else ("command line",))


def powershell(machine: Machine, call: Call) -> Value:
    """What PowerShell writes that is given a text, which may be encoded."""
    types = frozenset({FileType.POWERSHELL})
    for flag, value in zip(call.texts(), call.arguments[1:], strict=False):
        name = flag.lower().lstrip("-/")
        if name and "encodedcommand".startswith(name) and name[0] == "e":
            try:
                text = base64.b64decode(value.text + "==").decode("utf-16-le")
            except ValueError:
                continue
            decoded = Value(text.encode("utf-8", "replace").decode("latin-1"), tricks=("base64",))
            if text.strip():
                judge(machine, decoded.with_taint(DECODED, call.place), call.place)
            _searched(machine, decoded, call.place, types)
        elif name and "command".startswith(name):
            _searched(machine, value, call.place, types)
    return NOTHING.unknown()


COMMANDS: dict[str, Command] = {
    **dict.fromkeys(("sh", "bash", "dash", "zsh", "ksh", "ash", "rbash", "mksh"), shell),
    **dict.fromkeys(("source", "."), source),
    **dict.fromkeys(("at", "batch", "su", "runuser", "script", "trap", "watch"), later),
    **dict.fromkeys(_LANGUAGES, other_language),
    **dict.fromkeys(("powershell", "powershell.exe", "pwsh"), powershell),
    "eval": evaluate,
}
