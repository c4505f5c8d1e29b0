"""Trust on first use: what becomes of a key, decided from what was pinned before.  Nothing is stored here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs
from attrs import frozen

from haldir_core.errors import HaldirError
from haldir_core.schemapin.codes import PinStatus
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.times import written_time

AUTHORITY_DOMAIN = Domain("_bundle_authority")
"""What stands for the domain where the authority of a bundle is pinned by its kid; no domain can be called so."""


class PinError(HaldirError):
    """A pin cannot be made, read or changed."""


class Mode(StrEnum):
    """Who decides about a key that is not pinned."""

    AUTOMATIC = "automatic"
    """The first key of a tool is pinned, another one is refused."""
    INTERACTIVE = "interactive"
    """Somebody is asked."""
    STRICT = "strict"
    """Nobody: only what was pinned before is accepted."""


class DomainPolicy(StrEnum):
    """What the user decided about a domain; it comes before the mode."""

    DEFAULT = "default"
    ALWAYS_TRUST = "always_trust"
    """First keys are pinned without asking, in every mode; a changed key is treated as the mode says."""
    NEVER_TRUST = "never_trust"
    INTERACTIVE_ONLY = "interactive_only"
    """Somebody is asked, in every mode but strict."""


class KeyState(StrEnum):
    """What is known about a key beside its pins."""

    GOOD = "good"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Prompt(StrEnum):
    """What somebody is asked about."""

    FIRST_TIME_KEY = "first_time_key"
    KEY_CHANGE = "key_change"
    REVOKED_KEY = "revoked_key"
    EXPIRED_KEY = "expired_key"


class Decision(StrEnum):
    """What was answered."""

    ACCEPT = "accept"
    REJECT = "reject"
    ALWAYS_TRUST = "always_trust"
    NEVER_TRUST = "never_trust"
    TEMPORARY_ACCEPT = "temporary_accept"


_ALL = tuple(Decision)
OFFERED: Mapping[Prompt, tuple[Decision, ...]] = {
    Prompt.FIRST_TIME_KEY: _ALL,
    Prompt.KEY_CHANGE: _ALL,
    Prompt.EXPIRED_KEY: (Decision.REJECT, Decision.NEVER_TRUST, Decision.TEMPORARY_ACCEPT),
    Prompt.REVOKED_KEY: (Decision.REJECT, Decision.NEVER_TRUST),
}
"""The answers that each question allows; any other answer rejects."""


@frozen(kw_only=True)
class Candidate:
    """A key that a tool comes with; ``fingerprint`` is what pins are compared by, never the PEM text."""

    tool_id: ToolId
    domain: Domain
    fingerprint: str
    public_key_pem: str = ""
    developer_name: str | None = None
    state: KeyState = KeyState.GOOD


@frozen(kw_only=True)
class Pin:
    """A key that was pinned for a tool of a domain; times are RFC 3339 texts."""

    tool_id: ToolId
    domain: Domain
    fingerprint: str
    public_key_pem: str = ""
    developer_name: str | None = None
    pinned_at: str = ""
    last_verified: str | None = None

    @classmethod
    def of(cls, candidate: Candidate, now: datetime) -> "Pin":
        """Return the pin of ``candidate``, made and verified at ``now``."""
        return cls(
            tool_id=candidate.tool_id,
            domain=candidate.domain,
            fingerprint=candidate.fingerprint,
            public_key_pem=candidate.public_key_pem,
            developer_name=candidate.developer_name,
            pinned_at=written_time(now),
            last_verified=written_time(now),
        )


class Outcome(StrEnum):
    """How a judgement ends."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    ASK = "ask"


class Change(StrEnum):
    """What a store does with the pins of a tool when a judgement is carried out."""

    NOTHING = "nothing"
    TOUCH = "touch"
    """The key was verified again."""
    ADD = "add"
    REPLACE = "replace"


