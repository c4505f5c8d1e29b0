import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import Digest, MalformedError, Manifest, Timestamp, UnsupportedVersionError
from haldir_core.canonical import JsonObject, canonical_bytes
from haldir_core.digest import sha256

STAMP = Timestamp.parse("2026-01-31T12:00:00.000Z")
ONE, TWO = sha256(b"1"), sha256(b"2")
paths = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1).filter(lambda path: path != ".")


def _members(**changes: object) -> bytes:
    members = {
        "schema_version": "1.0",
        "algorithm": "sha256",
        "files": {"a": ONE},
        "generated_at": STAMP.text,
        **changes,
    }
    return json.dumps({name: value for name, value in members.items() if value is not ...}).encode()


@given(st.dictionaries(paths, st.binary(max_size=3).map(sha256), max_size=5))
def test_a_manifest_survives_writing_and_reading(files: dict[str, Digest]) -> None:
    manifest = Manifest(files, STAMP)

    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    assert manifest.digest() == sha256(manifest.to_bytes())


@given(
    st.dictionaries(st.text(st.characters(max_codepoint=0x7F) | st.characters(codec="utf-8")), st.just(ONE), max_size=5)
)
def test_a_manifest_is_written_in_its_canonical_form(files: dict[str, Digest]) -> None:
    members: JsonObject = {"schema_version": "1.0", "algorithm": "sha256", "files": files, "generated_at": STAMP.text}

    assert Manifest(files, STAMP).to_bytes() == canonical_bytes(members)


def test_every_ascii_character_is_written_in_its_canonical_form() -> None:
    files = {chr(code) * 2: ONE for code in range(0x80)}
    members: JsonObject = {"schema_version": "1.0", "algorithm": "sha256", "files": files, "generated_at": STAMP.text}

    assert Manifest(files, STAMP).to_bytes() == canonical_bytes(members)


def test_unknown_members_are_left_out() -> None:
    assert Manifest.from_bytes(_members(extra=1)) == Manifest({"a": ONE}, STAMP)


def test_a_manifest_may_be_empty() -> None:
    assert Manifest.from_bytes(_members(files={})).files == {}


@pytest.mark.parametrize(
    "path", ["", "./a", "a/.", "a/./b", "a//b", "a/", ".", "./", ".//a", "a/b//", "../a//b", "a/../b/."], ids=ascii
)
def test_a_path_that_is_not_in_its_normal_form_is_refused(path: str) -> None:
    with pytest.raises(MalformedError, match="is not in its normal form"):
        Manifest.from_bytes(_members(files={path: ONE}))


@pytest.mark.parametrize(
    "path",
    ["..hidden", ".a", "a/.b", "a./b", "...", "a/...", "__proto__", "\\", "a\\b", "\n", " ", "a/..b/c"],
    ids=ascii,
)
def test_a_path_in_its_normal_form_is_read(path: str) -> None:
    assert Manifest.from_bytes(_members(files={path: ONE})).files == {path: ONE}


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "//a", "/./a", "../a", "a/../b", "..", "../../a", ".vault/signature.json", "a/.."],
    ids=ascii,
)
def test_a_path_that_no_file_of_a_skill_can_have_is_read_and_never_matches(path: str) -> None:
    manifest = Manifest.from_bytes(_members(files={path: ONE}))

    assert list(manifest.mismatches({"a": ONE, "b": ONE})) == [path]


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": ...},
        {"algorithm": "sha512"},
        {"algorithm": "SHA256"},
        {"algorithm": None},
        {"files": ...},
        {"files": None},
        {"files": []},
        {"files": [["a", ONE]]},
        {"files": "a"},
        {"files": {"a": None}},
        {"files": {"a": 1}},
        {"files": {"a": ONE.upper()}},
        {"files": {"a": "sha256:"}},
        {"files": {"a": {"sha256": ONE}}},
        {"generated_at": ...},
        {"generated_at": "today"},
        {"generated_at": 0},
        {"generated_at": "2026-01-31T12:00:00+00:00"},
    ],
    ids=ascii,
)
def test_what_is_no_manifest_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedError, match=r"^integrity\.json: "):
        Manifest.from_bytes(_members(**changes))


def test_another_version_is_refused_as_such() -> None:
    with pytest.raises(UnsupportedVersionError):
        Manifest.from_bytes(_members(schema_version="1.1"))


def test_a_path_that_is_named_twice_is_refused() -> None:
    data = _members().replace(b'{"a": ', b'{"a": "' + TWO.encode() + b'", "a": ')

    with pytest.raises(MalformedError, match="occurs twice"):
        Manifest.from_bytes(data)


def test_missing_and_changed_files_are_mismatches_and_further_files_are_not() -> None:
    manifest = Manifest({"same": ONE, "changed": ONE, "missing": ONE}, STAMP)

    assert list(manifest.mismatches({"same": ONE, "changed": TWO, "added": ONE})) == ["changed", "missing"]


def test_mismatches_come_in_the_order_of_ecmascript() -> None:
    names = [
        "b",
        "10",
        "9",
        "0",
        "01",
        "-1",
        "4294967294",
        "4294967295",
        "\uff61",
        "\U0001f600",
        "99999999999999999999",
    ]
    manifest = Manifest(dict.fromkeys(names, ONE), STAMP)

    assert list(manifest.mismatches({})) == [
        *("0", "9", "10", "4294967294"),
        *("-1", "01", "4294967295", "99999999999999999999", "b", "\U0001f600", "\uff61"),
    ]
