"""The working folder moves out, and a bare name is opened."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.chdir(WORLD.outside)
    leaked(read("id_secret"))
