"""Command lines, split into words without a shell."""

import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath

from attrs import frozen

from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import INTERPRETERS, RUNNERS

MAX_LINE_CHARACTERS = 2000
MAX_PROGRAMS = 12
_SHELL_SYNTAX = re.compile(r"[|<>`$(){}*?\n]|(?<!&)&(?!&)")
_PLACEHOLDER = re.compile(r"<([A-Za-z][A-Za-z0-9_. /-]{0,60})>|(?<!\$)\{([A-Za-z][A-Za-z0-9_.-]{0,60})\}")
_OPTIONAL = re.compile(r"\[([^\[\]|\n]{1,80})\]|\.\.\.")
_COMMAND_START = re.compile(r"\|\|?|&&?|;|\$\(|`|\(|\{|\bxargs\b|\bdo\b|\bthen\b|\n")
_KEYWORDS = frozenset({"if", "then", "else", "do", "while", "for", "time", "!", "exec", "sudo", "env", "nohup"})
_PROGRAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,60}")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


@frozen
class Command:
    """One simple command: its words, and the folder in the skill where it runs."""

    words: tuple[str, ...]
    folder: str


def without_placeholders(line: str) -> str:
    """Return ``line`` with ``<name>`` and ``{name}`` as plain words, and without what is optional."""
    return _OPTIONAL.sub("", _PLACEHOLDER.sub(lambda match: (match[1] or match[2]).replace(" ", "-"), line))


def needs_shell(line: str) -> bool:
    """Whether ``line`` has pipes, redirections, expansions or the like."""
    return _SHELL_SYNTAX.search(line) is not None


def programs_in(line: str) -> tuple[str, ...]:
    """Return the names that stand where a shell line starts programs; what a variable says is not known."""
    names: dict[str, None] = {}
    for part in _COMMAND_START.split(line[:MAX_LINE_CHARACTERS]):
        rest = [word for word in part.split() if not _ASSIGNMENT.match(word) and word not in _KEYWORDS]
        if rest and _PROGRAM.fullmatch(rest[0]):
            names[rest[0]] = None
    return tuple(names)[:MAX_PROGRAMS]


def simple_commands(line: str) -> Iterator[Command]:
    """Yield the commands of a line of words, ``&&``, ``;`` and ``cd``; none if its quotes are not closed."""
    if len(line) > MAX_LINE_CHARACTERS or "\0" in line:
        return
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    folder = "."
    words: list[str] = []
    try:
        tokens = [*lexer, ";"]
    except ValueError:
        return
    for token in tokens:
        if token and set(token) <= {";", "&"}:
            while words and _ASSIGNMENT.match(words[0]):
                words.pop(0)
            if len(words) == 2 and words[0] == "cd":
                folder = joined(folder, words[1])
            elif words:
                yield Command(tuple(words), folder)
            words = []
        else:
            words.append(token)


def file_of(command: Command, contents: Contents) -> str | None:
    """Return the file of the skill that ``command`` runs, if it runs one."""
    for word in _candidates(command.words):
        path = joined(command.folder, word)
        if path in contents.files:
            return path
    return None


def _candidates(words: tuple[str, ...]) -> Iterator[str]:
    yield words[0]
    name = PurePosixPath(words[0]).name
    if name not in INTERPRETERS and name not in {"uv", "npx", "tsx", "deno", "bun", "pipx", "env"}:
        return
    rest = [word for word in words[1:6] if not word.startswith("-") and word not in {"run", "exec"}]
    yield from rest[:2]
    if "-m" in words[1:3] and words.index("-m") + 1 < len(words):
        module = words[words.index("-m") + 1].replace(".", "/")
        yield from (f"{module}.py", f"{module}/__main__.py")


def joined(folder: str, word: str) -> str:
    """Return ``word`` below ``folder`` in normal form; a path that leads out of the skill names no file of it."""
    parts: list[str] = []
    for part in (folder + "/" + word).split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts) or "."


def looks_like_script(word: str) -> bool:
    """Whether ``word`` has the suffix of something that an interpreter runs."""
    return PurePosixPath(word).suffix.lower() in RUNNERS
