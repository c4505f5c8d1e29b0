"""Hosts beside what a skill declares of them."""


def is_declared(host: str, declared: frozenset[str]) -> bool:
    """Whether one of the entries allows ``host``: the host itself, ``*.host`` for all below it, or ``*``."""
    entries = frozenset(map(_entry, declared))
    if "*" in entries or host in entries:
        return True
    labels = host.split(".")
    return any("*." + ".".join(labels[place:]) in entries for place in range(1, len(labels)))


def _entry(entry: str) -> str:
    host = entry.lower().rpartition("://")[2].partition("/")[0].rstrip(".")
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and host.count(":") == 1 else host
