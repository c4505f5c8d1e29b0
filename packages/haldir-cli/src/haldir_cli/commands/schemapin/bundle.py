"""``haldir schemapin bundle``: make, sign, verify and merge trust bundles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._shared import (
    AsJson,
    Authority,
    ExpiresIn,
    PinningDb,
    SigningKeyFile,
    batch_files,
    expiry,
    only_authority,
    open_key,
    open_pins,
    pinning_of,
    print_json,
)
from haldir_cli.exits import Exit
from haldir_cli.options import PassphraseEnv, PassphraseFd
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.schemapin import Domain, KeyRevocations
    from haldir_core.schemapin.bundles import BundleResult, TrustBundle

app = make_app(help="Make, sign, verify and merge trust bundles.")

BundleFile = Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.", show_default=False)]
REVOCATIONS = ".revocations"
"""How the name of a file with the revocations of a domain ends, before its ``.json``."""

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
    from haldir_core.errors import MalformedError
    from haldir_core.schemapin import Discovery, KeyRevocations, TrustBundle, parse_domain

    documents: dict[Domain, Discovery] = {}
    revocations: dict[Domain, KeyRevocations] = {}
    for path in batch_files(folder, "*.json"):
        stem = path.name.removesuffix(".json")
        domain = parse_domain(stem.removesuffix(REVOCATIONS))
        if domain in (revocations if stem.endswith(REVOCATIONS) else documents):
            raise MalformedError(str(path), f"is another document for {domain}: keep one")
        if stem.endswith(REVOCATIONS):
            revocations[domain] = _about(
                domain, KeyRevocations.from_bytes(read_file(path, "revocation document")), path
            )
        else:
            documents[domain] = Discovery.from_bytes(read_file(path, "discovery document"))
    for domain, document in documents.items():
        if document.revocation_endpoint and domain not in revocations:
            say(f"Note: {domain} names a revocation endpoint: without its list the bundle says that it revoked nothing")
    _write(TrustBundle.create(documents.items(), revocations.values(), now()), output)


def _about(domain: "Domain", document: "KeyRevocations", path: Path) -> "KeyRevocations":
    """Return a revocation document that is about the domain whose file it is: in a bundle it is found by that alone.

    Raises: MalformedError if it is about another one.
    """
    from haldir_core.errors import MalformedError
    from haldir_core.schemapin.domains import is_domain

    if not is_domain(document.domain, domain):
        raise MalformedError(str(path), f"is about {document.domain[:100]!r}, not about {domain}")
    return document


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
    authority: Authority = None,
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
        return _say(verify_bundle(bundle, only_authority(authority, bundle), now=now()), bundle, json=json)
    with open_pins(pinning_db, pinning_of(auto_pin=auto_pin, interactive=interactive)) as pins:
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
