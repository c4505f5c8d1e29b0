"""``haldir schemapin sign``: sign schemas, or a skill folder."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from attrs import frozen

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._scanned import scan_of
from haldir_cli.commands.schemapin._shared import (
    AsJson,
    ExpiresIn,
    Pattern,
    Quiet,
    SigningKeyFile,
    Verbose,
    batch_files,
    expiry,
    one_of,
    open_key,
    print_json,
    read_stdin,
)
from haldir_cli.exits import Exit
from haldir_cli.options import PassphraseEnv, PassphraseFd
from haldir_cli.show import say

if TYPE_CHECKING:
    from haldir_core.canonical import JsonObject, JsonValue
    from haldir_core.schemapin.keys import PrivateKey
    from haldir_core.schemapin.scans import ScanResult
    from haldir_core.schemapin.signing import Claims

app = make_app()

STDIN = Path("-")


@frozen(kw_only=True)
class _Wanted:
    """What is to be signed into every document, as the options say."""

    key: "PrivateKey"
    now: datetime
    domain: str | None
    tool_id: str | None
    expires_at: datetime | None
    schema_version: str | None
    previous_hash: str | None
    kid: str | None
    legacy: bool
    scan: bool

    def claims(self, tool_id: str, scan: "ScanResult | None" = None) -> "Claims":
        """Return the claims about one tool.

        Raises: typer.BadParameter if no domain was named.
        """
        from haldir_core.schemapin import Claims, Form, Tool

        if self.domain is None:
            raise typer.BadParameter("give --domain: the signature says whose tool this is")
        return Claims(
            tool=Tool.of(self.domain, self.tool_id or tool_id),
            expires_at=self.expires_at,
            schema_version=self.schema_version,
            previous_hash=self.previous_hash,
            scan=scan,
            signer_kid=self.kid,
            form=Form.LEGACY if self.legacy else Form.WITH_STATEMENT,
        )


@app.command()
def sign(
    key: SigningKeyFile,
    schema: Annotated[Path | None, typer.Option(metavar="FILE", help="A schema (JSON).")] = None,
    batch: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of schemas.")] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read a schema from standard input.")] = False,
    skill: Annotated[Path | None, typer.Option(metavar="DIR", help="A skill folder.")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where a signed schema goes [default: stdout].")
    ] = None,
    output_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the schemas of a batch go.")] = None,
    developer: Annotated[str | None, typer.Option(help="Shown beside a schema; signed by nothing.")] = None,
    version: Annotated[
        str | None, typer.Option(help="Version of a schema; shown beside it, and in the statement.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="Shown beside a schema; signed by nothing.")] = None,
    metadata: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON object that is shown beside a schema.")
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Whose tool or skill it is.")] = None,
    tool_id: Annotated[str | None, typer.Option("--tool-id", help="How clients call it [default: its name].")] = None,
    kid: Annotated[str | None, typer.Option(help="How the key is called [default: its fingerprint].")] = None,
    expires_in: ExpiresIn = None,
    skill_version: Annotated[str | None, typer.Option("--skill-version", help="Version of a skill.")] = None,
    previous_hash: Annotated[
        str | None, typer.Option("--previous-hash", metavar="HASH", help="skill_hash of the version before this one.")
    ] = None,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="Write no signed statement: anybody can then change all but the content.")
    ] = False,
    scan: Annotated[
        bool, typer.Option("--scan", help="Scan the skill with Haldir, and sign whether it passed, and by which rules.")
    ] = False,
    no_validate: Annotated[
        bool, typer.Option("--no-validate", help="Do not say why a schema is not portable.")
    ] = False,
    pattern: Pattern = "*.json",
    suffix: Annotated[str, typer.Option(help="What the names of signed schemas of a batch end with.")] = "_signed",
    verbose: Verbose = False,
    quiet: Quiet = False,
    json: AsJson = False,
    passphrase_env: PassphraseEnv = None,
    passphrase_fd: PassphraseFd = None,
) -> int:
    """Sign schemas or a skill folder so that every SchemaPin SDK verifies them.

    With --domain a signed statement is added, which old SDKs ignore: it covers domain, tool id, version and times.
    A skill folder that Haldir signs too is signed with SchemaPin first.  Exit code 1 if something was not signed.
    """
    from haldir_cli.clock import now

    source = one_of(schema=schema, batch=batch, stdin=stdin, skill=skill)
    if domain is None and (expires_in or tool_id is not None or previous_hash is not None):
        raise typer.BadParameter("give --domain: without it nothing is signed that says tool id, expiry or version")
    if scan and (skill is None or domain is None or legacy):
        raise typer.BadParameter("--scan: the result stands in the signed statement of a skill: --skill and --domain")
    moment = now()
    wanted = _Wanted(
        key=open_key(key, passphrase_env, passphrase_fd),
        now=moment,
        domain=domain,
        tool_id=tool_id,
        expires_at=expiry(expires_in, moment),
        schema_version=skill_version or version,
        previous_hash=previous_hash,
        kid=kid,
        legacy=legacy,
        scan=scan,
    )
    if skill is not None:
        return _report([_sign_skill(skill, wanted, key)], json=json, quiet=quiet)
    if verbose and domain is None:
        say("Without --domain the schema alone is signed: what stands beside it can be changed by anybody")
    shown = _shown(developer, version, description, metadata)
    if source != "batch":
        row = _sign_schema(schema or STDIN, output, wanted, shown, lint=not (quiet or no_validate))
        return _report([row], json=json and output is not None, quiet=quiet or output is None)
    if output_dir is None:
        raise typer.BadParameter("--batch needs --output-dir")
    rows = [
        _sign_one(
            path, output_dir / f"{path.stem}{suffix}{path.suffix}", wanted, shown, lint=not (quiet or no_validate)
        )
        for path in batch_files(batch or Path(), pattern)
    ]
    return _report(rows, json=json, quiet=quiet)


def _sign_one(path: Path, target: Path, wanted: _Wanted, shown: "JsonObject", *, lint: bool) -> "JsonObject":
    """Sign one schema of a batch; what is wrong with it does not keep the others from being signed."""
    from haldir_core.errors import HaldirError

    try:
        return _sign_schema(path, target, wanted, shown, lint=lint)
    except HaldirError as error:
        say(f"haldir: {path}: {error}")
        return {"input": str(path), "status": "error", "error": str(error)}


def _sign_schema(path: Path, target: Path | None, wanted: _Wanted, shown: "JsonObject", *, lint: bool) -> "JsonObject":
    from haldir_cli.files import read_file, refuse_special, replace_file
    from haldir_core.schemapin import SignedSchema, parse_strict, sign_schema, sign_schema_file
    from haldir_core.schemapin.canon import MAX_DOCUMENT_BYTES
    from haldir_core.schemapin.times import written_time

    data = read_stdin("schema", MAX_DOCUMENT_BYTES) if path == STDIN else read_file(path, "schema")
    value = parse_strict(data, "schema")
    if lint:
        _lint(path, value)
    if wanted.domain is None:
        signature = sign_schema(value, wanted.key)
        signed = SignedSchema(schema=value, signature=signature, signed_at=written_time(wanted.now), metadata=shown)
    else:
        claims = wanted.claims(_name_of(value) or path.stem)
        signed = sign_schema_file(value, claims, wanted.key, now=wanted.now, metadata=shown)
    if target is None:
        typer.echo(signed.to_bytes().decode("ascii"))
    else:
        refuse_special(target)
        replace_file(target, signed.to_bytes() + b"\n", mode=0o644)
    return {"input": str(path), "output": str(target) if target else "stdout", "status": "success"}


def _sign_skill(skill: Path, wanted: _Wanted, key: Path) -> "JsonObject":
    from haldir_cli.secrets import refuse_key_inside
    from haldir_core.schemapin import read_folder, sign_skill, write_signature_file

    refuse_key_inside(skill, key)
    folder = read_folder(skill)
    scan = scan_of(folder) if wanted.scan else None
    if scan is not None and not scan.passed:
        say(f"Note: {skill} did not pass the scan, and that is signed: see haldir scan {skill}")
    claims = wanted.claims(folder.skill_name, scan)
    written = write_signature_file(skill, sign_skill(folder, claims, wanted.key, now=wanted.now))
    return {"input": str(skill), "output": str(written), "status": "success", "skill_name": folder.skill_name}


def _name_of(schema: "JsonValue") -> str | None:
    """Return the name that a schema has, if it is one that a tool id can be."""
    from haldir_core.errors import MalformedError
    from haldir_core.schemapin import parse_tool_id

    name = schema.get("name") if isinstance(schema, dict) else None
    try:
        return parse_tool_id(name) if isinstance(name, str) else None
    except MalformedError:
        return None


def _shown(developer: str | None, version: str | None, description: str | None, metadata: Path | None) -> "JsonObject":
    """Return what stands beside a schema for people."""
    from haldir_cli.files import read_file
    from haldir_core.schemapin.canon import parse_strict_object

    given = {"developer": developer, "version": version, "description": description}
    named = parse_strict_object(read_file(metadata, "metadata"), "metadata") if metadata else {}
    return {**{name: value for name, value in given.items() if value is not None}, **named}


def _lint(path: Path, value: "JsonValue") -> None:
    """Say why a schema would not verify in every SDK."""
    from haldir_core.schemapin import portability_of

    for reason in portability_of(value)[:10]:
        say(f"Note: {path} is not portable: {reason}")


def _report(rows: "list[JsonObject]", *, json: bool, quiet: bool) -> int:
    failed = sum(row["status"] != "success" for row in rows)
    if json:
        print_json({"results": [*rows], "total": len(rows), "successful": len(rows) - failed, "failed": failed})
    elif not quiet:
        say(*(f"Signed: {row['output']}" for row in rows if row["status"] == "success"))
    return Exit.NO if failed else Exit.GOOD
