"""The agent capabilities of a skill at the one place where an agent runtime asks for them: deny by default.

Quick start::

    gate = Gate(policy, record=log.record)

    @gate.guard("memory_write", caller="weather")
    def remember(key: str, value: str) -> None: ...

    if gate.check("spawn_agents", target="researcher", caller="weather"): ...
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import attrs
from attrs import frozen

from haldir_enforcer._auditlog.text import printable
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.events import Action, By, Class, Decision, Event, Recorder
from haldir_enforcer.policy import Policy

MAX_NAME = 200
"""Characters of a target or caller that an event shows."""

_ACTIONS = {
    "memory_read": Action.AGENT_MEMORY_READ,
    "memory_write": Action.AGENT_MEMORY_WRITE,
    "spawn_agents": Action.AGENT_SPAWN_AGENTS,
    "modify_system_prompt": Action.AGENT_MODIFY_SYSTEM_PROMPT,
}

_Function = TypeVar("_Function", bound=Callable[..., Any])


@frozen(kw_only=True)
class Grant:
    """The capability was declared; true in a condition."""

    capability: str
    target: str | None
    caller: str | None

    def __bool__(self) -> Literal[True]:
        return True


@frozen(kw_only=True)
class Denied:
    """The capability was not declared, or there is none of that name; false in a condition."""

    capability: str
    target: str | None
    caller: str | None
    reason: str

    def __bool__(self) -> Literal[False]:
        return False


class CapabilityDeniedError(EnforcerError, PermissionError):
    """A skill asked for an agent capability that it does not have."""

    def __init__(self, denied: Denied) -> None:
        """``denied`` says what was asked."""
        super().__init__(denied.reason)
        self.denied = denied


class Gate:
    """Grants what the policy declares, denies everything else, and records each answer before giving it."""

    def __init__(self, policy: Policy, *, record: Recorder) -> None:
        """Ask ``policy``; an answer that ``record`` cannot keep is not given, its error is raised instead."""
        self._granted = frozenset(
            name for name, value in attrs.asdict(policy.capabilities).items() if value is True and name in _ACTIONS
        )
        self._record = record

    def check(self, capability: str, *, target: str | None = None, caller: str | None = None) -> Grant | Denied:
        """Return whether ``caller`` (an agent, a tool, a skill) may use ``capability`` on ``target``."""
        granted = capability in self._granted
        self._record(
            Event(
                action=_ACTIONS.get(capability, Action.AGENT_UNKNOWN),
                decision=Decision.ALLOW if granted else Decision.DENY,
                by=By.SUPERVISOR,
                kind=Class.DECLARED if granted else Class.VIOLATION,
                rule=f"agent_capabilities.{capability}" if capability in _ACTIONS else None,
                detail=_detail(capability, target, caller),
            )
        )
        if granted:
            return Grant(capability=capability, target=target, caller=caller)
        return Denied(capability=capability, target=target, caller=caller, reason=_reason(capability))

    def require(self, capability: str, *, target: str | None = None, caller: str | None = None) -> Grant:
        """Return the grant.

        Raises: CapabilityDeniedError if there is none.
        """
        answer = self.check(capability, target=target, caller=caller)
        if isinstance(answer, Denied):
            raise CapabilityDeniedError(answer)
        return answer

    def guard(
        self,
        capability: str,
        *,
        target: Callable[..., str] | str | None = None,
        caller: str | None = None,
    ) -> Callable[[_Function], _Function]:
        """Return a decorator for functions and coroutine functions that need ``capability`` each time they run.

        ``target`` is a text, or a function that makes it from the arguments of the call.
        The decorated function raises CapabilityDeniedError, and does nothing then.
        """

        def required(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            name = target(*args, **kwargs) if callable(target) else target
            self.require(capability, target=name, caller=caller)

        def decorate(function: _Function) -> _Function:
            make = _guarded_coroutine if inspect.iscoroutinefunction(function) else _guarded_function
            return cast("_Function", make(function, required))

        return decorate


_Required = Callable[[tuple[Any, ...], dict[str, Any]], None]


def _guarded_function(function: Callable[..., Any], required: _Required) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function
        required(args, kwargs)
        return function(*args, **kwargs)

    return guarded


def _guarded_coroutine(function: Callable[..., Any], required: _Required) -> Callable[..., Any]:
    @functools.wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function
        required(args, kwargs)  # when it is awaited, not when the coroutine is made
        return await function(*args, **kwargs)

    return guarded


def _reason(capability: str) -> str:
    if capability in _ACTIONS:
        return f"{capability} is not declared: agent_capabilities.{capability} must be true in permissions.json"
    return f"{printable(capability, MAX_NAME)} is no agent capability; there are {', '.join(_ACTIONS)}"


def _detail(capability: str, target: str | None, caller: str | None) -> str:
    named = (("capability", capability), ("target", target), ("caller", caller))
    return ", ".join(f"{what} {name[:MAX_NAME]!r}" for what, name in named if name is not None)
