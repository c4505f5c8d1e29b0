import json
import re
from pathlib import Path, PurePosixPath

import pytest

from haldir_core.permissions import AgentCapabilities, Permissions
from haldir_enforcer._backends.seatbelt import LABEL, Seatbelt, profile
from haldir_enforcer.confinement import Level
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.policy import HostRule, PathRule, Policy, Program, compile_policy, may_read, may_write

GOLDEN = Path(__file__).with_name("seatbelt-golden.sb")

Node = str | list["Node"]


def parsed(text: str) -> list[Node]:
    """Return the s-expressions of a profile; a string stands with a quote before it."""
    token = re.compile(r'\s+|;[^\n]*|([()])|"((?:[^"\\]|\\.)*)"|([^\s()";]+)', re.DOTALL)
    stack: list[list[Node]] = [[]]
    at = 0
    while at < len(text):
        match = token.match(text, at)
        if match is None:
            raise ValueError(text[at : at + 40])
        at = match.end()
        bracket, string, word = match.groups()
        if bracket == "(":
            stack.append([])
        elif bracket == ")":
            done = stack.pop()
            stack[-1].append(done)
        elif string is not None:
            stack[-1].append('"' + re.sub(r"\\(.)", r"\1", string, flags=re.DOTALL))
        elif word is not None:
            stack[-1].append(word)
    if len(stack) != 1:
        raise ValueError("unbalanced")
    return stack[0]


def _matches(filters: list[Node], value: str) -> bool:
    if not filters:
        return True
    for each in filters:
        assert isinstance(each, list)
        kind, argument = each[0], str(each[-1]).removeprefix('"')
        if kind == "literal" and value == argument:
            return True
        if kind == "subpath" and (value == argument or value.startswith(argument.rstrip("/") + "/")):
            return True
        if kind == "regex" and re.search(argument, value, re.DOTALL):
            return True
        if kind == "remote" and each[1] == "ip" and value == argument:
            return True
        assert kind in {"literal", "subpath", "regex", "remote", "target", "global-name"}, each
    return False


def allowed(rules: list[Node], action: str, value: str) -> bool:
    """Return what the last matching rule says; ``file-read*`` stands for every action that begins so."""
    verdict = False
    for rule in rules:
        assert isinstance(rule, list)
        if rule[0] not in {"allow", "deny"}:
            assert rule == ["version", "1"]
            continue
        name = str(rule[1])
        covers = name in {"default", action} or (name.endswith("*") and action.startswith(name[:-1]))
        if covers and _matches(rule[2:], value):
            verdict = rule[0] == "allow"
    return verdict


def policy_for(place: Path, network: object = "none", **files: list[str]) -> Policy:
    document = {"schema_version": "1.0", "declared": {"filesystem": files, "network": network}}
    for name in ("home", "skills/weather/data", "outside/docs"):
        (place / name).mkdir(parents=True, exist_ok=True)
    return compile_policy(
        Permissions.from_bytes(json.dumps(document).encode()),
        place / "skills" / "weather",
        home=place / "home",
        search_path=(),
        profiles=("base",),
    )


CASES: tuple[dict[str, list[str]], ...] = (
    {},
    {"read": ["~"]},
    {"read": ["/"]},
    {"read": ["~/.ssh", "~/.config", "~/.aws/c*"]},
    {"read": ["~/.ssh/*.pub", "~/.[a-z]*/**"]},
    {"read": [".vault/x", "data/*.json"]},
    {"read": ["OUT/**/*.md", "OUT/docs/[!a]?.txt", "OUT/**/x/**"]},
    {"read": ["~/Library"]},
    {"write": ["data", "OUT"]},
    {"write": ["ROOT", "data/*.txt"]},
    {"write": ["~/.ssh", "~/later/x", "OUT/docs/*/new"], "read": ["OUT/docs/*"]},
)

