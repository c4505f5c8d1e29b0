import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_core.schemapin.dnsrecord import DnsRecord, DnsStanding, compare, find_record, join_chunks, record_name
from haldir_core.schemapin.domains import Domain

VECTORS = Path(__file__).parents[3] / "spec" / "vectors" / "schemapin"
CASES = json.loads((VECTORS / "dns.json").read_bytes())
DEV = json.loads((VECTORS / "keys.json").read_bytes())["dev"]["fingerprint"]
HARDENED = {"shortfp", "nonhex"}
"""The SDKs read a fingerprint that is none; then no key matches it."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_record_is_read_as_the_python_sdk_reads_it(case: dict[str, Any]) -> None:
    expected = case["parse"]["py"]
    if "exception" in expected or case["name"] in HARDENED:
        with pytest.raises(MalformedError):
            DnsRecord.parse(case["value"])
        return
    record = DnsRecord.parse(case["value"])
    assert (record.fingerprint, record.kid) == (expected["fingerprint"], expected["kid"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_record_matches_the_keys_that_it_matches_in_the_python_sdk(case: dict[str, Any]) -> None:
    try:
        matches = DnsRecord.parse(case["value"]).matches(DEV)
    except MalformedError:
        matches = False
    assert matches is case["match"]["py"]


def test_a_record_that_is_written_is_read_again() -> None:
    record = DnsRecord(DEV, "acme-2026")
    assert DnsRecord.parse(record.to_text()) == record


def test_other_records_of_the_name_are_passed_over() -> None:
    assert find_record(["v=spf1 -all", "google=1; x", f"v=schemapin1; fp={DEV}"]) == DnsRecord(DEV)


def test_no_record_says_nothing() -> None:
    assert find_record([]) is None
    assert compare(None, DEV) is DnsStanding.ABSENT


def test_a_record_about_another_key_is_a_mismatch() -> None:
    assert compare(DnsRecord("sha256:" + "00" * 32), DEV) is DnsStanding.MISMATCH
    assert compare(DnsRecord(DEV), DEV) is DnsStanding.MATCH


def test_a_damaged_record_is_not_passed_over() -> None:
    with pytest.raises(MalformedError):
        find_record([f"v=schemapin1; fp={DEV[:-1]}"])


def test_records_for_two_keys_are_refused() -> None:
    other = "sha256:" + "00" * 32
    with pytest.raises(MalformedError, match="different"):
        find_record([f"v=schemapin1; fp={DEV}", f"v=schemapin1; fp={other}"])


def test_the_same_record_twice_is_one() -> None:
    assert find_record([f"v=schemapin1; fp={DEV}"] * 2) == DnsRecord(DEV)


def test_records_without_end_are_refused() -> None:
    with pytest.raises(MalformedError, match="more than"):
        find_record(["x=y"] * 65)


def test_pieces_are_joined_without_anything_between() -> None:
    assert join_chunks([b"v=schema", b"pin1"]) == "v=schemapin1"


@pytest.mark.parametrize("chunks", [[b"\xff"], [b"a" * 255] * 17], ids=["not-utf8", "too-long"])
def test_pieces_that_are_no_text_are_refused(chunks: list[bytes]) -> None:
    with pytest.raises(MalformedError):
        join_chunks(chunks)


def test_a_value_that_is_too_long_is_refused() -> None:
    with pytest.raises(MalformedError, match="longer"):
        DnsRecord.parse("x" * 5000)


def test_the_record_stands_below_the_domain() -> None:
    assert record_name(Domain("a.example")) == "_schemapin.a.example"


@given(st.text(max_size=200))
def test_no_text_crashes_the_reading(value: str) -> None:
    with pytest.raises(MalformedError):
        DnsRecord.parse(value)
