import json
from itertools import product
from pathlib import Path
from typing import Any

import nacl.bindings
import nacl.exceptions
import pytest

from haldir_core import KeyFileError, MalformedError, PublicKey
from haldir_core.canonical import canonical_bytes, parse_json

VECTORS = Path(__file__).parents[3] / "spec" / "vectors"
WYCHEPROOF: dict[str, Any] = json.loads((VECTORS / "wycheproof/ed25519_test.json").read_bytes())
CASES = [(group["publicKey"]["pk"], case) for group in WYCHEPROOF["testGroups"] for case in group["tests"]]
JCS = sorted(path.name for path in (VECTORS / "jcs/input").iterdir())

P = 2**255 - 19
_Y8 = 0x05FC536D880238B13933C6C305ACDFD5F098EFF289F4C345B027B2C226E89580 + 0xA6 - 0x80  # of a point of order 8
SIGN_BIT = 1 << 255
# The points of order 1, 2, 4 and 8 in every encoding that decodes to them: y or y + p, either sign of x.
SMALL_ORDER = [
    y.to_bytes(32, "little") for base in (0, 1, P - 1, P, P + 1, _Y8, P - _Y8) for y in (base, base | SIGN_BIT)
]
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
SCALARS = [scalar.to_bytes(32, "little") for scalar in (0, 1, 8, GROUP_ORDER - 1, GROUP_ORDER, 2**253 - 1, 2**256 - 1)]
MESSAGES = (b"", b"message")
FORGED = [(r + s, message) for r, s, message in product(SMALL_ORDER, SCALARS, MESSAGES)]


def _id(case: tuple[str, dict[str, Any]]) -> str:
    return f"tc{case[1]['tcId']}-{case[1]['result']}"


def _libsodium_takes(signature: bytes, message: bytes, raw: bytes) -> bool:
    try:
        nacl.bindings.crypto_sign_open(signature + message, raw)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


def test_wycheproof_is_complete() -> None:
    assert len(CASES) == WYCHEPROOF["numberOfTests"] == 151


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_signature_is_judged_as_wycheproof_says(case: tuple[str, dict[str, Any]]) -> None:
    raw, vector = case

    verified = PublicKey(bytes.fromhex(raw)).verifies(bytes.fromhex(vector["sig"]), bytes.fromhex(vector["msg"]))

    assert verified == (vector["result"] == "valid")


def test_there_are_at_least_1600_forged_signatures() -> None:
    assert len(set(SMALL_ORDER)) == 14
    assert len(SMALL_ORDER) * len(FORGED) >= 1600


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_a_key_of_small_order_is_not_admitted(raw: bytes) -> None:
    with pytest.raises(KeyFileError, match="prime order"):
        PublicKey(raw)


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=bytes.hex)
def test_no_forged_signature_verifies_even_under_a_key_that_was_not_admitted(raw: bytes) -> None:
    assert not [signature.hex() for signature, message in FORGED if _libsodium_takes(signature, message, raw)]


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0" * 31, b"\0" * 33, (2).to_bytes(32, "little"), b"\xff" * 32],
    ids=["empty", "short", "long", "not-on-the-curve", "not-reduced"],
)
def test_bytes_that_are_no_point_are_not_admitted(raw: bytes) -> None:
    with pytest.raises(KeyFileError, match="prime order"):
        PublicKey(raw)


@pytest.mark.parametrize("name", JCS)
def test_a_document_has_the_canonical_bytes_of_the_rfc_8785_vectors(name: str) -> None:
    value = parse_json((VECTORS / "jcs/input" / name).read_bytes(), name)

    assert canonical_bytes(value) == (VECTORS / "jcs/output" / name).read_bytes()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\ud800": 1}], ids=ascii)
def test_a_value_without_canonical_form_is_refused(value: Any) -> None:  # noqa: ANN401 - anything at all
    with pytest.raises(MalformedError, match="no canonical JSON form"):
        canonical_bytes(value)
