"""``haldir rules``: write, try and sign rules for the scanner."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.exits import Exit
from haldir_cli.options import PassphraseEnv, PassphraseFd
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_scanner import RuleBundle

app = make_app(help="Write, try and sign rules for the scanner.")

SHOWN_PROBLEMS = 50

Version = Annotated[
    str | None, typer.Option(metavar="VERSION", help="Version of the rules [default: that of bundle.toml].")
]


@app.command()
def build(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the TOML files.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", metavar="FILE", help="Where it is written.", show_default=False)],
    version: Version = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="The private key that signs the rules.")] = None,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> int:
    """Make a bundle out of rules that are written in TOML.

    Nothing is written if a rule has no examples of both kinds, fails one, is found in the same examples as
    another, or is too slow.  Only a signed bundle can be used with haldir scan --bundle.
    """
    from haldir_cli.files import refuse_special, replace_file
    from haldir_cli.rulebundles import compile_folder
    from haldir_cli.secrets import open_private_key
    from haldir_core.signedrules import SignedRules
    from haldir_scanner.bundles import RuleBundle

    refuse_special(output)
    signer = None if key is None else open_private_key(key, passphrase_env, passphrase_fd)
    data = compile_folder(source, version)
    bundle = RuleBundle.from_bytes(data)
    if not _holds(bundle):
        say(f"haldir: {output} was not written")
        return Exit.NO
    replace_file(output, data if signer is None else SignedRules.sign(data, signer).to_bytes(), mode=0o644)
    say(f"{output}: {len(bundle.rules)} rule(s), version {bundle.version}, digest {bundle.digest}")
    say("Not signed: haldir scan --bundle refuses it" if signer is None else f"Signed with key {signer.keyid}")
    return Exit.GOOD


@app.command("test")
def test_(
    source: Annotated[
        Path,
        typer.Argument(metavar="DIR_OR_FILE", help="The folder with the TOML files, or a bundle.", show_default=False),
    ],
) -> int:
    """Try the rules of a folder or of a bundle on their own examples, and measure them.

    A signature is not looked at.  Exit code 0 if all hold, 1 if not.
    """
    from haldir_cli.rulebundles import compile_folder, read_bundle
    from haldir_scanner.bundles import RuleBundle

    bundle = RuleBundle.from_bytes(compile_folder(source, None)) if source.is_dir() else read_bundle(source)
    if not _holds(bundle):
        return Exit.NO
    examples = sum(len(rule.match) + len(rule.no_match) for rule in bundle.rules)
    say(f"{len(bundle.rules)} rule(s) hold what their {examples} examples say")
    return Exit.GOOD


def _holds(bundle: "RuleBundle") -> bool:
    """Whether nothing is wrong with a bundle; says what is."""
    from time import process_time

    from haldir_core.errors import UnreadableError
    from haldir_scanner import BundleError
    from haldir_scanner.bundles import problems

    try:
        found = list(problems(bundle, process_time))
    except BundleError as error:
        raise UnreadableError(f"the rules cannot be used: {error}") from error
    say(*(f"  {problem}" for problem in found[:SHOWN_PROBLEMS]))
    if len(found) > SHOWN_PROBLEMS:
        say(f"  ... and {len(found) - SHOWN_PROBLEMS} more")
    if found:
        say(f"{len(found)} problem(s) in {len(bundle.rules)} rule(s), version {bundle.version}")
    if bundle.rules_left_out:
        say(f"Note: {bundle.rules_left_out} rule(s) need a later scanner and were not tried")
    return not found
