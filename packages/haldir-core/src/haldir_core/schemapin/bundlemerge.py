"""Several trust bundles made into one: the newest document of each domain, every revocation of all."""

from collections.abc import Iterable, Mapping, Sequence

from haldir_core.canonical import JsonValue
from haldir_core.errors import MalformedError
from haldir_core.schemapin._fields import list_of
from haldir_core.schemapin.bundles import DOCUMENT, SIGNED_VERSION, BundledDocument, TrustBundle, united
from haldir_core.schemapin.domains import parse_domain
from haldir_core.schemapin.revocation import KeyRevocations
from haldir_core.schemapin.times import Moment

MAX_BUNDLES = 1000


def merge_bundles(bundles: Sequence[TrustBundle]) -> TrustBundle:
    """Return an unsigned bundle: per domain the document of the newest bundle, and the union of all revocations.

    A bundle is as new as it was signed, or created if it is not signed; moments are compared, not texts.  Of two
    that are equally new the first counts.  A document keeps every key that any bundle says its domain revoked.

    Raises: MalformedError if there are too many bundles, or a list of revoked keys is none.
    """
    if len(bundles) > MAX_BUNDLES:
        raise MalformedError(DOCUMENT, f"more than {MAX_BUNDLES} bundles to merge")
    newest_first = sorted(bundles, key=_newest, reverse=True)
    return TrustBundle(
        version=SIGNED_VERSION,
        created_at=_time_text(newest_first[0]) if newest_first else "",
        documents=_documents(newest_first),
        revocations=_revocations(newest_first),
    )


def _time_text(bundle: TrustBundle) -> str:
    return bundle.created_at if bundle.signed_at is None else bundle.signed_at


def _newest(bundle: TrustBundle) -> tuple[bool, Moment | None]:
    """Return a key that sorts bundles by their time; those without a time that can be read come first."""
    try:
        return True, Moment.parse(_time_text(bundle))
    except ValueError:
        return False, None


def _documents(newest_first: Iterable[TrustBundle]) -> tuple[BundledDocument, ...]:
    found: dict[str, BundledDocument] = {}
    revoked: dict[str, dict[str, None]] = {}
    for bundle in newest_first:
        for document in bundle.documents:
            domain = _one_spelling(document.domain)
            found.setdefault(domain, document)
            revoked.setdefault(domain, {}).update(dict.fromkeys(_simple_list(document.members)))
    return tuple(_with_revoked(found[domain], list(revoked[domain])) for domain in sorted(found))


def _one_spelling(text: str) -> str:
    """Return the name of a domain as it is looked up, or another text as it is."""
    try:
        return parse_domain(text)
    except MalformedError:
        return text.lower()


def _with_revoked(document: BundledDocument, revoked: list[str]) -> BundledDocument:
    if list(_simple_list(document.members)) == revoked:
        return document
    keys: list[JsonValue] = [*revoked]
    return BundledDocument(document.domain, dict(document.members) | {"revoked_keys": keys})


def _simple_list(members: Mapping[str, JsonValue]) -> tuple[str, ...]:
    if isinstance(single := members.get("revoked_keys"), str):
        return (single,)
    listed = list_of(members, "revoked_keys", DOCUMENT)
    if not all(isinstance(key, str) for key in listed):
        raise MalformedError(DOCUMENT, "revoked_keys must hold texts")
    return tuple(str(key) for key in listed)


def _revocations(newest_first: Iterable[TrustBundle]) -> tuple[KeyRevocations, ...]:
    by_domain: dict[str, list[KeyRevocations]] = {}
    for bundle in newest_first:
        for document in bundle.revocations:
            by_domain.setdefault(_one_spelling(document.domain), []).append(document)
    return tuple(
        documents[0] if len(documents) == 1 else united(documents) for _, documents in sorted(by_domain.items())
    )
