"""The names in a folder outside are listed."""

import os

from attack import WORLD, escaped, tries

with tries():
    if "id_secret" in os.listdir(WORLD.outside):
        escaped("listed")
