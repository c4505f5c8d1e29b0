"""SchemaPin for programs: discovery, pins on disk, revocations, a cache, ready-made handlers.

Quick start::

    import asyncio
    from pathlib import Path
    from haldir_sdk.schemapin import Client, Fetcher, PinStore, WellKnownResolver

    async def main(schema: bytes, signature: str) -> None:
        with PinStore(Path("pins.db")) as pins:
            client = Client(pins, WellKnownResolver(Fetcher()))
            result = await client.verify_schema(schema, signature, domain="example.com", tool_id="weather")
            print(result.valid, result.error_code, result.key_pinning)

    asyncio.run(main(Path("schema.json").read_bytes(), "MEUCIQ..."))
"""

import importlib
import typing

if typing.TYPE_CHECKING:
    from haldir_sdk.schemapin._database import DatabaseError
    from haldir_sdk.schemapin.client import Client, DnsCheck
    from haldir_sdk.schemapin.dns import fetch_record
    from haldir_sdk.schemapin.errors import FetchError, NotThereError, ResolveError
    from haldir_sdk.schemapin.exchange import fetch_bundle
    from haldir_sdk.schemapin.fetching import Fetcher, FetchLimits
    from haldir_sdk.schemapin.pinformats import PinFormat, PinSet, read_pins, write_pins
    from haldir_sdk.schemapin.pinstore import PinStore
    from haldir_sdk.schemapin.prompts import ConsolePrompt, terminal_prompt
    from haldir_sdk.schemapin.resolvers import (
        BundleResolver,
        ChainResolver,
        FolderResolver,
        Resolved,
        Resolver,
        WellKnownResolver,
        open_bundle,
    )
    from haldir_sdk.schemapin.schemacache import CacheLimits, ResultCache, SchemaCache, SharedSchemaCache

__all__ = [
    "BundleResolver",
    "CacheLimits",
    "ChainResolver",
    "Client",
    "ConsolePrompt",
    "DatabaseError",
    "DnsCheck",
    "FetchError",
    "FetchLimits",
    "Fetcher",
    "FolderResolver",
    "NotThereError",
    "PinFormat",
    "PinSet",
    "PinStore",
    "ResolveError",
    "Resolved",
    "Resolver",
    "ResultCache",
    "SchemaCache",
    "SharedSchemaCache",
    "WellKnownResolver",
    "fetch_bundle",
    "fetch_record",
    "open_bundle",
    "read_pins",
    "terminal_prompt",
    "write_pins",
]

# aiohttp alone takes 100 ms to load: what is not used is not loaded.
_HOMES = {
    "_database": ("DatabaseError",),
    "client": ("Client", "DnsCheck"),
    "dns": ("fetch_record",),
    "errors": ("FetchError", "NotThereError", "ResolveError"),
    "exchange": ("fetch_bundle",),
    "fetching": ("Fetcher", "FetchLimits"),
    "pinformats": ("PinFormat", "PinSet", "read_pins", "write_pins"),
    "pinstore": ("PinStore",),
    "prompts": ("ConsolePrompt", "terminal_prompt"),
    "resolvers": (
        "BundleResolver",
        "ChainResolver",
        "FolderResolver",
        "Resolved",
        "Resolver",
        "WellKnownResolver",
        "open_bundle",
    ),
    "schemacache": ("CacheLimits", "ResultCache", "SchemaCache", "SharedSchemaCache"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    return value
