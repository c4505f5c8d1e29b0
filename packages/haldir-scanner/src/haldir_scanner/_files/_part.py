"""Which entries of a folder are meant, where not all of them are."""

from functools import cached_property

from attrs import define, field


@define(frozen=True, slots=False)
class Part:
    """Part of a folder, in paths relative to it, with ``/`` between folders.

    Attributes:
        without: files and folders that are left out.
        only: files and folders that are meant, with all that is below them; None for everything.
    """

    without: frozenset[str] = frozenset()
    only: frozenset[str] | None = field(default=None)

    def takes(self, path: str) -> bool:
        """Whether the file or folder at ``path`` is meant, or something below it."""
        if path in self.without:
            return False
        if self.only is None or path in self._on_the_way:
            return True
        return not self.only.isdisjoint((path, *_folders_of(path)))

    @cached_property
    def _on_the_way(self) -> frozenset[str]:
        """The folders that lead to what is meant."""
        return frozenset(folder for path in self.only or () for folder in _folders_of(path))


EVERYTHING = Part()


def _folders_of(path: str) -> list[str]:
    names = path.split("/")
    return ["/".join(names[:count]) for count in range(1, len(names))]
