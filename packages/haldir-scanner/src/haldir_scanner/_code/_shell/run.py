"""Running commands on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import evolve

from haldir_scanner._code._shell import builtins, files, interpreters, network
from haldir_scanner._code._shell.expand import fields, whole
from haldir_scanner._code._shell.machine import DEEPEST, DISGUISED, TO_EXEC, Call, Machine, Output
from haldir_scanner._code._shell.options import options
from haldir_scanner._code._shell.parser import parse
from haldir_scanner._code._shell.reading import content, store
from haldir_scanner._code._shell.sensitive import is_local
from haldir_scanner._code._shell.syntax import Group, Literal, Pipeline, Redirect, Simple, Variable, Word
from haldir_scanner._code._shell.value import FETCHED, NOTHING, SEPARATOR, SLICE, VARIABLE, Value, joined
from haldir_scanner._files._filetypes import FileType

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHELL = frozenset({FileType.SHELL})
_COMMANDS = {**files.COMMANDS, **network.COMMANDS, **interpreters.COMMANDS, **builtins.COMMANDS}
_LONGEST_NORMAL = 4000
_MOST_ROUNDS = 64
_MOST_PREFIXES = 6
_MOST_RUNS = 12  # of one function
_NETWORK_DEVICE = re.compile(r"^/dev/(?:tcp|udp)/")
# What honest scripts do with most of their words; the commands are searched again only if there is something to find.
_ORDINARY = frozenset({VARIABLE, "substitution", "arithmetic", "case", "length", "replacement", "braces", SLICE})
_TELLING = re.compile(
    r"[a-z]://|/etc/|/dev/(?!null)|(?:~|\$HOME)/\.|\.ssh\b|\.md\b"
    r"|\b(?:awk|base64|bash|chmod|cron\w*|curl|dd|docker|env|eval|git|launchctl|mkfifo|nc|ncat|node|npm|npx|openssl"
    r"|osascript|perl|php|pip\d?|python\d?|rm|ruby|scp|sh|socat|source|ssh|sudo|systemctl|uvx?|wget|zsh)\b"
)
_NEEDS_QUOTES = re.compile(r"[\s|&;()<>]")
# Commands that run the command behind them: the letters of their options that take a value, how many words come first.
_PREFIXES = {
    "builtin": ("", 0), "busybox": ("", 0), "caffeinate": ("tw", 0), "chroot": ("", 1), "command": ("", 0),
    "doas": ("uC", 0), "env": ("uCS", 0), "exec": ("a", 0), "ionice": ("cnp", 0), "nice": ("n", 0), "nohup": ("", 0),
    "noglob": ("", 0), "proxychains": ("f", 0), "setsid": ("", 0), "stdbuf": ("ioe", 0), "sudo": ("ugChprtT", 0),
    "time": ("fo", 0), "timeout": ("ks", 1), "torsocks": ("", 0), "unbuffer": ("", 0), "winpty": ("", 0),
}  # fmt: skip
_OVERRIDE = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
# Programs that it is worth while to write in disguise.
_WORTH_HIDING_WORDS = """
    awk base64 bash cat chmod crontab curl dash dig env eval git nc ncat netcat node openssl perl php ping python
    python3 printenv rm ruby scp sed sh socat source ssh sudo tar tee telnet wget xxd zsh
