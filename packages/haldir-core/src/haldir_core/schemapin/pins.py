"""Trust on first use: what becomes of a key, decided from what was pinned before.  Nothing is stored here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import attrs
from attrs import define, frozen

from haldir_core.errors import HaldirError
from haldir_core.schemapin.codes import PinStatus
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.times import in_utc, written_time

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

ABOUT_A_DOMAIN = frozenset({Decision.ALWAYS_TRUST, Decision.NEVER_TRUST})
"""The answers that decide about all keys of a domain; no question about the authority of a bundle offers them."""


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
        made = written_time(now)
        return cls(
            tool_id=candidate.tool_id,
            domain=candidate.domain,
            fingerprint=candidate.fingerprint,
            public_key_pem=candidate.public_key_pem,
            developer_name=candidate.developer_name,
            pinned_at=made,
            last_verified=made,
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


_IS_PINNED = Judgement(outcome=Outcome.ACCEPTED, status=PinStatus.PINNED, change=Change.TOUCH)
_IS_FIRST = Judgement(
    outcome=Outcome.ACCEPTED, status=PinStatus.FIRST_USE, prompt=Prompt.FIRST_TIME_KEY, change=Change.ADD
)

_PINS_FIRST_KEYS = frozenset(
    {(Mode.AUTOMATIC, DomainPolicy.DEFAULT), *((mode, DomainPolicy.ALWAYS_TRUST) for mode in Mode)}
)
"""Where the first key of a tool is pinned without asking."""

Decide = Callable[[Question], Decision]
"""Answers a question; it may take as long as a person needs."""


def reject_all(_question: Question) -> Decision:
    """Reject: the answer where nobody can be asked."""
    return Decision.REJECT


class Pinned(Protocol):
    """What a judgement looks at in a pin."""

    @property
    def fingerprint(self) -> str:
        """The key that is pinned."""
        ...


class PinLedger(Protocol):
    """Whatever keeps pins.  `peek` comes before the signature is verified, `commit` after it holds."""

    def peek(self, candidate: Candidate) -> Judgement:
        """Return what would become of the key; nothing is written and nobody is asked."""
        ...

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        """Judge the key again and write what follows, in one transaction; never returns `Outcome.ASK`."""
        ...


def judge(candidate: Candidate, pinned: Sequence[Pinned], *, mode: Mode, policy: DomainPolicy) -> Judgement:
    """Return what becomes of a key, given the pins of its tool and domain and what was decided about the domain.

    A revoked key is refused whatever anybody decided; a pinned one is accepted unless the domain is never trusted.
    Nothing can be decided about the authorities of bundles together: they share no domain but `AUTHORITY_DOMAIN`.
    """
    if candidate.domain == AUTHORITY_DOMAIN:
        policy = DomainPolicy.DEFAULT
    if candidate.state is not KeyState.GOOD or policy is DomainPolicy.NEVER_TRUST:
        return _unfit(candidate, mode, policy)
    for pin in pinned:
        if pin.fingerprint == candidate.fingerprint:
            return _IS_PINNED
    if pinned:
        return _changed(candidate, pinned, mode, policy)
    return _IS_FIRST if (mode, policy) in _PINS_FIRST_KEYS else _not_pinned(candidate, mode, policy)


def apply_decision(decision: Decision, asked: Question) -> Judgement:
    """Return what follows from an answer; one that the question does not offer rejects."""
    prompt = asked.prompt
    if decision not in asked.offered or decision is Decision.REJECT:
        return _refused("the key was rejected", prompt)
    if decision is Decision.NEVER_TRUST:
        refused = _refused("the domain is never trusted from now on", prompt)
        return attrs.evolve(refused, policy=DomainPolicy.NEVER_TRUST)
    if decision is Decision.TEMPORARY_ACCEPT:
        return Judgement(outcome=Outcome.ACCEPTED, status=PinStatus.FIRST_USE, prompt=prompt)
    change = Change.REPLACE if prompt is Prompt.KEY_CHANGE else Change.ADD
    policy = DomainPolicy.ALWAYS_TRUST if decision is Decision.ALWAYS_TRUST else None
    return Judgement(outcome=Outcome.ACCEPTED, status=PinStatus.FIRST_USE, prompt=prompt, change=change, policy=policy)


@define
class _Kept:
    """A pin in memory.  Its times become texts where somebody reads it, which for most never happens."""

    fingerprint: str
    source: Pin | tuple[Candidate, datetime]
    verified_at: datetime | None = None

    def pin(self) -> Pin:
        """Return the pin as it stands now."""
        pin = self.source if isinstance(self.source, Pin) else Pin.of(*self.source)
        return attrs.evolve(pin, last_verified=written_time(self.verified_at)) if self.verified_at else pin


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
        self._kept: dict[tuple[str, str], tuple[_Kept, ...]] = {}
        for pin in pins:
            tool = (pin.tool_id, pin.domain)
            self._kept[tool] = (*self._kept.get(tool, ()), _Kept(pin.fingerprint, pin))
        self._policies = dict(policies) if policies else {}
        self._mode = mode
        self._decide = decide

    def pins(self) -> tuple[Pin, ...]:
        """Return all pins."""
        return tuple(kept.pin() for pins in self._kept.values() for kept in pins)

    def peek(self, candidate: Candidate) -> Judgement:
        """Return what would become of the key."""
        policy = self._policies.get(candidate.domain, DomainPolicy.DEFAULT)
        return judge(candidate, self._pinned(candidate), mode=self._mode, policy=policy)

    def commit(self, candidate: Candidate, now: datetime) -> Judgement:
        """Judge the key, ask if need be, and keep what follows."""
        judgement = self.peek(candidate)
        if judgement.outcome is Outcome.ASK and judgement.prompt is not None:
            asked = question(candidate, [kept.pin() for kept in self._pinned(candidate)], judgement)
            judgement = apply_decision(self._decide(asked), asked)
        if judgement.policy is not None:
            self._policies[candidate.domain] = judgement.policy
        if judgement.change is not Change.NOTHING:
            self._keep(candidate, judgement.change, in_utc(now))  # which refuses a moment without time zone
        return judgement

    def _keep(self, candidate: Candidate, change: Change, now: datetime) -> None:
        """Do to the pins of a tool what `changed_pins` does to those of a store."""
        pinned = self._pinned(candidate)
        if change is Change.TOUCH:
            for kept in pinned:
                if kept.fingerprint == candidate.fingerprint:
                    kept.verified_at = now
            return
        others: tuple[_Kept, ...] = ()
        if pinned and change is not Change.REPLACE:
            others = tuple(kept for kept in pinned if kept.fingerprint != candidate.fingerprint)
        made = _Kept(candidate.fingerprint, (candidate, now))
        self._kept[candidate.tool_id, candidate.domain] = (*others, made)

    def _pinned(self, candidate: Candidate) -> tuple[_Kept, ...]:
        return self._kept.get((candidate.tool_id, candidate.domain), ())


def question(candidate: Candidate, pinned: Sequence[Pin], judgement: Judgement) -> Question:
    """Return what somebody is asked after a judgement that ended with `Outcome.ASK`.

    Raises: PinError if it did not.
    """
    if judgement.outcome is not Outcome.ASK or judgement.prompt is None:
        raise PinError("this judgement asks nothing")
    offered = OFFERED[judgement.prompt]
    if candidate.domain == AUTHORITY_DOMAIN:
        offered = tuple(decision for decision in offered if decision not in ABOUT_A_DOMAIN)
    return Question(prompt=judgement.prompt, candidate=candidate, pinned=tuple(pinned), offered=offered)


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
    made = Pin.of(candidate, now)
    if not pinned or judgement.change is Change.REPLACE:
        return (made,)
    return (*(pin for pin in pinned if pin.fingerprint != candidate.fingerprint), made)


def _unfit(candidate: Candidate, mode: Mode, policy: DomainPolicy) -> Judgement:
    """Judge a key that is revoked or has expired, or any key of a domain that is never trusted."""
    if candidate.state is KeyState.REVOKED:
        return _refused(f"the key of {_whose(candidate)} is revoked", Prompt.REVOKED_KEY)
    if policy is DomainPolicy.NEVER_TRUST:
        return _refused(f"{candidate.domain} is never trusted: so it was decided")
    if _asks(mode, policy):
        return _asked(Prompt.EXPIRED_KEY)
    return _refused(f"the key of {_whose(candidate)} has expired", Prompt.EXPIRED_KEY)


def _changed(candidate: Candidate, pinned: Sequence[Pinned], mode: Mode, policy: DomainPolicy) -> Judgement:
    if _asks(mode, policy):
        return _asked(Prompt.KEY_CHANGE)
    known = ", ".join(pin.fingerprint for pin in pinned[:3])
    message = f"the key of {_whose(candidate)} has changed: it was {known}, and is {candidate.fingerprint} now"
    return _refused(message, Prompt.KEY_CHANGE)


def _not_pinned(candidate: Candidate, mode: Mode, policy: DomainPolicy) -> Judgement:
    if _asks(mode, policy):
        return _asked(Prompt.FIRST_TIME_KEY)
    message = f"no key is pinned for {_whose(candidate)}, and strict mode pins none by itself"
    return _refused(message, Prompt.FIRST_TIME_KEY)


def _asks(mode: Mode, policy: DomainPolicy) -> bool:
    return mode is Mode.INTERACTIVE or (policy is DomainPolicy.INTERACTIVE_ONLY and mode is not Mode.STRICT)


def _whose(candidate: Candidate) -> str:
    return f"{candidate.tool_id} of {candidate.domain}"


def _asked(prompt: Prompt) -> Judgement:
    return Judgement(outcome=Outcome.ASK, prompt=prompt)


def _refused(message: str, prompt: Prompt | None = None) -> Judgement:
    return Judgement(outcome=Outcome.REFUSED, message=message, prompt=prompt)
