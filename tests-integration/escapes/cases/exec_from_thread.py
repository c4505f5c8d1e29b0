"""A program is started by a thread, and takes the place of the whole process."""

import os
import threading

from attack import executed, spoken, tries


def start() -> None:
    """Become the program, from a thread."""
    thread = threading.Thread(target=os.execv, args=("/usr/bin/id", ["id"]))
    thread.start()
    thread.join()


with tries():
    executed(spoken(start))
