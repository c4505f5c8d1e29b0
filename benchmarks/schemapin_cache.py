"""SchemaPin: a warm result of the client against verifying again, in one process.

Seconds are those of the clock on the wall, for a thousand schemas of 2.3 kB.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Row

from haldir_core.canonical import JsonObject
from haldir_core.schemapin import Discovery, Domain, PrivateKey, sign_schema
from haldir_sdk.schemapin import Client, PinStore, Resolved, SchemaCache

THOUSAND = 1_000
REPEATS = 5
LIMIT = 1 / 20
"""A warm hit takes a twentieth of a verification, or less."""


class _Here:
    """A resolver that has its answer already: what is measured is the verification, not a network."""

    def __init__(self, discovery: Discovery) -> None:
        self._found = Resolved(discovery=discovery)

    async def resolve(self, _: Domain) -> Resolved | None:
        return self._found


def rows() -> Iterator[Row]:
    """Yield the one row."""
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        yield asyncio.run(_row(Path(folder) / "state" / "pins.db"))


async def _row(store: Path) -> Row:
    key, value = PrivateKey.generate(), _schema()
    data, signature = json.dumps(value, indent=2).encode(), sign_schema(value, key)
    resolver = _Here(Discovery(public_key_pem=key.public_key.to_pem().decode(), schema_version="1.4"))
    with PinStore(store) as pins:
        cold, warm = Client(pins, resolver), Client(pins, resolver, cache=SchemaCache())
        for _ in range(3):  # the first one pins, the second one is kept
            await warm.verify_schema(data, signature, domain="tools.example", tool_id="bench")
        seconds = [
            (await _seconds(cold, data, signature), await _seconds(warm, data, signature)) for _ in range(REPEATS)
        ]
    return Row(
        "a warm result, against verifying again", min(one for one, _ in seconds), min(two for _, two in seconds), LIMIT
    )


def _schema() -> JsonObject:
    """Return a schema of the size that tools have."""
    argument: JsonObject = {"type": "string", "description": "What this argument is good for", "enum": ["a", "b"]}
    return {"name": "bench", "inputSchema": {"type": "object", "properties": {f"a{n}": argument for n in range(20)}}}


async def _seconds(client: Client, data: bytes, signature: str) -> float:
    begin = time.perf_counter()
    for _ in range(THOUSAND):
        result = await client.verify_schema(data, signature, domain="tools.example", tool_id="bench")
        if not result.valid:
            raise SystemExit(f"not valid: {result.error_message}")
    return time.perf_counter() - begin


if __name__ == "__main__":
    for row in rows():
        print(row.as_text())