@frozen(kw_only=True)
class Judgement:
    """What becomes of a key.

    Attributes:
        status: first use or pinned, where it is accepted.
        prompt: the question, where somebody is to be asked; or which it would be.
        change: what a store writes, once the signature holds.
        policy: what a store notes about the domain; None to leave it.
    """

    outcome: Outcome
    message: str = ""
    status: PinStatus | None = None
    prompt: Prompt | None = None
    change: Change = Change.NOTHING
    policy: DomainPolicy | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the key must not be used."""
        return self.outcome is Outcome.REFUSED


@frozen(kw_only=True)
class Question:
    """What somebody is asked: about which key, with what is pinned now, and which answers there are."""

    prompt: Prompt
    candidate: Candidate
    pinned: tuple[Pin, ...]
    offered: tuple[Decision, ...]


Decide = Callable[[Question], Decision]
"""Answers a question; it may take as long as a person needs."""


def reject_all(_question: Question) -> Decision:
    """Reject: the answer where nobody can be asked."""
    return Decision.REJECT


class PinLedger(Protocol):
    """Whatever keeps pins.  `peek` comes before the signature is verified, `commit` after it holds."""

    def peek(self, candidate: Candidate) -> Judgement:
        """Return what would become of the key; nothing is written and nobody is asked."""
        ...

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        """Judge the key again and write what follows, in one transaction; never returns `Outcome.ASK`."""
        ...


def judge(candidate: Candidate, pinned: Sequence[Pin], *, mode: Mode, policy: DomainPolicy) -> Judgement:
    """Return what becomes of a key, given the pins of its tool and domain and what was decided about the domain.

    A revoked key is refused whatever anybody decided; a pinned one is accepted unless the domain is never trusted.
    """
    asks = mode is Mode.INTERACTIVE or (policy is DomainPolicy.INTERACTIVE_ONLY and mode is not Mode.STRICT)
    whose = f"{candidate.tool_id} of {candidate.domain}"
    if forbidden := _forbidden(candidate, policy, whose):
        return forbidden
    if candidate.state is KeyState.EXPIRED:
        return _asked(Prompt.EXPIRED_KEY) if asks else _refused(f"the key of {whose} has expired", Prompt.EXPIRED_KEY)
    if any(pin.fingerprint == candidate.fingerprint for pin in pinned):
        return Judgement(outcome=Outcome.ACCEPTED, status=PinStatus.PINNED, change=Change.TOUCH)
    if pinned:
        if asks:
            return _asked(Prompt.KEY_CHANGE)
        known = ", ".join(pin.fingerprint for pin in pinned[:3])
        message = f"the key of {whose} has changed: it was {known}, and is {candidate.fingerprint} now"
        return _refused(message, Prompt.KEY_CHANGE)
    return _first_use(whose, asks=asks, mode=mode, policy=policy)


def apply_decision(decision: Decision, prompt: Prompt) -> Judgement:
    """Return what follows from an answer; one that the question does not allow rejects."""
    if decision not in OFFERED[prompt] or decision is Decision.REJECT:
        return _refused("the key was rejected", prompt)
    if decision is Decision.NEVER_TRUST:
        refused = _refused("the domain is never trusted from now on", prompt)
        return attrs.evolve(refused, policy=DomainPolicy.NEVER_TRUST)
    if decision is Decision.TEMPORARY_ACCEPT:
        return Judgement(outcome=Outcome.ACCEPTED, status=PinStatus.FIRST_USE, prompt=prompt)
    change = Change.REPLACE if prompt is Prompt.KEY_CHANGE else Change.ADD
    policy = DomainPolicy.ALWAYS_TRUST if decision is Decision.ALWAYS_TRUST else None
    return Judgement(outcome=Outcome.ACCEPTED, status=PinStatus.FIRST_USE, prompt=prompt, change=change, policy=policy)


class MemoryPins:
    """Pins that live as long as the process: for one-shot use, and the light store of the SDKs."""

    def __init__(
        self,
        pins: Sequence[Pin] = (),
        *,
        mode: Mode = Mode.AUTOMATIC,
        policies: Mapping[str, DomainPolicy] | None = None,
        decide: Decide = reject_all,
    ) -> None:
        """Begin with ``pins``; ``decide`` answers where somebody is to be asked."""
        self._pins: dict[tuple[str, str], tuple[Pin, ...]] = {}
        for pin in pins:
            self._pins[pin.tool_id, pin.domain] = (*self._pins.get((pin.tool_id, pin.domain), ()), pin)
        self._policies = dict(policies or {})
        self._mode = mode
        self._decide = decide

    def pins(self) -> tuple[Pin, ...]:
        """Return all pins."""
        return tuple(pin for pins in self._pins.values() for pin in pins)

    def peek(self, candidate: Candidate) -> Judgement:
        """Return what would become of the key."""
        policy = self._policies.get(candidate.domain, DomainPolicy.DEFAULT)
        return judge(candidate, self._pinned(candidate), mode=self._mode, policy=policy)

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        """Judge the key, ask if need be, and keep what follows."""
        judgement = self.peek(candidate)
        if judgement.outcome is Outcome.ASK and judgement.prompt is not None:
            judgement = apply_decision(
                self._decide(question(candidate, self._pinned(candidate), judgement)), judgement.prompt
            )
        if judgement.policy is not None:
            self._policies[candidate.domain] = judgement.policy
        self._pins[candidate.tool_id, candidate.domain] = changed_pins(
            candidate, self._pinned(candidate), judgement, now
        )
        return judgement

    def _pinned(self, candidate: Candidate) -> tuple[Pin, ...]:
        return self._pins.get((candidate.tool_id, candidate.domain), ())


def question(candidate: Candidate, pinned: Sequence[Pin], judgement: Judgement) -> Question:
    """Return what somebody is asked after a judgement that ended with `Outcome.ASK`.

    Raises: PinError if it did not.
    """
    if judgement.outcome is not Outcome.ASK or judgement.prompt is None:
        raise PinError("this judgement asks nothing")
    prompt = judgement.prompt
    return Question(prompt=prompt, candidate=candidate, pinned=tuple(pinned), offered=OFFERED[prompt])


def changed_pins(candidate: Candidate, pinned: Sequence[Pin], judgement: Judgement, now: datetime) -> tuple[Pin, ...]:
    """Return the pins of a tool after a judgement was carried out."""
    if judgement.change is Change.NOTHING:
        return tuple(pinned)
    if judgement.change is Change.TOUCH:
        verified = written_time(now)
        return tuple(
            attrs.evolve(pin, last_verified=verified) if pin.fingerprint == candidate.fingerprint else pin
            for pin in pinned
        )
    kept = pinned if judgement.change is Change.ADD else ()
    return (*(pin for pin in kept if pin.fingerprint != candidate.fingerprint), Pin.of(candidate, now))


def _forbidden(candidate: Candidate, policy: DomainPolicy, whose: str) -> Judgement | None:
    if candidate.state is KeyState.REVOKED:
        return _refused(f"the key of {whose} is revoked", Prompt.REVOKED_KEY)
    if policy is DomainPolicy.NEVER_TRUST:
        return _refused(f"{candidate.domain} is never trusted: so it was decided")
    return None


def _first_use(whose: str, *, asks: bool, mode: Mode, policy: DomainPolicy) -> Judgement:
    if policy is DomainPolicy.ALWAYS_TRUST or (mode is Mode.AUTOMATIC and not asks):
        return Judgement(
            outcome=Outcome.ACCEPTED, status=PinStatus.FIRST_USE, prompt=Prompt.FIRST_TIME_KEY, change=Change.ADD
        )
    if asks:
        return _asked(Prompt.FIRST_TIME_KEY)
    return _refused(f"no key is pinned for {whose}, and strict mode pins none by itself", Prompt.FIRST_TIME_KEY)


def _asked(prompt: Prompt) -> Judgement:
    return Judgement(outcome=Outcome.ASK, prompt=prompt)


def _refused(message: str, prompt: Prompt | None = None) -> Judgement:
    return Judgement(outcome=Outcome.REFUSED, message=message, prompt=prompt)
