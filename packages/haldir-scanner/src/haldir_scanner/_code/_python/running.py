"""Calls that run what they are given: as code, as a command, or as a program."""

import ast
from collections.abc import Mapping, Sequence
from itertools import pairwise

from haldir_scanner._code._python import names, sinks
from haldir_scanner._code._python.call import Call, CallHandler
from haldir_scanner._code._python.paths import content_kind, is_specific
from haldir_scanner._code._python.run import Run
from haldir_scanner._code._python.value import HOLE, Kind, Node, Taint, Value, merge, tainted, text_of, union

_SENDING_PROGRAMS = frozenset(
    {"curl", "wget", "nc", "ncat", "netcat", "socat", "scp", "rsync", "ftp", "http", "telnet"}
)
_DOWNLOADERS = frozenset({"curl", "wget"})
_OUTPUT_OPTIONS = frozenset(
    {"-o", "-O", "--output", "--output-document", "-so", "-sLo", "-fsSLo", "-sSLo", "-Lo", "-qO"}
)
_KEYCHAIN_WORDS = ("find-generic-password", "find-internet-password", "dump-keychain")
# The text that follows these is run; beside other words a fetched one is only an argument.
_RUN_PREFIXES = ("-c ", "-e ", "eval ", "exec ", "-Command ", "-command ", "/c ")


def _run_code(run: Run, call: Call) -> Value | None:
    run.act(call.name, call.node)
    code = call.arguments.get(0, "source")
    if code is None:
        return None
    run.command("python", code, call.node)
    if call.name == "builtins.compile":
        return Value(taints=code.taints, name=code.name)
    run.reach(sinks.AS_CODE, code, call.node)
    if code.name == "marshal.loads()":
        run.see("marshal_payload", call.node)
    return None


def _run_command(run: Run, call: Call) -> Value | None:
    """A shell is given one text."""
    run.act(call.name, call.node)
    command = call.arguments.get(0, "cmd" if call.name.startswith("subprocess") else "command")
    return _command(run, call.node, command)


def _start(run: Run, call: Call) -> Value | None:
    """A process: of a list of words, or of a text that a shell is given."""
    run.act(call.name, call.node)
    command = call.arguments.get(0, "args")
    shell = call.arguments.keywords.get("shell")
    if command is None:
        return None
    words = _words(command)
    if words is not None:
        return _program(run, call.node, words, call.arguments.keywords.get("input"))
    if (shell is not None and shell.constant is not False and shell.constant is not None) or command.text:
        return _command(run, call.node, command)
    run.reach(sinks.AS_ARGUMENTS, command, call.node)
    return tainted(_output(call.node, command.text))


def _start_words(run: Run, call: Call) -> Value | None:
    run.act(call.name, call.node)
    given = call.arguments.positional[1 if call.name in names.SPAWNERS else 0 :]
    words: list[Value | None] = []
    for word in given:
        words.extend(word.elements if word is not None and word.elements is not None else (word,))
    return _program(run, call.node, words, None)


def _run_file(run: Run, call: Call) -> Value | None:
    run.act(call.name, call.node)
    path = call.arguments.get(0)
    if path is not None and path.text in run.written:
        _written(run, path.text, call.node)
    run.reach(sinks.AS_FILE, path, call.node)
    return None


def _words(command: Value) -> Sequence[Value | None] | None:
    if command.elements is not None:
        return command.elements
    if isinstance(command.constant, list | tuple):
        return [Value(word, taints=command.taints, chain=command.chain) for word in command.constant]
    return None


def _command(run: Run, node: ast.expr, command: Value | None) -> Value | None:
    if command is None or not run.affords((command,)):
        return None
    text = command.text
    before, _, after = text.partition(HOLE)
    is_whole = not before.strip() or before.endswith(_RUN_PREFIXES) or before.split()[-1:] == ["|"]
    run.reach(sinks.AS_COMMAND if is_whole and not after.strip(" \"'\n;|&") else sinks.IN_COMMAND, command, node)
    words = text.split()
    if not _SENDING_PROGRAMS.isdisjoint(words[:1]):
        run.reach(sinks.IN_BODY, command, node)
    _run_written(run, node, words)
    run.command("shell", command, node)
    return tainted(_output(node, text))


