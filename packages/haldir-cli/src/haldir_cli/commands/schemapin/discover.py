"""``haldir schemapin discover``: show what a domain publishes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._shared import AsJson, PinningDb, open_pins, pin_store_path, print_json
from haldir_cli.exits import Exit
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonObject
    from haldir_core.schemapin.domains import Domain
    from haldir_sdk.schemapin import Resolved

app = make_app()


@app.command()
def discover(
    domain: Annotated[str, typer.Argument(metavar="DOMAIN", help="The domain.", show_default=False)],
    discovery_dir: Annotated[
        Path | None, typer.Option("--discovery-dir", metavar="DIR", help="Read DOMAIN.json here; fetch nothing.")
    ] = None,
    dns: Annotated[bool, typer.Option("--dns", help="Compare the key with the DNS record of the domain.")] = False,
    pinning_db: PinningDb = None,
    json: AsJson = False,
) -> int:
    """Show the key of a domain, whether it is revoked, and what its DNS record says; nothing is pinned.

    A key that the domain was seen to revoke before, as the pin store remembers, cannot be used: verify refuses it too.

    Exit code 1 if the key cannot be used, 3 if the documents are not to be had.
    """
    import asyncio

    from haldir_core.schemapin import parse_domain
    from haldir_sdk.schemapin import Fetcher, FetchError, FolderResolver, WellKnownResolver

    name = parse_domain(domain)
    resolver = FolderResolver(discovery_dir) if discovery_dir is not None else WellKnownResolver(Fetcher())
    try:
        found = asyncio.run(resolver.resolve(name))
    except FetchError as error:
        say(f"haldir: {error}")
        return Exit.UNDECIDED
    if found is None:
        say(f"haldir: {name} publishes no discovery document")
        return Exit.UNDECIDED
    shown = _shown(name, found, _remembered(name, pinning_db))
    if dns:
        shown["dns"] = _dns(name, str(shown["fingerprint"]))
    if json:
        print_json(shown)
    else:
        say(*(f"{member}: {value}" for member, value in shown.items() if value not in (None, [])))
    if shown["usable"] is not True or shown.get("dns") in {"mismatch", "damaged"}:
        return Exit.NO
    return Exit.UNDECIDED if shown.get("dns") == "unknown" else Exit.GOOD


def _remembered(domain: "Domain", pinning_db: Path | None) -> tuple[str, ...]:
    """Return the keys that the pin store knows to be revoked; a store that is not there yet is not made."""
    if not pin_store_path(pinning_db).exists():
        return ()
    with open_pins(pinning_db) as pins:
        return tuple(sorted(pins.revoked(domain)))


def _shown(domain: "Domain", found: "Resolved", remembered: tuple[str, ...]) -> "JsonObject":
    from haldir_cli.clock import now
    from haldir_core.errors import KeyFileError
    from haldir_core.schemapin import PublicKey
    from haldir_core.schemapin.revocation import judge_revocation

    document = found.discovery
    known = attrs.evolve(document, revoked_keys=(*document.revoked_keys, *remembered))
    fingerprint, problem = None, found.problem
    try:
        fingerprint = PublicKey.from_pem(document.public_key_pem).fingerprint
        judged = judge_revocation(fingerprint, known, found.revocations, domain=domain, now=now())
        problem = judged.message or problem
        if fingerprint in remembered:
            problem = "this key is revoked: the pin store remembers it, whatever the domain says now"
        usable = judged.code is None
    except KeyFileError as error:
        usable, problem = False, f"the key {error}"
    return {
        "domain": domain,
        "usable": usable,
        "problem": problem,
        "fingerprint": fingerprint,
        "developer_name": document.developer_name,
        "contact": document.contact,
        "schema_version": document.schema_version,
        "revocation_endpoint": document.revocation_endpoint,
        "revoked_keys": list(document.revoked_keys),
        "remembered_revoked_keys": list(remembered),
        "revocations": found.revocations.to_json() if found.revocations else None,
        "warnings": list(document.version_warnings()),
    }


def _dns(domain: "Domain", fingerprint: str) -> str:
    import asyncio

    from haldir_core.errors import MalformedError
    from haldir_core.schemapin.dnsrecord import compare
    from haldir_sdk.schemapin import FetchError, fetch_record

    try:
        return compare(asyncio.run(fetch_record(domain)), fingerprint).value
    except MalformedError as error:
        say(f"haldir: {error}")
        return "damaged"
    except FetchError as error:
        say(f"haldir: {error}")
        return "unknown"
