"""Questions about keys, asked on a terminal; whatever is not a clear yes is a no."""

import sys
from collections.abc import Callable
from typing import TextIO

from attrs import frozen

from haldir_core.invisible import is_invisible
from haldir_core.schemapin.pins import Decision, Prompt, Question

TRIES = 3
"""How often an answer that is none is asked for again."""

_TITLES = {
    Prompt.FIRST_TIME_KEY: "This tool is new, and so is its key.",
    Prompt.KEY_CHANGE: "WARNING: the key of this tool has CHANGED.",
    Prompt.REVOKED_KEY: "WARNING: the key of this tool is REVOKED, and is not accepted.",
    Prompt.EXPIRED_KEY: "WARNING: the key of this tool has EXPIRED.",
}
_WORDS = {
    Decision.ACCEPT: ("accept", "pin this key for this tool"),
    Decision.TEMPORARY_ACCEPT: ("once", "use it now, and remember nothing"),
    Decision.ALWAYS_TRUST: ("always", "pin it, and never ask about first keys of this domain again"),
    Decision.REJECT: ("reject", "do not use it (this is what Enter means)"),
    Decision.NEVER_TRUST: ("never", "do not use it, nor any key of this domain"),
}


@frozen
class ConsolePrompt:
    """Asks on a terminal.  Answers are whole words; Enter, the end of input and three odd answers reject.

    Attributes:
        read: returns a line without its end; raises EOFError where there are no more.
        write: shows a line.
    """

    read: Callable[[], str]
    write: Callable[[str], None]

    def __call__(self, question: Question) -> Decision:
        """Return what was answered."""
        for line in question_lines(question):
            self.write(line)
        words = {_WORDS[decision][0]: decision for decision in question.offered}
        for _ in range(TRIES):
            self.write(f"{' / '.join(words)}:")
            try:
                answer = self.read().strip().lower()
            except (EOFError, OSError, ValueError):  # ValueError: no text of this terminal's encoding, or closed
                return Decision.REJECT
            if not answer:
                return Decision.REJECT
            if answer in words:
                return words[answer]
        return Decision.REJECT


def terminal_prompt() -> ConsolePrompt | None:
    """Return a prompt on the terminal of this process, or None if there is none to ask on."""
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        return None
    return ConsolePrompt(read=_read_line, write=_write_line)


def question_lines(question: Question) -> list[str]:
    """Return what somebody should know before answering, in lines that are safe to show."""
    candidate = question.candidate
    lines = [
        _TITLES[question.prompt],
        f"  tool:      {_shown(candidate.tool_id)}",
        f"  domain:    {_shown(candidate.domain)}",
        f"  developer: {_shown(candidate.developer_name or '(not said)')} (as the domain says)",
        f"  key:       {_shown(candidate.fingerprint)}",
    ]
    lines += [f"  pinned:    {_shown(pin.fingerprint)} since {_shown(pin.pinned_at)}" for pin in question.pinned[:5]]
    lines += [f"  {word:8} {meaning}" for word, meaning in (_WORDS[decision] for decision in question.offered)]
    return lines


def _shown(text: str) -> str:
    """Return ``text`` without anything that a terminal would act on, or hide."""
    return "".join(char.encode("unicode_escape").decode("ascii") if is_invisible(char) else char for char in text[:300])


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _read_line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _write_line(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - the terminal is what this module is for
