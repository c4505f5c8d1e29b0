"""What a guard between an MCP client and its server lets through: a state machine without input and output.

Lists of tools are taken out of the stream, to be judged by `haldir_core.schemapin.toolguard`; calls of tools pass if
the tool was admitted.  Whatever is not understood in the same way by every reader passes in neither direction.
"""

import unicodedata
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from haldir_core.canonical import JsonObject, JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.mcpmessages import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    REFUSED,
    Kind,
    error_answer,
    id_key,
    kind_of,
    loose_id,
    one_line,
    read_line,
    refuse_lookalikes,
    written,
)
from haldir_core.schemapin.ownlist import OwnList
from haldir_core.schemapin.tooldiff import shown
from haldir_core.schemapin.toolguard import ToolVerdict
from haldir_core.schemapin.toolpages import Page, Walks

LIST = "tools/list"
CALL = "tools/call"
MAX_TOOLS = 10_000
"""Tools of one list; also names whose fate is remembered."""

MAX_PENDING = 10_000
"""Requests that wait for an answer; the answer to an older one is dropped."""

MAX_ID_CHARACTERS = 400
"""Longest id of a request: the largest float has 309 digits."""

_GUARDED = {LIST, CALL}
_PARAMETERS = frozenset({"name"})
_RESULT = frozenset({"tools", "nextcursor"})


@define(eq=False)
class Listing:
    """An answer to ``tools/list`` that waits for verdicts.

    Attributes:
        message: the answer.
        entries: what stands in the place of tools, in order.
        following: the cursor of the next page.
        answer: what the client gets in its place; None for the message as it is.
    """

    message: JsonObject
    entries: tuple[JsonValue, ...]
    following: str | None
    page: Page = field(repr=False)
    answer: JsonObject | None = None

    @property
    def taken(self) -> frozenset[str]:
        """The names that stand on other pages of the same list."""
        return self.page.taken()


@frozen(kw_only=True)
class ToServer:
    """What follows from a line of the client.

    Attributes:
        line: what the server gets; None for nothing.
        answers: what the client gets at once.
        notes: what was refused, and why.
    """

    line: bytes | None = None
    answers: tuple[bytes, ...] = ()
    notes: tuple[str, ...] = ()


