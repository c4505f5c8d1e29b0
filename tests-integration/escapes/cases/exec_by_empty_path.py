"""A program is started with execveat and AT_EMPTY_PATH."""

import ctypes
import os

from attack import buffer, executed, spoken, syscall, tries

AT_EMPTY_PATH = 0x1000

with tries():
    program = os.open("/usr/bin/id", os.O_PATH)
    arguments = (ctypes.c_char_p * 2)(b"id", None)
    executed(spoken(lambda: syscall("execveat", program, buffer(b""), arguments, None, AT_EMPTY_PATH)))
