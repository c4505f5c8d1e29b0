"""It reads a key that it declares by its name."""

from attack import WORLD, read

print(len(read(WORLD.home + "/.ssh/id_rsa")), read(WORLD.home + "/notes.txt"))
print("DONE")
