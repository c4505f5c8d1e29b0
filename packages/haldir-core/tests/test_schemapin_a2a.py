import json
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.a2a import A2aVerification, CallContext, verify_schema_for_a2a
from haldir_core.schemapin.codes import ErrorCode, PinStatus
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.domains import AllowedDomains
from haldir_core.schemapin.evidence import Evidence, Tool
from haldir_core.schemapin.keys import PrivateKey
from haldir_core.schemapin.pins import MemoryPins, Mode
from haldir_core.schemapin.schemas import SignedSchema, sign_schema

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = json.loads((Path(__file__).parents[3] / "spec" / "vectors" / "schemapin" / "keys.json").read_bytes())
TOOL = Tool.of("example.com", "weather")
SCHEMA = {"name": "weather"}
CALL = CallContext(caller_agent_id="urn:agentpin:example.com:a", originating_domain="orig.example")


def _verify(context: CallContext, pins: MemoryPins | None = None, *, signature: str | None = None) -> A2aVerification:
    key = PrivateKey.from_pem(KEYS["dev"]["private_key_pem"].encode())
    signed = SignedSchema(schema=SCHEMA, signature=sign_schema(SCHEMA, key) if signature is None else signature)
    evidence = Evidence(discovery=Discovery(public_key_pem=KEYS["dev"]["public_key_pem"]), pins=pins)
    return verify_schema_for_a2a(signed, TOOL, evidence, context, now=NOW)


@pytest.mark.parametrize("depth", range(4))
def test_a_schema_is_valid_through_three_hands(depth: int) -> None:
    assert _verify(attrs.evolve(CALL, delegation_depth=depth)).valid


@pytest.mark.parametrize("depth", [4, 9, 10**30, -1])
def test_a_call_through_too_many_hands_or_less_than_none_is_refused(depth: int) -> None:
    pins = MemoryPins()
    result = _verify(attrs.evolve(CALL, delegation_depth=depth), pins)
    assert result.verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION
    assert pins.pins() == ()


def test_a_domain_that_is_not_allowed_is_not_pinned() -> None:
    pins = MemoryPins()
    result = _verify(attrs.evolve(CALL, trusted_domains=AllowedDomains.from_list(["other.example"])), pins)
    assert result.verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION
    assert result.verification.key_pinning is None
    assert pins.pins() == ()


def test_nobody_is_asked_about_a_domain_that_is_not_allowed() -> None:
    pins = MemoryPins(mode=Mode.INTERACTIVE, decide=lambda _: pytest.fail("asked"))
    result = _verify(attrs.evolve(CALL, trusted_domains=AllowedDomains.nothing()), pins)
    assert result.verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION


def test_a_wrong_signature_is_said_before_the_domain() -> None:
    result = _verify(attrs.evolve(CALL, trusted_domains=AllowedDomains.nothing()), signature="AAAA")
    assert result.verification.error_code is ErrorCode.SIGNATURE_INVALID


def test_an_allowed_domain_is_pinned() -> None:
    pins = MemoryPins()
    result = _verify(attrs.evolve(CALL, trusted_domains=AllowedDomains.from_list(["*.com"])), pins)
    assert result.verification.key_pinning is PinStatus.FIRST_USE
    assert len(pins.pins()) == 1


def test_domains_that_two_agents_allow_with_nothing_in_common_allow_no_tool() -> None:
    first = attrs.evolve(CALL, trusted_domains=AllowedDomains.from_list(["a.example"]))
    second = first.handed_on("urn:agentpin:b.example:b", AllowedDomains.from_list(["example.com"]))
    assert second.delegation_depth == 1
    assert _verify(second).verification.error_code is ErrorCode.A2A_SCOPE_VIOLATION


def test_a_context_is_read_from_json() -> None:
    value: JsonValue = {
        "caller_agent_id": "urn:a",
        "delegation_depth": 2,
        "originating_domain": "o.example",
        "trusted_domains": ["a.example"],
    }
    context = CallContext.from_json(value)
    assert (context.delegation_depth, context.originating_domain) == (2, "o.example")
    assert context.trusted_domains == AllowedDomains.from_list(["a.example"])


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {"caller_agent_id": 1},
        {"caller_agent_id": "a", "delegation_depth": True},
        {"caller_agent_id": "a", "delegation_depth": 1.0},
        {"caller_agent_id": "a", "delegation_depth": "1"},
        {"caller_agent_id": "a", "trusted_domains": "a.example"},
        {"caller_agent_id": "a", "trusted_domains": [1]},
        {"caller_agent_id": "a", "originating_domain": 1},
    ],
    ids=ascii,
)
def test_a_context_that_is_none_is_refused(value: JsonValue) -> None:
    with pytest.raises(MalformedError):
        CallContext.from_json(value)


def test_the_result_says_for_whom_it_was() -> None:
    shown = _verify(CALL).to_json()
    assert shown["valid"] is True
    assert shown["a2a"] == {
        "caller_agent_id": "urn:agentpin:example.com:a",
        "delegation_depth": 0,
        "originating_domain": "orig.example",
    }
