"""When a published skill is due for another vetting.

Nothing is exported yet: see the README of this distribution.
"""

__all__: list[str] = []
