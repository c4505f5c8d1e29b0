"""A command as the words that it is made of."""

import re
from collections.abc import Iterator

from attrs import frozen

_MAX_CHARACTERS = 4_000  # of one command
_MAX_WORDS = 200
_MAX_SENTENCE = 12  # words of a command within a sentence
_ENDS = frozenset(";|&)`\n\0")
_QUOTES = "\"'"
_REDIRECTION = re.compile(r"\d?&?[<>]{1,2}[&\w./-]*|&>.*")
_ARGUMENT = re.compile(
    r"""(?P<gap>[\s,\[:=+]*)(?:[rbfu]{0,2}(?P<quote>["'`])(?P<text>(?:(?!(?P=quote))[^\\\n]|\\.){0,500})(?P=quote)"""
    r"""|(?P<other>[A-Za-z_*$.][\w.$*]{0,100}(?:\([^()\n]{0,200}\))?))"""
)
_KEY = re.compile(r"\s*[:=](?!=)")
_CLOSING = re.compile(r"\s*[\])}]")
_ARGUMENTS_KEY = frozenset({"args", "arguments", "argv"})

# Words with which a sentence goes on behind a command: no package names, in sentences.
_STOP_WORDS = (
    "a an the to and or but then before after when if for from with without in into on onto of as at by via using "
    "use uses used it its this that these those them they your our you we i is are was be can could should must "
    "will would may not no do does did first again instead also only command commands package packages dependency "
    "dependencies library libraries tool tools module modules all any some each every latest version manually "
    "globally locally once so where which while until because please see run running failed fails needed required "
    "yourself itself something anything everything method step steps script scripts output works installs installed "
    "error errors"
)
_STOP = frozenset(_STOP_WORDS.split())
_SENTENCE_WORD = re.compile(r"[ \t]+(?P<word>[^\s`\"'()]{1,200})")
_SENTENCE_END = re.compile(r"[.,:;!?]+$|[*_~]+[.,:;!?]*$|</.*")


@frozen
class Words:
    """The words of a command, and where it ends in the text."""

    words: tuple[str, ...]
    end: int


def shell_words(text: str, start: int, end: int) -> Words:
    """Return the words from ``start`` to the end of the shell command there, or to ``end``.

    It ends at an operator, a line's end that is not escaped, or the quotation mark that encloses all of it.
    """
    stop = min(end, start + _MAX_CHARACTERS)
    words: list[str] = []
    at = start
    while at < stop and len(words) < _MAX_WORDS:
        at = _skip_blanks(text, at, stop)
        if at >= stop or text[at] in _ENDS or (text[at] == "#"):
            break
        word, after = _word(text, at, stop)
        if after == at:
            break
        words.append(word)
        at = after
        if at < stop and text[at] in _QUOTES:
            break
    return Words(tuple(_without_redirections(words)), max(at, start + 1))


def listed_words(text: str, start: int) -> Words:
    """Return the strings of a list in code from ``start``, as in ``"pip", "install", name]``; a name becomes ``$name``.

    Also ``"npx", "args": ["-y", "name"]``, as in the configuration of MCP servers.
    """
    words: list[str] = []
    at, stop = start, min(len(text), start + _MAX_CHARACTERS)
    while len(words) < _MAX_WORDS and (found := _ARGUMENT.match(text, at, stop)):
        is_key = _KEY.match(text, found.end())
        name = found["text"] if found["text"] is not None else found["other"]
        if is_key and name not in _ARGUMENTS_KEY:
            break
        at = found.end()
        if not is_key:
            words.append(found["text"] if found["text"] is not None else f"${found['other']}")
        if _CLOSING.match(text, at):
            break
    return Words(tuple(words), max(at, start + 1))


def _skip_blanks(text: str, at: int, stop: int) -> int:
    """Skip spaces and escaped line ends."""
    while at < stop:
        if text[at] in " \t":
            at += 1
        elif text[at] in "\\^" and text[at + 1 : at + 2] == "\n":
            at += 2
        elif text.startswith("\\\\\n", at) or text.startswith("\\n", at):  # inside a string of code
            break
        else:
            break
    return at


def _word(text: str, at: int, stop: int) -> tuple[str, int]:
    """Return the word that begins here and the place behind it."""
    parts: list[str] = []
    fresh = True  # a quotation mark in the middle of a word ends the string around the command
    while at < stop and text[at] not in _ENDS and not text[at].isspace():
        mark = text[at]
        if mark in _QUOTES:
            closing = text.find(mark, at + 1, stop)
            if not fresh or closing < 0 or "\n" in text[at:closing]:
                break
            parts.append(text[at + 1 : closing])
            at = closing + 1
            continue
        if mark == "\\" and text[at + 1 : at + 2] in {'"', "'"}:  # inside a string of code
            at += 2
            continue
        if mark == "\\" and text[at + 1 : at + 2] in {"n", "\n", "r", "t"}:
            break
        parts.append(mark)
        at += 1
        fresh = mark == "="
    return "".join(parts), at


def _without_redirections(words: list[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif _REDIRECTION.fullmatch(word):
            skip = word[-1] in "<>"
        elif word:
            yield word


def sentence_words(text: str, start: int, end: int) -> Words:
    """Return the words behind a command that a sentence mentions, up to the first that is none of its own."""
    words: list[str] = []
    at = start
    while len(words) < _MAX_SENTENCE and (found := _SENTENCE_WORD.match(text, at, end)):
        word = _SENTENCE_END.sub("", found["word"])
        if not word or word.lower() in _STOP or word[0] in "|&;<>{$#":
            break
        words.append(word)
        at = found.end()
        if word != found["word"]:
            break
    return Words(tuple(words), max(at, start + 1))
