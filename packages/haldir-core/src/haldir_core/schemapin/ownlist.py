"""Lists that a guard asks for itself, because a client calls tools that it has not listed."""

from collections.abc import Mapping

from attrs import define, field

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.schemapin.mcpmessages import id_key, written

MAX_HELD = 1000
"""Calls that wait for the list."""

MAX_HELD_BYTES = 16 * 1024 * 1024
"""The same in bytes; a single call may be longer."""

_CHANGED = "notifications/tools/list_changed"
_CANCELLED = "notifications/cancelled"
_META = "_meta"
_NOT_OURS = "progressToken"


@define
class OwnList:
    """The calls that are held, and how far the list is.

    Attributes:
        is_complete: whether every page was seen since the server said last that its tools have changed.
    """

    is_complete: bool = False
    _held: list[tuple[str, bytes]] = field(factory=list)
    _bytes: int = 0
    _meta: JsonObject = field(factory=dict)
    _number: int = 0
    _asked: str | None = None
    _following: str | None = None

    def hold(self, call: Mapping[str, JsonValue], line: bytes) -> bool:
        """Whether a call is held; not if the list is known, somebody expects no answer, or too much is held already."""
        key = id_key(call.get("id"))
        is_full = len(self._held) >= MAX_HELD or (self._held and self._bytes + len(line) > MAX_HELD_BYTES)
        is_known = self.is_complete and not self.is_asking()
        if is_known or key is None or is_full:
            return False
        self._held.append((key, line))
        self._bytes += len(line)
        parameters = call.get("params")
        meta = parameters.get(_META) if isinstance(parameters, Mapping) else None
        if isinstance(meta, Mapping):  # since 2026-07-28 every request says version and capabilities there
            self._meta = {name: value for name, value in meta.items() if name != _NOT_OURS}
        return True

    def is_asking(self) -> bool:
        """Whether an answer to a request of ours is waited for, or the next request follows."""
        return self._asked is not None or self._following is not None

    def ask(self, method: str, cursor: str | None) -> tuple[str, bytes]:
        """Return the key and the line of a request for a page."""
        self._number += 1
        self._following = None
        self._asked = f"haldir-guard-{self._number}"
        parameters: JsonObject = {} if cursor is None else {"cursor": cursor}
        if self._meta:
            parameters[_META] = self._meta
        return self._asked, written({"jsonrpc": "2.0", "id": self._asked, "method": method, "params": parameters})

    def is_answer(self, message: JsonValue) -> bool:
        """Whether a message looks like the answer to our request."""
        if self._asked is None or not isinstance(message, Mapping) or "method" in message:
            return False
        return id_key(message.get("id")) == self._asked

    def end(self) -> str:
        """Return the key of our request, which is over; if there is no next one, no call is held any longer."""
        asked, self._asked = self._asked, None
        self.is_complete = True
        return asked or ""

    def then(self, following: str | None) -> None:
        """Note the cursor of the next page."""
        self._following = following

    def following(self) -> str | None:
        """Return the cursor of the page that is to be asked for next."""
        return self._following

    def release(self) -> tuple[bytes, ...]:
        """Return the calls that were held, once the list is known or cannot be had."""
        if self.is_asking() or not self.is_complete:
            return ()
        held, self._held, self._bytes = self._held, [], 0
        return tuple(line for _, line in held)

    def note_changed(self, message: Mapping[str, JsonValue]) -> None:
        """Note that the server says that its tools have changed."""
        if message.get("method") == _CHANGED and not self.is_asking():
            self.is_complete = False

    def note_cancelled(self, message: JsonValue) -> None:
        """Forget a held call that the client takes back."""
        if not self._held or not isinstance(message, Mapping) or message.get("method") != _CANCELLED:
            return
        parameters = message.get("params")
        key = id_key(parameters.get("requestId")) if isinstance(parameters, Mapping) else None
        self._held = [held for held in self._held if held[0] != key]
