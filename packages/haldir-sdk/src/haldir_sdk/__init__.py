"""Client library for agent runtimes: verify, install and enforce.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