SUFFIXES = (
    "",
    "/x",
    "/.ssh",
    "/.SSH/id",
    "/.ssh/a.pub",
    "/.ssh/.aws/x",
    "/.aws/c1",
    "/.aws/d",
    "/.config",
    "/.config/x",
    "/.config/gcloud",
    "/.Config/GCloud/x",
    "/.config/google-chrome-beta/x",
    "/.netrc",
    "/.env.local",
    "/.envx",
    "/.bash_history",
    "/deep/.npmrc",
    "/Library/Keychains/x",
    "/Library/Caches/x",
    "/.vault",
    "/.vault/x",
    "/.vaultx",
    "/AGENTS.md",
    "/agents.md.bak",
    "/a/CLAUDE.md",
    "/.claude/settings.json",
    "/data",
    "/data/a.json",
    "/data/a.txt",
    "/data/.vault/x",
    "/data/MEMORY.md",
    "/docs/bc.txt",
    "/docs/ab.txt",
    "/docs/a/x/b",
    "/docs/d.md",
    "/docs/q/new",
    "/docs/q/new/x",
    "/weather/SKILL.md",
    "/weather/data/x",
    "/weather/.vault/x",
    "2/x",
)


@pytest.mark.parametrize("files", CASES, ids=json.dumps)
def test_the_profile_says_the_same_as_the_policy(tmp_path: Path, files: dict[str, list[str]]) -> None:
    places = {"OUT": str(tmp_path / "outside"), "ROOT": str(tmp_path / "skills")}
    named = {
        access: [re.sub("^(OUT|ROOT)", lambda match: places[match[0]], entry) for entry in entries]
        for access, entries in files.items()
    }
    policy = policy_for(tmp_path, **named)
    rules = parsed(profile(policy, "/usr/bin/tool"))
    folders = ("home", "skills", "skills/weather", "outside")
    paths = [f"{tmp_path}/{folder}{suffix}" for folder in folders for suffix in SUFFIXES]
    paths += [
        "/etc/shadow",
        "/etc/hostname",
        "/proc/1/environ",
        "/dev/sda",
        "/dev/null",
        "/usr/lib/x",
        "/run/secrets/x",
    ]
    for path in paths:
        assert allowed(rules, "file-read-data", path) == (may_read(policy, path) is not None), path
        assert allowed(rules, "file-write-create", path) == (may_write(policy, path) is not None), path


def test_everything_that_is_not_named_is_denied(tmp_path: Path) -> None:
    rules = parsed(profile(policy_for(tmp_path), "/usr/bin/tool"))
    assert rules[1] == ["deny", "default"]
    for action in (
        "network-outbound",
        "network-bind",
        "mach-register",
        "iokit-open",
        "file-write-data",
        "process-exec",
    ):
        assert not allowed(rules, action, "/x")
    assert not allowed(rules, "network-outbound", "localhost:80")


def test_the_launcher_may_be_executed_even_where_no_program_is_declared(tmp_path: Path) -> None:
    rules = parsed(profile(policy_for(tmp_path), "/usr/bin/tool"))
    assert allowed(rules, "process-exec", "/usr/bin/tool")
    assert not allowed(rules, "process-exec", "/bin/other")


def test_network_is_localhost_and_a_port(tmp_path: Path) -> None:
    policy = policy_for(
        tmp_path, network=["example.com", "127.0.0.1:8080", "localhost:3000", "[::1]:9000", "10.0.0.1:5"]
    )
    with pytest.raises(ConfinementError, match="proxy"):
        profile(policy, "/usr/bin/tool")
    text = profile(policy, "/usr/bin/tool", proxy_port=4711)
    network = [rule for rule in parsed(text) if isinstance(rule, list) and str(rule[1]).startswith("network")]
    assert [rule[2] for rule in network] == [
        ["remote", "ip", f'"localhost:{port}'] for port in (3000, 4711, 8080, 9000)
    ]
    assert "example.com" not in text


