from datetime import UTC, datetime, timedelta

import attrs
import pytest

from haldir_core.schemapin.codes import PinStatus
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.pins import (
    OFFERED,
    Candidate,
    Change,
    Decision,
    DomainPolicy,
    KeyState,
    MemoryPins,
    Mode,
    Outcome,
    Pin,
    PinError,
    Prompt,
    Question,
    apply_decision,
    changed_pins,
    judge,
    question,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = "sha256:" + "0a" * 32
OTHER = "sha256:" + "0b" * 32
CANDIDATE = Candidate(tool_id=ToolId("weather"), domain=Domain("example.com"), fingerprint=KEY)
CHANGED = attrs.evolve(CANDIDATE, fingerprint=OTHER)
REVOKED = attrs.evolve(CANDIDATE, state=KeyState.REVOKED)
EXPIRED = attrs.evolve(CANDIDATE, state=KeyState.EXPIRED)
PIN = Pin.of(CANDIDATE, NOW)


def _asked(prompt: Prompt) -> Question:
    return Question(prompt=prompt, candidate=CANDIDATE, pinned=(), offered=OFFERED[prompt])


@pytest.mark.parametrize(
    ("mode", "policy", "outcome"),
    [
        (Mode.AUTOMATIC, DomainPolicy.DEFAULT, Outcome.ACCEPTED),
        (Mode.AUTOMATIC, DomainPolicy.ALWAYS_TRUST, Outcome.ACCEPTED),
        (Mode.AUTOMATIC, DomainPolicy.NEVER_TRUST, Outcome.REFUSED),
        (Mode.AUTOMATIC, DomainPolicy.INTERACTIVE_ONLY, Outcome.ASK),
        (Mode.INTERACTIVE, DomainPolicy.DEFAULT, Outcome.ASK),
        (Mode.INTERACTIVE, DomainPolicy.ALWAYS_TRUST, Outcome.ACCEPTED),
        (Mode.INTERACTIVE, DomainPolicy.NEVER_TRUST, Outcome.REFUSED),
        (Mode.INTERACTIVE, DomainPolicy.INTERACTIVE_ONLY, Outcome.ASK),
        (Mode.STRICT, DomainPolicy.DEFAULT, Outcome.REFUSED),
        (Mode.STRICT, DomainPolicy.ALWAYS_TRUST, Outcome.ACCEPTED),
        (Mode.STRICT, DomainPolicy.NEVER_TRUST, Outcome.REFUSED),
        (Mode.STRICT, DomainPolicy.INTERACTIVE_ONLY, Outcome.REFUSED),
    ],
)
def test_a_first_key_is_judged_by_policy_and_mode(mode: Mode, policy: DomainPolicy, outcome: Outcome) -> None:
    assert judge(CANDIDATE, [], mode=mode, policy=policy).outcome is outcome


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("policy", DomainPolicy)
def test_a_pinned_key_is_accepted_unless_its_domain_is_never_trusted(mode: Mode, policy: DomainPolicy) -> None:
    judged = judge(CANDIDATE, [PIN], mode=mode, policy=policy)
    assert judged.is_refused is (policy is DomainPolicy.NEVER_TRUST)
    assert judged.status is (None if judged.is_refused else PinStatus.PINNED)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("policy", DomainPolicy)
@pytest.mark.parametrize("pinned", [[], [PIN]], ids=["new", "pinned"])
def test_a_revoked_key_is_refused_whatever_was_decided(mode: Mode, policy: DomainPolicy, pinned: list[Pin]) -> None:
    judged = judge(REVOKED, pinned, mode=mode, policy=policy)
    assert (judged.outcome, judged.change) == (Outcome.REFUSED, Change.NOTHING)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("policy", DomainPolicy)
def test_a_changed_key_is_never_accepted_without_asking(mode: Mode, policy: DomainPolicy) -> None:
    judged = judge(CHANGED, [PIN], mode=mode, policy=policy)
    assert judged.outcome in {Outcome.REFUSED, Outcome.ASK}
    assert judged.change is Change.NOTHING


def test_a_refused_change_names_both_keys() -> None:
    message = judge(CHANGED, [PIN], mode=Mode.AUTOMATIC, policy=DomainPolicy.DEFAULT).message
    assert KEY in message
    assert OTHER in message


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [(Mode.AUTOMATIC, Outcome.REFUSED), (Mode.STRICT, Outcome.REFUSED), (Mode.INTERACTIVE, Outcome.ASK)],
)
def test_an_expired_key_is_accepted_by_nobody_but_a_person(mode: Mode, outcome: Outcome) -> None:
    assert judge(EXPIRED, [PIN], mode=mode, policy=DomainPolicy.DEFAULT).outcome is outcome


