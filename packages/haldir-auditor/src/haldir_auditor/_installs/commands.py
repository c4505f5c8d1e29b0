"""Finds the commands that install packages, in code and in prose."""

import re
from collections.abc import Iterator
from enum import Enum, auto

from attrs import evolve, frozen

from haldir_auditor._document import Document
from haldir_auditor._installs.interpret import Installed, program_of, read_command
from haldir_auditor._installs.programs import ALIASES, PROGRAMS
from haldir_auditor._installs.words import Words, listed_words, sentence_words, shell_words
from haldir_auditor.supply import Dependency

MAX_COMMANDS = 2_000  # of one file
_MAX_LOOKS = 20_000  # at what may be a command
_MAX_VERB_DISTANCE = 120


class Style(Enum):
    """How the text of a region is written."""

    CODE = auto()
    SENTENCE = auto()


@frozen
class Region:
    """A part of a text; commands in it do not reach beyond its end."""

    start: int
    end: int
    style: Style


_NAMES = "|".join(sorted((re.escape(name) for name in {*PROGRAMS, *ALIASES} - {"pip2", "pip3"}), key=len, reverse=True))
_START = re.compile(
    rf"(?:(?<![\w.\-])|(?<=[\t\n]-))(?<!\w@)(?P<name>pip(?:[23](?:\.\d{{1,2}})?)?|{_NAMES})(?:\.exe|\.cmd)?"
    r"(?=[ \t\"'`,\\(]|[)}][\"']?[ \t])",
    re.IGNORECASE,
)
_XARGS = re.compile(r"\bxargs(?:\s+-\S+(?:\s+\d+)?)*\s+[^\s;|&]*$")
_ADDED = re.compile(r"\s*[\])]\s*(?:\+|\n[^\n]{0,200}(?:\.(?:append|extend)\(|\+=))")
_CASED = frozenset({"cpan", "code", "nix", "gh", "bundle"})
_OPEN = frozenset({"pip", "npm"})
_LIST = re.compile(r"[\"'`]\s*[,\]:)]|[\"'`]\s*\n|\(\[")
_EXPANSION = re.compile(r"\$[({](?:which[ \t]+|command[ \t]+-v[ \t]+|type[ \t]+-p[ \t]+)?$")
_EXPANSION_END = re.compile(r"[)}][\"']?(?=[ \t])")
_QUOTED_PROGRAM = re.compile(r"[\"'][ \t]+(?![\"'])[\w-]")
_REVERSED = re.compile(r'"args"\s*:\s*\[(?P<words>[^\[\]]{0,2000})\]\s*,\s*"command"\s*:\s*"(?P<name>[\w./-]{1,60})"')
_BUILD_TOOLS = frozenset({"wheel", "setuptools", "build", "setuptools_scm", "setuptools-scm", "virtualenv", "pip"})
_STRING = re.compile(r'"((?:[^"\\]|\\.){0,500})"')

# The verbs that each program has; without them no words need to be looked at.
_VERBS = {
    name: re.compile(
        r"(?<![\w-])(?:"
        + "|".join(sorted({re.escape(command.verbs[0]) for command in program.commands if command.verbs}))
        + r")(?![\w-])"
        if all(command.verbs for command in program.commands)
        else ""
    )
    for name, program in PROGRAMS.items()
}

# What stands before a command that is one, not the words of a sentence about it.
_BEGINS = re.compile(
    r"(?:^|[;|&({`!%\n@]|\$\(|(?<!\S)-m(?=\s)|\b(?:then|do|else|RUN|CMD|exec|sudo|run:|script:|time|nohup|command:))\s*"
    r"(?:[$>%]\s+|sudo\s+(?:-\S+\s+)*|env\s+|[A-Z_]+=\S*\s+|[\w./~-]*/)*$"
)
_QUOTED = re.compile(r"(?P<before>[^\n]{0,60})[\"'`](?:sudo\s+|[\w./~-]*/)?$")
_TOLD = re.compile(
    r"(?:error|exception|print\w*|log\w*|warn\w*|exit|fail|help|echo|message|msg|console|raise|hint|info)\W",
    re.IGNORECASE,
)


