"""``haldir schemapin keygen``: make a P-256 key pair, and the discovery document for it."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._shared import AsJson, Quiet, Verbose, print_json
from haldir_cli.options import PassphraseEnv, PassphraseFd
from haldir_cli.show import say

app = make_app()


class KeyType(StrEnum):
    """The types that the published tool offers."""

    ECDSA = "ecdsa"
    RSA = "rsa"


class KeyFormat(StrEnum):
    """The formats that the published tool offers."""

    PEM = "pem"
    DER = "der"


@app.command()
def keygen(
    type_: Annotated[KeyType, typer.Option("--type", help="ECDSA P-256 is the only type that signs.")] = KeyType.ECDSA,
    key_size: Annotated[  # noqa: ARG001 - scripts that were written for the published tool give it
        int, typer.Option("--key-size", help="Does nothing: an ECDSA P-256 key has one size.")
    ] = 256,
    format_: Annotated[
        KeyFormat, typer.Option("--format", help="PEM is the only form that is written.")
    ] = KeyFormat.PEM,
    output_dir: Annotated[
        Path, typer.Option("--output-dir", metavar="DIR", help="The folder that gets the files.")
    ] = Path(),
    prefix: Annotated[str, typer.Option(metavar="STEM", help="How the names of the key files begin.")] = "schemapin",
    developer: Annotated[str | None, typer.Option(help="Who the discovery document says you are.")] = None,
    contact: Annotated[str | None, typer.Option(help="Where you can be reached.")] = None,
    revocation_endpoint: Annotated[
        str | None, typer.Option("--revocation-endpoint", metavar="URL", help="Where you publish revoked keys.")
    ] = None,
    schema_version: Annotated[str, typer.Option(help="The version that the discovery document declares.")] = "1.4",
    well_known: Annotated[
        bool, typer.Option("--well-known", help="Write the discovery document schemapin.json.")
    ] = False,
    verbose: Verbose = False,  # noqa: ARG001 - as above
    quiet: Quiet = False,
    json: AsJson = False,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Make a key pair: STEM_private.pem (mode 0600) and STEM_public.pem; nothing is overwritten.

    With a passphrase the private key is written encrypted, in the OpenSSH form.
    """
    from haldir_cli.secrets import read_passphrase
    from haldir_core.schemapin.discovery import Discovery
    from haldir_core.schemapin.keys import PrivateKey

    if type_ is KeyType.RSA:
        raise typer.BadParameter("--type: no SchemaPin signature is made with RSA; use ecdsa")
    if format_ is KeyFormat.DER:
        raise typer.BadParameter("--format: keys are written as PEM, which every SDK reads")
    if not prefix or "/" in prefix or prefix in {".", ".."}:
        raise typer.BadParameter(f"--prefix: {prefix!r} is no file name")
    passphrase = read_passphrase(passphrase_env, passphrase_fd)
    key = PrivateKey.generate()
    public = key.public_key.to_pem()
    private_file, public_file = output_dir / f"{prefix}_private.pem", output_dir / f"{prefix}_public.pem"
    files = {private_file: (key.to_pem(passphrase), 0o600), public_file: (public, 0o644)}
    document = Discovery(
        public_key_pem=public.decode("ascii"),
        schema_version=schema_version,
        developer_name=developer,
        contact=contact,
        revocation_endpoint=revocation_endpoint,
    )
    well_known_file = output_dir / "schemapin.json"
    if well_known:
        files[well_known_file] = (document.to_bytes(), 0o644)
    _write_new(files)
    if json:
        print_json(
            {
                "key_type": "ecdsa",
                "key_size": 256,
                "format": "pem",
                "fingerprint": key.public_key.fingerprint,
                "private_key_file": str(private_file),
                "public_key_file": str(public_file),
                **({"well_known_file": str(well_known_file)} if well_known else {}),
            }
        )
    if not quiet:
        say(
            f"Private key: {private_file} (mode 0600, {'encrypted' if passphrase else 'not encrypted'}; keep it secret)"
        )
        say(f"Public key:  {public_file}", f"Fingerprint: {key.public_key.fingerprint}")
        if well_known:
            say(f"Publish {well_known_file} at https://YOUR-DOMAIN/.well-known/schemapin.json")


def _write_new(files: dict[Path, tuple[bytes, int]]) -> None:
    """Write files that do not exist yet, all or none.

    Raises: KeyFileError if one exists or cannot be written.
    """
    from haldir_core.errors import KeyFileError

    written: list[Path] = []
    try:
        for path, (data, mode) in files.items():
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
            written.append(path)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        reason = "exists already, and is not overwritten" if isinstance(error, FileExistsError) else error.strerror
        raise KeyFileError(f"{error.filename or 'the key files'}: {reason}") from error
