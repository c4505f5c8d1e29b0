"""The priority of a process group outside is changed."""

import os

from attack import WORLD, elsewhere, escaped, tries

with tries():
    os.setpriority(os.PRIO_PGRP, elsewhere(WORLD.bystander), 19)
    escaped("changed")
