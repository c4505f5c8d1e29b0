"""Reading the commands of a shell script.

The shell runs a script command by command, whatever follows, so nothing is an error here: what stands where no command
can begin is passed over. Each character is read once, or once for each level of a nesting that is limited.
"""

from __future__ import annotations

import re

from attrs import define, field, frozen

from haldir_scanner._code._shell.syntax import (
    Budget,
    Group,
    Literal,
    Pipeline,
    Redirect,
    Simple,
    TooMuchWorkError,
    Word,
)
from haldir_scanner._code._shell.words import WordReader

_DEEPEST = 24
_MOST_RESTARTS = 8

_BLANKS = re.compile(r"(?:[ \t\r\f\v]+|\\\r?\n)+")
_COMMENT = re.compile(r"#[^\n]*")
_REDIRECT = re.compile(r"(\d{0,3}|&)(<<<|<<-?|<>|<&|>>|>&|>\||<|>)")
_OPERATOR = re.compile(r"\|\||&&|;;&?|;&|\|&|[|;&\n]")
_FUNCTION = re.compile(r"[ \t]*\([ \t]*\)\s*")
_LOOP_HEAD = re.compile(r"[ \t]+([A-Za-z_]\w*)\s*(?:\bin\b|(?=[;\n]))", re.ASCII)
_CASE_HEAD = re.compile(r"\s+in\b")
_CASE_PATTERN = re.compile(r"(?:\s|#[^\n]*\n)*+(?!esac\b)\(?[^()\n]{1,200}\)")
_RESERVED = re.compile(
    r"(?:case|coproc|done|do|elif|else|esac|fi|for|function|if|select|then|time|until|while)(?![^\s;&|()<>])"
)

# Words that only say where the next command begins.
_PASSED = frozenset({"then", "else", "elif", "do", "!", "time", "coproc"})
_ENDS = {"{": "}", "if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac"}
_CLOSING = frozenset(_ENDS.values())


@frozen
class Script:
    """The commands of a script, or of as much of it as the budget sufficed for."""

    body: list[Pipeline]
    is_whole: bool


def parse(source: str, budget: Budget, *, fixed: int = -1, depth: int = 0) -> Script:
    """The commands of a script; a quotation that nothing ends hides only the line in which it begins.

    Args:
        source: the script, each character a byte.
        budget: of the reading.
        fixed: the place of all commands, if ``source`` does not stand in a file; -1 otherwise.
        depth: of substitutions around it.
    """
    found: list[Pipeline] = []
    restart = 0
    try:
        for _ in range(_MOST_RESTARTS):
            parser = Parser(source, budget, depth, fixed, at=restart)
            parser.everything(found)
            restart = source.find("\n", parser.open_quote) if parser.open_quote >= 0 else -1
            if restart < 0:
                break
    except TooMuchWorkError:
        return Script(found, is_whole=False)
    return Script(found, is_whole=True)


