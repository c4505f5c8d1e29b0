"""A file outside is read by a relative path full of dots."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read("data/./" + "../" * (os.getcwd().count("/") + 3) + WORLD.secret[1:]))
