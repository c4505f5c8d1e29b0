"""The matcher answers by what it knows of a folder; whatever it was asked before, the answer is that of the rules."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from haldir_enforcer._policy.matching import Matcher
from haldir_enforcer._policy.records import PathRule

ROOT = "/skills/weather"
SECRETS = (
    "**/.vault",
    "**/.ssh",
    "**/.env.*",
    "**/.config/gh",
    "**/a*/key",
    "**/deep/**",
    "/etc/shadow",
    "/etc/ssh/ssh_*",
)
KEPT = ("**/agents.md", "**/.claude/memory", "/homes/u/.local", "/skills/w*/state", "/skills/weather/notes")

_WORDS = """skills weather state notes .vault .ssh .SSH .env.local .env. .config gh ab a key deep etc shadow ssh
ssh_host AGENTS.md .claude memory homes u .local out x"""
NAMES = st.sampled_from([*_WORDS.split(), "key\n", "", ".", "..", "\0"])
PATHS = st.lists(NAMES, max_size=6).map(lambda names: "/" + "/".join(names))
PATHS_OF_SKILL = st.one_of(PATHS, PATHS.map(lambda path: ROOT + path), st.just(ROOT))


def rule(folder: str) -> PathRule:
    """Return a rule for a folder and everything below."""
    return PathRule(pattern=folder, parent=Path(folder), exact=True, source="declared")


def matcher(folders: list[str]) -> Matcher:
    """Return a matcher that grants the folders to readers and writers."""
    rules = [rule(folder) for folder in folders]
    return Matcher(Path(ROOT), rules, rules, SECRETS, KEPT)


def granted(path: str, folders: list[str], place: str) -> str | None:
    """Return the deepest of the folders that ``path`` lies in and that is no folder above the guarded place."""
    names = path[1:].split("/")
    if path != "/" and ("\0" in path or not {"", ".", ".."}.isdisjoint(names)):
        return None
    above = ["/", *("/" + "/".join(names[:end]) for end in range(1, len(names) + 1))]
    found = [folder for folder in above if folder in folders and len(folder) >= len(place)]
    return found[-1] if found else None


@given(folders=st.lists(PATHS_OF_SKILL.map(lambda path: str(Path(path))), max_size=4), paths=st.lists(PATHS_OF_SKILL))
def test_a_path_is_as_guarded_as_if_it_were_the_first_that_is_asked_about(folders: list[str], paths: list[str]) -> None:
    asked = matcher(folders)
    for path in paths:
        secret, kept = asked.secret_place(path), asked.kept_place(path)
        reading, writing = asked.reading(path), asked.writing(path)
        assert (reading and str(reading.parent)) == granted(path, folders, secret), path
        assert (writing and str(writing.parent)) == granted(path, folders, max(secret, kept, key=len)), path


def test_a_secret_beside_an_honest_file_is_guarded_after_its_folder_is_known() -> None:
    asked = matcher(["/homes"])
    assert asked.writing("/homes/u/project/notes.txt") is not None
    assert asked.reading("/homes/u/project/.env.local") is None
    assert asked.writing("/homes/u/project/AGENTS.md") is None
    assert asked.reading("/homes/u/project/.ssh/id") is None
    assert asked.reading("/homes/u/project/.ssh/known_hosts") is None


def test_a_skill_at_the_root_of_the_files_guards_what_any_other_does() -> None:
    asked = Matcher(Path("/"), [rule("/")], [rule("/")], ("**/.ssh",), ("**/agents.md",))
    assert asked.writing("/out/x") == rule("/")
    assert asked.writing("/out/agents.md") is None
