"""It uses what the hostile cases are made of, for nothing forbidden."""

import os
import time

from attack import AT_FDCWD, Shared, child, read, spoken, syscall

words = Shared(b"data/good.txt", b"SKILL.md")
words.flip()
os.close(syscall("openat", AT_FDCWD, words.address, os.O_RDONLY, 0))
os.waitpid(child(lambda: time.sleep(0.01)), 0)
print(spoken(lambda: os.write(1, b"heard")), read("data/good.txt"))
print("DONE")
