"""``haldir schemapin bundle``: make, sign, verify and merge trust bundles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._shared import (
    AsJson,
    ExpiresIn,
    Pinning,
    PinningDb,
    SigningKeyFile,
    batch_files,
    expiry,
    open_key,
    open_pins,
    print_json,
)
from haldir_cli.exits import Exit
from haldir_cli.options import PassphraseEnv, PassphraseFd
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.schemapin.bundles import BundleResult, TrustBundle
    from haldir_core.schemapin.pins import PinLedger

app = make_app(help="Make, sign, verify and merge trust bundles.")

BundleFile = Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.", show_default=False)]
Output = Annotated[Path, typer.Option(metavar="FILE", help="Where it is written.", show_default=False)]


@app.command()
def make(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="DOMAIN.json and DOMAIN.revocations.json files.", show_default=False)
    ],
    output: Output,
) -> None:
    """Make an unsigned bundle of the documents in a folder."""
    from haldir_cli.clock import now
    from haldir_cli.files import read_file
    from haldir_core.schemapin import Discovery, KeyRevocations, TrustBundle, parse_domain

    documents, revocations = [], []
    for path in batch_files(folder, "*.json"):
        if path.name.endswith(".revocations.json"):
            revocations.append(KeyRevocations.from_bytes(read_file(path, "revocation document")))
        else:
            document = Discovery.from_bytes(read_file(path, "discovery document"))
            documents.append((parse_domain(path.name.removesuffix(".json")), document))
    _write(TrustBundle.create(documents, revocations, now()), output)


@app.command()
def sign(
    source: BundleFile,
    key: SigningKeyFile,
    kid: Annotated[str, typer.Option(help="How clients know the key of this authority.", show_default=False)],
    output: Output,
    expires_in: ExpiresIn = None,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Sign a bundle as its authority; says why it would not verify in every SDK."""
    from haldir_cli.clock import now
    from haldir_core.schemapin import sign_bundle
    from haldir_core.schemapin.bundlelint import portability_problems

    bundle, moment = _read(source), now()
    say(*(f"Note: not portable: {problem}" for problem in portability_problems(bundle)[:10]))
    signer = open_key(key, passphrase_env, passphrase_fd)
    _write(sign_bundle(bundle, signer, kid, moment, expires_at=expiry(expires_in, moment)), output)


@app.command()
def verify(
    source: BundleFile,
    authority: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key that must have signed it; nothing is pinned.")
    ] = None,
    auto_pin: Annotated[bool, typer.Option("--auto-pin", help="Pin the authority, if its name is new.")] = False,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Ask about an authority that is not pinned.")
    ] = False,
    json: AsJson = False,
    pinning_db: PinningDb = None,
) -> int:
    """Verify the signature of a bundle, its expiry, and that its authority is the one that is pinned."""
    from haldir_cli.clock import now
    from haldir_core.schemapin import verify_bundle

    bundle = _read(source)
    if authority is not None:
        if auto_pin or interactive:
            raise typer.BadParameter("--authority says which key counts: nothing is asked or pinned beside it")
        return _say(verify_bundle(bundle, _pinned_to(authority, bundle), now=now()), bundle, json=json)
    pinning = Pinning.AUTO if auto_pin else Pinning.ASK if interactive else Pinning.LOOK
    with open_pins(pinning_db, pinning) as pins:
        return _say(verify_bundle(bundle, pins, now=now()), bundle, json=json)


@app.command()
def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="FILE...", help="The bundles.", show_default=False)],
    output: Output,
) -> None:
    """Make one unsigned bundle: the newest document of each domain, and every revocation.

    Signatures are not looked at: verify each bundle before.
    """
    from haldir_core.schemapin import merge_bundles

    _write(merge_bundles([_read(source) for source in sources]), output)


def _read(path: Path) -> "TrustBundle":
    from haldir_cli.files import read_file
    from haldir_core.schemapin import TrustBundle

    return TrustBundle.from_bytes(read_file(path, "trust bundle"))


def _write(bundle: "TrustBundle", output: Path) -> None:
    from haldir_cli.files import refuse_special, replace_file

    refuse_special(output)
    replace_file(output, bundle.to_bytes(), mode=0o644)
    signed = f"signed as {bundle.authority.kid}" if bundle.authority else "not signed"
    say(f"{output}: {len(bundle.documents)} domain(s), {len(bundle.revocations)} with revocations, {signed}")


def _pinned_to(authority: Path, bundle: "TrustBundle") -> "PinLedger":
    """Return pins that know this key alone, by the name that the bundle gives it."""
    from haldir_core.schemapin import MemoryPins, Mode, Pin, load_public_key
    from haldir_core.schemapin.domains import ToolId
    from haldir_core.schemapin.pins import AUTHORITY_DOMAIN

    kid = bundle.authority.kid if bundle.authority else ""
    pin = Pin(tool_id=ToolId(kid), domain=AUTHORITY_DOMAIN, fingerprint=load_public_key(authority).fingerprint)
    return MemoryPins([pin], mode=Mode.STRICT)


def _say(result: "BundleResult", bundle: "TrustBundle", *, json: bool) -> int:
    if json:
        print_json(
            {
                "valid": result.valid,
                "error_code": str(result.code) if result.code else None,
                "error_message": result.message or None,
                "authority": bundle.authority.kid if bundle.authority else None,
                "fingerprint": result.fingerprint,
                "key_pinning": str(result.status) if result.status else None,
                "expires_at": bundle.expires_at,
            }
        )
    elif result.valid:
        say(f"valid   authority {bundle.authority.kid if bundle.authority else ''} ({result.fingerprint})")
    else:
        say(f"INVALID {result.code}: {result.message}")
    return Exit.GOOD if result.valid else Exit.NO
