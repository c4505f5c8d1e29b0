"""Records in a few words for people."""

from haldir_core import Permissions


def describe_permissions(permissions: Permissions) -> str:
    """Return what a skill declares, in one line; what it does not declare is left out."""
    network = permissions.network
    parts = [
        _listed("reads", permissions.filesystem.read),
        _listed("writes", permissions.filesystem.write),
        _listed("connects to", () if network == "none" else (network,) if isinstance(network, str) else network),
        _listed("executes", permissions.exec),
    ]
    capabilities = permissions.agent_capabilities
    granted = [
        name
        for name in ("memory_read", "memory_write", "spawn_agents", "modify_system_prompt")
        if getattr(capabilities, name)
    ]
    parts.append(_listed("asks the agent for", granted))
    return "; ".join(part for part in parts if part) or "no permissions"


def _listed(verb: str, items: "tuple[str, ...] | list[str]") -> str:
    shown = ", ".join(items[:5]) + (" ..." if len(items) > 5 else "")
    return f"{verb} {shown}" if items else ""
