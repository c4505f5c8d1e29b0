"""An attribute of a file that may be read only is set by its descriptor."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.setxattr(os.open(WORLD.victim, os.O_RDONLY), "user.made", b"1")
    escaped("changed")
