from collections.abc import Iterable

import pytest

from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.pins import OFFERED, Candidate, Decision, Pin, Prompt, Question
from haldir_sdk.schemapin.prompts import ConsolePrompt, question_lines, terminal_prompt

KEY = "sha256:" + "0a" * 32
CANDIDATE = Candidate(tool_id=ToolId("weather"), domain=Domain("example.com"), fingerprint=KEY)


def _ask(prompt: Prompt, answers: Iterable[str]) -> tuple[Decision, list[str]]:
    lines: list[str] = []
    left = iter(answers)

    def read() -> str:
        answer = next(left, None)
        if answer is None:
            raise EOFError
        return answer

    question = Question(prompt=prompt, candidate=CANDIDATE, pinned=(), offered=OFFERED[prompt])
    return ConsolePrompt(read=read, write=lines.append)(question), lines


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ("accept", Decision.ACCEPT),
        ("ACCEPT ", Decision.ACCEPT),
        ("once", Decision.TEMPORARY_ACCEPT),
        ("always", Decision.ALWAYS_TRUST),
        ("reject", Decision.REJECT),
        ("never", Decision.NEVER_TRUST),
        ("", Decision.REJECT),
    ],
)
def test_a_whole_word_answers(answer: str, decision: Decision) -> None:
    assert _ask(Prompt.FIRST_TIME_KEY, [answer])[0] is decision


@pytest.mark.parametrize("answers", [[], ["y"], ["yes", "ok", "1"], ["a"] * 9], ids=str)
def test_whatever_is_no_clear_yes_is_a_no(answers: list[str]) -> None:
    assert _ask(Prompt.KEY_CHANGE, answers)[0] is Decision.REJECT


@pytest.mark.parametrize("answer", ["accept", "once", "always"])
def test_a_revoked_key_cannot_be_accepted(answer: str) -> None:
    assert _ask(Prompt.REVOKED_KEY, [answer] * 3)[0] is Decision.REJECT


def test_who_is_asked_sees_both_keys() -> None:
    pinned = Pin(tool_id=ToolId("weather"), domain=Domain("example.com"), fingerprint="sha256:old", pinned_at="2026")
    question = Question(
        prompt=Prompt.KEY_CHANGE, candidate=CANDIDATE, pinned=(pinned,), offered=OFFERED[Prompt.KEY_CHANGE]
    )
    shown = "\n".join(question_lines(question))
    assert "CHANGED" in shown
    assert KEY in shown
    assert "sha256:old since 2026" in shown


def test_what_a_domain_says_about_itself_cannot_act_on_the_terminal() -> None:
    hostile = Candidate(
        tool_id=ToolId("w"), domain=Domain("example.com"), fingerprint=KEY, developer_name="A\x1b[2K\n\u202eevil"
    )
    question = Question(
        prompt=Prompt.FIRST_TIME_KEY, candidate=hostile, pinned=(), offered=OFFERED[Prompt.FIRST_TIME_KEY]
    )
    assert all(line.isprintable() for line in question_lines(question))


def test_without_a_terminal_there_is_nobody_to_ask() -> None:
    assert terminal_prompt() is None
