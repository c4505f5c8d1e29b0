"""Decoys, and how their secrets are known again."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from haldir_sandbox import canary
from haldir_sandbox.canary import Decoy

TOKENS = canary.make_tokens(b"seed")


def test_the_decoys_are_planted_with_closed_modes(tmp_path: Path) -> None:
    canary.plant(tmp_path, TOKENS)
    key = tmp_path / ".ssh/id_ed25519"
    assert TOKENS["ssh"].value in key.read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    assert all((tmp_path / path).is_file() for path in canary.decoy_files(TOKENS))


def test_two_runs_have_different_secrets() -> None:
    assert canary.make_tokens(b"other")["ssh"] != TOKENS["ssh"]
    assert len({token.value for token in TOKENS.values()}) == len(TOKENS)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".ssh/id_rsa", Decoy.CREDENTIAL),
        (".ssh", Decoy.CREDENTIAL),
        (".ssh/another", Decoy.CREDENTIAL),
        (".aws/credentials", Decoy.CREDENTIAL),
        ("SOUL.md", Decoy.AGENT),
        (".claude/settings.json", Decoy.AGENT),
        (".bashrc", Decoy.SHELL),
        ("other.txt", None),
    ],
)
def test_a_path_in_the_home_is_a_decoy_or_none(path: str, kind: Decoy | None, tmp_path: Path) -> None:
    assert canary.decoy_at(str(tmp_path / path), tmp_path) is kind


def test_a_path_outside_the_home_is_no_decoy(tmp_path: Path) -> None:
    assert canary.decoy_at("/etc/.ssh/id_rsa", tmp_path) is None


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda raw: raw,
    "lower": lambda raw: raw.lower(),
    "hex": lambda raw: raw.hex().encode(),
    "reversed": lambda raw: raw[::-1],
    "base64": base64.b64encode,
    "base64 after one byte": lambda raw: base64.b64encode(b"x" + raw),
    "base64 after two bytes": lambda raw: base64.b64encode(b"xy" + raw + b"tail"),
    "base64 in lines": lambda raw: base64.encodebytes(b"some text before it, long enough for lines " + raw),
    "url-safe base64": base64.urlsafe_b64encode,
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_secret_is_known_again(encode: Callable[[bytes], bytes]) -> None:
    data = b"before " + encode(TOKENS["aws"].value.encode()) + b" after"
    assert canary.contains_token(data, TOKENS) == "aws"


def test_other_data_holds_no_secret() -> None:
    assert canary.contains_token(b"nothing of the kind " * 100, TOKENS) is None
