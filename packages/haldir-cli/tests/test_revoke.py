import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from haldir_core import RevocationList, Timestamp, load_public_key

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def revoke(run: Run, keys: Path) -> Run:
    """Run ``haldir revoke`` with the revoker's key and the list ``list.json``."""

    def call(*arguments: str) -> tuple[int, str, str]:
        return run("revoke", *arguments, "--key", keys / "revoker.key", "--list", "list.json")

    return call


@pytest.fixture
def listed(work: Path) -> Callable[[], dict[str, Any]]:
    """Return the list as it is on disk."""
    return lambda: dict(json.loads((work / "list.json").read_bytes()))


def test_init_makes_an_empty_list_that_is_signed(revoke: Run, work: Path, keys: Path) -> None:
    code, out, err = revoke("--init")
    made = RevocationList.from_bytes((work / "list.json").read_bytes())
    assert (code, out, made.entries, made.sequence_number) == (0, "", (), 1)
    assert made.is_signed_by(load_public_key(keys / "revoker.pub"))
    assert "0 revoked, sequence number 1, current until " in err


def test_anybody_may_read_a_list(revoke: Run, work: Path) -> None:
    revoke("--init")
    assert stat.S_IMODE((work / "list.json").stat().st_mode) == 0o644


def test_init_overwrites_nothing(revoke: Run, work: Path) -> None:
    (work / "list.json").write_text("mine", encoding="ascii")
    code, _, err = revoke("--init")
    assert (code, (work / "list.json").read_text(encoding="ascii")) == (2, "mine")
    assert "not overwritten" in err


def test_a_revocation_is_added_with_its_reason_and_severity(revoke: Run, listed: Callable[[], dict[str, Any]]) -> None:
    revoke("--init")
    assert revoke("weather@1.2.3", "--reason", "steals keys", "--severity", "critical")[0] == 0
    entry = listed()["entries"][0]
    assert (entry["name"], entry["versions"]) == ("weather", ["1.2.3"])
    assert (entry["reason"], entry["severity"]) == ("steals keys", "critical")
    assert listed()["sequence_number"] == 2


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [("@team/rain@1.0", "@team/rain", "1.0"), ("rain@*", "rain", "*"), ("a b@1", "a b", "1"), ("a@b@c", "a@b", "c")],
    ids=["scoped", "every-version", "space", "two-ats"],
)
def test_the_last_at_sign_separates_name_and_version(
    revoke: Run, listed: Callable[[], dict[str, Any]], text: str, name: str, version: str
) -> None:
    assert revoke(text, "--reason", "r")[0] == 0
    assert (listed()["entries"][0]["name"], listed()["entries"][0]["versions"]) == (name, [version])


NOT_NAMES = {
    "pattern": "tool@1.*",
    "every-name": "*@*",
    "part-of-a-name": "wea*@1",
    "blank-behind": "tool@1.2.3 ",
    "blank-between": "tool @1",
    "blank-before": " tool@1",
    "not-nfc": "cafe\u0301@1",
    "zero-width": "t\u200bool@*",
    "joiner": "to\u034fol@*",
    "escape": "tool\x1b[2J@1",
    "newline": "tool@1\n",
    "bytes": "tool\udcff@1",
}


@pytest.mark.parametrize("text", NOT_NAMES.values(), ids=NOT_NAMES)
def test_what_no_skill_can_be_called_is_refused_and_shown_as_escapes(revoke: Run, work: Path, text: str) -> None:
    code, _, err = revoke(text, "--reason", "r")
    assert (code, list(work.iterdir())) == (2, [])
    assert "no skill can be called" in err
    assert err.replace("\n", "").isprintable()


