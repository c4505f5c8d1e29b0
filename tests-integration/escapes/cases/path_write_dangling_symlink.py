"""A link to nothing is written through, which makes a file outside."""

import os

from attack import WORLD, escaped, tries

with tries():
    os.symlink(WORLD.outside + "/made", "out/link")
    os.close(os.open("out/link", os.O_WRONLY | os.O_CREAT))
    escaped("made")
