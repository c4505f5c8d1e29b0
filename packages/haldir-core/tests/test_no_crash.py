import base64
import json
import os
import random
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from haldir_core import (
    Attestation,
    DecodeError,
    Envelope,
    KeyFileError,
    MalformedError,
    Manifest,
    Permissions,
    PrivateKey,
    PublicKey,
    Requirement,
    RevocationList,
    Timestamp,
    TrustError,
    TrustStore,
    VettingReport,
)
from haldir_core.canonical import parse_json
from haldir_core.encoding import decode_base64

PEER = Path(__file__).parents[3] / "spec" / "vectors" / "haldir-ts"
RANDOM_INPUTS = 10_000

Parse = Callable[[bytes], object]

STAMP = "2026-01-31T12:00:00.000Z"
DIGEST = "sha256:" + "0" * 64
IDENTITY = {"name": "weather", "version": "1.0", "type": "skill.md"}
KEY = PrivateKey.from_seed(b"k" * 32)
GOOD: dict[str, bytes] = {
    "envelope": Envelope.sign(b"{}", KEY).to_bytes(),
    "attestation": json.dumps(
        {
            "schema_version": "1.0",
            "skill": IDENTITY,
            "integrity_hash": DIGEST,
            "permissions_hash": DIGEST,
            "vetting_report_hash": DIGEST,
            "signed_at": STAMP,
            "_critical": ["a"],
        }
    ).encode(),
    "manifest": json.dumps(
        {"schema_version": "1.0", "algorithm": "sha256", "files": {"a/b": DIGEST, "9": DIGEST}, "generated_at": STAMP}
    ).encode(),
    "permissions": Permissions.deny_all().to_bytes(),
    "report": (PEER / "reports" / "good.json").read_bytes(),
    "revocation list": (PEER / "revocation" / "revokes-version.json").read_bytes(),
    "trust store": json.dumps(
        {
            "schema_version": "1.0",
            "environment": "production",
            "keys": [
                {
                    "keyid": KEY.keyid,
                    "public_key": base64.b64encode(KEY.public_key.spki).decode(),
                    "role": "publisher",
                    "environment": "production",
                    "added_at": STAMP,
                    "note": "",
                }
            ],
            "identities": [
                {
                    "issuer": "https://issuer.example",
                    "subject": "someone",
                    "role": "authority",
                    "environment": "production",
                    "added_at": STAMP,
                }
            ],
        }
    ).encode(),
    "json": b'{"a": [1, -2.5e3, null, true, "\\u00e9\\ud83d\\ude00"], "b": {}}',
    "base64": base64.b64encode(bytes(range(64))),
    "public key": KEY.public_key.to_pem(),
    "private key": KEY.to_pem(),
    "ssh private key": KEY.to_pem(b"passphrase", kdf_rounds=1),
    "timestamp": STAMP.encode(),
    "requirement": b"authority:2",
}


def _of_text(parse: Callable[[str], object]) -> Parse:
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


PARSERS: dict[str, tuple[Parse, type[Exception]]] = {
    "envelope": (Envelope.from_bytes, MalformedError),
    "attestation": (Attestation.from_bytes, MalformedError),
    "manifest": (Manifest.from_bytes, MalformedError),
    "permissions": (Permissions.from_bytes, MalformedError),
    "report": (VettingReport.from_bytes, MalformedError),
    "revocation list": (RevocationList.from_bytes, MalformedError),
    "trust store": (TrustStore.from_bytes, MalformedError),
    "json": (lambda data: parse_json(data, "test"), MalformedError),
    "base64": (_of_text(decode_base64), DecodeError),
    "public key": (PublicKey.from_pem, KeyFileError),
    "private key": (PrivateKey.from_pem, KeyFileError),
    "ssh private key": (PrivateKey.from_pem, KeyFileError),
    "timestamp": (_of_text(Timestamp.parse), ValueError),
    "requirement": (_of_text(Requirement.parse), TrustError),
}
OTHER_VALUES: tuple[object, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, 2**53 - 1, 1e300, "", "a", "\0", "/", "../x", "\U0001f600", [], {}, [[]], [{}]),
    *(
        {"": None},
        {"__proto__": {}},
        ["a", 1],
        {"a": ["b"]},
        STAMP,
        DIGEST,
        IDENTITY,
        "production",
        "sha256",
        "1.0",
        "2.0",
    ),
)


OTHER_TEXTS = tuple(json.dumps(value) for value in OTHER_VALUES)


def _other(rng: random.Random) -> object:
    return json.loads(rng.choice(OTHER_TEXTS))


def _random_bytes(rng: random.Random, good: bytes) -> bytes:
    return rng.randbytes(rng.randrange(200))


def _random_json(rng: random.Random, good: bytes) -> bytes:
    def value(depth: int) -> object:
        choice = rng.randrange(4 if depth else 2)
        if choice == 2:
            return [value(depth - 1) for _ in range(rng.randrange(4))]
        if choice == 3:
            return {rng.choice(("schema_version", "files", "a", "")): value(depth - 1) for _ in range(rng.randrange(4))}
        return _other(rng)

    return json.dumps(value(4)).encode()


