import asyncio
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from haldir_core.permissions import AgentCapabilities
from haldir_enforcer.errors import AuditLogError
from haldir_enforcer.events import Action, By, Class, Decision, Event
from haldir_enforcer.gate import CapabilityDeniedError, Denied, Gate, Grant
from haldir_enforcer.policy import Policy

CAPABILITIES = ("memory_read", "memory_write", "spawn_agents", "modify_system_prompt")
ACTIONS = {
    "memory_read": Action.AGENT_MEMORY_READ,
    "memory_write": Action.AGENT_MEMORY_WRITE,
    "spawn_agents": Action.AGENT_SPAWN_AGENTS,
    "modify_system_prompt": Action.AGENT_MODIFY_SYSTEM_PROMPT,
}


def a_policy(*granted: str) -> Policy:
    return Policy(
        root=Path("/skill"),
        read=(),
        write=(),
        hosts=(),
        programs=(),
        capabilities=AgentCapabilities(**dict.fromkeys(granted, True)),
        never_write=(),
        never_read=(),
        profiles=(),
        notes=(),
    )


def a_gate(*granted: str) -> tuple[Gate, list[Event]]:
    events: list[Event] = []
    return Gate(a_policy(*granted), record=events.append), events


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_what_is_declared_is_granted_and_recorded(capability: str) -> None:
    gate, events = a_gate(capability)

    answer = gate.check(capability, target="notes", caller="weather")

    assert answer == Grant(capability=capability, target="notes", caller="weather")
    assert answer
    assert events == [
        Event(
            action=ACTIONS[capability],
            decision=Decision.ALLOW,
            by=By.SUPERVISOR,
            kind=Class.DECLARED,
            rule=f"agent_capabilities.{capability}",
            detail=f"capability '{capability}', target 'notes', caller 'weather'",
        )
    ]


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_what_is_not_declared_is_denied_and_recorded(capability: str) -> None:
    gate, events = a_gate(*(name for name in CAPABILITIES if name != capability))

    answer = gate.check(capability)

    assert isinstance(answer, Denied)
    assert not answer
    assert "must be true in permissions.json" in answer.reason
    (event,) = events
    assert (event.action, event.decision, event.kind) == (ACTIONS[capability], Decision.DENY, Class.VIOLATION)


@pytest.mark.parametrize(
    "capability", ["", "Memory_Read", "memory_read ", "memory-read", "__class__", "*", "x\nallow", "document"]
)
def test_an_unknown_capability_is_denied_even_when_everything_is_declared(capability: str) -> None:
    gate, events = a_gate(*CAPABILITIES)

    answer = gate.check(capability)

    assert isinstance(answer, Denied)
    assert "is no agent capability" in answer.reason
    assert "\n" not in answer.reason
    assert [(event.action, event.decision) for event in events] == [(Action.AGENT_UNKNOWN, Decision.DENY)]


def test_a_value_that_is_only_true_like_grants_nothing() -> None:
    policy = attrs.evolve(a_policy(), capabilities=AgentCapabilities(memory_read=1))  # type: ignore[arg-type] # the point

    assert not Gate(policy, record=lambda _: None).check("memory_read")


def test_require_raises_what_was_denied() -> None:
    gate, _ = a_gate("memory_read")

    assert gate.require("memory_read").capability == "memory_read"
    with pytest.raises(CapabilityDeniedError, match="memory_write is not declared") as caught:
        gate.require("memory_write", target="notes")
    assert caught.value.denied.target == "notes"
    assert isinstance(caught.value, PermissionError)


def test_an_answer_that_cannot_be_recorded_is_not_given() -> None:
    def full(_: Event) -> None:
        raise AuditLogError("full")

    gate = Gate(a_policy("memory_read"), record=full)

    with pytest.raises(AuditLogError, match="full"):
        gate.check("memory_read")


def test_a_guarded_function_asks_each_time_it_is_called() -> None:
    gate, events = a_gate("memory_write")
    kept = {}

    @gate.guard("memory_write", target=lambda key, _: key, caller="weather")
    def remember(key: str, value: str) -> str:
        """Keep it."""
        kept[key] = value
        return value

    assert (remember("a", "1"), remember("b", "2")) == ("1", "2")
    assert kept == {"a": "1", "b": "2"}
    assert remember.__name__ == "remember"
    assert [event.detail for event in events] == [
        "capability 'memory_write', target 'a', caller 'weather'",
        "capability 'memory_write', target 'b', caller 'weather'",
    ]


def test_a_guarded_function_without_the_capability_does_nothing() -> None:
    gate, events = a_gate()
    called = []

    @gate.guard("spawn_agents", target="researcher")
    def spawn() -> None:
        called.append(1)

    with pytest.raises(CapabilityDeniedError):
        spawn()
    assert not called
    assert [event.detail for event in events] == ["capability 'spawn_agents', target 'researcher'"]


@pytest.mark.parametrize("granted", [("memory_read",), ()], ids=["granted", "denied"])
def test_a_guarded_coroutine_asks_when_it_is_awaited(granted: tuple[str, ...]) -> None:
    gate, events = a_gate(*granted)

    @gate.guard("memory_read")
    async def recall(key: str) -> str:
        await asyncio.sleep(0)
        return key.upper()

    async def run() -> str:
        coroutine = recall("a")
        assert not events
        return await coroutine

    assert asyncio.iscoroutinefunction(recall)
    if granted:
        assert asyncio.run(run()) == "A"
    else:
        with pytest.raises(CapabilityDeniedError):
            asyncio.run(run())
    assert len(events) == 1


@pytest.mark.parametrize("make", [lambda: "t" * 10_000, lambda: "a', decision 'allow"], ids=["long", "quotes"])
def test_a_target_cannot_blur_the_record(make: Callable[[], str]) -> None:
    gate, events = a_gate()
    gate.check("memory_read", target=make(), caller="me")

    detail = events[0].detail or ""
    assert len(detail) < 300
    assert detail.endswith(", caller 'me'")
    assert "\"a', decision" in detail or "ttt" in detail
