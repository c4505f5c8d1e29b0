"""Review of agent skills by language models.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
