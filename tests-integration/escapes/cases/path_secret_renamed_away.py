"""A folder of keys gets a harmless name, and is read then."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.rename(WORLD.home + "/.ssh", WORLD.home + "/plain")
    leaked(read(WORLD.home + "/plain/id_rsa"))
