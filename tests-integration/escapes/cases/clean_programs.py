"""It starts the programs that it declares, by name and by path."""

import subprocess

assert subprocess.run(["true"], check=True).returncode == 0
assert subprocess.run(["/bin/cat", "data/good.txt"], capture_output=True, check=True).stdout == b"good\n"
assert subprocess.run(["sh", "-c", "cat <data/good.txt | cat"], capture_output=True, check=True).stdout == b"good\n"
print("DONE")
