"""Commands that SKILL.md declares: in its front matter, in fences, in inline code."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from haldir_sandbox._detect import words
from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import INTERPRETERS, EntryKind, EntryPoint

MAX_DOCUMENTS = 8
MAX_COMMANDS = 500
_SHELLS = frozenset({"", "sh", "bash", "shell", "console", "zsh", "terminal", "shell-session"})
_FENCE = re.compile(r"^[ \t]{0,12}(`{3,}|~{3,})[ \t]*([A-Za-z0-9_+-]*)")
_INLINE = re.compile(r"(?<!`)`([^`\n]{3,400})`(?!`)")
_FRONT_KEY = re.compile(
    r"^[ \t-]{0,12}(command|cmd|run|exec|entry_?point|main|script|start)[ \t]*:[ \t]*(\S.*)$", re.IGNORECASE
)
_LINK = re.compile(r"\]\(([^)\s#]{1,200}\.md)\)")
_PROMPT = re.compile(r"^\s*(?:\$|>|%)\s+")
_SETUP = re.compile(
    r"^(sudo\s+)?(pip3?|pipx|uv|poetry|conda|apt|apt-get|brew|npm|pnpm|yarn|corepack)\s+"
    r"(install|add|sync|ci|i|update|pip|venv)\b|^python3?\s+-m\s+(pip|venv)\b|^source\s|^\.\s|^export\s|^cd\s+\S+\s*$"
)


def find(contents: Contents) -> Iterator[EntryPoint]:
    """Yield the commands of ``SKILL.md`` and of the documents it links, in their order."""
    return islice(_all(contents), MAX_COMMANDS)


def _all(contents: Contents) -> Iterator[EntryPoint]:
    for path in _documents(contents):
        for number, line, fenced in _lines(contents.text(path)):
            yield from _entries(line, path, number, contents) if fenced else _inline(line, path, number, contents)


def _documents(contents: Contents) -> list[str]:
    first = next((path for path in sorted(contents.files) if path.lower() == "skill.md"), None)
    if first is None:
        return []
    linked = (words.joined(".", target) for target in _LINK.findall(contents.text(first)))
    return list(dict.fromkeys([first, *(path for path in linked if path in contents.files)]))[:MAX_DOCUMENTS]


def _lines(text: str) -> Iterator[tuple[int, str, bool]]:
    """Yield number, text and whether it is a command line; lines of other languages are left out."""
    fence = ""
    language = ""
    front = text.startswith("---\n")
    continued = ""
    for number, line in enumerate(text.split("\n"), 1):
        if front:
            if number > 1 and line.rstrip() in {"---", "..."}:
                front = False
            elif match := _FRONT_KEY.match(line[: words.MAX_LINE_CHARACTERS]):
                yield number, match[2].strip().strip("\"'"), True
            continue
        match = _FENCE.match(line)
        if match and not fence:
            fence, language = match[1], match[2].lower()
        elif match and fence and match[1].startswith(fence):
            fence = ""
        elif not fence:
            yield number, line, False
        elif language in _SHELLS:
            if line.rstrip().endswith("\\") and len(continued) < words.MAX_LINE_CHARACTERS:
                continued += line.rstrip()[:-1] + " "
                continue
            yield number, _PROMPT.sub("", continued + line).strip(), True
            continued = ""


def _entries(text: str, source: str, number: int, contents: Contents) -> Iterator[EntryPoint]:
    line = words.without_placeholders(text[: words.MAX_LINE_CHARACTERS + 1])
    if not line or line.startswith("#") or len(line) > words.MAX_LINE_CHARACTERS or _SETUP.match(line):
        return
    if words.needs_shell(line):
        if _starts_like_command(line, contents):
            yield EntryPoint(kind=EntryKind.COMMAND, argv=(line,), source=source, line=number, is_line=True)
        return
    for command in words.simple_commands(line):
        if _SETUP.match(" ".join(command.words)):
            continue
        file = words.file_of(command, contents)
        if file or _is_program(command.words[0]):
            yield EntryPoint(
                kind=EntryKind.COMMAND,
                argv=command.words,
                source=source,
                line=number,
                file=file,
                folder=command.folder,
            )


def _inline(line: str, source: str, number: int, contents: Contents) -> Iterator[EntryPoint]:
    """Inline code counts only where it runs a file of the skill: prose quotes programs of all kinds."""
    for code in _INLINE.findall(line):
        if " " not in code and not code.startswith("./"):
            continue
        plain = words.without_placeholders(code)
        for command in words.simple_commands(plain) if not words.needs_shell(plain) else ():
            file = words.file_of(command, contents)
            if file and (len(command.words) > 1 or words.looks_like_script(file)):
                yield EntryPoint(
                    kind=EntryKind.COMMAND,
                    argv=command.words,
                    source=source,
                    line=number,
                    file=file,
                    folder=command.folder,
                )


_WORD = re.compile(r"[a-z0-9][a-z0-9_.+-]{0,40}")


def _is_program(word: str) -> bool:
    """Whether ``word`` can be the name of a program; a fence without a language also holds plain text."""
    return _WORD.fullmatch(PurePosixPath(word).name) is not None and not word.endswith((":", ",", "."))


def _starts_like_command(line: str, contents: Contents) -> bool:
    first = line.split(None, 1)[0]
    name = PurePosixPath(first).name
    return name in INTERPRETERS or first.removeprefix("./") in contents.files or _is_program(first)
