"""Dependency audit of agent skills and MCP servers.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
