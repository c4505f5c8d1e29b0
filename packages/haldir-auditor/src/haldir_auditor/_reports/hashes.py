"""The hashes of lock files, which write them in several ways, in the way of CycloneDX."""

import base64
import binascii
import re

_ALGORITHMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_LENGTHS = {"MD5": 16, "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64}
_WRITTEN = re.compile(r"(md5|sha1|sha256|sha384|sha512)[-:=]([A-Za-z0-9+/=_-]+)")


def hashes_of(written: tuple[str, ...]) -> list[tuple[str, str]]:
    """Algorithm and hexadecimal digest of each hash, if there is one of each algorithm at most.

    A package of several files has several hashes of one algorithm; which of them will be used nobody knows.
    """
    found = [pair for text in written if (pair := _read(text)) is not None]
    return found if len({algorithm for algorithm, _ in found}) == len(found) else []


def _read(text: str) -> tuple[str, str] | None:
    matched = _WRITTEN.fullmatch(text)
    if matched is None:
        return None
    algorithm, body = _ALGORITHMS[matched[1]], matched[2]
    length = _LENGTHS[algorithm]
    if re.fullmatch(f"[0-9a-fA-F]{{{2 * length}}}", body):
        return algorithm, body.lower()
    try:
        digest = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
    return (algorithm, digest.hex()) if len(digest) == length else None
