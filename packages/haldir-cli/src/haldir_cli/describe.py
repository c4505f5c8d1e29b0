"""Records in a few words for people."""

import json
from collections.abc import Sequence

from haldir_core import Permissions

_CAPABILITIES = ("memory_read", "memory_write", "spawn_agents", "modify_system_prompt")


def describe_permissions(permissions: Permissions) -> list[str]:
    """Return what a skill declares, one line for each kind; items are quoted, so that none looks like our words."""
    network = permissions.network
    hosts = () if network == "none" else (network,) if isinstance(network, str) else network
    granted = [name for name in _CAPABILITIES if getattr(permissions.agent_capabilities, name)]
    lines = [
        _listed("may read", permissions.filesystem.read),
        _listed("may write", permissions.filesystem.write),
        _listed("may connect to", hosts),
        _listed("may execute", permissions.exec),
        _listed("may ask the agent for", granted),
    ]
    return [line for line in lines if line] or ["no permissions"]


def _listed(verb: str, items: Sequence[str]) -> str:
    return f"{verb}: {', '.join(map(json.dumps, items))}" if items else ""
