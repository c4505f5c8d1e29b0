"""The signature over the head of a chain: Ed25519 over the DSSE pre-authentication encoding of the last hash."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from haldir_core.keys import PublicKey, Signer

PAYLOAD_TYPE = "application/vnd.haldir.audit-log-head"
"""Its payload is the hash of run.end, 64 hexadecimal digits in ASCII."""


def sign_head(signer: "Signer", head: str) -> Mapping[str, str]:
    """Return the ``signature`` member for a run.end with the hash ``head``."""
    from haldir_core.encoding import encode_base64url  # noqa: PLC0415 - only a signed log needs it
    from haldir_core.envelope import pre_authentication_encoding  # noqa: PLC0415 - same

    signed = signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, head.encode("ascii")))
    return {"keyid": signer.keyid, "sig": encode_base64url(signed)}


def signature_verifies(key: "PublicKey", signature: str, head: str) -> bool:
    """Whether ``signature`` is the one of ``key`` over ``head``; false if it is no strict base64."""
    from haldir_core.encoding import decode_base64  # noqa: PLC0415 - only a signed log needs it
    from haldir_core.envelope import pre_authentication_encoding  # noqa: PLC0415 - same
    from haldir_core.errors import DecodeError  # noqa: PLC0415 - same

    try:
        raw = decode_base64(signature)
    except DecodeError:
        return False
    return key.verifies(raw, pre_authentication_encoding(PAYLOAD_TYPE, head.encode("ascii")))
