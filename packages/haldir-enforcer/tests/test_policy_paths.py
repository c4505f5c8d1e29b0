import json
import os
from pathlib import Path
from typing import Any

import pytest

from haldir_core.permissions import Permissions
from haldir_enforcer.errors import PolicyError
from haldir_enforcer.events import By
from haldir_enforcer.policy import Policy, compile_policy, granting, may_read, may_write

SEARCH = ("/usr/bin", "/bin")


def permissions(**declared: Any) -> Permissions:  # noqa: ANN401 - JSON
    files = {"read": declared.pop("read", []), "write": declared.pop("write", [])}
    document = {"schema_version": "1.0", "declared": {"filesystem": files, **declared}}
    return Permissions.from_bytes(json.dumps(document).encode())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "skills" / "weather"
    (folder / ".vault").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "SKILL.md").write_text("# weather\n")
    return folder


def compiled(root: Path, home: Path, **declared: Any) -> Policy:  # noqa: ANN401 - JSON
    return compile_policy(permissions(**declared), root, home=home, search_path=SEARCH)


def reads(policy: Policy, path: Path) -> bool:
    return may_read(policy, str(path)) is not None


def writes(policy: Policy, path: Path) -> bool:
    return may_write(policy, str(path)) is not None


def test_a_skill_that_declares_nothing_reads_its_own_folder_and_nothing_else(root: Path, home: Path) -> None:
    policy = compiled(root, home)
    assert reads(policy, root / "SKILL.md")
    assert not reads(policy, root.parent / "other")
    assert not reads(policy, root.parent / "weather2" / "x")
    assert not reads(policy, Path("/etc/passwd"))
    assert not writes(policy, root / "SKILL.md")
    assert (policy.hosts, policy.programs, policy.profiles) == ((), (), ("skill",))


def test_the_signature_is_read_only_by_an_entry_that_names_it(root: Path, home: Path) -> None:
    assert not reads(compiled(root, home), root / ".vault" / "permissions.json")
    assert not reads(compiled(root, home, read=["."]), root / ".vault" / "permissions.json")
    assert not reads(compiled(root, home, read=["**"]), root / ".VAULT" / "permissions.json")
    assert reads(compiled(root, home, read=[".vault/permissions.json"]), root / ".vault" / "permissions.json")


@pytest.mark.parametrize("entry", [".vault", ".vault/x", "data/.vault", ".Vault/x", "~/other/.vault/integrity.json"])
def test_a_signature_is_never_written(root: Path, home: Path, entry: str) -> None:
    with pytest.raises(PolicyError, match="signed"):
        compiled(root, home, write=[entry])


def test_a_relative_path_is_below_the_skill_and_takes_in_everything_under_it(root: Path, home: Path) -> None:
    policy = compiled(root, home, write=["data"])
    assert writes(policy, root / "data" / "a" / "b")
    assert writes(policy, root / "data")
    assert not writes(policy, root / "data2")
    assert policy.write[0].exact
    assert policy.write[0].held_by is By.KERNEL


def test_a_home_path_is_below_the_given_home(root: Path, home: Path) -> None:
    (home / "notes").mkdir()
    policy = compiled(root, home, read=["~/notes"])
    assert reads(policy, home / "notes" / "a.md")
    assert not reads(policy, home / "other")


