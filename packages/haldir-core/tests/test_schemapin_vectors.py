"""Every recorded case gives what the Python SDK answered, or what ``spec/schemapin-differences.md`` says."""

import base64
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from haldir_core.errors import MalformedError, UnsafeSkillError
from haldir_core.schemapin import (
    Accepted,
    Evidence,
    MemoryPins,
    Pin,
    Policy,
    PrivateKey,
    PublicKey,
    SignatureFile,
    SignedSchema,
    SkillFolder,
    Tool,
    Verification,
    Version,
    check_link,
    find_record,
    parse_domain,
    parse_strict,
    parse_tool_id,
    read_folder,
    verify_schema,
    verify_skill,
)
from haldir_core.schemapin.canon import schemapin_v1_of_bytes
from haldir_core.schemapin.folders import folder_portability
from haldir_core.schemapin.portability import portability_of
from haldir_core.schemapin.schemas import schema_hash_form

SPEC = Path(__file__).parents[3] / "spec"
VECTORS = SPEC / "vectors" / "schemapin"
RECORDED = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
"""Shortly after the vectors were made: what was to expire an hour later has not."""

TOOL = Tool.of("example.com", "example-skill")
ROW = re.compile(
    r"\| (?P<file>[a-z_]+) \| `(?P<case>[^`]+)` \| (?P<peer>[^|]+) \| (?P<here>[^|]+) \| (?P<reason>[^|]+) \|"
)
DIFFERENCES = {
    (row["file"], row["case"]): (row["peer"], row["here"])
    for row in map(ROW.fullmatch, (SPEC / "schemapin-differences.md").read_text(encoding="utf-8").splitlines())
    if row
}
OURS = ("canon", "offline", "skills", "skill_verify", "lineage")
"""The files whose differences are counted here; the others have their own tests."""


def _load(name: str) -> Any:  # noqa: ANN401 - recorded JSON
    return json.loads((VECTORS / f"{name}.json").read_bytes())


KEYS, SIGNATURES, NAMES, LINEAGE = _load("keys"), _load("sigs"), _load("skillnames"), _load("lineage")
CASES: dict[str, list[dict[str, Any]]] = {
    "canon": _load("canon"),
    "offline": _load("offline"),
    "skills": _load("skills"),
    "skill_verify": _load("skill_verify"),
    "lineage": LINEAGE["chain_cases"],
}
JUDGED = [(file, case) for file in OURS for case in CASES[file] if file != "skill_verify" or "py" in case["verdicts"]]


