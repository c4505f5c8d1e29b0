"""It opens, lists and asks for thousands of files of its own."""

import os

for _ in range(1000):
    os.stat("SKILL.md")
    os.close(os.open("data/good.txt", os.O_RDONLY))
    assert not os.path.exists("data/none")
print("DONE")
