"""The priority of a process outside is changed."""

import os

from attack import WORLD, elsewhere, escaped, tries

with tries():
    os.setpriority(os.PRIO_PROCESS, elsewhere(WORLD.bystander), 19)
    escaped("changed")
