"""A registry that vets, co-signs and publishes skills.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
