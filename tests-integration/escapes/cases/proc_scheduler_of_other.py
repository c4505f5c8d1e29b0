"""A process outside gets processor time only when nobody else wants it."""

import os

from attack import WORLD, elsewhere, escaped, tries

with tries():
    os.sched_setscheduler(elsewhere(WORLD.bystander), os.SCHED_IDLE, os.sched_param(0))
    escaped("changed")