@pytest.mark.parametrize("entry", ["./data/", "data//", "data/.", "data/**", "data/**/*"])
def test_spellings_of_one_folder_are_one_rule(root: Path, home: Path, entry: str) -> None:
    assert compiled(root, home, write=[entry]).write == compiled(root, home, write=["data"]).write


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("data/*.json", ["data/a.json", "data/.json"], ["data/a.jsonx", "data/b/a.json", "data", "x/a.json"]),
        ("data/**/*.json", ["data/a.json", "data/b/c/a.json"], ["data/a.txt", "a.json"]),
        ("data/?.txt", ["data/a.txt"], ["data/ab.txt", "data/.txt", "data//.txt"]),
        ("data/[abc]/[!x]y", ["data/a/zy"], ["data/a/xy", "data/d/zy", "data/a/b/y"]),
        ("data/[0-9]*", ["data/1", "data/9x"], ["data/x1", "data/1/2"]),
        ("data/*/deep/**", ["data/a/deep", "data/a/deep/b/c"], ["data/deep", "data/a/b/deep"]),
        ("data/[[]id].ts", ["data/[id].ts"], ["data/i.ts"]),
        ("data/a*b*c*d", ["data/abcd", "data/axbxcxd"], ["data/abdc", "data/a/bcd"]),
        ("data/weiß*", ["data/weißes"], ["data/weiss"]),
    ],
)
def test_globs_match_within_segments_and_stars_across(
    tmp_path: Path, root: Path, home: Path, pattern: str, yes: list[str], no: list[str]
) -> None:
    outside = tmp_path / "outside"
    (outside / "data").mkdir(parents=True)
    policy = compiled(root, home, read=[f"{outside}/{pattern}"])
    rule = policy.read[1]
    assert (rule.parent, rule.exact, rule.held_by) == (outside / "data", False, By.SUPERVISOR)
    assert [text for text in yes if may_read(policy, f"{outside}/{text}") is None] == []
    assert [text for text in no if may_read(policy, f"{outside}/{text}") is not None] == []
    assert any("held by the supervisor" in note for note in policy.notes)


def test_characters_of_a_real_folder_are_no_pattern(tmp_path: Path, home: Path) -> None:
    root = tmp_path / "odd [a*]?"
    (root / "data").mkdir(parents=True)
    policy = compiled(root, home, read=[f"{tmp_path}/odd [[]a[*]]?/*.txt"], write=["data/*.txt", "new/x"])
    assert writes(policy, root / "data" / "a.txt")
    assert writes(policy, root / "new" / "x")
    assert not writes(policy, tmp_path / "odd a" / "data" / "a.txt")


def test_a_pattern_of_many_stars_answers_at_once(tmp_path: Path, root: Path, home: Path) -> None:
    pattern = "/".join(["**", "*a*a*a*a*a*"] * 30)
    policy = compiled(root, home, read=[f"{tmp_path}/{pattern}/x"])
    assert may_read(policy, f"{tmp_path}/" + ("a" * 60 + "/") * 60 + "y") is None


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " data",
        "data ",
        "../other",
        "data/../../other",
        "~/../other",
        "/etc/../root",
        "data\0x",
        "data\nx",
        "data\x1b[2J",
        "data\u202etxt",
        "data\u200bx",
        "-rf",
        "--allow-child-process",
        "./data --allow-child-process",
        "data -e x",
        "~root/x",
        "~x",
        "data\\x",
        "C:/x",
        "file:///etc",
        "https://example.com/x",
        "$HOME/x",
        "${HOME}/x",
        "%APPDATA%/x",
        "{a,b}",
        "!data",
        "a**b/x",
        "data/[abc",
        "data/[z-a]",
        "data/[+-9]",
        "x" * 256,
        "x/" * 2100,
        "/proc",
        "/proc/1/environ",
        "/proc/*/environ",
        "/proc/**",
        "/proc/[0-9]*/mem",
        "/proc/thread-self/mem",
        "/proc/kcore",
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused_by_name(root: Path, home: Path, entry: str) -> None:
    with pytest.raises(PolicyError, match=r"filesystem\.read") as caught:
        compiled(root, home, read=[entry])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("entry", ["a - b.mp3", "a,b", "(a)", "it's", 'say "x"', "x;y", "-", "a b", "日本", "./-x"])
def test_an_odd_but_honest_name_is_taken_literally(root: Path, home: Path, entry: str) -> None:
    if entry == "-":
        entry = "./-"
    policy = compiled(root, home, write=[f"data/{entry}"])
    assert writes(policy, root / "data" / entry)


@pytest.mark.parametrize(
    "entry",
    ["/", "~", "~/", "/**", "~/**", "/*", "~/*.txt", "/proc/self/mem", "/sys/x", "/dev", "/dev/sda", "/dev/tty"],
)
def test_writing_everything_is_refused(root: Path, home: Path, entry: str) -> None:
    with pytest.raises(PolicyError, match=r"filesystem\.write"):
        compiled(root, home, write=[entry])


