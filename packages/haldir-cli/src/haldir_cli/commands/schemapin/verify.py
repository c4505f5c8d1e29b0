"""``haldir schemapin verify``: verify signed schemas, or a skill folder."""

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
import typer

from haldir_cli.apps import make_app
from haldir_cli.commands.schemapin._bothsigned import VAULT_OPTIONS, HaldirTrust, SkillRead, read_skill_folder
from haldir_cli.commands.schemapin._scanned import demand_scan
from haldir_cli.commands.schemapin._shared import (
    AsJson,
    Authority,
    Pattern,
    PinningDb,
    Quiet,
    Verbose,
    batch_files,
    one_of,
    only_authority,
    open_pins,
    pinning_of,
    print_json,
    read_stdin,
)
from haldir_cli.exits import Exit
from haldir_cli.options import RevocationFile, RevocationKeys, TrustStoreFile
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
        Tool,
        Verification,
    )
    from haldir_sdk.schemapin import PinStore, Resolver

    Signed = SignedSchema | SkillRead

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
        Path | None,
        typer.Option(metavar="FILE", help="Look into this bundle of a pinned authority; fetch nothing."),
    ] = None,
    authority: Authority = None,
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
    require_scan: Annotated[
        bool,
        typer.Option(
            "--require-scan",
            help="Demand a signed statement of a scan that passed; warn if its rules are not those of this Haldir.",
        ),
    ] = False,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="FILE", help="Trust this public key for the .vault of a skill; repeatable."),
    ] = None,
    trust_store: TrustStoreFile = None,
    revocation: RevocationFile = None,
    revocation_key: RevocationKeys = None,
    pattern: Pattern = "*.json",
    verbose: Verbose = False,
    quiet: Quiet = False,
    json: AsJson = False,
    exit_code: Annotated[  # noqa: ARG001 - scripts that were written for the published tool give it
        bool, typer.Option("--exit-code", help="Does nothing: what is invalid always has an exit code.")
    ] = False,
) -> int:
    """Verify signed schemas or a skill folder with a key, or with what a domain publishes.

    A skill folder that Haldir signed too must be valid for both; --key and the options of the trust store are for that.

    Exit code 0 if all are valid, 1 if one is not, 3 if the documents of the domain are not to be had.
    """
    source = one_of(schema=schema, batch=batch, stdin=stdin, skill=skill)
    _check_names(domain, tool_id)
    policy = _policy(accept_go=accept_go, reject_expired=reject_expired, require_statement=require_statement)
    if require_scan:
        policy = attrs.evolve(policy, scan=demand_scan())
    inputs = list(batch_files(batch or Path(), pattern)) if source == "batch" else [schema or skill or STDIN]
    trust = HaldirTrust(
        keys=tuple(key or ()),
        trust_store=trust_store,
        revocation=revocation,
        revocation_keys=tuple(revocation_key or ()),
    )
    if trust.is_named and skill is None:
        raise typer.BadParameter(f"{VAULT_OPTIONS}: are about the .vault of a skill folder (--skill)")
    if authority is not None and bundle is None:
        raise typer.BadParameter("--authority: says who must have signed the bundle; give --bundle too")

    def read(path: Path) -> "Signed":
        return _read_schema(path) if skill is None else read_skill_folder(path, trust)

    row = _row_of_many if source == "batch" else _row
    if public_key is not None:
        if auto_pin or interactive or dns or bundle or discovery_dir:
            raise typer.BadParameter("--public-key says which key counts: nothing is found, asked or pinned beside it")
        judge = _by_key(public_key, domain, tool_id, policy)
        rows = [row(path, lambda path: _seen(read(path), judge), str(public_key)) for path in inputs]
        return _report(rows, json=json, quiet=quiet, verbose=verbose)
    if domain is None:
        raise typer.BadParameter("give --public-key FILE, or --domain DOMAIN")
    if tool_id is None and source in {"schema", "stdin"}:
        raise typer.BadParameter("give --tool-id: pins are kept for each tool, and a file must not choose its own")
    with open_pins(pinning_db, pinning_of(auto_pin=auto_pin, interactive=interactive)) as pins:
        resolver = _resolver(pins, bundle, authority, discovery_dir)
        if resolver is None:
            return Exit.NO
        ask = _by_domain(pins, resolver, domain, policy, dns=dns)
        rows = [row(path, lambda path: _seen(read(path), ask(tool_id or _own_name(path))), domain) for path in inputs]
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

    data = read_stdin("signed schema", MAX_DOCUMENT_BYTES) if path == STDIN else read_file(path, "signed schema")
    return SignedSchema.from_bytes(data)


def _own_name(path: Path) -> str:
    """Return how the caller calls a file or folder: its name, without ending; a link does not choose another one."""
    named = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links
    return named.stem if path.is_file() else named.name