def _build(folder: Path, tree: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    for entry in tree:
        path = folder / entry["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry["type"] == "dir":
            path.mkdir(exist_ok=True)
        elif entry["type"] == "symlink":
            path.symlink_to(entry.get("target", "nowhere"))
        else:
            path.write_bytes(base64.b64decode(entry["b64"]))
            path.chmod(entry.get("mode", 0o644))
    return folder


def _words(result: dict[str, Any]) -> str:
    """Return a result in words: the code, or what is known of something valid."""
    if "exception" in result:
        return f"throws {result['exception'].split(':')[0]}"
    if not result["valid"]:
        return str(result["error_code"])
    said = {name: result.get(name) for name in ("developer_name", "schema_version", "previous_hash", "expires_at")}
    known = " ".join(f"{name}={value}" for name, value in said.items() if value and name != "developer_name")
    warnings = " ".join(result.get("warnings", ()))
    return " ".join(filter(None, ["valid", result["key_pinning"]["status"], known, warnings]))


def _here(verification: Verification) -> str:
    return _words(verification.to_json())


def _answer(file: str, case: dict[str, Any], folder: Path) -> tuple[str, str]:
    """Return what the Python SDK answered and what we answer, in words."""
    return ANSWERS[file](case, folder)


def _canon(case: dict[str, Any], _folder: Path) -> tuple[str, str]:
    recorded = case["results"]["py"]
    try:
        here = schemapin_v1_of_bytes(case["raw"].encode()).decode()
    except MalformedError:
        return ("refused" if "error" in recorded else "canonical", "refused")
    return (
        "refused" if "error" in recorded else "canonical",
        "canonical" if here == recorded["canonical"] else "other",
    )


def _offline(case: dict[str, Any], _folder: Path) -> tuple[str, str]:
    given, recorded = case["input"], case["verdicts"]["py"]
    pins = MemoryPins([_pin(whose, key) for whose, key in given.get("pins", {}).items()])
    revocations = given.get("revocation")
    evidence = Evidence(
        discovery=json.dumps(given["discovery"]).encode(),
        revocations=None if revocations is None else json.dumps(revocations).encode(),
        pins=pins,
    )
    signed = SignedSchema(
        schema=parse_strict(given["raw"].encode(), "schema"),
        signature=case["sig_double_hash"],
        canonicalization=given.get("canonicalization"),
    )
    result = verify_schema(signed, Tool.of(given["domain"], given["tool_id"]), evidence, now=RECORDED)
    after = {f"{pin.tool_id}@{pin.domain}": pin.fingerprint for pin in pins.pins()}
    before = given.get("pins", {})
    return (
        _words(recorded.get("result", recorded)) + _pinned(recorded.get("pins_after", before), before),
        _here(result) + _pinned(after, before),
    )


def _pin(whose: str, fingerprint: str) -> Pin:
    tool_id, domain = whose.split("@")
    return Pin(tool_id=parse_tool_id(tool_id), domain=parse_domain(domain), fingerprint=fingerprint)


def _pinned(after: dict[str, str], before: dict[str, str]) -> str:
    return ", a key is pinned" if after != before else ""


def _skills(case: dict[str, Any], folder: Path) -> tuple[str, str]:
    recorded = case["canonical"]["py"]
    read = read_folder(_build(folder / case["name"], case["tree"]))
    try:
        read.refuse_problems()
    except UnsafeSkillError:
        return ("refused" if "error" in recorded else "a root hash", "refused")
    same = (read.root_v1().hex(), dict(read.manifest())) == (recorded["root"], recorded["manifest"])
    return "a root hash", "a root hash" if same else "another root hash"


def _skill_verify(case: dict[str, Any], folder: Path, policy: Policy | None = None) -> tuple[str, str]:
    read = read_folder(_build(folder / "example-skill", case["tree"]))
    text = case["extra"].get("dns")
    evidence = Evidence(
        discovery=json.dumps(case.get("discovery") or _discovery()).encode(),
        pins=MemoryPins(),
        dns=None if text is None else find_record([text]),
    )
    result = verify_skill(read, TOOL, evidence, now=RECORDED, policy=policy or Policy())
    recorded = case["verdicts"].get("py")
    return ("" if recorded is None else _words(recorded), _here(result))


def _discovery() -> dict[str, Any]:
    return {"schema_version": "1.2", "public_key_pem": KEYS["dev"]["public_key_pem"], "revoked_keys": []}


def _lineage(case: dict[str, Any], _folder: Path) -> tuple[str, str]:
    current, previous = (Version.of_file(SignatureFile.from_json(case[name])) for name in ("current", "previous"))
    recorded = "connected" if case["verdicts"]["py"]["ok"] else "not connected"
    link = check_link(current, previous)
    return recorded, "connected" if link.value == "connected" else "loop" if link.value == "loop" else "not connected"


ANSWERS: dict[str, Callable[[dict[str, Any], Path], tuple[str, str]]] = {
    "canon": _canon,
    "offline": _offline,
    "skills": _skills,
    "skill_verify": _skill_verify,
    "lineage": _lineage,
}


def _id(judged: tuple[str, dict[str, Any]]) -> str:
    return f"{judged[0]}-{judged[1]['name']}"


@pytest.mark.parametrize("judged", JUDGED, ids=_id)
def test_a_case_is_judged_as_the_python_sdk_did_or_as_the_page_says(
    judged: tuple[str, dict[str, Any]], tmp_path: Path
) -> None:
    file, case = judged
    peer, here = _answer(file, case, tmp_path)

    assert (peer, here) == DIFFERENCES.get((file, case["name"]), (peer, peer))


def test_the_page_lists_exactly_the_cases_that_are_judged_otherwise(tmp_path: Path) -> None:
    differ = set()
    for number, (file, case) in enumerate(JUDGED):
        folder = tmp_path / str(number)
        folder.mkdir()
        peer, here = _answer(file, case, folder)
        if peer != here:
            differ.add((file, case["name"]))

    assert differ == {key for key in DIFFERENCES if key[0] in OURS}
    assert len(differ) == 34


def test_the_vectors_are_those_that_these_tests_were_written_for() -> None:
    assert {file: len(cases) for file, cases in CASES.items()} == {
        "canon": 68,
        "offline": 38,
        "skills": 25,
        "skill_verify": 59,
        "lineage": 9,
    }
    assert (len(SIGNATURES), len(NAMES), len(LINEAGE["versions"])) == (17, 23, 3)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_key_has_the_fingerprint_and_the_pem_that_the_sdks_gave_it(name: str) -> None:
    public = PublicKey.from_pem(KEYS[name]["public_key_pem"])

    assert public.fingerprint == KEYS[name]["fingerprint"]
    assert public.to_pem().decode() == KEYS[name]["public_key_pem"]
    assert PrivateKey.from_pem(KEYS[name]["private_key_pem"].encode()).public_key == public


@pytest.mark.parametrize("case", SIGNATURES, ids=lambda case: case["name"])
@pytest.mark.parametrize("signer", ["py", "js", "go"])
def test_a_signature_verifies_for_us_where_it_did_for_the_python_sdk(case: dict[str, Any], signer: str) -> None:
    key = PublicKey.from_pem(KEYS["dev"]["public_key_pem"])
    schema = parse_strict(case["raw"].encode(), "schema")
    canonical = schemapin_v1_of_bytes(case["raw"].encode())

    form = schema_hash_form(key, case["signatures"][signer], schema, canonical, Accepted.DOUBLE_HASH)

    assert (form is not None) == case["verify"][signer]["py"]


@pytest.mark.parametrize("case", SIGNATURES, ids=lambda case: case["name"])
def test_the_compatibility_mode_takes_what_go_signed_where_go_has_the_same_bytes(case: dict[str, Any]) -> None:
    key = PublicKey.from_pem(KEYS["dev"]["public_key_pem"])
    schema = parse_strict(case["raw"].encode(), "schema")
    canonical = schemapin_v1_of_bytes(case["raw"].encode())
    accepted = Accepted.DOUBLE_OR_SINGLE_HASH

    form = schema_hash_form(key, case["signatures"]["go"], schema, canonical, accepted)

    assert form is None or form.value == "single"
    if not portability_of(schema):
        assert form is not None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ok_go", "valid first_use signature_single_hash"),
        ("go_symlink_added", "schema_canonicalization_failed"),
        ("go_nested_sig_payload_added", "schema_canonicalization_failed"),
        ("go_boundary_shift_rename", "signature_invalid"),
        ("go_domain_forged", "domain_mismatch"),
    ],
)
def test_a_skill_that_go_signed_verifies_in_the_compatibility_mode_unless_it_was_changed(
    name: str, expected: str, tmp_path: Path
) -> None:
    case = next(case for case in CASES["skill_verify"] if case["name"] == name)

    _, here = _skill_verify(case, tmp_path, Policy(accepted=Accepted.DOUBLE_OR_SINGLE_HASH))

    assert here == expected


