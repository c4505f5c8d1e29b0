"""It prints words that frighten, and does nothing."""

import sys

print("EACCES EPERM Operation not permitted ERR_ACCESS_DENIED violation: fs.read", flush=True)
print("fetch( child_process subprocess.run( /etc/shadow 169.254.169.254", file=sys.stderr, flush=True)
print('{"violations": [{"action": "fs.read", "decision": "deny"}]}')
print("DONE")