def test_writing_the_folder_of_all_homes_is_refused(root: Path, home: Path) -> None:
    with pytest.raises(PolicyError, match="start-up files"):
        compiled(root, home, write=[str(home.parent)])


def test_reading_everything_is_noted_and_leaves_the_secrets_out(root: Path, home: Path) -> None:
    policy = compiled(root, home, read=["/"])
    assert any("whole file system" in note for note in policy.notes)
    assert reads(policy, Path("/etc/hostname"))
    closed = (
        "/etc/shadow",
        "/proc/1/environ",
        "/dev/sda",
        "/sys/kernel/x",
        "/run/secrets/x",
        "/etc/ssh/ssh_host_rsa_key",
    )
    assert [path for path in closed if reads(policy, Path(path))] == []
    assert not next(rule for rule in policy.read if rule.source == "declared").exact


SECRETS = (
    ".ssh/id_ed25519",
    ".SSH/config",
    ".aws/credentials",
    ".gnupg/x",
    ".kube/config",
    ".config/gcloud/x",
    ".config/gh/hosts.yml",
    ".config/google-chrome/Default/Cookies",
    ".config/google-chrome-beta/x",
    ".mozilla/firefox/x",
    ".local/share/keyrings/login.keyring",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
    ".bash_history",
    ".python_history",
    ".zsh_history",
    ".env",
    ".env.production",
    ".docker/config.json",
    "Library/Keychains/x",
    "Library/Application Support/Google/Chrome/x",
    "backup/alice/.ssh/id_rsa",
    "old/id_rsa",
    "skill/.vault/x",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("entry", ["~", "~/**", "~/*/**", "/", "~/.*/**", "~/.[a-z]*/**"])
def test_no_grant_from_above_reaches_a_secret(root: Path, home: Path, entry: str, secret: str) -> None:
    assert not reads(compiled(root, home, read=[entry]), home / secret)


@pytest.mark.parametrize("secret", SECRETS)
def test_an_entry_that_names_a_secret_reaches_it(root: Path, home: Path, secret: str) -> None:
    policy = compiled(root, home, read=["~", f"~/{secret}"])
    assert reads(policy, home / secret)
    assert not reads(policy, home / ".azure" / "x")


def test_naming_a_folder_of_secrets_reaches_what_is_in_it_and_nothing_beside(root: Path, home: Path) -> None:
    policy = compiled(root, home, read=["~/.ssh/*.pub"])
    assert reads(policy, home / ".ssh" / "id.pub")
    assert not reads(policy, home / ".ssh" / "id")
    assert not reads(compiled(root, home, read=["~/.ssh"]), home / ".ssh" / ".aws" / "x")


@pytest.mark.parametrize("name", [".config", ".docker", ".config/goog", "Library"])
def test_what_is_beside_a_secret_is_no_secret(root: Path, home: Path, name: str) -> None:
    assert reads(compiled(root, home, read=["~"]), home / name / "x")


def test_secrets_behind_a_link_in_the_home_folder_stay_secrets(tmp_path: Path, root: Path, home: Path) -> None:
    place = tmp_path / "elsewhere" / "keys"
    place.mkdir(parents=True)
    (home / ".ssh").symlink_to(place)
    assert not reads(compiled(root, home, read=[str(tmp_path / "elsewhere")]), place / "id")
    assert reads(compiled(root, home, read=["~/.ssh/id"]), place / "id")


def test_a_link_into_a_secret_is_refused(root: Path, home: Path) -> None:
    (home / ".ssh").mkdir()
    (home / ".aws").mkdir()
    (home / "notes").symlink_to(home / ".ssh")
    (home / ".aws" / "more").symlink_to(home / ".ssh")
    for entry in ("~/notes", "~/notes/id", "~/notes/*", "~/.aws/more"):
        with pytest.raises(PolicyError, match="leads by a link"):
            compiled(root, home, read=[entry])


def test_a_link_out_of_the_skill_is_refused(tmp_path: Path, root: Path, home: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "deep").symlink_to("../../outside/x")
    for entry in ("link", "link/x", "link/*.txt", "deep/x"):
        with pytest.raises(PolicyError, match="out of the skill's folder"):
            compiled(root, home, read=[entry])


def test_a_link_elsewhere_grants_what_it_leads_to_and_says_so(tmp_path: Path, root: Path, home: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    policy = compiled(root, home, read=[f"{tmp_path}/link/*.txt"])
    assert policy.read[1].parent == tmp_path / "real"
    assert reads(policy, tmp_path / "real" / "a.txt")
    assert not reads(policy, tmp_path / "link" / "a.txt")
    assert any("leads by a link" in note for note in policy.notes)


@pytest.mark.parametrize("access", ["read", "write"])
@pytest.mark.parametrize("entry", ["area/link", "area/link/deeper", "area/link/*.txt", "way/link"])
def test_a_link_where_the_skill_may_write_leads_to_no_grant(
    tmp_path: Path, root: Path, home: Path, access: str, entry: str
) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "area").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "area")
    (tmp_path / "area" / "link").symlink_to("../victim")
    declared = {"read": [], "write": [f"{tmp_path}/area"]}
    declared[access].append(f"{tmp_path}/{entry}")
    with pytest.raises(PolicyError, match="which lies where the skill may write"):
        compiled(root, home, **declared)


