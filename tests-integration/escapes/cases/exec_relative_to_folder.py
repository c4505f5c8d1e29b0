"""A program is started relative to a folder opened without rights."""

import ctypes
import os

from attack import executed, spoken, syscall, tries

with tries():
    folder = os.open("/usr/bin", os.O_PATH)
    arguments = (ctypes.c_char_p * 2)(b"id", None)
    executed(spoken(lambda: syscall("execveat", folder, b"id", arguments, None, 0)))
