"""More processes live at a time than are allowed."""

import time

from attack import child, escaped, tries

with tries():
    for _ in range(80):
        child(lambda: time.sleep(3))
    time.sleep(0.2)
    escaped("80 processes")
