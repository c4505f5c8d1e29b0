"""It reads what fits its glob, by a path with dots in it."""

from attack import WORLD, read

print(read(WORLD.granted + "/inner/../plain.txt"), read(WORLD.granted + "/plain.txt"))
print("DONE")