ODD = (
    'a" (allow default) "',
    "a\\",
    'a\\" (allow default)',
    "a) (allow default) (",
    "a;b",
    "a#b",
    '#"x"',
    "a'b`c",
    "a*b?c[d]",
    "a^$.|+(){}",
    "日本",
)


def odd_policy(place: Path, name: str, *, exact: bool) -> Policy:
    folder = PurePosixPath(place, name)
    escaped = re.sub(r"[*?\[]", r"[\g<0>]", str(folder))
    rule = PathRule(
        pattern=f"{escaped}/{'**' if exact else '*.txt'}", parent=Path(folder), exact=exact, source="declared"
    )
    return Policy(
        root=Path(folder),
        read=(rule,),
        write=(rule,),
        hosts=(HostRule(host="localhost", ports=(80,), literal=True, declared='"))'),),
        programs=(Program(name=name, path=Path(folder, "tool"), digest="", source=name),),
        capabilities=AgentCapabilities(),
        never_write=("**/.vault",),
        never_read=("**/.vault", "**/.ssh"),
        profiles=(name,),
        notes=(name,),
    )


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("exact", [True, False])
def test_a_path_is_text_and_never_a_rule(name: str, *, exact: bool) -> None:
    place = Path("/somewhere")
    policy = odd_policy(place, name, exact=exact)
    rules = parsed(profile(policy, f"/bin/{name}"))
    assert ["allow", "default"] not in rules
    heads = {(rule[0], rule[1]) for rule in rules if isinstance(rule, list) and len(rule) > 1}
    assert heads <= {
        ("version", "1"),
        ("deny", "default"),
        ("allow", "process-fork"),
        ("allow", "signal"),
        ("allow", "sysctl-read"),
        ("allow", "mach-lookup"),
        ("allow", "process-exec"),
        ("allow", "file-read*"),
        ("allow", "file-read-metadata"),
        ("deny", "file-read*"),
        ("allow", "file-write*"),
        ("deny", "file-write*"),
        ("allow", "network-outbound"),
    }
    assert allowed(rules, "file-write-data", f"{place}/{name}/a.txt")
    assert allowed(rules, "process-exec", f"{place}/{name}/tool")
    assert not allowed(rules, "file-write-data", f"{place}/{name}/.vault/a.txt")
    for other in ("/etc/passwd", f"{place}/a.txt", f"{place}/{name}x/a.txt", f"{place}/{name}"[:-1] + "/a.txt"):
        assert not allowed(rules, "file-read-data", other), other


@pytest.mark.parametrize("name", ["a\nb", 'a\n(allow default)\n;"', "a\0b", "a\rb", "a\x7fb"])
def test_control_characters_are_refused(name: str) -> None:
    with pytest.raises(ConfinementError, match="control characters"):
        profile(odd_policy(Path("/somewhere"), name, exact=True), "/bin/sh")
    with pytest.raises(ConfinementError, match="control characters"):
        profile(odd_policy(Path("/somewhere"), "plain", exact=True), f"/bin/{name}")


def test_a_profile_stays_as_it_was_reviewed() -> None:
    text = profile(odd_policy(Path("/Volumes/disk"), "skill", exact=True), "/somewhere/bin/tool", proxy_port=4711)
    assert text.startswith(f"; {LABEL}\n")
    assert text == GOLDEN.read_text("utf-8")


def test_without_sandbox_exec_there_is_no_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    standing = Seatbelt().standing()
    assert (standing.level, standing.missing) == (Level.NONE, ("sandbox-exec: it comes with macOS only",))


def test_a_sandbox_exec_that_confines_nothing_reaches_no_level(tmp_path: Path) -> None:
    fake = tmp_path / "sandbox-exec"
    fake.write_text('#!/bin/sh\nshift 3\nexec "$@"\n')
    fake.chmod(0o755)
    assert Seatbelt(str(fake)).standing().level is Level.NONE
