"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer


def _folder(text: str) -> Path:
    if not text:  # Path("") is the present folder, and nobody who passes an empty variable means that
        raise typer.BadParameter("is empty: give the path of a skill folder, . for the present one")
    return Path(text)


SkillFolder = Annotated[
    Path, typer.Argument(metavar="DIR", parser=_folder, help="The skill folder.", show_default=False)
]

SigningKey = Annotated[
    Path, typer.Option("--key", metavar="FILE", help="The private key that signs.", show_default=False)
]

TrustedKeys = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="FILE", help="Trust this public key as a publisher's; repeatable."),
]

RevocationFile = Annotated[
    Path | None, typer.Option("--revocation", metavar="FILE", help="The current revocation list.")
]

RevocationKeys = Annotated[
    list[Path] | None,
    typer.Option("--revocation-key", metavar="FILE", help="Trust this public key for revocation lists; repeatable."),
]

TrustStoreFile = Annotated[
    Path | None, typer.Option("--trust-store", metavar="FILE", help="Use this trust store instead of your own.")
]

PassphraseEnv = Annotated[
    str | None,
    typer.Option("--passphrase-env", metavar="VAR", help="Environment variable with the passphrase of the key."),
]

PassphraseFd = Annotated[
    int | None,
    typer.Option("--passphrase-fd", metavar="N", help="Descriptor to read the passphrase from.", min=0, max=2**31 - 1),
]
