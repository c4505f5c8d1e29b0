"""A map of the kernel's own machine is made."""

import struct

from attack import buffer, escaped, syscall, tries

BPF_MAP_CREATE, BPF_MAP_TYPE_ARRAY = 0, 2

with tries():
    syscall("bpf", BPF_MAP_CREATE, buffer(struct.pack("IIII", BPF_MAP_TYPE_ARRAY, 4, 4, 1), 120), 120)
    escaped("made")
