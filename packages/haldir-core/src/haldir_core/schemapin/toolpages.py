"""The pages of lists of tools: which belong together, and whether they ever end."""

from collections.abc import Iterable

from attrs import define, field

from haldir_core.errors import MalformedError

MAX_PAGES = 1000
"""Pages of one list."""

MAX_CURSORS = 10_000
"""Cursors whose list is remembered; a page behind an older one begins a list of its own."""

_LIST = "tools/list"


@define(eq=False)
class _Walk:
    """One list from its first page on.

    Attributes:
        names: what stands on each page, by its cursor.
        following: the cursor that each page names.
    """

    names: dict[str | None, frozenset[str]] = field(factory=dict)
    following: dict[str | None, str | None] = field(factory=dict)


@define(eq=False)
class Page:
    """One page that was asked for."""

    cursor: str | None
    _walk: _Walk

    def keep(self, names: Iterable[str]) -> None:
        """Remember what stands on this page; a page that is read again counts once."""
        self._walk.names[self.cursor] = frozenset(names)

    def taken(self) -> frozenset[str]:
        """Return the names that stand on the other pages of the same list."""
        return frozenset().union(*(names for cursor, names in self._walk.names.items() if cursor != self.cursor))

    def follow(self, following: str | None) -> _Walk:
        """Return the list, after the page said which one follows it.

        Raises: MalformedError if that leads back to this page, or the list has too many pages.
        """
        walk = self._walk
        if self.cursor not in walk.following and len(walk.following) >= MAX_PAGES:
            raise MalformedError(_LIST, f"has more than {MAX_PAGES} pages")
        walk.following[self.cursor] = following
        step = following
        for _ in range(MAX_PAGES + 1):
            if step is None:
                return walk
            if step == self.cursor:
                break
            step = walk.following.get(step)
        raise MalformedError(_LIST, "its cursors lead round in a circle")


@define
class Walks:
    """The lists of one session, by the cursors that were given out for them."""

    _by_cursor: dict[str, _Walk] = field(factory=dict)

    def page(self, cursor: str | None) -> Page:
        """Return the page behind a cursor; None is the first of a new list."""
        return Page(cursor, _Walk() if cursor is None else self._by_cursor.get(cursor) or _Walk())

    def follow(self, page: Page, following: str | None, count: int, most: int) -> None:
        """Note that ``page`` came with ``count`` tools, and the cursor ``following``.

        Raises: MalformedError if the list does not end, or has more than ``most`` tools.
        """
        if len(page.taken()) + count > most:
            raise MalformedError(_LIST, f"has more than {most} tools")
        walk = page.follow(following)
        if following is not None:
            self._by_cursor.pop(following, None)
            self._by_cursor[following] = walk
            if len(self._by_cursor) > MAX_CURSORS:
                del self._by_cursor[next(iter(self._by_cursor))]
