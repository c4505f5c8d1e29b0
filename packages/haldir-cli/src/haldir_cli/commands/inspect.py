"""``haldir inspect``: show what a signed skill says, without verifying it."""

from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import SkillFolder
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonValue

app = make_app()

SHOWN_BYTES = 256 * 1024
"""A larger document is not shown: indented it can be a hundred times as large."""


@app.command()
def inspect(
    skill: SkillFolder,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object with all documents.")] = False,
) -> int:
    """Show the documents of a skill's .vault/.  Nothing is verified: anyone may have written them."""
    from haldir_cli.show import json_text
    from haldir_core import MalformedError, read_skill
    from haldir_core.canonical import parse_json
    from haldir_core.digest import sha256
    from haldir_core.vaultfiles import RESERVED_NAMES, VAULT_FILES

    vault = read_skill(skill).vault
    if not vault:
        say(f"haldir: {skill} has no .vault/ to inspect: it is not signed")
        return Exit.USAGE
    documents: dict[str, JsonValue] = {}
    for file in VAULT_FILES:
        if file.name not in vault or file.name in RESERVED_NAMES:
            continue
        data = vault[file.name]
        if len(data) > SHOWN_BYTES:
            documents[file.name] = {"bytes": len(data), "digest": sha256(data), "shown": False}
            continue
        try:
            documents[file.name] = parse_json(data, file.name)
        except MalformedError as error:
            say(f"haldir: {error}")
    say("Nothing below has been verified: use haldir verify for that.")
    if json:
        typer.echo(json_text({"verified": False, "documents": documents}))
    else:
        for name, document in documents.items():
            typer.echo(f"--- {name} ---\n{json_text(document)}\n")
    return Exit.GOOD if documents else Exit.USAGE
