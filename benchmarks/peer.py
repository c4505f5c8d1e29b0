"""Sign one folder with schemapin in this process, in the peer's environment; print the CPU seconds."""

import sys
import time

from schemapin.crypto import KeyManager  # type: ignore[import-not-found] # installed apart
from schemapin.skill import SkillSigner  # type: ignore[import-not-found] # installed apart

key, _ = KeyManager.generate_keypair()
pem = KeyManager.export_private_key_pem(key)
started = time.process_time()
SkillSigner.sign_skill(sys.argv[1], pem, "peer.example")
print(time.process_time() - started)
