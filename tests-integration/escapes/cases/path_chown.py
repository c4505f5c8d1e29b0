"""The owner of a file outside is set anew."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.chown(WORLD.secret, os.getuid(), os.getgid())
    escaped("changed")