def _near_miss(rng: random.Random, good: bytes) -> bytes:
    """Return a good document with some values replaced, removed or added, or some bytes if it is no JSON."""
    try:
        document = json.loads(good)
    except ValueError:
        return _damaged(rng, good)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        holders = list(_containers(document))
        holder = rng.choice(holders)
        places: list[int | str] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        change = rng.randrange(3)
        if change == 0 and places:
            del holder[rng.choice(places)]  # type: ignore[arg-type] # a place of this very holder
        elif change == 1 and places:
            holder[rng.choice(places)] = _other(rng)  # type: ignore[index] # the same
        elif isinstance(holder, dict):
            holder[rng.choice(("extra", "document", "payload_type", "", "_critical", "critical"))] = _other(rng)
        else:
            holder.append(_other(rng))
    return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _containers(value: object) -> Iterator[dict[str, object] | list[object]]:
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _containers(inner)


def _damaged(rng: random.Random, good: bytes) -> bytes:
    data = bytearray(good)
    for _ in range(rng.choice((1, 1, 2, 5))):
        start = rng.randrange(len(data) + 1)
        end = start + rng.choice((0, 0, 1, 1, 2, 20))
        data[start:end] = rng.choice(
            (b"", rng.randbytes(1), rng.randbytes(4), b'"', b"{", b"]", b"\\ud800", b"=", b"-")
        )
    return bytes(data)


def _escaped(parse: Parse, documented: type[Exception], inputs: Iterator[bytes]) -> list[str]:
    """Return what was raised beside the documented error."""
    wrong = []
    for data in inputs:
        try:
            parse(data)
        except documented:
            pass
        except Exception as error:  # noqa: BLE001 - the very question is whether there is any other
            wrong.append(f"{error!r} for {data!r}")
    return wrong


@pytest.mark.parametrize("kind", PARSERS)
def test_a_good_document_is_read(kind: str) -> None:
    parse, _ = PARSERS[kind]

    if kind == "ssh private key":
        with pytest.raises(KeyFileError, match="give its passphrase"):
            parse(GOOD[kind])
    else:
        parse(GOOD[kind])


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", PARSERS)
def test_ten_thousand_random_inputs_raise_the_documented_error_only(kind: str) -> None:
    parse, documented = PARSERS[kind]
    rng = random.Random(kind)  # noqa: S311 - inputs that are the same in every run
    makers = (_random_bytes, _random_json, _near_miss, _near_miss, _damaged)

    assert not _escaped(
        parse, documented, (makers[number % len(makers)](rng, GOOD[kind]) for number in range(RANDOM_INPUTS))
    )


def _vector_documents() -> dict[str, set[bytes]]:
    """Return all documents of the peer by the parser that reads them."""
    kinds = {
        "signature.json": "envelope",
        "attestation.json": "attestation",
        "integrity.json": "manifest",
        "permissions.json": "permissions",
        "vetting-report.json": "report",
    }
    documents: dict[str, set[bytes]] = {kind: set() for kind in PARSERS}
    with tarfile.open(PEER / "skills.tar.gz") as archive:
        for member in archive:
            folder, name = os.path.split(member.name)
            if member.isreg() and re.fullmatch(r"skills/[^/]+/\.vault", folder) and name in kinds:
                file = archive.extractfile(member)
                assert file is not None
                documents[kinds[name]].add(file.read())
    for folder, kind in (("reports", "report"), ("revocation", "revocation list")):
        documents[kind] |= {path.read_bytes() for path in (PEER / folder).iterdir()}
    documents["public key"] = {path.read_bytes() for path in (PEER / "keys").glob("*.pub")}
    documents["private key"] = {path.read_bytes() for path in (PEER / "keys").glob("*.key")}
    return {kind: found for kind, found in documents.items() if found}


VECTOR_DOCUMENTS = _vector_documents()


def _mutations(data: bytes) -> Iterator[bytes]:
    """Yield three mutations of every byte: one bit flipped, 0x00, 0xFF."""
    for index, byte in enumerate(data):
        for new in (byte ^ (1 << index % 8), 0x00, 0xFF):
            yield data[:index] + bytes((new,)) + data[index + 1 :]


def test_the_vectors_hold_documents_of_every_kind() -> None:
    assert sorted(VECTOR_DOCUMENTS) == [
        *("attestation", "envelope", "manifest", "permissions", "private key", "public key", "report"),
        "revocation list",
    ]


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", VECTOR_DOCUMENTS)
def test_three_mutations_of_every_byte_of_the_vectors_raise_the_documented_error_only(kind: str) -> None:
    parse, documented = PARSERS[kind]
    inputs = (mutated for data in sorted(VECTOR_DOCUMENTS[kind]) for mutated in _mutations(data))

    assert not _escaped(parse, documented, inputs)
