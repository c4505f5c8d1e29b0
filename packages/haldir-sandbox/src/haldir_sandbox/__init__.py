"""Run a skill and compare what it does with what it declares.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
