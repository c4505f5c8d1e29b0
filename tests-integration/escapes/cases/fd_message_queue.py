"""A message queue of another process is read."""

import os

from attack import WORLD, buffer, leaked, syscall, tries

LONGEST_MESSAGE = 8192

with tries():
    queue = syscall("mq_open", WORLD.queue.encode(), os.O_RDWR | os.O_NONBLOCK, 0, 0)
    message = buffer(b"", LONGEST_MESSAGE)
    syscall("mq_timedreceive", queue, message, LONGEST_MESSAGE, 0, 0)
    leaked(message.raw)