def test_a_loop_of_links_grants_nothing_beyond_itself(root: Path, home: Path) -> None:
    (home / "loop").symlink_to(home / "loop")
    policy = compiled(root, home, read=["~/loop/x"])
    assert not reads(policy, home / "other")


AGENT_FILES = (
    "AGENTS.md",
    "agents.md",
    "SOUL.md",
    "CLAUDE.md",
    ".claude/settings.json",
    ".cursor/rules/x",
    ".github/copilot-instructions.md",
)
MEMORY_FILES = ("MEMORY.md", "memory-bank/x", ".memory/x")


@pytest.mark.parametrize("name", [*AGENT_FILES, *MEMORY_FILES])
def test_agent_state_is_not_written_through_a_grant_of_its_folder(root: Path, home: Path, name: str) -> None:
    (home / "project").mkdir()
    policy = compiled(root, home, write=["~/project", "data"])
    assert writes(policy, home / "project" / "README.md")
    assert not writes(policy, home / "project" / name)
    assert not writes(policy, home / "project" / "deep" / name)
    assert not writes(policy, root / "data" / name)


@pytest.mark.parametrize("name", [*AGENT_FILES, *MEMORY_FILES])
def test_declaring_agent_state_without_the_capability_contradicts_itself(root: Path, home: Path, name: str) -> None:
    with pytest.raises(PolicyError, match="declare the capability"):
        compiled(root, home, write=[f"data/{name}"])


def test_a_capability_opens_its_own_files_and_no_others(root: Path, home: Path) -> None:
    memory = compiled(root, home, write=["data"], agent_capabilities={"memory_write": True})
    prompt = compiled(root, home, write=["data"], agent_capabilities={"modify_system_prompt": True})
    assert writes(memory, root / "data" / "MEMORY.md")
    assert not writes(memory, root / "data" / "CLAUDE.md")
    assert writes(prompt, root / "data" / "CLAUDE.md")
    assert not writes(prompt, root / "data" / "MEMORY.md")
    assert not writes(prompt, root / "data" / ".vault" / "x")


def test_a_skill_below_an_agent_folder_still_writes_its_own_data(home: Path) -> None:
    root = home / ".claude" / "skills" / "weather"
    (root / "data").mkdir(parents=True)
    policy = compiled(root, home, write=["data"])
    assert writes(policy, root / "data" / "x")
    assert reads(policy, root / "SKILL.md")
    assert not writes(policy, home / ".claude" / "settings.json")
    assert not writes(policy, root / "data" / ".claude" / "settings.json")


def test_a_write_grant_around_the_skill_does_not_reach_into_it(root: Path, home: Path) -> None:
    policy = compiled(root, home, write=[str(root.parent), "data"])
    assert writes(policy, root.parent / "other")
    assert not writes(policy, root / "SKILL.md")
    assert writes(policy, root / "data" / "x")
    assert not policy.write[0].exact