@pytest.mark.parametrize("name", ["weather", "@team/rain", "a b", "caf\xe9", "\u540d\u524d", "a@b"], ids=ascii)
@pytest.mark.parametrize("version", ["1.2.3", "*"], ids=["version", "every-version"])
def test_what_was_signed_can_be_revoked(
    run: Run, revoke: Run, skill: Path, keys: Path, name: str, version: str
) -> None:
    run("sign", skill, "--key", keys / "publisher.key", "--name", name, "--skill-version", "1.2.3")
    assert revoke(f"{name}@{version}", "--reason", "r")[0] == 0
    trusted = ("--key", keys / "publisher.pub", "--revocation-key", keys / "revoker.pub")
    code, out, _ = run("verify", skill, *trusted, "--revocation", "list.json")
    assert (code, json.loads(out)["errors"][0]["code"]) == (1, "E_REVOKED")


def test_a_list_with_an_entry_that_no_skill_can_have_is_extended_all_the_same(
    revoke: Run, make_list: Callable[..., Path], listed: Callable[[], dict[str, Any]]
) -> None:
    make_list("*@1.*", "t\u200bool@*")
    assert revoke("weather@1", "--reason", "r")[0] == 0
    assert [entry["name"] for entry in listed()["entries"]] == ["*", "t\u200bool", "weather"]


@pytest.mark.parametrize("arguments", [("weather@1", "--reason", "r"), ("--init",), ("--refresh",)], ids=lambda a: a[0])
def test_a_list_behind_a_link_that_leads_nowhere_does_not_begin_again(
    revoke: Run, work: Path, arguments: tuple[str, ...]
) -> None:
    (work / "list.json").symlink_to(work / "gone.json")
    code, _, err = revoke(*arguments)
    assert (code, (work / "gone.json").exists()) == (2, False)
    assert "is a link that leads nowhere" in err


def test_a_passphrase_for_a_key_that_is_not_encrypted_is_told(revoke: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "correct horse")
    code, _, err = revoke("--init", "--passphrase-env", "SECRET")
    assert code == 0
    assert "revoker.key is not encrypted; the passphrase protects nothing" in err


@pytest.mark.parametrize("text", ["weather", "weather@", "@1.0", "@", "", "@team/rain"])
def test_a_name_without_version_is_a_usage_error(revoke: Run, work: Path, text: str) -> None:
    code, _, err = revoke(text, "--reason", "r")
    assert (code, list(work.iterdir())) == (2, [])
    assert "NAME@VERSION" in err


def test_nothing_to_do_is_a_usage_error(revoke: Run) -> None:
    assert revoke()[0] == 2


@pytest.mark.parametrize("options", [(), ("--reason", "")], ids=["none", "empty"])
def test_a_revocation_needs_a_reason(revoke: Run, work: Path, options: tuple[str, ...]) -> None:
    code, _, err = revoke("weather@1", *options)
    assert (code, list(work.iterdir())) == (2, [])
    assert "--reason" in err


def test_an_empty_severity_is_a_usage_error(revoke: Run) -> None:
    code, _, err = revoke("weather@1", "--reason", "r", "--severity", "")
    assert code == 2
    assert "--severity" in err


@pytest.mark.parametrize(
    "arguments",
    [("--init", "--refresh"), ("weather@1", "--init"), ("weather@1", "--refresh")],
    ids=["both", "init-with-name", "refresh-with-name"],
)
def test_things_that_exclude_each_other_are_a_usage_error(revoke: Run, work: Path, arguments: tuple[str, ...]) -> None:
    assert revoke(*arguments)[0] == 2
    assert list(work.iterdir()) == []


def test_a_first_revocation_makes_a_list_and_says_so(revoke: Run, listed: Callable[[], dict[str, Any]]) -> None:
    _, _, err = revoke("weather@1", "--reason", "r")
    assert "Note: there is no list at " in err
    assert (listed()["sequence_number"], len(listed()["entries"])) == (1, 1)