@define
class Parser(WordReader):
    """Reads pipelines; ``source`` and places as in WordReader."""

    _waiting: list[tuple[Redirect, str, bool]] = field(init=False, factory=list)  # here-documents of this line

    def everything(self, found: list[Pipeline]) -> None:
        """Add the commands up to the end of the source to ``found``.

        Raises: TooMuchWorkError if the budget does not suffice; the commands read so far are in ``found``.
        """
        while self.at < len(self.source):
            self._list(")", found)

    def commands(self) -> list[Pipeline]:
        """The commands up to the ``)`` that belongs to none of them, which is read as well."""
        return self._list(")", [])

    def nested(self, text: str, begin: int) -> list[Pipeline]:
        """The commands of ``text``, which is had from the script at ``begin``."""
        return parse(text, self.budget, fixed=self.place(begin), depth=self.depth + 1).body

    def _list(self, end: str, found: list[Pipeline]) -> list[Pipeline]:
        stages: list[Simple | Group | None] = []
        while self.at < len(self.source):
            self.budget.spend()
            self._blanks()
            if self._ended(end):
                break
            operator = _OPERATOR.match(self.source, self.at)
            if operator:
                self.at = operator.end()
                self._separate(operator.group(), stages, found)
                continue
            stage = self._command()
            if stages and stages[-1] is None:
                stages.pop()
            if stage is not None:
                stages.append(stage)
        _finish(stages, found)
        return found

    def _separate(self, operator: str, stages: list[Simple | Group | None], found: list[Pipeline]) -> None:
        """Take notice of an operator; None at the end of the stages stands for a pipe that waits for its reader."""
        if operator in {"|", "|&"}:
            if stages:
                stages.append(None)
            return
        if operator != "\n" or not stages or stages[-1] is not None:
            _finish(stages, found)
        if operator == "\n":
            self._here_documents()
        elif operator in {";;", ";&", ";;&"}:
            self._case_pattern()

    def _case_pattern(self) -> None:
        pattern = _CASE_PATTERN.match(self.source, self.at)
        if pattern:
            self.at = pattern.end()

    def _ended(self, end: str) -> bool:
        """Whether the list ends here; the word that ends it is read then, and so is a parenthesis that ends nothing."""
        if self.peek(")"):
            self.at += 1
            return end == ")"
        if end != ")" and self._reserved() == end:
            self.at += len(end)
            return True
        return False

    def _reserved(self) -> str:
        """The reserved word that stands here, or nothing."""
        character = self.source[self.at : self.at + 1]
        if character in {"{", "}", "!"}:
            return character if self.source[self.at + 1 : self.at + 2] in " \t\r\n;&|)" else ""
        if character not in "cdefistuw":
            return ""
        match = _RESERVED.match(self.source, self.at)
        return match.group() if match else ""

    def _blanks(self) -> None:
        blanks = _BLANKS.match(self.source, self.at)
        if blanks:
            self.at = blanks.end()
        comment = _COMMENT.match(self.source, self.at)
        if comment:
            self.at = comment.end()

    def _command(self) -> Simple | Group | None:
        """The command that begins here; None if only a word without meaning was read."""
        begin = self.at
        if self.peek("(") or self.depth >= _DEEPEST:
            return self._parenthesis(begin)
        reserved = self._reserved()
        if reserved in _PASSED or reserved in _CLOSING:
            self.at += len(reserved)
            return None
        if reserved == "function":
            return self._function(begin)
        if reserved in _ENDS:
            return self._compound(reserved, begin)
        return self._simple(begin)

    def _parenthesis(self, begin: int) -> Simple | Group | None:
        if not self.peek("("):
            return self._simple(begin)
        self.at += 1
        if self.depth >= _DEEPEST:
            return None
        return self._body(Group("(", self.place(begin)), ")")

    def _function(self, begin: int) -> Group | None:
        self.at += len("function")
        self._blanks()
        name = self.word()
        if name is None:
            return None
        parentheses = _FUNCTION.match(self.source, self.at)
        self.at = parentheses.end() if parentheses else self.at
        return self._definition(_plain(name), begin)

    def _definition(self, name: str, begin: int) -> Group:
        function = Group("function", self.place(begin), name=name)
        while self.at < len(self.source) and self.source[self.at] in " \t\r\n":
            self.at += 1
        stage = self._command()
        if stage is not None:
            function.body = [Pipeline([stage], stage.begin, stage.end)]
        function.end = self.place(self.at)
        return function

    def _compound(self, kind: str, begin: int) -> Simple | Group | None:
        group = Group(kind, self.place(begin))
        self.at += len(kind)
        if kind in {"for", "select"} and not self._loop_head(group):
            self.at = begin
            return self._simple(begin)
        if kind == "case":
            self._blanks()
            group.words = [word for word in [self.word()] if word]
            head = _CASE_HEAD.match(self.source, self.at)
            self.at = head.end() if head else self.at
            self._case_pattern()
        return self._body(group, _ENDS[kind])

    def _loop_head(self, group: Group) -> bool:
        """Whether what follows is a loop and not, say, English."""
        if self.source.startswith("((", self.at) or self.source.startswith(" ((", self.at):
            end = self.source.find("))", self.at, self.at + 400)
            self.at = end + 2 if end >= 0 else self.at
            return end >= 0
        head = _LOOP_HEAD.match(self.source, self.at)
        if head is None:
            return False
        group.name = head[1]
        self.at = head.end()
        group.words = self._words_to_end()
        return True

    def _words_to_end(self) -> list[Word]:
        words: list[Word] = []
        while True:
            self._blanks()
            word = self.word()
            if word is None:
                return words
            words.append(word)

    def _body(self, group: Group, end: str) -> Group:
        self.depth += 1
        group.body = self._list(end, [])
        self.depth -= 1
        while self._redirect(group.redirects):
            pass
        group.end = self.place(self.at)
        return group

    def _simple(self, begin: int) -> Simple | Group | None:
        command = Simple(self.place(begin))
        while True:
            self._blanks()
            if self._redirect(command.redirects):
                continue
            word = self.word()
            if word is None:
                break
            if self.peek("(") and _is_assignment(word):
                self._array(word)
            elif not command.words and (called := _FUNCTION.match(self.source, self.at)):
                self.at = called.end()
                return self._definition(_plain(word), begin)
            command.words.append(word)
        if self.at == begin and self.at < len(self.source) and self.source[self.at] not in ")|;&\n":
            self.at += 1
        command.end = self.place(self.at)
        return command if command.words or command.redirects else None

    def _array(self, word: Word) -> None:
        """Read ``(a b c)`` behind ``name=``; the elements become parts of the word, set apart by NUL."""
        self.at += 1
        while self.at < len(self.source) and not self.peek(")"):
            before = self.at
            self._blanks()
            element = self.word()
            if element is not None:
                word.parts += [Literal("\0", quoted=True), *element.parts]
            if self.at == before or self.peek("\n"):
                self.at += 1
        self.at += 1

    def _redirect(self, redirects: list[Redirect]) -> bool:
        """Whether a redirection was read."""
        self._blanks()
        match = _REDIRECT.match(self.source, self.at)
        if match is None or (self.source.startswith("(", match.end()) and match[2] in {"<", ">"}):
            return False
        self.budget.spend()
        self.at = match.end()
        self._blanks()
        target = self.word()
        if target is None:
            return True
        redirect = Redirect(match[2], target, match[1])
        redirects.append(redirect)
        if match[2] in {"<<", "<<-"}:
            quoted = any(part.quoted for part in target.parts)
            self._waiting.append((redirect, _plain(target), quoted))
        return True

    def _here_documents(self) -> None:
        for redirect, delimiter, quoted in self._waiting:
            begin = self.at
            while self.at < len(self.source):
                end = self.source.find("\n", self.at)
                end = len(self.source) if end < 0 else end
                line, start, self.at = self.source[self.at : end].strip("\t\r"), self.at, end + 1
                if line == delimiter:
                    break
                self.budget.spend()
            else:
                start = self.at
            body = self.source[begin:start]
            redirect.target = (
                Word([Literal(body, quoted=True)], self.place(begin), self.place(start))
                if quoted
                else self.quoted_text(body, begin)
            )
        self._waiting.clear()


def _finish(stages: list[Simple | Group | None], found: list[Pipeline]) -> None:
    complete = [stage for stage in stages if stage is not None]
    if complete:
        found.append(Pipeline(complete, complete[0].begin, complete[-1].end))
    stages.clear()


def _plain(word: Word) -> str:
    return "".join(part.text for part in word.parts if isinstance(part, Literal))


def _is_assignment(word: Word) -> bool:
    last = word.parts[-1]
    return isinstance(last, Literal) and not last.quoted and last.text.endswith("=")
