import json
from typing import Any

import pytest

from haldir_core import AgentCapabilities, Filesystem, MalformedError, Permissions, UnsupportedVersionError
from haldir_core.canonical import canonical_bytes
from haldir_core.digest import sha256

DENY_ALL_DIGEST = "sha256:82ced43ca30dd2d6109c81f51bdcd65455c4c2a41a7cdbc7512329d49f5f12ce"  # of the peer


def _declaring(**declared: object) -> bytes:
    return json.dumps({"schema_version": "1.0", "declared": declared}).encode()


def test_deny_all_denies_all_as_the_peer_writes_it() -> None:
    permissions = Permissions.deny_all()

    assert permissions.digest() == DENY_ALL_DIGEST
    assert permissions == Permissions.from_bytes(_declaring())
    assert permissions.to_bytes().startswith(b'{\n  "schema_version": "1.0",\n  "declared": {\n    "filesystem": {')


def test_what_is_not_declared_is_denied() -> None:
    permissions = Permissions.from_bytes(
        _declaring(filesystem={"read": ["a"]}, agent_capabilities={"spawn_agents": True})
    )

    assert permissions.filesystem == Filesystem(read=("a",), write=())
    assert permissions.agent_capabilities == AgentCapabilities(spawn_agents=True)
    assert (permissions.network, permissions.exec) == ("none", ())


def test_everything_that_is_declared_is_read() -> None:
    capabilities = dict.fromkeys(["memory_read", "memory_write", "spawn_agents", "modify_system_prompt"], True)
    permissions = Permissions.from_bytes(
        _declaring(
            filesystem={"read": ["a", "b"], "write": ["c"]},
            network=["example.org"],
            exec=["git"],
            agent_capabilities=capabilities,
        )
    )

    assert permissions.filesystem == Filesystem(("a", "b"), ("c",))
    assert (permissions.network, permissions.exec) == (("example.org",), ("git",))
    assert permissions.agent_capabilities == AgentCapabilities(
        memory_read=True, memory_write=True, spawn_agents=True, modify_system_prompt=True
    )


@pytest.mark.parametrize("network", ["none", "all", "", "*"], ids=ascii)
def test_the_network_may_be_a_word(network: str) -> None:
    assert Permissions.from_bytes(_declaring(network=network)).network == network


def test_members_that_version_1_does_not_name_are_kept_and_grant_nothing() -> None:
    data = json.dumps(
        {
            "schema_version": "1.0",
            "declared": {"x": 1, "filesystem": {"execute": ["/"]}},
            "network": "all",
            "document": {},
        }
    ).encode()
    permissions = Permissions.from_bytes(data)

    assert permissions == Permissions.deny_all()
    assert permissions.digest() != Permissions.deny_all().digest()
    assert json.loads(permissions.to_bytes()) == json.loads(data)


def test_white_space_and_order_do_not_change_the_digest() -> None:
    document: dict[str, Any] = json.loads(Permissions.deny_all().to_bytes())
    shuffled = json.dumps({"declared": dict(reversed(document["declared"].items())), "schema_version": "1.0"}, indent=7)

    assert Permissions.from_bytes(shuffled.encode()).digest() == DENY_ALL_DIGEST


def test_the_digest_is_over_the_canonical_form() -> None:
    data = _declaring(exec=["\u00e9"])

    assert Permissions.from_bytes(data).digest() == sha256(canonical_bytes(json.loads(data)))
    assert Permissions.from_bytes(Permissions.from_bytes(data).to_bytes()).digest() == sha256(
        canonical_bytes(json.loads(data))
    )


@pytest.mark.parametrize(
    "declared",
    [
        {"filesystem": None},
        {"filesystem": []},
        {"filesystem": {"read": "/"}},
        {"filesystem": {"read": None}},
        {"filesystem": {"write": [1]}},
        {"filesystem": {"write": [["a"]]}},
        {"network": None},
        {"network": True},
        {"network": [1]},
        {"network": {"host": "a"}},
        {"exec": "git"},
        {"exec": [None]},
        {"exec": {}},
        {"agent_capabilities": {"memory_read": 1}},
        {"agent_capabilities": {"memory_read": "false"}},
        {"agent_capabilities": {"spawn_agents": None}},
        {"agent_capabilities": []},
    ],
    ids=ascii,
)
def test_what_declares_no_permissions_is_refused(declared: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"^permissions\.json: "):
        Permissions.from_bytes(_declaring(**declared))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"schema_version": "1.0"}',
        b'{"schema_version": "1.0", "declared": []}',
        b'{"declared": {}}',
    ],
    ids=ascii,
)
def test_what_is_no_permissions_document_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^permissions\.json: "):
        Permissions.from_bytes(data)


def test_another_version_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedVersionError):
        Permissions.from_bytes(b'{"schema_version": "2.0", "declared": {}}')
