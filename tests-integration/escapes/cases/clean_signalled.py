"""It ends by a signal of its own."""

import os
import signal

print("DONE", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