def _by_key(
    public_key: Path, domain: str | None, tool_id: str | None, policy: "Policy"
) -> "Callable[[Signed], Verification]":
    """Return what verifies with a key that the caller trusts; a tool that is not named is the one that is claimed."""
    from haldir_cli.clock import now
    from haldir_core.schemapin import Discovery, Evidence, Tool, load_public_key
    from haldir_core.schemapin.domains import Domain

    key = load_public_key(public_key)
    evidence = Evidence(discovery=Discovery(public_key_pem=key.to_pem().decode("ascii")))

    def judge(signed: "Signed") -> "Verification":
        claimed_domain, claimed_id = _claimed(signed, key)
        tool = Tool.of(domain or claimed_domain, tool_id or claimed_id)
        result = _verified(signed, tool, evidence, policy, now())
        if domain is not None or result.metadata_authenticated:
            return result
        return attrs.evolve(result, domain=Domain(UNNAMED))  # what nobody signed is not shown as if it were known

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
            document = SignatureFile.from_bytes(signed.folder.signature_file or b"")
            extra, domain, name = document.extra, parse_domain(document.domain), signed.folder.skill_name
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
    return verify_skill(signed.folder, tool, evidence, now=moment, policy=policy, vault=signed.vault)


def _resolver(
    pins: "PinStore", bundle: Path | None, authority: Path | None, discovery_dir: Path | None
) -> "Resolver | None":
    """Return where the documents of a domain are looked for; None after saying why a bundle is not good."""
    from haldir_cli.clock import now
    from haldir_cli.files import read_file
    from haldir_core.schemapin import TrustBundle
    from haldir_sdk.schemapin import Fetcher, FolderResolver, ResolveError, WellKnownResolver, open_bundle

    if bundle is not None and discovery_dir is not None:
        raise typer.BadParameter("give --bundle or --discovery-dir, not both")
    if bundle is not None:
        data = read_file(bundle, "trust bundle")
        known = pins if authority is None else only_authority(authority, TrustBundle.from_bytes(data))
        try:
            return open_bundle(data, known, now=now())
        except ResolveError as error:
            say(f"INVALID {bundle}: {error}")
            return None
    return FolderResolver(discovery_dir) if discovery_dir is not None else WellKnownResolver(Fetcher())


def _by_domain(
    pins: "PinStore", resolver: "Resolver", domain: str, policy: "Policy", *, dns: bool
) -> "Callable[[str], Callable[[Signed], Verification]]":
    """Return what verifies a tool with the documents of a domain, by how the caller calls the tool."""
    import asyncio

    from haldir_cli.clock import now
    from haldir_core.schemapin import FolderVault, Tool
    from haldir_sdk.schemapin import Client, DnsCheck

    client = Client(pins, resolver, policy=policy, dns=DnsCheck.COMPARE if dns else DnsCheck.OFF, clock=now)

    def judge(tool_id: str, signed: "Signed") -> "Verification":
        content, vault = (
            (signed.folder, signed.vault) if isinstance(signed, SkillRead) else (signed, FolderVault.CONTENT)
        )
        return asyncio.run(client.verify(content, Tool.of(domain, tool_id), vault=vault))

    return lambda tool_id: partial(judge, tool_id)


def _seen(signed: "Signed", judge: "Callable[[Signed], Verification]") -> "JsonObject":
    """Return the result for what was read, and what Haldir says about it."""
    shown = signed.shown() if isinstance(signed, SkillRead) else {}
    return {**judge(signed).to_json(), **shown}


def _row(path: Path, judge: "Callable[[Path], JsonObject]", source: str) -> "JsonObject":
    """Return the result for one file or folder; one that is malformed is not valid."""
    from haldir_core.errors import MalformedError
    from haldir_core.schemapin import EnvelopeError, ErrorCode

    try:
        members = judge(path)
    except MalformedError as error:
        return _refused(path, source, "unreadable", error)
    except EnvelopeError as error:
        return _refused(path, source, ErrorCode.SIGNATURE_INVALID, error)
    if members["domain"] == UNNAMED:
        members = {name: value for name, value in members.items() if name not in {"domain", "tool_id"}}
    return {"input": str(path), "key_source": source, **members}


def _row_of_many(path: Path, judge: "Callable[[Path], JsonObject]", source: str) -> "JsonObject":
    """Return the result for one file of many: one that cannot be read hides no other."""
    from haldir_core.errors import UnreadableError

    try:
        return _row(path, judge, source)
    except UnreadableError as error:
        return _refused(path, source, "unreadable", error)


def _refused(path: Path, source: str, code: str, error: Exception) -> "JsonObject":
    shown = {"input": str(path), "key_source": source}
    return {**shown, "valid": False, "error_code": str(code), "error_message": str(error)}


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
    haldir = row.get("haldir")
    if isinstance(haldir, dict):
        signers = haldir["signers"]
        yield f"  haldir: {haldir['trustLevel']}, signed by {', '.join(signers) if isinstance(signers, list) else ''}"
    pinning = row.get("key_pinning")
    if isinstance(pinning, dict):
        yield f"  key: {pinning['status']} ({row['fingerprint']})"
    scan = row.get("scan")
    if isinstance(scan, dict):
        yield f"  scan: {'passed' if scan['scan_passed'] else 'not passed'} ({scan['scanner_version']})"
    for name in ("developer_name", "domain", "tool_id", "signed_at", "expires_at") if verbose else ():
        if row.get(name):
            yield f"  {name}: {row[name]}"
    if verbose:
        yield f"  metadata_authenticated: {row['metadata_authenticated']}"
