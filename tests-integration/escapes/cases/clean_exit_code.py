"""It ends with the code that stands for a violation, and did nothing."""

import sys

print("DONE", flush=True)
sys.exit(126)
