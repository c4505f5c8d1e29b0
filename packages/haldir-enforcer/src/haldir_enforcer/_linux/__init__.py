"""Confinement by Linux itself: namespaces where they work, Landlock, and a filter with a supervisor."""

from haldir_enforcer._linux._capabilities import Kernel, detect
from haldir_enforcer._linux._confinement import LinuxConfinement, LinuxRunning, Namespaces
from haldir_enforcer._linux._services import Services

__all__ = ["Kernel", "LinuxConfinement", "LinuxRunning", "Namespaces", "Services", "detect"]