def test_refresh_changes_dates_and_number_only(revoke: Run, listed: Callable[[], dict[str, Any]]) -> None:
    revoke("weather@1", "--reason", "r")
    before = listed()
    assert revoke("--refresh")[0] == 0
    after = listed()
    assert (after["entries"], after["sequence_number"]) == (before["entries"], 2)
    assert after["signature"] != before["signature"]


def test_refresh_needs_a_list(revoke: Run, work: Path) -> None:
    assert revoke("--refresh")[0] == 2
    assert list(work.iterdir()) == []


def test_the_same_revocation_twice_is_one_entry(revoke: Run, listed: Callable[[], dict[str, Any]]) -> None:
    for _ in range(2):
        assert revoke("weather@1", "--reason", "r")[0] == 0
    assert (len(listed()["entries"]), listed()["sequence_number"]) == (1, 2)


@pytest.mark.parametrize("arguments", [("weather@1", "--reason", "r"), ("--refresh",)], ids=["revoke", "refresh"])
def test_another_key_cannot_extend_the_list(
    revoke: Run, run: Run, keys: Path, work: Path, arguments: tuple[str, ...]
) -> None:
    revoke("--init")
    before = (work / "list.json").read_bytes()
    code, _, err = run("revoke", *arguments, "--key", keys / "stranger.key", "--list", "list.json")
    assert (code, (work / "list.json").read_bytes()) == (1, before)
    assert "extend it with the key that signed it" in err


def test_a_list_that_was_changed_is_not_extended(revoke: Run, work: Path) -> None:
    revoke("weather@1", "--reason", "r")
    changed = (work / "list.json").read_text(encoding="utf-8").replace("weather", "whether")
    (work / "list.json").write_text(changed, encoding="utf-8")
    assert revoke("rain@1", "--reason", "r")[0] == 1
    assert (work / "list.json").read_text(encoding="utf-8") == changed


@pytest.mark.parametrize("data", ["", "{", "{}", "[]"], ids=["empty", "no-json", "object", "list"])
def test_a_malformed_list_is_exit_2_and_stays_as_it_is(revoke: Run, work: Path, data: str) -> None:
    (work / "list.json").write_text(data, encoding="ascii")
    assert revoke("weather@1", "--reason", "r")[0] == 2
    assert (work / "list.json").read_text(encoding="ascii") == data


@pytest.mark.parametrize("path", ["nowhere/list.json", ".", ""], ids=["missing-folder", "folder", "empty"])
@pytest.mark.parametrize("arguments", [("weather@1", "--reason", "r"), ("--init",)], ids=["revoke", "init"])
def test_a_list_that_cannot_be_a_file_is_exit_2(run: Run, keys: Path, path: str, arguments: tuple[str, ...]) -> None:
    code, _, err = run("revoke", *arguments, "--key", keys / "revoker.key", "--list", path)
    assert code == 2
    assert "internal error" not in err


def test_unknown_members_of_a_list_are_kept(
    revoke: Run, work: Path, private_keys: dict[str, Any], listed: Callable[[], dict[str, Any]]
) -> None:
    revoke("--init")
    document = listed()
    del document["signature"]
    resigned = RevocationList._signed(document | {"contact": "me"}, private_keys["revoker"], _moment(document))
    (work / "list.json").write_bytes(resigned.to_bytes())
    assert revoke("weather@1", "--reason", "r")[0] == 0
    assert listed()["contact"] == "me"


def _moment(document: dict[str, Any]) -> Any:  # noqa: ANN401 - a datetime
    return Timestamp.parse(document["issued_at"]).moment


def test_an_encrypted_key_revokes(run: Run, encrypted_key: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "correct horse")
    options = ("--key", encrypted_key, "--passphrase-env", "SECRET", "--list", "list.json")
    assert run("revoke", "--init", *options)[0] == 0


def test_a_public_key_cannot_revoke(run: Run, keys: Path, work: Path) -> None:
    assert run("revoke", "--init", "--key", keys / "revoker.pub", "--list", "list.json")[0] == 2
    assert list(work.iterdir()) == []
