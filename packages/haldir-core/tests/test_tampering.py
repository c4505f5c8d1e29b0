import copy
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from haldir_core import Context, TrustLevel, Verification
from haldir_core.canonical import canonical_bytes, pretty_bytes

Check = Callable[..., Verification]

# The fixtures are only read: every example works on a copy of its own.
tampering = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SIGNED_FILES = (
    "SKILL.md",
    "scripts/run.py",
    ".vault/attestation.json",
    ".vault/integrity.json",
    ".vault/vetting-report.json",
)
names = st.text(st.characters(exclude_characters="/\0\\", codec="utf-8"), min_size=1, max_size=40).filter(
    lambda name: name not in {".", "..", ".vault", "SKILL.md", "scripts", "data"}
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture
def original(make_skill: Callable[..., Path], sign_folder: Callable[..., Path], report: object) -> Path:
    """A signed skill with a vetting report."""
    return sign_folder(make_skill(), report=report)


@contextmanager
def _copied(original: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=original.parent) as folder:
        yield Path(shutil.copytree(original, Path(folder, "skill")))


def _refused(check: Check, folder: Path) -> bool:
    verdicts = [check(folder), check(folder, context=Context.RUNTIME)]
    return all(verdict.trust_level is TrustLevel.NONE and verdict.errors for verdict in verdicts)


def _changed(value: Any, data: st.DataObject) -> Any:  # noqa: ANN401 - JSON
    """Return ``value`` with one change somewhere inside: a member or an item replaced, removed or added."""
    if isinstance(value, dict) and value:
        return _changed_object(value, data)
    if isinstance(value, list) and value:
        return list(_changed_object(dict(enumerate(value)), data).values())
    if isinstance(value, str) and value and data.draw(st.booleans(), "edit the text"):
        index = data.draw(st.integers(0, len(value) - 1), "index")
        return value[:index] + data.draw(st.text(max_size=2)) + value[index + 1 :]
    return data.draw(json_values)


def _changed_object(members: dict[Any, Any], data: st.DataObject) -> dict[Any, Any]:
    place = data.draw(st.sampled_from(sorted(members)), "place")
    match data.draw(st.sampled_from(["inside", "inside", "remove", "add", "rename"]), "change"):
        case "inside":
            return members | {place: _changed(members[place], data)}
        case "remove":
            return {other: inner for other, inner in members.items() if other != place}
        case "rename":
            new = data.draw(st.text(max_size=9))
            return {new if other == place else other: inner for other, inner in members.items()}
        case _:
            return members | {data.draw(st.text(max_size=9)): data.draw(json_values)}


def _differs(one: object, other: object) -> bool:
    return canonical_bytes(one) != canonical_bytes(other)  # type: ignore[arg-type] # both come from JSON


def test_the_untouched_skill_is_valid(original: Path, check: Check) -> None:
    with _copied(original) as folder:
        assert check(folder).trust_level is TrustLevel.FULL


@pytest.mark.parametrize("name", SIGNED_FILES)
@tampering
@given(data=st.data())
def test_a_changed_byte_is_refused(name: str, original: Path, check: Check, data: st.DataObject) -> None:
    with _copied(original) as folder:
        content = bytearray((folder / name).read_bytes())
        content[data.draw(st.integers(0, len(content) - 1), "position")] ^= data.draw(st.integers(1, 255), "change")
        (folder / name).write_bytes(content)

        assert _refused(check, folder)


@pytest.mark.parametrize("name", [*SIGNED_FILES, "data/empty"])
@tampering
@given(data=st.data())
def test_inserted_bytes_are_refused(name: str, original: Path, check: Check, data: st.DataObject) -> None:
    with _copied(original) as folder:
        content = (folder / name).read_bytes()
        position = data.draw(st.integers(0, len(content)), "position")
        added = data.draw(st.binary(min_size=1, max_size=9) | st.sampled_from([b" ", b"\n", b"\r"]), "added")
        (folder / name).write_bytes(content[:position] + added + content[position:])

        assert _refused(check, folder)


@pytest.mark.parametrize("name", SIGNED_FILES)
@tampering
@given(data=st.data())
def test_removed_bytes_are_refused(name: str, original: Path, check: Check, data: st.DataObject) -> None:
    with _copied(original) as folder:
        content = (folder / name).read_bytes()
        position = data.draw(st.integers(0, len(content) - 1), "position")
        (folder / name).write_bytes(content[:position] + content[position + data.draw(st.integers(1, 9)) :])

        assert _refused(check, folder)


@tampering
@given(data=st.data())
def test_any_change_of_what_permissions_json_says_is_refused(original: Path, check: Check, data: st.DataObject) -> None:
    with _copied(original) as folder:
        path = folder / ".vault/permissions.json"
        before = json.loads(path.read_bytes())
        after = _changed(copy.deepcopy(before), data)
        assume(_differs(before, after))
        path.write_bytes(pretty_bytes(after))

        assert _refused(check, folder)


@pytest.mark.parametrize("member", ["schema_version", "payloadType", "payload", "keyid", "sig"])
@tampering
@given(data=st.data())
def test_any_change_of_a_member_of_the_envelope_is_refused(
    member: str, original: Path, check: Check, data: st.DataObject
) -> None:
    with _copied(original) as folder:
        path = folder / ".vault/signature.json"
        envelope = json.loads(path.read_bytes())
        holder = envelope["signatures"][0] if member in {"keyid", "sig"} else envelope
        after = _changed(holder[member], data)
        # One text may be written in either alphabet with or without padding: that is no change of the bytes.
        before = holder[member].translate(str.maketrans("-_", "+/"))
        assume(not isinstance(after, str) or after.translate(str.maketrans("-_", "+/")).rstrip("=") != before)
        holder[member] = after
        path.write_bytes(pretty_bytes(envelope))

        assert _refused(check, folder)


@pytest.mark.parametrize("member", ["schema_version", "payloadType", "payload", "signatures"])
def test_a_missing_member_of_the_envelope_is_refused(member: str, original: Path, check: Check) -> None:
    path = original / ".vault/signature.json"
    envelope = json.loads(path.read_bytes())
    del envelope[member]
    path.write_bytes(pretty_bytes(envelope))

    assert _refused(check, original)


@pytest.mark.parametrize("member", ["keyid", "sig"])
def test_a_missing_member_of_the_only_signature_is_refused(member: str, original: Path, check: Check) -> None:
    path = original / ".vault/signature.json"
    envelope = json.loads(path.read_bytes())
    del envelope["signatures"][0][member]
    path.write_bytes(pretty_bytes(envelope))

    assert _refused(check, original)


@tampering
@given(name=names, folder_name=st.sampled_from(["", "scripts", "new", ".vault"]), content=st.binary(max_size=9))
def test_an_added_file_is_refused(original: Path, check: Check, name: str, folder_name: str, content: bytes) -> None:
    assume(len(name.encode()) < 200)
    with _copied(original) as folder:
        path = folder / folder_name / name
        assume(not path.exists())
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

        assert _refused(check, folder)


@pytest.mark.parametrize("name", [*SIGNED_FILES, "data/empty", ".vault/signature.json", ".vault/permissions.json"])
def test_a_removed_file_is_refused(name: str, original: Path, check: Check) -> None:
    (original / name).unlink()

    assert _refused(check, original)


@pytest.mark.parametrize("name", [*SIGNED_FILES, "data/empty", ".vault/signature.json", ".vault/permissions.json"])
@settings(tampering, max_examples=40)
@given(new_name=names)
def test_a_renamed_file_is_refused(name: str, original: Path, check: Check, new_name: str) -> None:
    assume(len(new_name.encode()) < 200)
    with _copied(original) as folder:
        path = folder / name
        assume(not path.with_name(new_name).exists())
        path.rename(path.with_name(new_name))

        assert _refused(check, folder)


@pytest.mark.parametrize(
    ("one", "other"), [("SKILL.md", "scripts/run.py"), ("SKILL.md", "data/empty")], ids=["texts", "one-empty"]
)
def test_two_files_that_change_places_are_refused(one: str, other: str, original: Path, check: Check) -> None:
    first, second = (original / one).read_bytes(), (original / other).read_bytes()
    (original / one).write_bytes(second)
    (original / other).write_bytes(first)

    assert _refused(check, original)


@pytest.mark.parametrize("name", ["SKILL.md", "scripts", "scripts/run.py"])
def test_a_file_or_folder_that_becomes_the_other_is_refused(name: str, original: Path, check: Check) -> None:
    path = original / name
    if path.is_dir():
        shutil.rmtree(path)
        path.touch()
    else:
        path.unlink()
        path.mkdir()

    assert _refused(check, original)


def test_the_vault_of_another_skill_is_refused(
    original: Path, check: Check, make_skill: Callable[..., Path], sign_folder: Callable[..., Path]
) -> None:
    other = sign_folder(make_skill({"SKILL.md": b"# Other\n"}, name="other"))
    shutil.rmtree(original / ".vault")
    (other / ".vault").rename(original / ".vault")

    assert _refused(check, original)