def test_a_question_about_a_revoked_key_offers_no_way_to_accept_it() -> None:
    assert set(OFFERED[Prompt.REVOKED_KEY]) == {Decision.REJECT, Decision.NEVER_TRUST}


@pytest.mark.parametrize("prompt", Prompt)
@pytest.mark.parametrize("decision", Decision)
def test_an_answer_that_was_not_offered_rejects(prompt: Prompt, decision: Decision) -> None:
    judged = apply_decision(decision, _asked(prompt))
    if decision not in OFFERED[prompt]:
        assert judged.is_refused
        assert judged.policy is None


def test_a_temporary_answer_writes_nothing() -> None:
    judged = apply_decision(Decision.TEMPORARY_ACCEPT, _asked(Prompt.KEY_CHANGE))
    assert (judged.outcome, judged.change, judged.policy) == (Outcome.ACCEPTED, Change.NOTHING, None)


def test_an_accepted_change_replaces_the_key() -> None:
    judged = apply_decision(Decision.ACCEPT, _asked(Prompt.KEY_CHANGE))
    assert [pin.fingerprint for pin in changed_pins(CHANGED, [PIN], judged, NOW)] == [OTHER]


def test_a_key_that_is_seen_again_keeps_the_day_of_its_pin() -> None:
    judged = judge(CANDIDATE, [PIN], mode=Mode.AUTOMATIC, policy=DomainPolicy.DEFAULT)
    (pin,) = changed_pins(CANDIDATE, [PIN], judged, NOW + timedelta(days=1))
    assert (pin.pinned_at, pin.last_verified) == ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")


def test_a_judgement_that_asks_nothing_has_no_question() -> None:
    with pytest.raises(PinError):
        question(CANDIDATE, [], judge(CANDIDATE, [], mode=Mode.AUTOMATIC, policy=DomainPolicy.DEFAULT))


def test_the_first_key_is_pinned_and_another_is_refused() -> None:
    pins = MemoryPins()
    assert pins.commit(CANDIDATE, NOW).status is PinStatus.FIRST_USE
    assert pins.commit(CHANGED, NOW).is_refused
    assert pins.commit(CANDIDATE, NOW).status is PinStatus.PINNED
    assert [pin.fingerprint for pin in pins.pins()] == [KEY]


def test_a_look_pins_nothing() -> None:
    pins = MemoryPins()
    assert pins.peek(CANDIDATE).outcome is Outcome.ACCEPTED
    assert pins.pins() == ()


def test_the_same_tool_id_of_two_domains_has_two_keys() -> None:
    pins = MemoryPins()
    pins.commit(CANDIDATE, NOW)
    assert not pins.commit(attrs.evolve(CHANGED, domain=Domain("other.example")), NOW).is_refused


def test_texts_that_join_to_the_same_name_are_two_tools() -> None:
    pins = MemoryPins()
    pins.commit(attrs.evolve(CANDIDATE, tool_id=ToolId("a@b"), domain=Domain("c")), NOW)
    assert pins.peek(attrs.evolve(CHANGED, tool_id=ToolId("a"), domain=Domain("b@c"))).status is PinStatus.FIRST_USE


def test_nobody_who_can_be_asked_means_no() -> None:
    pins = MemoryPins(mode=Mode.INTERACTIVE)
    assert pins.peek(CANDIDATE).outcome is Outcome.ASK
    assert pins.commit(CANDIDATE, NOW).is_refused
    assert pins.pins() == ()


def test_who_is_asked_sees_what_is_pinned_now() -> None:
    asked: list[Question] = []

    def decide(question: Question) -> Decision:
        asked.append(question)
        return Decision.ACCEPT

    pins = MemoryPins([PIN], mode=Mode.INTERACTIVE, decide=decide)
    assert pins.commit(CHANGED, NOW).outcome is Outcome.ACCEPTED
    assert (asked[0].prompt, asked[0].pinned) == (Prompt.KEY_CHANGE, (PIN,))
    assert [pin.fingerprint for pin in pins.pins()] == [OTHER]


@pytest.mark.parametrize(
    ("decision", "later"), [(Decision.NEVER_TRUST, Outcome.REFUSED), (Decision.ALWAYS_TRUST, Outcome.ACCEPTED)]
)
def test_what_is_decided_for_a_domain_holds_for_its_other_tools(decision: Decision, later: Outcome) -> None:
    pins = MemoryPins(mode=Mode.INTERACTIVE, decide=lambda _: decision)
    pins.commit(CANDIDATE, NOW)
    assert pins.peek(attrs.evolve(CHANGED, tool_id=ToolId("other"))).outcome is later