@frozen(kw_only=True)
class ToClient:
    """What follows from a line of the server.

    Attributes:
        raw: the line, in a form that every reader takes for one line; it passes if nothing is wrong with it.
        parts: its messages that may pass, and lists that wait.
        is_batch: whether the parts came as one array.
        is_whole: whether nothing was taken out.
        own: a list that the guard itself asked for; the client never sees it.
    """

    raw: bytes
    parts: tuple[JsonObject | Listing, ...] = ()
    is_batch: bool = False
    is_whole: bool = True
    own: Listing | None = None
    notes: tuple[str, ...] = ()

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The lists that wait for verdicts."""
        return (*self._listed(), *([] if self.own is None else [self.own]))

    def _listed(self) -> tuple[Listing, ...]:
        return tuple(part for part in self.parts if isinstance(part, Listing))

    def line(self) -> bytes | None:
        """Return what the client gets, once all lists are settled; None for nothing."""
        if not self.parts:
            return None
        if self.is_whole and all(listing.answer is None for listing in self._listed()):
            return self.raw
        messages = [(part.answer or part.message) if isinstance(part, Listing) else part for part in self.parts]
        return written(messages if self.is_batch else messages[0])


@define
class GuardSession:
    """One client and one server, from the first line to the last."""

    admitted: dict[str, str] = field(factory=dict)
    """The digest of each tool that may be called, by name."""
    _blocked: dict[str, str] = field(factory=dict)
    _pending: dict[str, Page | None] = field(factory=dict)
    """The page that was asked for, by the key of the id; None for other requests."""
    _walks: Walks = field(factory=Walks)
    _own: OwnList = field(factory=OwnList)

    def from_client(self, line: bytes) -> ToServer:
        """Return what follows from a line of the client."""
        try:
            value = read_line(line)
        except MalformedError as error:
            return ToServer(answers=(written(error_answer(None, PARSE_ERROR, str(error))),), notes=(str(error),))
        if not isinstance(value, list):
            return self._single(value, one_line(line))
        if not value:
            return _refused([None], [MalformedError("batch", "is empty")])
        refusals = [self._refusal(message) for message in value]
        kept = [message for message, refusal in zip(value, refusals, strict=True) if refusal is None]
        if len(kept) == len(value):
            return ToServer(line=one_line(line))
        refused = [(message, refusal) for message, refusal in zip(value, refusals, strict=True) if refusal is not None]
        said = _refused([message for message, _ in refused], [refusal for _, refusal in refused])
        return ToServer(line=written(kept) if kept else None, answers=said.answers, notes=said.notes)

    def _single(self, message: JsonValue, line: bytes) -> ToServer:
        refusal = self._refusal(message)
        if refusal is None:
            self._own.note_cancelled(message)
            return ToServer(line=line)
        if isinstance(refusal, UnlistedError) and isinstance(message, Mapping) and self._own.hold(message, line):
            return ToServer(line=None if self._own.is_asking() else self._ask(None))
        return _refused([message], [refusal])

    def _ask(self, cursor: str | None) -> bytes:
        """Return a request of our own for a page of the list of tools."""
        key, line = self._own.ask(LIST, cursor)
        self._pending[key] = self._walks.page(cursor)
        return line

    def released(self) -> tuple[ToServer, ...]:
        """Return what follows for calls that were held until the guard knew the tools; call it after each settling."""
        following = self._own.following()
        if following is not None:
            return (ToServer(line=self._ask(following)),)
        return tuple(map(self.from_client, self._own.release()))

    def from_server(self, line: bytes) -> ToClient:
        """Return what follows from a line of the server."""
        try:
            value = read_line(line)
        except MalformedError as error:
            return self._unreadable(line, error)
        messages = value if isinstance(value, list) else [value]
        parts: list[JsonObject | Listing] = []
        notes: list[str] = []
        own: Listing | None = None
        for message in messages:
            try:
                if self._own.is_answer(message):
                    own = self._own_part(message)
                else:
                    parts.append(self._part(message))
            except MalformedError as error:
                notes.append(f"dropped from the server: {error}")
                parts += self._answer_instead(message, error)
        return ToClient(
            raw=one_line(line),
            parts=tuple(parts),
            is_batch=isinstance(value, list),
            is_whole=not notes and len(parts) == len(messages),
            own=own,
            notes=tuple(notes),
        )

    def settle(self, listing: Listing, verdicts: Sequence[ToolVerdict]) -> None:
        """Keep the verdicts, one for each entry, and take out of the list what was not admitted."""
        for verdict in verdicts:
            if verdict.name is None:
                continue
            if verdict.admitted:
                self.admitted[verdict.name] = verdict.digest or ""
                self._blocked.pop(verdict.name, None)
            else:
                self.admitted.pop(verdict.name, None)
                if len(self._blocked) < MAX_TOOLS or verdict.name in self._blocked:
                    self._blocked[verdict.name] = verdict.message
        listing.page.keep(verdict.name for verdict in verdicts if verdict.name is not None)
        if listing.following is None:
            self._own.is_complete = True
        if all(verdict.admitted for verdict in verdicts):
            return
        tools = [entry for entry, verdict in zip(listing.entries, verdicts, strict=True) if verdict.admitted]
        result = listing.message["result"]
        listing.answer = {
            **listing.message,
            "result": {**(result if isinstance(result, Mapping) else {}), "tools": tools},
        }

    def waiting(self) -> int:
        """Return how many requests wait for an answer."""
        return len(self._pending)

    def _refusal(self, message: JsonValue) -> MalformedError | None:
        """Return why a message of the client must not reach the server; None if it may."""
        try:
            kind, members = kind_of(message)
            if kind is not Kind.ANSWER:
                self._check_request(kind, members)
        except MalformedError as error:
            return error
        return None

    def _check_request(self, kind: Kind, members: JsonObject) -> None:
        method, parameters = members["method"], members.get("params")
        if not isinstance(method, str):  # kind_of has looked
            raise MalformedError("request", "method must be a text")
        if method not in _GUARDED and _folded(method) in _GUARDED:
            raise MalformedError("request", f"the method {method[:40]!r} could be read as {_folded(method)!r}")
        if method == CALL:
            self._check_call(parameters)
        if kind is Kind.REQUEST:
            self._expect(members["id"], self._page(parameters) if method == LIST else None)

    def _check_call(self, parameters: JsonValue) -> None:
        if not isinstance(parameters, Mapping):
            raise MalformedError(CALL, "params must be an object")
        refuse_lookalikes(parameters, _PARAMETERS)
        name = parameters.get("name")
        if not isinstance(name, str):
            raise MalformedError(CALL, "the name of the tool must be a text")
        if name in self.admitted:
            return
        why = self._blocked.get(name)
        if why is None:
            raise UnlistedError(name, "tools/list has not shown it in this session: list the tools first")
        raise BlockedError(name, why)

    def _page(self, parameters: JsonValue) -> Page:
        cursor = parameters.get("cursor") if isinstance(parameters, Mapping) else None
        if cursor is not None and not isinstance(cursor, str):
            raise MalformedError(LIST, "the cursor must be a text")
        return self._walks.page(cursor)

    def _expect(self, identifier: JsonValue, page: Page | None) -> None:
        key = id_key(identifier)
        if key is None or len(key) > MAX_ID_CHARACTERS:
            raise MalformedError("request", "the id must be a number or a short text")
        if key in self._pending:
            raise MalformedError("request", f"another request with the id {key[:40]!r} waits for its answer")
        if len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[key] = page

    def _part(self, message: JsonValue) -> JsonObject | Listing:
        """Return what may pass of a message of the server.

        Raises: MalformedError if nothing may.
        """
        kind, members = kind_of(message)
        if kind is not Kind.ANSWER:
            self._own.note_changed(members)
            return members
        identifier = members.get("id")
        if identifier is None and "error" in members:
            return members  # JSON-RPC 2.0, 5: the server could not read the id
        key = id_key(identifier)
        if key is None or key not in self._pending:
            raise MalformedError("answer", f"nobody asked for it (id {str(identifier)[:40]!r})")
        page = self._pending[key]
        part: JsonObject | Listing = members
        if page is not None and "result" in members:
            part = self._listing(members, page)
        del self._pending[key]
        return part

    def _own_part(self, message: JsonValue) -> Listing | None:
        """Return the list that was asked for by the guard; None if the server has none for it.

        Raises: MalformedError if it cannot be read.
        """
        asked = self._own.end()
        try:
            part = self._part(message)
        finally:
            self._pending.pop(asked, None)
        if isinstance(part, Listing):
            self._own.then(part.following)
            return part
        return None

    def _listing(self, message: JsonObject, page: Page) -> Listing:
        result = message["result"]
        if not isinstance(result, Mapping):
            raise MalformedError(LIST, "the result must be an object")
        for key in result:
            if key not in {"tools", "nextCursor"} and key.casefold() in _RESULT:
                raise MalformedError(LIST, f"the key {key[:40]!r} could be read as another")
        tools, cursor = result.get("tools"), result.get("nextCursor")
        if not isinstance(tools, list) or (cursor is not None and not isinstance(cursor, str)):
            raise MalformedError(LIST, "the result must have a list of tools, and a text as nextCursor or none")
        if len(tools) > MAX_TOOLS:
            raise MalformedError(LIST, f"has more than {MAX_TOOLS} tools")
        self._walks.follow(page, cursor, len(tools), MAX_TOOLS)
        return Listing(message, tuple(tools), cursor, page)

    def _unreadable(self, line: bytes, error: MalformedError) -> ToClient:
        note = f"dropped from the server: {error}: {shown(line[:80].decode('utf-8', 'replace').strip())}"
        seeming: JsonObject = {"id": loose_id(line), "result": None}
        if self._own.is_answer(seeming):
            self._pending.pop(self._own.end(), None)
        answers = self._answer_instead(seeming, error)
        return ToClient(raw=b"", parts=tuple(answers), is_whole=False, notes=(note,))

    def _answer_instead(self, message: JsonValue, error: MalformedError) -> list[JsonObject]:
        """Return what a client gets that would wait for ever: an error for what seems to be the answer to it."""
        if not isinstance(message, Mapping) or "method" in message:
            return []
        key = id_key(message.get("id"))
        if key is None or key not in self._pending:
            return []
        del self._pending[key]
        text = f"Haldir refused the answer of the server: {error}"
        return [error_answer(message.get("id"), REFUSED, text)]


class BlockedError(MalformedError):
    """A tool was called that is not admitted."""

    def __init__(self, tool: str, why: str) -> None:
        """Say that ``tool`` is not admitted because of ``why``."""
        super().__init__(f"the tool {shown(tool[:100])!r} is blocked", why)
        self.tool = tool


class UnlistedError(BlockedError):
    """A tool was called that no list has shown yet."""


def _folded(method: str) -> str:
    """Return what a careless reader might take a method for."""
    return unicodedata.normalize("NFKC", method).strip().strip("/\x00").casefold()


def _refused(messages: Sequence[JsonValue], errors: Sequence[MalformedError]) -> ToServer:
    """Return the answers for messages that must not pass; notifications and answers get none."""
    answers: list[bytes] = []
    for message, error in zip(messages, errors, strict=True):
        if isinstance(message, Mapping) and "method" in message and "id" not in message:
            continue
        identifier = message.get("id") if isinstance(message, Mapping) else None
        answers.append(written(_explained(identifier if id_key(identifier) else None, error)))
    return ToServer(answers=tuple(answers), notes=tuple(f"refused to the client: {error}" for error in errors))


def _explained(identifier: JsonValue, error: MalformedError) -> JsonObject:
    if isinstance(error, BlockedError):
        remedy = "a person can look at it and let it in: haldir schemapin guarded"
        data: JsonObject = {"tool": error.tool, "reason": error.reason, "remedy": remedy}
        return error_answer(identifier, REFUSED, f"Haldir: {error} ({remedy})", data)
    code = INVALID_PARAMS if error.document in {CALL, LIST} else INVALID_REQUEST
    return error_answer(identifier, code, f"Haldir: {error}")