"""
_WORTH_HIDING = frozenset(_WORTH_HIDING_WORDS.split())


def run(machine: Machine, body: list[Pipeline], stdin: Value) -> Output:
    """What the commands write, one after the other."""
    if machine.depth >= DEEPEST:
        return Output(NOTHING.unknown("..."), "...")
    machine.depth += 1
    outputs = [_pipeline(machine, pipeline, stdin) for pipeline in body]
    machine.depth -= 1
    normal = "; ".join(output.normal for output in outputs)
    return Output(joined(output.value for output in outputs), normal[:_LONGEST_NORMAL])


def _pipeline(machine: Machine, pipeline: Pipeline, stdin: Value) -> Output:
    tricks: dict[str, None] = {}
    normals: list[str] = []
    value = stdin
    for place, stage in enumerate(pipeline.stages):
        machine.budget.spend()
        has_stdin = bool(place) or value is not NOTHING
        if isinstance(stage, Simple):
            command = _Command(machine, stage, value, has_stdin=has_stdin)
            value = command.output()
            normals.append(command.normal)
            tricks.update(dict.fromkeys(command.tricks))
        else:
            output = _group(machine, stage, value)
            value = output.value
            normals.append("{ " + output.normal + "; }")
    normal = " | ".join(normals)
    if tricks and (not _ORDINARY.issuperset(tricks) or _TELLING.search(normal)):
        machine.compute(Value(normal[:_LONGEST_NORMAL], tricks=tuple(tricks)), pipeline.begin, _SHELL)
    return Output(value, normal)


def _group(machine: Machine, group: Group, stdin: Value) -> Output:
    """What a compound command writes."""
    if group.kind == "function":
        machine.functions[group.name] = group
        return Output(NOTHING, f"{group.name}()")
    for redirect in group.redirects:
        stdin = _input(machine, redirect, stdin)
    if group.kind in {"for", "select"} and group.words:
        output = _loop(machine, group, stdin)
    else:
        output = run(machine, group.body, stdin)
    written = _written(machine, group.redirects, output.value, group.begin)
    return Output(written, output.normal)


def _loop(machine: Machine, group: Group, stdin: Value) -> Output:
    outputs = []
    for item in fields(machine, group.words)[:_MOST_ROUNDS]:
        machine.variables[group.name] = [item]
        outputs.append(run(machine, group.body, stdin))
    normal = outputs[0].normal if outputs else ""
    return Output(joined(output.value for output in outputs), normal)


def _input(machine: Machine, redirect: Redirect, stdin: Value) -> Value:
    """The input of a command behind a redirection."""
    if redirect.operator in {"<<", "<<-", "<<<"}:
        return whole(machine, redirect.target)
    if redirect.operator not in {"<", "<>", "<&"} or redirect.descriptor not in {"", "0"}:
        return stdin
    target = whole(machine, redirect.target)
    if _NETWORK_DEVICE.match(target.text) or (redirect.operator == "<&" and target.text in machine.descriptors):
        return Value("", is_known=False, taints={FETCHED: redirect.target.begin})
    return stdin if redirect.operator == "<&" else content(machine, target, redirect.target.begin)


def _written(machine: Machine, redirects: Sequence[Redirect], value: Value, place: int) -> Value:
    """What is left for the next command when the files have been written."""
    for redirect in redirects:
        if redirect.operator not in {">", ">>", ">|", ">&", "<>"} or redirect.descriptor == "2":
            continue
        target = whole(machine, redirect.target)
        if redirect.operator in {">&", "<>"} and target.text.isdecimal() and target.text not in machine.descriptors:
            continue
        if _NETWORK_DEVICE.match(target.text):
            if not is_local(target.text.split("/")[3]):
                network.send(machine, value, place)
                machine.descriptors.add(redirect.descriptor or "1")
        elif target.text in machine.descriptors:
            network.send(machine, value, place)
        elif target.text not in {"/dev/stdout", "/dev/stderr", "/dev/null"}:
            before = machine.file(target.text) if redirect.operator == ">>" else None
            store(machine, target.text, joined([before, value]) if before else value, place)
        if redirect.operator != "<>":
            value = NOTHING
    return value


class _Command:
    """One command, expanded."""

    def __init__(self, machine: Machine, syntax: Simple, stdin: Value, *, has_stdin: bool) -> None:
        self._machine = machine
        self._syntax = syntax
        self._stdin = stdin
        self._has_stdin = has_stdin
        self.tricks: tuple[str, ...] = ()
        self.normal = ""

    def output(self) -> Value:
        """What the command writes into the next one."""
        machine = self._machine
        words = self._assigned()
        arguments = fields(machine, words)
        for redirect in self._syntax.redirects:
            before = self._stdin
            self._stdin = _input(machine, redirect, before)
            self._has_stdin = self._has_stdin or self._stdin is not before
        self._note(arguments)
        if not arguments:
            return _written(machine, self._syntax.redirects, self._stdin, self._syntax.begin)
        value = _called(machine, arguments, self._stdin, self._syntax.begin, has_stdin=self._has_stdin)
        if arguments[0].text == "exec" and len(arguments) == 1:
            value = NOTHING
        return _written(machine, self._syntax.redirects, value, self._syntax.begin)

    def _assigned(self) -> Sequence[Word]:
        """The words behind the assignments, which are made."""
        words = self._syntax.words
        for place, word in enumerate(words):
            first = word.parts[0] if word.parts else None
            if not isinstance(first, Literal) or first.quoted:
                return words[place:]
            match = builtins.assignment(first.text)
            if match is None:
                return words[place:]
            rest = evolve(word, parts=[Literal(first.text[match.end() :]), *word.parts[1:]])
            self._begin_empty(match[1], rest)
            value = whole(self._machine, rest)
            builtins.assign(self._machine, match[1], value, appends=bool(match[2]))
        return ()

    def _begin_empty(self, name: str, value: Word) -> None:
        """A variable that first grows by itself is empty before; a path is not."""
        is_empty = name not in self._machine.variables and not name.endswith(("PATH", "FLAGS", "OPTS"))
        if is_empty and any(isinstance(part, Variable) and part.name == name and not part.rest for part in value.parts):
            self._machine.variables[name] = [NOTHING]

    def _note(self, arguments: list[Value]) -> None:
        """Take notice of how the command is written."""
        tricks: dict[str, None] = {}
        for argument in arguments:
            tricks.update(dict.fromkeys(argument.tricks))
        self.tricks = tuple(tricks)
        self.normal = " ".join(_quoted(argument.text) for argument in arguments)[:_LONGEST_NORMAL]
        for redirect in self._syntax.redirects:
            if redirect.operator not in {"<<", "<<-"}:
                self.normal += (
                    f" {redirect.descriptor}{redirect.operator} {whole(self._machine, redirect.target).text[:400]}"
                )
        if arguments and _is_disguised(arguments):
            self._machine.flow(DISGUISED, self._syntax.begin, self._syntax.begin)


def _quoted(text: str) -> str:
    text = text[:_LONGEST_NORMAL]
    if not _NEEDS_QUOTES.search(text) or text.startswith(("$(", "<(")):
        return text
    quote = "'" if '"' in text else '"'
    return quote + text + quote


def _is_disguised(arguments: list[Value]) -> bool:
    """Whether the name of a program is written so that nobody reads it."""
    name = arguments[0]
    tricks = set(name.tricks) - {VARIABLE, "substitution"}
    if not tricks or name.text.rpartition("/")[2] not in _WORTH_HIDING:
        return False
    return tricks != {SEPARATOR} or len(arguments) > 1


def _called(machine: Machine, arguments: list[Value], stdin: Value, place: int, *, has_stdin: bool) -> Value:
    """What a command writes that consists of these words."""
    arguments = _behind_prefixes(arguments)
    name = arguments[0]
    if FETCHED in name.taints and not name.is_known:
        machine.flow(TO_EXEC, name.taints[FETCHED], place)
    call = Call(name.text.rpartition("/")[2], arguments[1:], stdin, place, has_stdin)
    function = machine.functions.get(name.text)
    if function is not None:
        return _function(machine, function, call)
    if name.text in machine.aliases and machine.depth < DEEPEST:
        text = joined([machine.aliases[name.text], *arguments[1:]], " ")
        script = parse(text.text, machine.budget, fixed=place, depth=machine.depth)
        machine.compute(text.behind("alias"), place, _SHELL)
        return run(machine, script.body, stdin).value
    made = interpreters.program(machine, name, place, arguments[1:]) if "/" in name.text or name.tricks else None
    if made is not None:
        return made
    if call.name == "xargs":
        return _xargs(machine, call)
    command = _COMMANDS.get(call.name) or _versioned(call.name)
    return command(machine, call) if command else stdin.unknown()


def _versioned(name: str) -> interpreters.Command | None:
    """The command for a name such as python3.11."""
    return interpreters.other_language if interpreters.language(name) else None


def _behind_prefixes(arguments: list[Value]) -> list[Value]:
    for _ in range(_MOST_PREFIXES):
        name = arguments[0].text.rpartition("/")[2]
        if name not in _PREFIXES or (name == "command" and arguments[1:] and arguments[1].text in {"-v", "-V"}):
            break
        short, skipped = _PREFIXES[name]
        rest = _after_options(arguments[1:], short)[skipped:]
        while name in {"env", "sudo"} and rest and _OVERRIDE.match(rest[0].text):
            rest = rest[1:]
        if not rest:
            break
        arguments = rest
    return arguments


def _after_options(arguments: list[Value], short: str) -> list[Value]:
    place = 0
    while place < len(arguments) and arguments[place].text.startswith("-"):
        text = arguments[place].text
        place += 1
        if len(text) == 2 and text[1] in short:
            place += 1
        if text == "--":
            break
    return arguments[place:]


def _function(machine: Machine, function: Group, call: Call) -> Value:
    """What a function of the script writes."""
    machine.called[function.name] += 1
    if machine.called[function.name] > _MOST_RUNS:
        return joined([call.stdin, *call.arguments]).unknown()
    outer, machine.arguments = machine.arguments, call.arguments
    output = run(machine, function.body, call.stdin)
    machine.arguments = outer
    return output.value


def _xargs(machine: Machine, call: Call) -> Value:
    """What the command writes whose arguments the input is."""
    given = options(call.arguments, "IEnPLsda", frozenset({"replace", "max-args", "max-procs", "delimiter"}))
    replaced = next((value.text for value in given.values("I", "replace")), "")
    place = _after_options(call.arguments, "IEnPLsda")
    if not place or machine.depth >= DEEPEST:
        return call.stdin
    item = Value(call.stdin.text.strip(), call.stdin.is_known, call.stdin.taints, call.stdin.tricks)
    if not item.is_known:
        item = Value("$(cat)", is_known=False, taints=item.taints)
    if not replaced:
        arguments = [*place, item]
    else:
        arguments = [
            Value(
                argument.text.replace(replaced, item.text),
                argument.is_known and item.is_known,
                {**item.taints, **argument.taints},
                argument.tricks + item.tricks,
            )
            if replaced in argument.text
            else argument
            for argument in place
        ]
    machine.depth += 1
    value = _called(machine, arguments, NOTHING, call.place, has_stdin=False)
    machine.depth -= 1
    return value