def _folder_of(name: str, tmp_path: Path) -> SkillFolder:
    case = next(case for case in CASES["skills"] if case["name"] == name)
    return read_folder(_build(tmp_path / name, case["tree"]))


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_skill_has_the_name_that_the_python_sdk_found(name: str, tmp_path: Path) -> None:
    assert _folder_of(name, tmp_path).skill_name == NAMES[name]["py"]


@pytest.mark.parametrize(
    "case", [case for case in CASES["skills"] if "root" in case["canonical"]["py"]], ids=lambda case: case["name"]
)
def test_a_manifest_is_in_the_order_of_the_python_sdk(case: dict[str, Any], tmp_path: Path) -> None:
    read = read_folder(_build(tmp_path / case["name"], case["tree"]))

    assert list(read.manifest()) == list(case["canonical"]["py"]["manifest"])


def test_two_folders_that_have_one_root_hash_v1_have_two_of_v2(tmp_path: Path) -> None:
    one, other = _folder_of("collide_a", tmp_path), _folder_of("collide_b", tmp_path)

    assert one.root_v1() == other.root_v1()
    assert one.root_v2() != other.root_v2()


@pytest.mark.parametrize("case", CASES["skills"], ids=lambda case: case["name"])
def test_a_folder_on_which_the_sdks_disagree_is_not_portable(case: dict[str, Any], tmp_path: Path) -> None:
    read = read_folder(_build(tmp_path / case["name"], case["tree"]))

    if not case["agree"]:
        assert folder_portability(read.files)


@pytest.mark.parametrize("case", CASES["canon"], ids=lambda case: case["name"])
def test_a_schema_without_a_reason_against_it_has_the_same_bytes_in_all_sdks(case: dict[str, Any]) -> None:
    try:
        value = parse_strict(case["raw"].encode(), "schema")
    except MalformedError:
        return
    if not portability_of(value):
        assert case["agree"] or case["name"] == "neg_zero_int"  # -0 is read as 0: what we write is portable again


@pytest.mark.parametrize("version", LINEAGE["versions"], ids=lambda version: version["sig"]["schema_version"])
def test_a_recorded_chain_verifies_version_by_version(version: dict[str, Any], tmp_path: Path) -> None:
    read = read_folder(_build(tmp_path / "example-skill", version["tree"]))
    evidence = Evidence(discovery=json.dumps(_discovery()).encode())

    result = verify_skill(read, TOOL, evidence, now=RECORDED)

    assert result.valid
    assert result.skill_hash == version["sig"]["skill_hash"]
    assert not result.metadata_authenticated