def installed_by(document: Document, text: str, regions: Iterator[Region]) -> Iterator[Installed]:
    """Yield what each command of the regions installs; ``text`` has the length and the lines of the document's."""
    looks = commands = 0
    for region in regions:
        for found in _in_region(document, text, region):
            looks, commands = looks + 1, commands + (found is not None)
            if commands > MAX_COMMANDS or looks > _MAX_LOOKS:
                document.problem(f"more than {MAX_COMMANDS} commands: the rest is not read", kind="too-large")
                return
            if found is not None:
                yield found
    yield from _reversed(document, text)


def _reversed(document: Document, text: str) -> Iterator[Installed]:
    """Yield the commands whose words stand before the program."""
    for match in _REVERSED.finditer(text):
        if program := program_of(match["name"].rpartition("/")[2]):
            words = _STRING.findall(match["words"])
            found = read_command(program, words, document.place(document.line_at(match.start())))
            if found:
                yield found


def note(document: Document, found: Installed) -> tuple[Dependency, ...]:
    """Note what a command needs besides packages; return the packages."""
    for word in found.dynamic:
        document.problem(
            f"what {word[:80]!r} installs is known only when it runs", line=found.place.line, kind="opaque"
        )
    index = found.indexes[0] if found.indexes else None
    return tuple(evolve(package, index=index) for package in found.packages) if index else tuple(found.packages)


def _in_region(document: Document, text: str, region: Region) -> Iterator[Installed | None]:
    """Yield what each command installs, None for what only looks like one."""
    at = region.start
    while match := _START.search(text, at, region.end):
        at = match.end()
        program = program_of(match["name"])
        is_word = program in _CASED and match["name"] != match["name"].lower()  # CPAN, Code: words of a sentence
        if program is None or is_word or not _VERBS[program].search(text, at, min(region.end, at + _MAX_VERB_DISTANCE)):
            continue
        words = _words(text, match, region)
        found = read_command(program, words.words, document.place(document.line_at(match.start())))
        if found and program in _OPEN and not (found.packages or found.files or found.dynamic):
            found.dynamic.extend(_given_elsewhere(text, match, words))
        at = words.end if found and not found.runs_another else at
        yield found


def _given_elsewhere(text: str, match: re.Match[str], words: Words) -> Iterator[str]:
    """Yield what stands for packages that a command gets from a pipe, or that code adds to its list."""
    line = text.rfind("\n", 0, match.start()) + 1
    if _XARGS.search(text, max(line, match.start() - 200), match.start()):
        yield "xargs"
    elif (
        _LIST.match(text, match.end()) and words.words[-1:] in {("install",), ("-m",)} and _ADDED.match(text, words.end)
    ):
        yield "+"


def _words(text: str, match: re.Match[str], region: Region) -> Words:
    end = match.end()
    if region.style is Style.SENTENCE:
        return sentence_words(text, end, region.end)
    if expansion := _EXPANSION_END.match(text, end):  # $(PIP) install x
        if not _EXPANSION.search(text, max(0, match.start() - 40), match.start()):
            return Words((), end)
        return shell_words(text, expansion.end(), region.end)
    if _QUOTED_PROGRAM.match(text, end):  # "pip" install x
        end += 1
    if _LIST.match(text, end):
        words = listed_words(text, end + 1)
        # ["pip", "wheel", "setuptools"] is a list of what a build needs, no command.
        return words if not _BUILD_TOOLS.issuperset(words.words) else Words((), words.end)
    if _is_command(text, match.start()):
        return shell_words(text, end, region.end)
    return sentence_words(text, end, region.end)


def _is_command(text: str, start: int) -> bool:
    line = text.rfind("\n", 0, start) + 1
    before = text[max(line, start - 200) : start]
    if quoted := _QUOTED.search(before):
        return not _TOLD.search(quoted["before"])
    return bool(_BEGINS.search(before))
