"""An attribute of a file outside is set."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.setxattr(WORLD.victim, "user.made", b"1")
    escaped("changed")
