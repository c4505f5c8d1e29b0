"""Why the signature of a trust bundle would not verify in every SDK."""

from collections.abc import Iterator, Mapping

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin.bundles import TrustBundle
from haldir_core.schemapin.domains import parse_domain

_DOCUMENT_FIELDS = frozenset(
    {
        "domain",
        "schema_version",
        "developer_name",
        "public_key_pem",
        "revoked_keys",
        "contact",
        "revocation_endpoint",
    }
)
_OPTIONAL_TEXTS = ("developer_name", "contact", "revocation_endpoint")
_UNPORTABLE = {"\u2028": "U+2028", "\u2029": "U+2029", "\b": "U+0008", "\f": "U+000C"}
"""What Go escapes otherwise than the other SDKs, even in bundles."""


def portability_problems(bundle: TrustBundle) -> tuple[str, ...]:
    """Return why a bundle would not verify in all four SDKs once it is signed; nothing if it would."""
    problems: list[str] = []
    for document in bundle.documents:
        problems += (f"document of {document.domain}: {reason}" for reason in _of_document(document.members))
    for listed in bundle.revocations:
        problems += (f"revocations of {listed.domain}: {reason}" for reason in _texts_in(listed.to_json()))
    return tuple(dict.fromkeys(problems))


def _of_document(members: Mapping[str, JsonValue]) -> Iterator[str]:
    if not isinstance(members.get("revoked_keys"), list | tuple):
        yield "it has no revoked_keys list, which Go adds before it verifies: write an empty one"
    for name in sorted(members.keys() - _DOCUMENT_FIELDS):
        yield f"Go and Rust drop the unknown member {name[:60]!r} before they verify: leave it out"
    for name in _OPTIONAL_TEXTS:
        if name in members and not members[name]:
            yield f"Go drops the empty member {name} before it verifies: leave it out"
    yield from _of_domain(members.get("domain"))
    yield from _texts_in(members)


def _of_domain(domain: JsonValue) -> Iterator[str]:
    try:
        if isinstance(domain, str) and parse_domain(domain) != domain:
            yield "the SDKs compare domains as texts: write it in lower case"
    except MalformedError as error:
        yield str(error)


def _texts_in(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        for char, name in _UNPORTABLE.items():
            if char in value:
                yield f"Go writes {name} in another way: leave it out"
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts_in(key)
            yield from _texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts_in(item)
