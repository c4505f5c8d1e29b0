"""``haldir trust``: keep the keys and identities that you trust."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.options import TrustStoreFile
from haldir_cli.show import printable, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from haldir_core import TrustStore

app = make_app(help="Keep the keys and identities that you trust.")

KeyFile = Annotated[Path | None, typer.Option("--key", metavar="FILE", help="A public key.")]
Identity = Annotated[
    str | None,
    typer.Option(metavar="ISSUER=SUBJECT", help="A Sigstore identity (counts once keyless verification exists)."),
]


class Role(StrEnum):
    """The key roles of haldir_core, by name; importing them here would slow every start."""

    PUBLISHER = "publisher"
    AUTHORITY = "authority"
    REVOCATION = "revocation"


class EnvironmentName(StrEnum):
    """The environments of haldir_core, by name."""

    PRODUCTION = "production"
    STAGING = "staging"


@app.command()
def add(
    key: KeyFile = None,
    identity: Identity = None,
    role: Annotated[Role, typer.Option(help="What it is trusted for.")] = Role.PUBLISHER,
    environment: Annotated[
        EnvironmentName, typer.Option(help="Where it counts; a production store refuses staging keys.")
    ] = EnvironmentName.PRODUCTION,
    trust_store: TrustStoreFile = None,
) -> None:
    """Trust a key or an identity in one role; call it again for another role."""
    from haldir_cli.clock import now
    from haldir_core import Environment, KeyRole, Timestamp, load_public_key
    from haldir_core.trust import StoredIdentity, StoredKey

    place, as_role, moment = Environment(environment.value), KeyRole(role.value), Timestamp.at(now())
    entry: StoredKey | StoredIdentity
    if _one_of(key, identity) == "key" and key is not None:
        loaded = load_public_key(key)
        entry = StoredKey.of(loaded, as_role, place, added_at=moment, note=key.name)
        shown = f"key {loaded.keyid}"
    else:
        issuer, subject = _split_identity(identity or "")
        entry = StoredIdentity(issuer=issuer, subject=subject, role=as_role, environment=place, added_at=moment)
        shown = f"identity {identity}"
    path = _change(trust_store, lambda store: store.add(entry), new_environment=place.value)
    say(f"Trusted as {role.value}: {shown} ({path})")


@app.command("list")
def list_(
    json: Annotated[bool, typer.Option("--json", help="Print the store as JSON.")] = False,
    trust_store: TrustStoreFile = None,
) -> None:
    """List what is trusted, and for what."""
    from haldir_cli.show import json_text
    from haldir_cli.trusted import read_store

    store = read_store(trust_store)
    if json:
        typer.echo(json_text(store.to_json()))
        return
    if not store.keys and not store.identities:
        say("Nothing is trusted yet: haldir trust add --key FILE --role publisher")
    for stored in store.keys:
        row = f"{stored.role:<11} {stored.key.keyid}  {stored.environment}  {stored.added_at.text}  {stored.note}"
        typer.echo(printable(row))
    for known in store.identities:
        row = f"{known.role:<11} {known.issuer}={known.subject}  {known.environment}  {known.added_at.text}"
        typer.echo(printable(row))


@app.command()
def remove(
    keyid: Annotated[str | None, typer.Argument(metavar="KEYID", help="The id of the key, as list shows it.")] = None,
    key: KeyFile = None,
    identity: Identity = None,
    trust_store: TrustStoreFile = None,
) -> None:
    """Trust a key or an identity no longer, in any role."""
    from haldir_core import load_public_key

    if keyid is not None and (key is not None or identity is not None):
        raise typer.BadParameter("give KEYID, --key FILE or --identity ISSUER=SUBJECT: one of them")
    if keyid is None and _one_of(key, identity) == "identity":
        issuer, subject = _split_identity(identity or "")
        path = _change(trust_store, lambda store: store.remove_identity(issuer, subject))
        say(f"No longer trusted: identity {identity} ({path})")
        return
    gone = keyid or str(load_public_key(key or Path()).keyid)
    path = _change(trust_store, lambda store: store.remove_key(gone))
    say(f"No longer trusted: key {gone} ({path})")


def _one_of(key: Path | None, identity: str | None) -> str:
    """Return which of the two options was given."""
    if (key is None) == (identity is None):
        raise typer.BadParameter("give --key FILE or --identity ISSUER=SUBJECT: one of them")
    return "identity" if key is None else "key"


def _split_identity(text: str) -> tuple[str, str]:
    issuer, _, subject = text.partition("=")
    if not issuer or not subject:
        raise typer.BadParameter(f"must be ISSUER=SUBJECT, got {text!r}", param_hint="--identity")
    return issuer, subject


def _change(
    named: Path | None, change: "Callable[[TrustStore], TrustStore]", *, new_environment: str = "production"
) -> Path:
    """Apply ``change`` to the store in one step among processes, and return its path."""
    from haldir_cli.files import locked, make_private_folder, refuse_link, replace_file
    from haldir_cli.home import trust_store_path
    from haldir_cli.trusted import read_store
    from haldir_core import Environment, TrustStore

    path = named or trust_store_path()
    if named is None:
        make_private_folder(path.parent)
        refuse_link(path)
        read_store(None)  # what would be refused on reading is not extended
    with locked(path) as real:
        empty = TrustStore(environment=Environment(new_environment))
        store = read_store(named) if real.exists() else empty
        replace_file(real, change(store).to_bytes(), mode=0o600)
    return path