def test_names_of_secrets_do_not_count_inside_the_skill(root: Path, home: Path) -> None:
    policy = compiled(root, home)
    assert reads(policy, root / ".npmrc")
    assert reads(policy, root / "fixtures" / ".env")


def test_a_write_grant_does_not_let_read(tmp_path: Path, root: Path, home: Path) -> None:
    (tmp_path / "inbox").mkdir()
    policy = compiled(root, home, write=[f"{tmp_path}/inbox"])
    assert not reads(policy, tmp_path / "inbox" / "x")


def test_a_file_that_is_not_there_yet_is_granted_and_nothing_above_it(root: Path, home: Path) -> None:
    policy = compiled(root, home, read=["~/later.txt"], write=["data/deep/report.txt", "~/.cache/weather"])
    assert (policy.write[0].parent, policy.write[0].exact) == (root / "data" / "deep" / "report.txt", False)
    assert writes(policy, root / "data" / "deep" / "report.txt")
    assert writes(policy, home / ".cache" / "weather" / "x")
    assert not writes(policy, home / ".cache" / "x")
    assert not writes(policy, root / "data" / "deep" / "other.txt")
    assert reads(policy, home / "later.txt")


@pytest.mark.parametrize("path", ["relative", "", "/a/../etc/passwd", "/a//b", "/a/./b", "/a/", "/a\0b"])
def test_what_is_no_real_path_is_never_granted(root: Path, home: Path, path: str) -> None:
    policy = compiled(root, home, read=["/"])
    assert may_read(policy, path) is None
    assert may_write(policy, path) is None


def test_too_many_entries_are_refused(root: Path, home: Path) -> None:
    with pytest.raises(PolicyError, match="more than 1024"):
        compiled(root, home, read=[f"data/{number}" for number in range(1025)])


def test_repeated_entries_are_one_rule(root: Path, home: Path) -> None:
    assert len(compiled(root, home, read=["data", "data", "./data"]).read) == 2


def test_members_of_no_known_version_are_noted_and_grant_nothing(root: Path, home: Path) -> None:
    document = {
        "schema_version": "1.0",
        "filesystem": {"read": ["/"]},
        "declared": {"filesystem": {"read": [], "delete": ["/"]}, "everything": True, "exec": []},
    }
    policy = compile_policy(Permissions.from_bytes(json.dumps(document).encode()), root, home=home, search_path=SEARCH)
    assert [note.split(" ")[0] for note in policy.notes] == [
        "'filesystem'",
        "'declared.everything'",
        "'declared.filesystem.delete'",
    ]
    assert not reads(policy, Path("/etc/hostname"))


def test_the_folders_must_be_absolute_and_not_everything(root: Path, home: Path) -> None:
    for place, where in ((Path("skills"), home), (Path("/"), home), (root, Path("home")), (root, Path("/"))):
        with pytest.raises(PolicyError):
            compile_policy(permissions(), place, home=where, search_path=SEARCH)


def test_a_runtime_adds_its_own_folders_by_name(tmp_path: Path, root: Path, home: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    policy = granting(compiled(root, home), "temporary", read=[scratch], write=[scratch])
    assert writes(policy, scratch / "x")
    assert reads(policy, scratch / "x")
    assert policy.profiles == ("skill", "temporary")
    rule = may_write(policy, str(scratch / "x"))
    assert rule is not None
    assert rule.source == "temporary"


def test_a_policy_keeps_its_answers_in_bounds(root: Path, home: Path) -> None:
    policy = compiled(root, home)
    for number in range(70_000):
        may_read(policy, f"/nowhere/{number}")
    assert len(policy.matcher._reads) <= 65_536


def test_the_home_folder_may_itself_be_a_link(tmp_path: Path, root: Path, home: Path) -> None:
    (home / "notes").mkdir()
    (tmp_path / "me").symlink_to(home)
    policy = compiled(root, tmp_path / "me", read=["~/notes"])
    assert reads(policy, home / "notes" / "a")
    assert os.fspath(policy.read[1].parent) == str(home / "notes")
