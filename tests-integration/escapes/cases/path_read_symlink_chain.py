"""A chain of relative links to folders leads out."""

import os

from attack import WORLD, leaked, read, tries

with tries():
    os.symlink("/", "out/top")
    os.symlink("top" + WORLD.outside, "out/next")
    os.mkdir("out/deep")
    os.symlink("../next/../outside", "out/deep/last")
    leaked(read("out/deep/last/id_secret"))
