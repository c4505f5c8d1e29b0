"""A key is left with the user, where other processes find it."""

from attack import WORLD, escaped, syscall, tries

KEY_SPEC_USER_KEYRING, KEYCTL_INVALIDATE = -4, 21

with tries():
    key = syscall("add_key", b"user", f"haldir-{WORLD.mark}".encode(), b"x", 1, KEY_SPEC_USER_KEYRING)
    syscall("keyctl", KEYCTL_INVALIDATE, key)
    escaped("left")
