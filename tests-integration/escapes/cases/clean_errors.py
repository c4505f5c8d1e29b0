"""It closes its standard error and fails."""

import os

print("DONE", flush=True)
os.close(2)
os._exit(3)
