"""An attribute of a file outside is removed."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.removexattr(WORLD.victim, "user.kept")
    escaped("changed")
