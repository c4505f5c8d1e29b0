"""``haldir keygen``: make a key pair."""

from pathlib import Path
from typing import Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.options import PassphraseEnv, PassphraseFd
from haldir_cli.show import say

app = make_app()


@app.command()
def keygen(
    output: Annotated[Path, typer.Option(metavar="DIR", help="The folder that gets the files.")] = Path(),
    name: Annotated[str, typer.Option(metavar="STEM", help="The name of the files, without ending.")] = "haldir",
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Make a key pair: STEM.key (private, mode 0600), STEM.pub and STEM.keyid.

    Nothing is overwritten.  With a passphrase the private key is written encrypted, in the OpenSSH form.
    """
    from haldir_cli.secrets import read_passphrase
    from haldir_core import PrivateKey, write_key_pair

    passphrase = read_passphrase(passphrase_env, passphrase_fd)
    key = PrivateKey.generate()
    private, public, _ = write_key_pair(output, name, key, passphrase=passphrase)
    protection = "encrypted" if passphrase else "not encrypted"
    say(f"Private key: {private} (mode 0600, {protection}; keep it secret)")
    say(f"Public key:  {public} (give it to those who verify)")
    say(f"Key id:      {key.keyid}")
