"""The limits of a process outside are changed."""

import resource

from attack import WORLD, elsewhere, escaped, tries

with tries():
    resource.prlimit(elsewhere(WORLD.bystander), resource.RLIMIT_CORE, (0, 0))
    resource.prlimit(elsewhere(WORLD.bystander), resource.RLIMIT_NOFILE, (9, 9))
    escaped("changed")