def _program(run: Run, node: ast.expr, words: Sequence[Value | None], given: Value | None) -> Value | None:
    texts = [_word(word) for word in words] if run.affords(words) else []
    program = texts[0].rpartition("/")[2] if texts else ""
    first = words[0] if words else None
    run.reach(sinks.AS_PROGRAM, first, node)
    rest = list(words[1:])
    if program in names.INTERPRETERS:
        for option, word in zip(texts[1:], rest[1:], strict=False):
            if option in {"-c", "-e", "-lc", "/c", "-Command", "-command", "eval", "-ec", "-xc"}:
                _command(run, node, word) if program in names.SHELLS else _script(run, node, word)
        run.reach(sinks.AS_COMMAND, given, node)
    if program in _SENDING_PROGRAMS:
        run.reach(sinks.IN_BODY, Value(taints=union(rest)), node)
    if program in _DOWNLOADERS:
        for option, path in pairwise(texts):
            if option in _OUTPUT_OPTIONS and is_specific(path):
                run.written[path] = merge(run.written.get(path, ()), (Taint(Kind.FETCHED, "", (node,)),))
    if program == "crontab":
        run.reach(sinks.INTO_AGENT_FILE, given, node)
    _run_written(run, node, texts)
    line = " ".join(texts)
    if len(texts) > 1:
        chain = max((word.chain for word in words if word is not None), key=len, default=())
        run.command("shell", Value(partial=line, chain=(*chain, "arguments"), origin=node), node)
    return tainted(_output(node, line))


def _script(run: Run, node: ast.expr, script: Value | None) -> None:
    """An interpreter is given its program as an argument."""
    run.reach(sinks.AS_PROGRAM, script, node)
    if script is not None:
        run.command("python", script, node)


def _word(value: Value | None) -> str:
    if value is not None and value.name == "sys.executable":
        return "python"
    return text_of(value)


def _run_written(run: Run, node: Node, words: Sequence[str]) -> None:
    """A flow if a program, or the first file that an interpreter is given, was written by this very program."""
    program = words[0] if words else ""
    if program in run.written:
        _written(run, program, node)
    if program.rpartition("/")[2] in names.INTERPRETERS:
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        if script in run.written:
            _written(run, script, node)


def _written(run: Run, path: str, node: Node) -> None:
    if is_specific(path):
        run.reach(sinks.AS_FILE, Value(taints=run.written[path]), node)


def _output(node: ast.expr, line: str) -> tuple[Taint, ...]:
    """What the output of a command tells."""
    taints: tuple[Taint, ...] = ()
    kind = content_kind(line.replace(" ", "/", 1) if line.startswith(("cat ", "type ")) else "")
    if kind is not None or any(word in line for word in _KEYCHAIN_WORDS):
        taints = merge(taints, (Taint(kind or Kind.PRIVATE_FILE, "", (node,)),))
    words = line.split()
    if words[:1] in (["curl"], ["wget"]):
        taints = merge(taints, (Taint(Kind.FETCHED, "", (node,)),))
    if words in (["env"], ["printenv"]):
        taints = merge(taints, (Taint(Kind.ENVIRONMENT, "", (node,)),))
    return taints


HANDLERS: Mapping[str, CallHandler] = {
    **dict.fromkeys(names.CODE_RUNNERS, _run_code),
    **dict.fromkeys(names.SHELL_RUNNERS, _run_command),
    **dict.fromkeys(names.PROCESS_RUNNERS, _start),
    **dict.fromkeys(names.VARIADIC_RUNNERS | names.SPAWNERS, _start_words),
    **dict.fromkeys(names.FILE_RUNNERS, _run_file),
}
