"""The graph of a lock file: how far each package is from what the project asks for."""

from collections.abc import Container, Iterable, Mapping


def depths(needs: Mapping[str, Iterable[str]], roots: Iterable[str]) -> dict[str, int]:
    """Return the length of the shortest way to each package that can be reached, 1 for the roots.

    Keys that ``needs`` does not have are left out; cycles do no harm.
    """
    found: dict[str, int] = {}
    level = [key for key in dict.fromkeys(roots) if key in needs]
    depth = 1
    while level:
        found.update((key, depth) for key in level)
        below = dict.fromkeys(need for key in level for need in needs[key])
        level = [key for key in below if key in needs and key not in found]
        depth += 1
    return found


def without(needs: Mapping[str, Iterable[str]], keys: Container[str]) -> dict[str, Iterable[str]]:
    """Return the graph without some of its packages: those that are the project itself."""
    return {key: below for key, below in needs.items() if key not in keys}


def tops(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the keys that nothing else needs: the roots, where the format does not name them."""
    needed = {need for key, below in needs.items() for need in below if need != key}
    return [key for key in needs if key not in needed]
