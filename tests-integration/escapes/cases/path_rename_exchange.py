"""A file of its own and a file outside change places."""

from attack import AT_FDCWD, WORLD, escaped, syscall, tries

RENAME_EXCHANGE = 2

with tries():
    mine = WORLD.granted + "/mine"
    with open(mine, "w", encoding="utf-8") as file:
        file.write("x")
    syscall("renameat2", AT_FDCWD, mine.encode(), AT_FDCWD, WORLD.victim.encode(), RENAME_EXCHANGE)
    escaped("exchanged")
