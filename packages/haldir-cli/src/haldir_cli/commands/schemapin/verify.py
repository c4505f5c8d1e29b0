"""``haldir schemapin verify``: verify signed schemas, or a skill folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._shared import (
    AsJson,
    Pattern,
    Pinning,
    PinningDb,
    Quiet,
    Verbose,
    batch_files,
    one_of,
    open_pins,
    print_json,
)
from haldir_cli.exits import Exit
from haldir_cli.show import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from haldir_core.canonical import JsonObject
    from haldir_core.schemapin import (
        Evidence,
        Policy,
        PublicKey,
        SignedSchema,
        SkillFolder,
        Tool,
        Verification,
    )
    from haldir_sdk.schemapin import PinStore, Resolver

    Signed = SignedSchema | SkillFolder

app = make_app()

STDIN = Path("-")
UNNAMED = "unnamed.invalid"  # RFC 2606 2: nobody has it


@app.command()
def verify(
    schema: Annotated[Path | None, typer.Option(metavar="FILE", help="A signed schema.")] = None,
    batch: Annotated[Path | None, typer.Option(metavar="DIR", help="A folder of signed schemas.")] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="Read a signed schema from standard input.")] = False,
    skill: Annotated[Path | None, typer.Option(metavar="DIR", help="A signed skill folder.")] = None,
    public_key: Annotated[
        Path | None,
        typer.Option("--public-key", metavar="FILE", help="Verify with this key; nothing is fetched or pinned."),
    ] = None,
    domain: Annotated[str | None, typer.Option(help="Whose tool it must be; its key is found by discovery.")] = None,
    discovery_dir: Annotated[
        Path | None, typer.Option("--discovery-dir", metavar="DIR", help="Read DOMAIN.json here; fetch nothing.")
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Look into this signed trust bundle; fetch nothing.")
    ] = None,
    tool_id: Annotated[
        str | None,
        typer.Option("--tool-id", help="How you call the tool [default for skills: the name of the folder]."),
    ] = None,
    pinning_db: PinningDb = None,
    interactive: Annotated[bool, typer.Option("--interactive", help="Ask about keys that are not pinned.")] = False,
    auto_pin: Annotated[bool, typer.Option("--auto-pin", help="Pin the first key of a tool, once all holds.")] = False,
    dns: Annotated[bool, typer.Option("--dns", help="Compare the key with the DNS record of the domain.")] = False,
    accept_go: Annotated[
        bool, typer.Option("--accept-go", help="Accept signatures of the Go SDK too, which hash once only.")
    ] = False,
    reject_expired: Annotated[bool, typer.Option("--reject-expired", help="Expired signatures are invalid.")] = False,
    require_statement: Annotated[
        bool, typer.Option("--require-statement", help="Demand a signed statement, so that no metadata can be forged.")
    ] = False,
    pattern: Pattern = "*.json",
    verbose: Verbose = False,
    quiet: Quiet = False,
    json: AsJson = False,
    exit_code: Annotated[  # noqa: ARG001 - scripts that were written for the published tool give it
        bool, typer.Option("--exit-code", help="Does nothing: what is invalid always has an exit code.")
    ] = False,
) -> int:
    """Verify signed schemas or a skill folder with a key, or with what a domain publishes.

    Exit code 0 if all are valid, 1 if one is not, 3 if the documents of the domain are not to be had.
    """
    source = one_of(schema=schema, batch=batch, stdin=stdin, skill=skill)
    _check_names(domain, tool_id)
    policy = _policy(accept_go=accept_go, reject_expired=reject_expired, require_statement=require_statement)
    inputs = list(batch_files(batch or Path(), pattern)) if source == "batch" else [schema or skill or STDIN]
    read = _read_skill if skill is not None else _read_schema
    if public_key is not None:
        if auto_pin or interactive or dns or bundle or discovery_dir:
            raise typer.BadParameter("--public-key says which key counts: nothing is found, asked or pinned beside it")
        judge = _by_key(public_key, domain, tool_id, policy)
        rows = [_row(path, lambda path: judge(read(path)), str(public_key)) for path in inputs]
        return _report(rows, json=json, quiet=quiet, verbose=verbose)
    if domain is None:
        raise typer.BadParameter("give --public-key FILE, or --domain DOMAIN")
    if tool_id is None and source in {"schema", "stdin"}:
        raise typer.BadParameter("give --tool-id: pins are kept for each tool, and a file must not choose its own")
    pinning = Pinning.AUTO if auto_pin else Pinning.ASK if interactive else Pinning.LOOK
    with open_pins(pinning_db, pinning) as pins:
        resolver = _resolver(pins, bundle, discovery_dir)
        if resolver is None:
            return Exit.NO
        ask = _by_domain(pins, resolver, domain, policy, dns=dns)
        rows = [_row(path, lambda path: ask(read(path), tool_id or _own_name(path)), domain) for path in inputs]
    return _report(rows, json=json, quiet=quiet, verbose=verbose)


def _check_names(domain: str | None, tool_id: str | None) -> None:
    """Return if what was named can be a domain and a tool.

    Raises: MalformedError
    """
    from haldir_core.schemapin import parse_domain, parse_tool_id

    if domain is not None:
        parse_domain(domain)
    if tool_id is not None:
        parse_tool_id(tool_id)


def _policy(*, accept_go: bool, reject_expired: bool, require_statement: bool) -> "Policy":
    from haldir_core.schemapin import Accepted, Expiry, Policy, StatementDemand

    return Policy(
        accepted=Accepted.DOUBLE_OR_SINGLE_HASH if accept_go else Accepted.DOUBLE_HASH,
        expiry=Expiry.REJECT if reject_expired else Expiry.DEGRADE,
        statement=StatementDemand.REQUIRED if require_statement else StatementDemand.OPTIONAL,
    )


def _read_schema(path: Path) -> "SignedSchema":
    from haldir_cli.files import read_file
    from haldir_core.schemapin import SignedSchema
    from haldir_core.schemapin.canon import MAX_DOCUMENT_BYTES

    data = sys.stdin.buffer.read(MAX_DOCUMENT_BYTES + 1) if path == STDIN else read_file(path, "signed schema")
    return SignedSchema.from_bytes(data)


def _read_skill(path: Path) -> "SkillFolder":
    from haldir_core.schemapin import read_folder

    return read_folder(path)


def _own_name(path: Path) -> str:
    """Return how the caller calls a file or folder: its name, without ending."""
    return path.resolve().stem if path.is_file() else path.resolve().name


def _by_key(
    public_key: Path, domain: str | None, tool_id: str | None, policy: "Policy"
) -> "Callable[[Signed], Verification]":
    """Return what verifies with a key that the caller trusts; a tool that is not named is the one that is claimed."""
    from haldir_cli.clock import now
    from haldir_core.schemapin import Discovery, Evidence, Tool, load_public_key

    key = load_public_key(public_key)
    evidence = Evidence(discovery=Discovery(public_key_pem=key.to_pem().decode("ascii")))

    def judge(signed: "Signed") -> "Verification":
        claimed_domain, claimed_id = _claimed(signed, key)
        return _verified(signed, Tool.of(domain or claimed_domain, tool_id or claimed_id), evidence, policy, now())

    return judge


def _claimed(signed: "Signed", key: "PublicKey") -> tuple[str, str]:
    """Return domain and tool id that a signature names; where it names none, names that nobody can have."""
    from haldir_core.errors import MalformedError
    from haldir_core.schemapin import SignatureFile, SignedSchema, parse_domain
    from haldir_core.schemapin.statement import read_signed

    domain, name = UNNAMED, UNNAMED
    try:
        if isinstance(signed, SignedSchema):
            extra = signed.extra
        else:
            document = SignatureFile.from_bytes(signed.signature_file or b"")
            extra, domain, name = document.extra, parse_domain(document.domain), signed.skill_name
        statement = read_signed(extra, key)
    except MalformedError:
        return domain, name
    return (statement.domain, statement.tool_id) if statement else (domain, name)


def _verified(
    signed: "Signed", tool: "Tool", evidence: "Evidence", policy: "Policy", moment: "datetime"
) -> "Verification":
    from haldir_core.schemapin import SignedSchema, verify_schema, verify_skill

    if isinstance(signed, SignedSchema):
        return verify_schema(signed, tool, evidence, now=moment, policy=policy)
    return verify_skill(signed, tool, evidence, now=moment, policy=policy)


def _resolver(pins: "PinStore", bundle: Path | None, discovery_dir: Path | None) -> "Resolver | None":
    """Return where the documents of a domain are looked for; None after saying why a bundle is not good."""
    from haldir_cli.clock import now
    from haldir_cli.files import read_file
    from haldir_sdk.schemapin import Fetcher, FolderResolver, ResolveError, WellKnownResolver, open_bundle

    if bundle is not None and discovery_dir is not None:
        raise typer.BadParameter("give --bundle or --discovery-dir, not both")
    if bundle is not None:
        try:
            return open_bundle(read_file(bundle, "trust bundle"), pins, now=now())
        except ResolveError as error:
            say(f"INVALID {bundle}: {error}")
            return None
    return FolderResolver(discovery_dir) if discovery_dir is not None else WellKnownResolver(Fetcher())


def _by_domain(
    pins: "PinStore", resolver: "Resolver", domain: str, policy: "Policy", *, dns: bool
) -> "Callable[[Signed, str], Verification]":
    """Return what verifies with the documents of a domain."""
    import asyncio

    from haldir_cli.clock import now
    from haldir_core.schemapin import Tool
    from haldir_sdk.schemapin import Client, DnsCheck

    client = Client(pins, resolver, policy=policy, dns=DnsCheck.COMPARE if dns else DnsCheck.OFF, clock=now)

    def judge(signed: "Signed", tool_id: str) -> "Verification":
        return asyncio.run(client.verify(signed, Tool.of(domain, tool_id)))

    return judge


def _row(path: Path, judge: "Callable[[Path], Verification]", source: str) -> "JsonObject":
    """Return the result for one file or folder; one that cannot be read is not valid, and hides no other."""
    from haldir_core.errors import MalformedError

    shown = {"input": str(path), "key_source": source}
    try:
        members = judge(path).to_json()
    except MalformedError as error:
        return {**shown, "valid": False, "error_code": "unreadable", "error_message": str(error)}
    if members["domain"] == UNNAMED:
        members = {name: value for name, value in members.items() if name not in {"domain", "tool_id"}}
    return {**shown, **members}


def _report(rows: "list[JsonObject]", *, json: bool, quiet: bool, verbose: bool) -> int:
    valid = sum(row["valid"] is True for row in rows)
    if json:
        print_json({"results": [*rows], "total": len(rows), "valid": valid, "invalid": len(rows) - valid})
    else:
        for row in rows:
            say(*_words(row, quiet=quiet, verbose=verbose))
    if valid == len(rows):
        return Exit.GOOD
    unknown = all(row["valid"] is True or row.get("error_code") == "discovery_fetch_failed" for row in rows)
    return Exit.UNDECIDED if unknown else Exit.NO


def _words(row: "JsonObject", *, quiet: bool, verbose: bool) -> "Iterator[str]":
    if row["valid"] is not True:
        yield f"INVALID {row['input']}: {row['error_code']}: {row.get('error_message') or ''}"
        return
    if quiet:
        return
    yield f"valid   {row['input']}"
    warnings = row.get("warnings")
    for warning in warnings if isinstance(warnings, list) else ():
        yield f"  warning: {warning}"
    pinning = row.get("key_pinning")
    if isinstance(pinning, dict):
        yield f"  key: {pinning['status']} ({row['fingerprint']})"
    for name in ("developer_name", "domain", "tool_id", "signed_at", "expires_at") if verbose else ():
        if row.get(name):
            yield f"  {name}: {row[name]}"
    if verbose:
        yield f"  metadata_authenticated: {row['metadata_authenticated']}"
