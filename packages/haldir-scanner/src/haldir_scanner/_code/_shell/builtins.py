"""Commands that change the shell itself, or what it later runs unasked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from haldir_scanner._code._shell.decoding import echo, printf
from haldir_scanner._code._shell.machine import GIT_RUNS_CODE, TO_AGENT_FILE, Call, Machine
from haldir_scanner._code._shell.options import options
from haldir_scanner._code._shell.reading import content, store
from haldir_scanner._code._shell.value import CLONED, ENVIRONMENT, FETCHED, FILES, INPUT, NOTHING, TOKEN, Value

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*(?:\[[^\]]{0,40}\])?)(\+?)=", re.ASCII)
# Settings of git that name a program which git runs by itself.
_GIT_PROGRAM = re.compile(r"(?i)^core\.(?:fsmonitor|sshcommand|gitproxy|alternaterefscommand|pager|editor)$|^filter\.")
_HARMLESS_PROGRAM = re.compile(r"(?:ssh|cat|less|more|true|false|vim?|nano|code|emacs|git-lfs|delta|:)\b[^;&|$`]*$")
_FOREIGN_FOLDER = re.compile(r"^(?:/tmp|/var/tmp|/dev/shm|https?:)")
_LISTS_KEYCHAIN = frozenset({"dump-keychain", "export"})


def assign(machine: Machine, target: str, value: Value, *, appends: bool = False) -> None:
    """Take notice that a variable, or an element of an array, is set."""
    values = [value]
    if "\0" in value.text:
        texts = value.text.split("\0")[1:]
        values = [Value(text, value.is_known, value.taints, value.tricks) for text in texts]
    before = machine.variables.get(target, []) if appends else []
    if before and "\0" not in value.text:
        values = [*before[:-1], Value(
            before[-1].text + value.text,
            before[-1].is_known and value.is_known,
            {**value.taints, **before[-1].taints},
            before[-1].tricks + value.tricks,
        )]  # fmt: skip
    elif before:
        values = before + values
    machine.budget.spend(1 + sum(len(each.text) for each in values) // 1024)
    machine.variables[target] = values


def assignment(text: str) -> re.Match[str] | None:
    """The name, and the plus, with which ``text`` begins if it sets a variable."""
    return _ASSIGNMENT.match(text)


def declare(machine: Machine, call: Call) -> Value:
    """``export``, ``declare`` and their like: variables are set, or all of them are shown."""
    others = [argument for argument in call.arguments if not argument.text.startswith(("-", "+"))]
    for argument in others:
        match = _ASSIGNMENT.match(argument.text)
        if match:
            assign(machine, match[1], argument.derived(argument.text[match.end() :]), appends=bool(match[2]))
    if others or call.name in {"local", "readonly"}:
        return NOTHING
    return Value("", is_known=False, taints={ENVIRONMENT: call.place})


def environment(_: Machine, call: Call) -> Value:
    """What ``env`` and ``printenv`` show without arguments."""
    others = [text for text in call.texts() if not text.startswith("-")]
    return NOTHING.unknown() if others else Value("", is_known=False, taints={ENVIRONMENT: call.place})


def set_(machine: Machine, call: Call) -> Value:
    """``set``: without arguments it shows all variables; behind ``--`` stand new arguments."""
    texts = call.texts()
    if not texts:
        return Value("", is_known=False, taints={ENVIRONMENT: call.place})
    if texts[0] == "--":
        machine.arguments = call.arguments[1:]
    return NOTHING


def shift(machine: Machine, call: Call) -> Value:
    """``shift``: the arguments move up."""
    count = call.texts()[0] if call.arguments else "1"
    if machine.arguments is not None and count.isdecimal():
        machine.arguments = machine.arguments[int(count[:4]) :]
    return NOTHING


def read(machine: Machine, call: Call) -> Value:
    """``read`` and ``mapfile``: variables are set from the input."""
    given = options(call.arguments, "adinNptuCcOs" if call.name != "read" else "adinNptu")
    names = [value.text for value in [*given.values("a"), *given.others] if _NAME.fullmatch(value.text)]
    for name in names or ["REPLY"]:
        if call.has_stdin:
            first = call.stdin.text.partition("\n")[0] if call.stdin.is_known and len(names) < 2 else ""
            known = bool(first)
            machine.variables[name] = [Value(first or f"${name}", known, call.stdin.taints, call.stdin.tricks)]
        else:
            machine.variables[name] = [Value(f"${name}", is_known=False, taints={INPUT: call.place})]
    return NOTHING


def alias(machine: Machine, call: Call) -> Value:
    """``alias``: a word stands for a command from now on."""
    for argument in call.arguments:
        name, equals, text = argument.text.partition("=")
        if equals:
            machine.aliases[name] = argument.derived(text)
    return NOTHING


def unset(machine: Machine, call: Call) -> Value:
    """``unset``: variables are forgotten."""
    for text in call.texts():
        machine.variables.pop(text, None)
    return NOTHING


def crontab(machine: Machine, call: Call) -> Value:
    """``crontab``: the file, or the input, says what is run from now on."""
    given = options(call.arguments, "ui")
    if given.has("l", "r", "e"):
        return NOTHING.unknown()
    path = given.others[0] if given.others else Value("-")
    table = call.stdin if path.text == "-" else content(machine, path, call.place)
    foreign = [table.taints[taint] for taint in (FETCHED, INPUT) if taint in table.taints]
    if foreign:
        machine.flow(TO_AGENT_FILE, foreign[0], call.place)
    return NOTHING


def git(machine: Machine, call: Call) -> Value:
    """``git``: clones, and settings that make git run a program."""
    given = options(_before_command(call), "cC", frozenset({"git-dir", "work-tree", "exec-path"}))
    for setting in given.values("c"):
        name, _, program = setting.text.partition("=")
        _git_setting(machine, name, setting.derived(program), call.place)
    if not given.others:
        return NOTHING
    command = given.others[0].text
    rest = call.arguments[_place(call.arguments, given.others[0]) + 1 :]
    if command == "config":
        values = options(rest, "f", frozenset({"file", "type"})).others
        if len(values) > 1:
            _git_setting(machine, values[0].text, values[1], call.place)
    elif command == "clone":
        _cloned(machine, rest, call.place)
    return NOTHING.unknown()


def _before_command(call: Call) -> list[Value]:
    """The arguments up to the name of the command of git."""
    skips = False
    for place, text in enumerate(call.texts()):
        if skips:
            skips = False
        elif text in {"-c", "-C", "--git-dir", "--work-tree"}:
            skips = True
        elif not text.startswith("-"):
            return call.arguments[: place + 1]
    return call.arguments


def _place(arguments: list[Value], wanted: Value) -> int:
    return next(place for place, argument in enumerate(arguments) if argument is wanted)


def _git_setting(machine: Machine, name: str, value: Value, place: int) -> None:
    is_program = _GIT_PROGRAM.search(name) is not None and not _HARMLESS_PROGRAM.match(value.text)
    is_folder = name.lower() in {"core.hookspath", "init.templatedir"} and (
        _FOREIGN_FOLDER.match(value.text) is not None or bool({FETCHED, CLONED} & set(_origins(machine, value)))
    )
    if (is_program and value.text.strip(" \"'") not in {"", "false", "true"}) or is_folder:
        machine.flow(GIT_RUNS_CODE, place, place)
    if name.lower() == "protocol.ext.allow" and value.text == "always":
        machine.flow(GIT_RUNS_CODE, place, place)


def _origins(machine: Machine, path: Value) -> list[str]:
    return [*machine.origin_of_file(path.text).taints]


def _cloned(machine: Machine, arguments: list[Value], place: int) -> None:
    given = options(arguments, "bocuj", frozenset({"branch", "origin", "config", "depth", "template", "reference"}))
    for setting in given.values("c", "config"):
        name, _, program = setting.text.partition("=")
        _git_setting(machine, name, setting.derived(program), place)
    if not given.others:
        return
    address = given.others[0].text
    if address.startswith("ext::"):
        machine.flow(GIT_RUNS_CODE, place, place)
    folder = given.others[1].text if len(given.others) > 1 else address.rstrip("/").rpartition("/")[2]
    store(machine, folder.removesuffix(".git"), Value("", is_known=False, taints={CLONED: place}), place)


def keychain(_: Machine, call: Call) -> Value:
    """What programs show that keep passwords."""
    texts = call.texts()
    if call.name == "history":
        return Value("", is_known=False, taints={FILES: call.place})
    if call.name == "security" and not (texts and (texts[0].startswith("find-") or texts[0] in _LISTS_KEYCHAIN)):
        return NOTHING.unknown()
    return Value("", is_known=False, taints={TOKEN: call.place})


def nothing(_: Machine, __: Call) -> Value:
    """Nothing is written that matters."""
    return NOTHING


COMMANDS: dict[str, Callable[[Machine, Call], Value]] = {
    **dict.fromkeys(("declare", "export", "local", "readonly", "typeset"), declare),
    **dict.fromkeys(("env", "printenv"), environment),
    **dict.fromkeys(("mapfile", "read", "readarray"), read),
    **dict.fromkeys(
        (":", "true", "false", "cd", "exit", "return", "test", "[", "[[", "sleep", "wait", "rm", "command"), nothing
    ),
    **dict.fromkeys(("history", "op", "pass", "secret-tool", "security"), keychain),
    "alias": alias,
    "crontab": crontab,
    "echo": echo,
    "git": git,
    "printf": printf,
    "set": set_,
    "shift": shift,
    "unset": unset,
}
