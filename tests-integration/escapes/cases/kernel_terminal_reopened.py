"""The terminal of the user is opened anew, and characters are pushed into it."""

import fcntl
import os
import termios

from attack import tries

with tries():
    fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), termios.TIOCSTI, b"i")
