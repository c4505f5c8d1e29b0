"""Reading the words of a shell script."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import TYPE_CHECKING

from attrs import define, field

from haldir_scanner._code._shell.syntax import (
    Arithmetic,
    Budget,
    Literal,
    Part,
    Pipeline,
    Substitution,
    Variable,
    Word,
)
from haldir_scanner._code._shell.value import BACKSLASH, ESCAPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Text inside ${...} and $((...)) beyond which it is taken as it stands: keeps the search for the end of each one short.
_LONGEST_EXPANSION = 4096
_DEEPEST = 24

_PLAIN = re.compile(r"[^\s'\"\\$`|&;()<>]+")
_PLAIN_QUOTED = re.compile(r"[^\"\\$`]+")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SPECIAL = frozenset("0123456789@*#?$!-")
_BRACKETS = re.compile(r"[{}]|\\.|'[^']*'", re.DOTALL)
_ANSI_QUOTED = re.compile(r"[^'\\]*(?:\\.[^'\\]*)*", re.DOTALL)
_BACKQUOTED = re.compile(r"[^`\\]*(?:\\.[^`\\]*)*", re.DOTALL)
_ANSI_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|c(.)|(.))", re.DOTALL
)
_ANSI_LETTERS = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"
}  # fmt: skip
_ORDINARY = re.compile(r"[\w./-]", re.ASCII)


def unescaped(text: str) -> str:
    """``text`` with the escapes of ``$'...'``, of ``printf`` and of ``echo -e`` replaced by what they mean."""
    return _ANSI_ESCAPE.sub(_character, text) if "\\" in text else text


def hides(text: str) -> bool:
    """Whether an escape in ``text`` stands for a character that everybody would write as it is."""
    return any(match[5] is None and match[6] is None and _ORDINARY.match(_character(match)) for match in escapes(text))


def escapes(text: str) -> Iterator[re.Match[str]]:
    """Every escape of ``text``."""
    return _ANSI_ESCAPE.finditer(text)


def _character(match: re.Match[str]) -> str:
    hexadecimal, short, long, octal, control, letter = match.groups()
    if hexadecimal:
        return chr(int(hexadecimal, 16))
    if short or long:
        number = int(short or long, 16)
        # The source is read byte by byte, so text beyond ASCII is written as its bytes.
        return chr(number).encode("utf-8", "replace").decode("latin-1") if number <= 0x10FFFF else ""
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if control:
        return chr(ord(control) & 0x1F)
    return _ANSI_LETTERS.get(letter, letter if letter in "\\'\"?" else "\\" + letter)


@define
class WordReader:
    """Reads the words of ``source``, in which each character is a byte of the script.

    Attributes:
        at: the place of the next character to read.
        depth: of substitutions and groups around it.
        fixed: place of every word, for text that does not stand in the script itself; -1 otherwise.
        open_quote: where a quotation begins that nothing ends; -1 if there is none.
    """

    source: str
    budget: Budget
    depth: int = 0
    fixed: int = -1
    at: int = 0
    open_quote: int = -1
    _bare: dict[str, Callable[[], Part | None]] = field(init=False)
    _quoted: dict[str, Callable[[], Part | None]] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._bare = {
            "'": self._single_quoted,
            "\\": self._escaped,
            "$": self._bare_dollar,
            "`": self._backquoted,
        }
        self._quoted = {"\\": self._escaped_in_quotes, "$": self._dollar, "`": self._backquoted}

    def place(self, offset: int) -> int:
        """Where in the script the character ``offset`` stands."""
        return offset if self.fixed < 0 else self.fixed

    def peek(self, text: str) -> bool:
        """Whether ``text`` comes next."""
        return self.source.startswith(text, self.at)

    def word(self) -> Word | None:
        """The word that begins here, if one does."""
        begin = self.at
        parts: list[Part] = []
        while self.at < len(self.source):
            before = self.at
            self._piece(parts)
            if self.at == before:
                break
            self.budget.spend()
        if self.at == begin:
            return None
        return Word(parts, self.place(begin), self.place(self.at))

    def _piece(self, parts: list[Part]) -> None:
        """Read one part of a word, if another one stands here."""
        plain = _PLAIN.match(self.source, self.at)
        if plain:
            self.at = plain.end()
            parts.append(Literal(plain.group()))
            return
        character = self.source[self.at]
        if character == '"':
            self._double_quoted(parts)
        elif character in "<>":
            if self.source[self.at + 1 : self.at + 2] == "(" and self.depth < _DEEPEST:
                parts.append(self._substitution(character))
        elif character in self._bare:
            part = self._bare[character]()
            if part is not None:
                parts.append(part)

    def quoted_text(self, text: str, begin: int) -> Word:
        """``text`` read like the inside of a double quotation in which ``"`` stands for itself."""
        reader = type(self)(text, self.budget, self.depth, self.place(begin))
        parts: list[Part] = []
        while reader.at < len(text):
            reader.inside_quotes(parts)
            if reader.peek('"'):
                reader.at += 1
                parts.append(Literal('"', quoted=True))
        return Word(parts, self.place(begin), self.place(begin + len(text)))

    def _double_quoted(self, parts: list[Part]) -> None:
        begin = self.at
        self.at += 1
        known = len(parts)
        self.inside_quotes(parts)
        if len(parts) == known:
            parts.append(Literal("", quoted=True))
        if self.at >= len(self.source) and self.open_quote < 0:
            self.open_quote = begin
        self.at += 1

    def inside_quotes(self, parts: list[Part]) -> None:
        """Read up to the next ``"`` that ends a quotation."""
        while self.at < len(self.source):
            self.budget.spend()
            plain = _PLAIN_QUOTED.match(self.source, self.at)
            if plain:
                self.at = plain.end()
                parts.append(Literal(plain.group(), quoted=True))
                continue
            character = self.source[self.at]
            if character == '"':
                return
            part = self._quoted[character]()
            if part is not None:
                part.quoted = True
                parts.append(part)

    def _single_quoted(self) -> Part:
        end = self.source.find("'", self.at + 1)
        if end < 0:
            self.at += 1
            return Literal("'")
        text = self.source[self.at + 1 : end]
        self.at = end + 1
        return Literal(text, quoted=True)

    def _escaped(self) -> Part | None:
        character = self._behind_backslash()
        if character in {"", "\n"}:
            return None
        return Literal(character, quoted=True, trick=BACKSLASH if character.isalnum() else "")

    def _escaped_in_quotes(self) -> Part | None:
        character = self._behind_backslash()
        if character in {"", "\n"}:
            return None
        return Literal(character if character in '$`"\\' else "\\" + character)

    def _behind_backslash(self) -> str:
        self.at += 2
        return self.source[self.at - 1 : self.at]

    def _backquoted(self) -> Part:
        inner = _BACKQUOTED.match(self.source, self.at + 1)
        end = inner.end() if inner else self.at + 1
        if end >= len(self.source) or self.depth >= _DEEPEST:
            self.at += 1
            return Literal("`")
        begin, self.at = self.at, end + 1
        text = re.sub(r"\\([\\$`])", r"\1", self.source[begin + 1 : end])
        self.budget.spend(1 + len(text) // 64)
        return Substitution(self.source[begin : self.at], self.nested(text, begin))

    def _bare_dollar(self) -> Part:
        following = self.source[self.at + 1 : self.at + 2]
        if following == "'":
            return self._ansi_quoted()
        if following == '"':
            self.at += 1
            return Literal("")
        return self._dollar()

    def _dollar(self) -> Part:
        following = self.source[self.at + 1 : self.at + 2]
        if following == "(":
            return self._dollar_parenthesis()
        if following == "{":
            return self._braced()
        name = _NAME.match(self.source, self.at + 1)
        if name is None and following not in _SPECIAL:
            self.at += 1
            return Literal("$")
        begin, self.at = self.at, name.end() if name else self.at + 2
        source = self.source[begin : self.at]
        return Variable(source, source[1:])

    def _ansi_quoted(self) -> Part:
        inner = _ANSI_QUOTED.match(self.source, self.at + 2)
        if inner is None or inner.end() >= len(self.source):
            self.at += 1
            return Literal("$")
        self.at = inner.end() + 1
        text = unescaped(inner.group())
        return Literal(text, quoted=True, trick=ESCAPE if hides(inner.group()) else "")

    def _dollar_parenthesis(self) -> Part:
        begin = self.at
        if self.source.startswith("$((", begin):
            end = self.source.find("))", begin, begin + _LONGEST_EXPANSION)
            if end >= 0 and "$(" not in self.source[begin + 3 : end]:
                self.at = end + 2
                return Arithmetic(self.source[begin : self.at], self.source[begin + 3 : end])
        if self.depth >= _DEEPEST:
            self.at += 2
            return Literal("$(")
        return self._substitution("$")

    def _substitution(self, kind: str) -> Substitution:
        begin = self.at
        self.at += 2
        self.depth += 1
        body = self.commands()
        self.depth -= 1
        return Substitution(self.source[begin : self.at], body, kind=kind)

    @abstractmethod
    def commands(self) -> list[Pipeline]:
        """The commands up to the ``)`` that belongs to none of them, which is read as well."""

    @abstractmethod
    def nested(self, text: str, begin: int) -> list[Pipeline]:
        """The commands of ``text``, which is had from the script at ``begin``."""

    def _braced(self) -> Part:
        begin = self.at
        end = self._closing_brace(begin + 2)
        if end < 0:
            self.at += 2
            return Literal("${")
        self.at = end + 1
        inner = self.source[begin + 2 : end]
        indirect = inner[:1] in {"!", "#"} and len(inner) > 1
        name = _NAME.match(inner, int(indirect))
        length = name.end() if name else int(indirect) + 1
        if indirect:
            return Variable(self.source[begin : self.at], inner[1:length], inner[0] + inner[length:])
        return Variable(self.source[begin : self.at], inner[:length], inner[length:])

    def _closing_brace(self, begin: int) -> int:
        limit = begin + _LONGEST_EXPANSION
        if self.source.find("}", begin, limit) < 0:
            return -1
        open_braces = 1
        for match in _BRACKETS.finditer(self.source, begin, limit):
            self.budget.spend()
            open_braces += {"{": 1, "}": -1}.get(match.group(), 0)
            if open_braces == 0:
                return match.start()
        return -1
