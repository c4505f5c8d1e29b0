"""The mode of a file outside is changed."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.chmod(WORLD.secret, 0o777)
    escaped("changed")
