"""Run a skill confined to the permissions that were signed for it.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
