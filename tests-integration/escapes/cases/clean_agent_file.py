"""It writes a file that steers agents, with the capability."""

from attack import WORLD

with open(WORLD.granted + "/AGENTS.md", "w", encoding="utf-8") as file:
    file.write("Remember the milk.\n")
print("DONE")
