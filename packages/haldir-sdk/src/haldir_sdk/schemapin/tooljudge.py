"""Judges lists of tools with what is stored: verify first, ask if need be, pin last."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import attrs

from haldir_core.canonical import JsonValue
from haldir_core.schemapin.toolguard import GuardPolicy, ToolVerdict, approve
from haldir_core.schemapin.toollist import Known, judge_list, offered, read_entries
from haldir_sdk.schemapin._database import DatabaseError
from haldir_sdk.schemapin.client import utc_now
from haldir_sdk.schemapin.toolpins import ToolPinStore
from haldir_sdk.schemapin.toolsignatures import ChecksTools, NoSignatures

TRIES = 3
"""How often a list is judged anew because pins changed between reading and writing."""

Ask = Callable[[ToolVerdict], Awaitable[bool]]
"""Asks a person about a changed tool; true is yes."""


async def answer_no(verdict: ToolVerdict) -> bool:
    """Answer for a person who is not there."""
    del verdict
    return False


class ToolJudge:
    """Judges the lists of one server."""

    def __init__(
        self,
        server: str,
        store: ToolPinStore,
        *,
        policy: GuardPolicy | None = None,
        signatures: ChecksTools | None = None,
        ask: Ask = answer_no,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Judge with the pins that ``store`` has for ``server``, a name that the caller chose."""
        self.server = server
        self._store = store
        self._policy = policy or GuardPolicy()
        self._signatures = signatures or NoSignatures()
        self._ask = ask
        self._clock = clock
        self._refused: set[tuple[str | None, str | None]] = set()

    async def judge(
        self, entries: Sequence[JsonValue], *, admitted: frozenset[str], taken: frozenset[str]
    ) -> tuple[ToolVerdict, ...]:
        """Return a verdict for each entry of a list; what they pin is on the disk then.

        Raises: DatabaseError if the store cannot be used, or its pins change again and again.
        """
        read = await asyncio.to_thread(read_entries, entries)
        tools = offered(read)
        checks = await self._signatures.check(tools)
        names = [tool.name for tool in tools]
        for _ in range(TRIES):
            pins = await asyncio.to_thread(self._store.pins, self.server, names)
            known = await asyncio.to_thread(self._store.names, self.server)
            basis = Known(pins=pins, pinned=len(known), admitted=known | admitted, taken=taken, checks=checks)
            verdicts = await self._asked(await asyncio.to_thread(judge_list, read, basis, self._policy))
            if await asyncio.to_thread(self._store.commit, self.server, verdicts, pins, self._clock()):
                return verdicts
        raise DatabaseError(f"the pins of {self.server} change again and again: is another guard at work?")

    async def _asked(self, verdicts: Sequence[ToolVerdict]) -> tuple[ToolVerdict, ...]:
        """Return the verdicts after a person was asked about those that ask; a no holds for the session."""
        return tuple([await self._answered(verdict) if verdict.asks else verdict for verdict in verdicts])

    async def _answered(self, verdict: ToolVerdict) -> ToolVerdict:
        key = (verdict.name, verdict.digest)
        if key not in self._refused and await self._ask(verdict):
            return approve(verdict)
        self._refused.add(key)
        return attrs.evolve(verdict, asks=False)
