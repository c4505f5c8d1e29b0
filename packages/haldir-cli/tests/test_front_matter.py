from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from haldir_cli.frontmatter import MAX_BYTES, FrontMatter, parse_front_matter, read_front_matter
from haldir_core import UnreadableError, read_skill

Run = Callable[..., tuple[int, str, str]]

BOMB = "\n".join(
    ["---", "a: &a [x, x, x, x, x, x, x, x, x]"]
    + [
        f"{name}: &{name} [{', '.join(['*' + before] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    + ["name: *i", "version: '1'", "---", ""]
)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("---\nname: weather\nversion: 1.2.3\n---\n", "weather", "1.2.3"),
        ("---\nname: weather\nmetadata:\n  version: 1.2.3\n---\n", "weather", "1.2.3"),
        ("---\nversion: 1\nmetadata:\n  version: 2\n---\n", None, "1"),
        ("---\nversion: 1.10\n---\n", None, "1.10"),
        ("---\nversion: 1e3\nname: no\n---\n", "no", "1e3"),
        ("---\nversion: 2026-01-31\nname: null\n---\n", "null", "2026-01-31"),
        ("---\nname: '  weather '\n---\n", "weather", None),
        ("---\nname: ''\nversion: ' '\n---\n", None, None),
        ("---\nname: [a, b]\nversion: {a: b}\n---\n", None, None),
        ("---\nmetadata: text\n---\n", None, None),
        ("---\r\nname: weather\r\n---\r\n", "weather", None),
        ("---  \nname: weather\n---  \n", "weather", None),
        ("---\nname: wetter-für-münchen\n---\n", "wetter-für-münchen", None),
        ("# Weather\n\n---\nname: weather\n---\n", None, None),
        ("", None, None),
    ],
    ids=[
        "both", "metadata", "version-first", "trailing-zero", "no-number", "no-date", "stripped", "empty", "no-text",
        "metadata-no-mapping", "crlf", "spaces", "umlauts", "not-at-the-start", "nothing",
    ],
)  # fmt: skip
def test_a_front_matter_gives_name_and_version_as_they_are_written(
    text: str, name: str | None, version: str | None
) -> None:
    assert parse_front_matter(text) == FrontMatter(name, version)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("---\nname: weather\n", "has no end"),
        ("---\nname: [\n---\n", "is not YAML"),
        ("---\nname: a: b\n---\n", "is not YAML"),
        ("---\nname: \x00\n---\n", "is not YAML"),
        ("---\n" + "[" * 50_000 + "\n---\n", "is not YAML"),
        ("---\n- name\n---\n", "is no mapping"),
        ("---\n---\n", "is no mapping"),
        ("---\nname: *x\n---\n", "is not YAML"),
    ],
    ids=["no-end", "open-list", "two-colons", "nul", "deep", "list", "empty", "unknown-alias"],
)
def test_a_front_matter_that_cannot_be_used_says_why(text: str, words: str) -> None:
    found = parse_front_matter(text)
    assert (found.name, found.version) == (None, None)
    assert words in (found.problem or "")


def test_a_yaml_bomb_is_no_name_and_takes_no_time() -> None:
    before = process_time()
    assert parse_front_matter(BOMB) == FrontMatter(None, "1")
    assert process_time() - before < 10  # what is quadratic takes minutes


def test_a_tag_makes_no_object() -> None:
    assert parse_front_matter("---\nname: !!python/object/apply:os.getcwd []\n---\n").name is None


def _read(skill: Path) -> FrontMatter:
    return read_front_matter(skill, read_skill(skill).files.get("SKILL.md"))


@pytest.mark.parametrize("size", [64 * 1024 + 1, MAX_BYTES], ids=str)
def test_a_large_skill_md_is_read_to_its_end(skill: Path, size: int) -> None:
    end = b"---\n" * 2
    start = b"---\nname: weather\n#"
    (skill / "SKILL.md").write_bytes(start + b"#" * (size - len(start) - len(end) - 1) + b"\n" + end)
    assert (skill / "SKILL.md").stat().st_size == size
    assert _read(skill) == FrontMatter("weather")


def test_a_skill_md_beyond_its_limit_is_told_and_not_looked_at(skill: Path) -> None:
    (skill / "SKILL.md").write_bytes(b"---\nname: weather\n---\n".ljust(MAX_BYTES + 1))
    found = _read(skill)
    assert (found.name, found.version) == (None, None)
    assert found.problem == "SKILL.md is larger than 1048576 bytes"


def test_signing_a_skill_md_beyond_its_limit_is_a_note(
    run: Run, make_skill: Callable[..., Path], keys: Path, read_vault: Callable[..., Any]
) -> None:
    skill = make_skill(skill_md=b"---\nname: weather\n---\n".ljust(MAX_BYTES + 1))
    code, _, err = run("sign", skill, "--key", keys / "publisher.key")
    assert code == 0
    assert "Note: SKILL.md is larger than 1048576 bytes; its name and version are not used" in err
    assert read_vault(skill, "attestation.json")["skill"]["name"] == "unnamed"


def test_the_skill_md_that_names_the_skill_is_the_one_that_is_signed(skill: Path) -> None:
    digest = read_skill(skill).files["SKILL.md"]
    (skill / "SKILL.md").write_text("---\nname: evil-tool\nversion: 6.6.6\n---\n", encoding="ascii")
    with pytest.raises(UnreadableError, match="was changed while it was being signed: sign again"):
        read_front_matter(skill, digest)


def test_a_skill_md_that_becomes_a_link_to_another_is_not_read(skill: Path, tmp_path: Path) -> None:
    digest = read_skill(skill).files["SKILL.md"]
    (tmp_path / "other.md").write_bytes((skill / "SKILL.md").read_bytes())
    (skill / "SKILL.md").unlink()
    (skill / "SKILL.md").symlink_to(tmp_path / "other.md")
    with pytest.raises(OSError, match="symbolic links"):
        read_front_matter(skill, digest)


def test_a_byte_order_mark_is_ignored(skill: Path) -> None:
    (skill / "SKILL.md").write_bytes(b"\xef\xbb\xbf---\nname: weather\n---\n")
    assert _read(skill).name == "weather"


def test_a_skill_without_skill_md_says_nothing_of_itself(skill: Path) -> None:
    (skill / "SKILL.md").unlink()
    assert _read(skill) == FrontMatter()


def test_a_skill_md_that_is_a_folder_names_nothing(
    run: Run, skill: Path, keys: Path, read_vault: Callable[..., Any]
) -> None:
    (skill / "SKILL.md").unlink()
    (skill / "SKILL.md").mkdir()
    assert run("sign", skill, "--key", keys / "publisher.key")[0] == 0
    assert read_vault(skill, "attestation.json")["skill"]["name"] == "unnamed"


def test_a_broken_front_matter_is_told_and_the_skill_is_unnamed(
    run: Run, make_skill: Callable[..., Path], keys: Path, read_vault: Callable[..., Any]
) -> None:
    skill = make_skill(skill_md="---\nname: [\n---\n")
    code, _, err = run("sign", skill, "--key", keys / "publisher.key")
    assert code == 0
    assert "not YAML" in err
    assert "name and version are not used" in err
    assert read_vault(skill, "attestation.json")["skill"]["name"] == "unnamed"


def test_with_both_options_a_broken_front_matter_is_not_even_read(
    run: Run, make_skill: Callable[..., Path], keys: Path
) -> None:
    skill = make_skill(skill_md="---\nname: [\n---\n")
    err = run("sign", skill, "--key", keys / "publisher.key", "--name", "a", "--skill-version", "1")[2]
    assert "YAML" not in err
