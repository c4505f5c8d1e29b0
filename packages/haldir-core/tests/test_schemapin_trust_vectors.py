"""Records, bundles and calls give what the Python SDK answered, or what ``spec/schemapin-differences.md`` says."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_core.errors import MalformedError
from haldir_core.schemapin.a2a import CallContext, verify_schema_for_a2a
from haldir_core.schemapin.bundlemerge import merge_bundles
from haldir_core.schemapin.bundles import TrustBundle, verify_bundle
from haldir_core.schemapin.discovery import Discovery
from haldir_core.schemapin.dnsrecord import DnsRecord
from haldir_core.schemapin.domains import AllowedDomains, Domain, ToolId
from haldir_core.schemapin.evidence import Evidence, Tool
from haldir_core.schemapin.pins import MemoryPins, Pin
from haldir_core.schemapin.schemas import SignedSchema

SPEC = Path(__file__).parents[3] / "spec"
VECTORS = SPEC / "vectors" / "schemapin"
NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
ROW = re.compile(r"\| (?P<file>[a-z_]+) \| `(?P<case>[^`]+)` \| (?P<peer>[^|]+) \| (?P<here>[^|]+) \| [^|]+ \|")
ROWS = {
    (row["file"], row["case"]): (row["peer"], row["here"])
    for row in map(ROW.fullmatch, (SPEC / "schemapin-differences.md").read_text(encoding="utf-8").splitlines())
    if row
}
LANGUAGES = ("py", "js", "go")
PINNED = ", a key is pinned"


def _load(name: str) -> Any:  # noqa: ANN401 - recorded JSON
    return json.loads((VECTORS / f"{name}.json").read_bytes())


BUNDLES, A2A = _load("bundles"), _load("a2a")


def _pins(pins: dict[str, str] | None) -> MemoryPins:
    listed = []
    for name, fingerprint in (pins or {}).items():
        tool_id, _, domain = name.rpartition("@")
        listed.append(Pin(tool_id=ToolId(tool_id), domain=Domain(domain), fingerprint=fingerprint))
    return MemoryPins(listed)


def _pinned(before: dict[str, str] | None, after: dict[str, str]) -> str:
    return PINNED if after != (before or {}) else ""


def _after(pins: MemoryPins) -> dict[str, str]:
    return {f"{pin.tool_id}@{pin.domain}": pin.fingerprint for pin in pins.pins()}


def _dns(case: dict[str, Any]) -> tuple[str, str]:
    peer = "refused" if "exception" in case["parse"]["py"] else "read"
    try:
        record = DnsRecord.parse(case["value"])
    except MalformedError:
        return peer, "refused"
    assert {"fingerprint": record.fingerprint, "kid": record.kid, "version": "schemapin1"} == case["parse"]["py"]
    return peer, "read"


def _signed_bundle(case: dict[str, Any]) -> tuple[str, str]:
    verdict = case["verdict"]
    peer = "valid" if verdict is True else verdict.replace("TypeError: ", "throws TypeError: ").split(":")[0]
    result = verify_bundle(TrustBundle.from_json(case["bundle"]), MemoryPins(), now=NOW)
    return peer, "valid" if result.valid else str(result.code)


def _bundle(case: dict[str, Any]) -> tuple[str, str]:
    verdict, pins = case["verdicts"]["py"], _pins(case["pins"])
    result = verify_bundle(TrustBundle.from_json(case["bundle"]), pins, now=NOW)
    peer = ("valid" if verdict["ok"] else verdict["code"]) + _pinned(case["pins"], verdict["pins_after"])
    return peer, ("valid" if result.valid else str(result.code)) + _pinned(case["pins"], _after(pins))


def _merge(case: dict[str, Any]) -> tuple[str, str]:
    merged = merge_bundles([TrustBundle.from_json(bundle) for bundle in case["bundles"]]).to_json()
    return "its bundle", "its bundle" if merged == case["merged"]["py"] else "another bundle"


def _call(case: dict[str, Any]) -> tuple[str, str]:
    given, verdict = case["input"], case["verdicts"]["py"]
    peer = _words(verdict["result"]) + _pinned(given.get("pins"), verdict["pins_after"])
    pins = _pins(given.get("pins"))
    signed = SignedSchema(schema=json.loads(given["raw"]), signature=given.get("signature", case["sig_double_hash"]))
    try:
        tool = Tool.of(given["domain"], given["tool_id"])
    except MalformedError:
        return peer, "refused: no domain"
    evidence = Evidence(discovery=Discovery.from_json(given["discovery"]), pins=pins)
    result = verify_schema_for_a2a(signed, tool, evidence, CallContext.from_json(given["ctx"]), now=NOW)
    return peer, _words(result.to_json()) + _pinned(given.get("pins"), _after(pins))


def _words(result: dict[str, Any]) -> str:
    return f"valid {result['key_pinning']['status']}" if result["valid"] else str(result["error_code"])


def _intersection(case: dict[str, Any]) -> tuple[str, str]:
    ours = AllowedDomains.from_list(case["a"]).intersect(AllowedDomains.from_list(case["b"]))
    peer = " ".join(case["v"]["py"]) or "everything"
    if ours.is_unrestricted:
        return peer, "everything"
    return peer, " ".join(ours.patterns or ()) or "nothing"


def _cases() -> Iterator[tuple[str, str, Callable[[Any], tuple[str, str]], Any]]:
    for case in _load("dns"):
        yield "dns", case["name"], _dns, case
    for case in BUNDLES["sign_verify"]:
        for language in LANGUAGES:
            signed = {"bundle": case["signed"][language], "verdict": case["verify"][language]["py"]}
            yield "bundle_signed", f"{case['name']}, signed by {language}", _signed_bundle, signed
    for case in BUNDLES["verify"]:
        yield "bundle_verify", case["name"], _bundle, case
    for case in BUNDLES["merge"]:
        yield "bundle_merge", case["name"], _merge, case
    for case in A2A["verify"]:
        yield "a_two_a", case["name"], _call, case
    for case in A2A["intersect"]:
        yield "intersect", f"{' '.join(case['a']) or '-'} with {' '.join(case['b']) or '-'}", _intersection, case


CASES = list(_cases())
MINE = {file for file, *_ in CASES}


@pytest.mark.parametrize(("file", "name", "answers", "case"), CASES, ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_recorded_case_has_the_recorded_answer_or_is_listed(
    file: str, name: str, answers: Callable[[Any], tuple[str, str]], case: object
) -> None:
    peer, here = answers(case)
    assert ROWS.get((file, name), (peer, peer)) == (peer, here)
    assert ((file, name) in ROWS) is (peer != here)


def test_every_listed_case_is_a_recorded_one() -> None:
    assert {(file, name) for file, name in ROWS if file in MINE} <= {(file, name) for file, name, *_ in CASES}
