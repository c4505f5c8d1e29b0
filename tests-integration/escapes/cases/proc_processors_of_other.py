"""A process outside is tied to one processor."""

import os

from attack import WORLD, elsewhere, escaped, tries

with tries():
    os.sched_setaffinity(elsewhere(WORLD.bystander), {0})
    escaped("tied")
