"""It reads its own files and writes where it may."""

import os

from attack import WORLD, read

for folder in ("out", WORLD.granted):
    with open(folder + "/new", "w", encoding="utf-8") as file:
        file.write("text\n")
    os.rename(folder + "/new", folder + "/newer")
    os.mkdir(folder + "/folder")
    os.chmod(folder + "/newer", 0o600)
    os.utime(folder + "/newer")
    os.symlink("newer", folder + "/link")
    os.truncate(folder + "/link", 2)
    assert read(folder + "/newer") == b"te"
    os.unlink(folder + "/newer")
    os.unlink(folder + "/link")
    os.rmdir(folder + "/folder")
print(sorted(os.listdir(WORLD.granted)))
print("DONE")
