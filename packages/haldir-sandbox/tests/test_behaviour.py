"""Events put together to a behaviour, and the behaviour beside what was declared."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from haldir_core import Permissions
from haldir_enforcer.events import Action, Class, Endpoint, Event, LeftOut
from haldir_enforcer.policy import compile_policy
from haldir_sandbox import behaviour, comparison, conditions
from haldir_sandbox.behaviour import MAX_DEEDS, Behaviour, What, together
from haldir_sandbox.canary import Token
from haldir_sandbox.comparison import Declared
from haldir_sandbox.eventlog import EventLog, Trace
from haldir_sandbox.places import Places
from haldir_sandbox.sinkhole import Request

Make = Callable[..., Event]


def behaviour_of(events: Iterable[Event], places: Places, granted: Permissions | None = None) -> Behaviour:
    """Return the behaviour of a skill that declares nothing, or ``granted``."""
    return behaviour.behaviour_of(events, places, declared(granted or Permissions.deny_all(), places).policy)


def declared(granted: Permissions, places: Places) -> Declared:
    places.skill.mkdir(exist_ok=True)
    places.home.mkdir(exist_ok=True)
    policy = compile_policy(granted, places.skill, home=places.home, search_path=("/usr/bin", "/bin"))
    return Declared(policy=policy, hosts=policy.hosts, exec=granted.exec)


def peer(host: str | None = None, ip: str | None = None, port: int | None = 443) -> Endpoint:
    return Endpoint(host, ip, port, "tcp")


def rules(seen: Behaviour) -> list[tuple[str, str | None]]:
    return [(finding.severity.value, finding.pattern_id) for finding in comparison.violations(seen)]


def test_the_same_deed_is_counted_and_not_repeated(event: Make, places: Places) -> None:
    seen = behaviour_of([event(Action.FS_READ, path="/a", pid=1), event(Action.FS_READ, path="/a", pid=2)], places)
    assert [(deed.what, deed.target, deed.count) for deed in seen.deeds] == [(What.READ, "/a", 2)]
    assert together([seen, seen]).deeds[0].count == 4


def test_paths_are_named_alike_in_every_run(places: Places) -> None:
    assert places.name(f"{places.skill}/a") == "SKILL/a"
    assert places.name(f"{places.home}") == "~"
    assert places.name("/proc/123/task/9/mem") == "/proc/PID/task/TID/mem"
    assert places.name(f"{places.skill}s/a") == f"{places.skill}s/a"


def test_a_flood_of_deeds_is_cut_and_told_but_decoys_are_kept(event: Make, places: Places) -> None:
    events = [event(Action.FS_READ, path=f"/{number}") for number in range(MAX_DEEDS + 5)]
    events.append(event(Action.FS_READ, path=f"{places.home}/.ssh/id_rsa"))
    seen = behaviour_of(events, places)
    assert seen.left_out == 5
    assert ("medium", "sandbox.cut") in rules(seen)
    assert ("critical", "sandbox.decoy-credential") in rules(seen)


@pytest.mark.parametrize("flood", [Class.DECLARED, Class.AMBIENT])
def test_a_violation_after_a_flood_of_other_deeds_is_kept_and_shown(event: Make, places: Places, flood: Class) -> None:
    events = [event(Action.NET_CONNECT, kind=flood, detail=f"{number}") for number in range(3)]
    events += [event(Action.FS_READ, kind=flood, path=f"/{number}") for number in range(MAX_DEEDS + 5)]
    events.append(event(Action.LIMIT_DISK, kind=Class.VIOLATION, detail="too much"))
    seen = behaviour_of(events, places)
    assert [deed.what for deed in seen.violations] == [What.LIMIT]
    assert seen.first(10)[0].what is What.LIMIT
    assert len(seen.first(10)) == 10
    assert seen.first(len(seen.deeds)) == seen.deeds


CASES: dict[str, tuple[Action, dict[str, Any], str, str]] = {
    "credential": (Action.FS_READ, {"path": "~/.aws/credentials"}, "critical", "decoy-credential"),
    "folder of credentials": (Action.FS_READ, {"path": "~/.ssh"}, "critical", "decoy-credential"),
    "overwritten credential": (Action.FS_WRITE, {"path": "~/.npmrc"}, "critical", "decoy-credential"),
    "agent file written": (Action.FS_WRITE, {"path": "~/.claude/settings.json"}, "critical", "decoy-agent-file"),
    "agent file moved away": (Action.FS_RENAME, {"path": "~/SOUL.md"}, "critical", "decoy-agent-file"),
    "agent file read": (Action.FS_READ, {"path": "~/CLAUDE.md"}, "high", "agent-file-read"),
    "shell file": (Action.FS_WRITE, {"path": "~/.bashrc"}, "critical", "decoy-shell-file"),
    "password file": (Action.FS_READ, {"path": "/etc/shadow"}, "high", "undeclared-secret-read"),
    "other's environment": (Action.FS_READ, {"path": "/proc/1/environ"}, "high", "undeclared-secret-read"),
    "another file": (Action.FS_READ, {"path": "/srv/data"}, "medium", "undeclared-read"),
    "written file": (Action.FS_CREATE, {"path": "/srv/data"}, "high", "undeclared-write"),
    "a tool": (Action.PROCESS_EXEC, {"path": "/usr/bin/id", "argv": ("id",)}, "medium", "undeclared-program"),
    "a client": (Action.PROCESS_EXEC, {"path": "/usr/bin/curl"}, "high", "undeclared-strong-program"),
    "from memory": (Action.PROCESS_EXEC, {"detail": "memfd"}, "high", "undeclared-strong-program"),
    "connection": (Action.NET_CONNECT, {"endpoint": peer(ip="192.0.2.1")}, "high", "undeclared-connection"),
    "name": (Action.NET_DNS, {"endpoint": peer("evil.example", port=53)}, "high", "undeclared-name"),
    "listener": (Action.NET_LISTEN, {"endpoint": peer(ip="0.0.0.0")}, "high", "listening"),  # noqa: S104 - no bind
    "datagrams": (Action.NET_SOCKET, {"endpoint": Endpoint(None, None, None, "udp")}, "medium", "socket"),
    "local service": (Action.IPC_UNIX, {"path": "/run/docker.sock"}, "high", "local-socket"),
    "signal": (Action.PROCESS_SIGNAL, {"detail": "9 to 1"}, "high", "signal"),
    "strong call": (Action.SYSCALL, {"detail": "io_uring_setup"}, "high", "refused-strong-call"),
    "weak call": (Action.SYSCALL, {"detail": "personality"}, "medium", "refused-call"),
    "time": (Action.LIMIT_TIME, {}, "medium", "limit-time"),
    "memory": (Action.LIMIT_MEMORY, {}, "high", "limit"),
    "agent": (Action.AGENT_SPAWN_AGENTS, {}, "high", "undeclared-capability"),
    "supervisor": (Action.SUPERVISOR_FAILED, {"detail": "gone"}, "high", "supervision"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_declared_has_a_severity(name: str, event: Make, places: Places) -> None:
    action, members, severity, rule = CASES[name]
    path = members.get("path")
    if isinstance(path, str):
        members = {**members, "path": path.replace("~", str(places.home))}
    assert rules(behaviour_of([event(action, **members)], places)) == [(severity, f"sandbox.{rule}")]


def test_what_is_declared_or_ambient_is_no_finding(event: Make, places: Places) -> None:
    events = [event(Action.FS_READ, path="/etc/x", kind=kind) for kind in (Class.DECLARED, Class.AMBIENT)]
    assert not rules(behaviour_of([*events, event(Action.RUN_END), event(Action.POLICY_LOADED)], places))


def test_a_declared_credential_is_shown_to_a_person(
    event: Make, permissions: Callable[..., Permissions], places: Places
) -> None:
    events = [event(Action.FS_READ, path=f"{places.home}/.netrc", kind=Class.DECLARED)]
    assert rules(behaviour_of(events, places, permissions(read=("~/.netrc",)))) == [
        ("medium", "sandbox.declared-credential")
    ]


def test_what_the_sandbox_lets_be_read_in_the_home_is_not_declared_by_that(event: Make, places: Places) -> None:
    events = [event(Action.FS_READ, path=f"{places.home}{path}", kind=Class.DECLARED) for path in ("", "/.ssh/id_rsa")]
    assert rules(behaviour_of(events, places)) == [
        ("medium", "sandbox.undeclared-read"),
        ("critical", "sandbox.decoy-credential"),
    ]


def test_words_that_are_not_shown_are_counted(event: Make, places: Places) -> None:
    many = event(Action.PROCESS_EXEC, path="/usr/bin/id", argv=("id", *["-x"] * 63), left_out=LeftOut(arguments=100))
    seen = behaviour_of([many], places)
    (deed,) = seen.deeds
    assert (len(deed.argv), deed.argv_left_out) == (32, 132)
    (finding,) = comparison.violations(seen)
    assert "-x -x ... and 132 more arguments" in finding.message


def test_hostile_words_are_one_printable_line(event: Make, places: Places) -> None:
    argv = ("curl", "\x1b[2J\n{{report: pass}}" + "x" * 10_000)
    seen = behaviour_of([event(Action.PROCESS_EXEC, path="/usr/bin/curl", argv=argv)], places)
    (finding,) = comparison.violations(seen)
    assert finding.message.isprintable()
    assert len(finding.message) <= 1000
    assert "\\x1b[2J\\x0a" in finding.message


@pytest.mark.parametrize(
    ("network", "host", "port", "known"),
    [
        (["api.example.com"], "api.example.com", 443, True),
        (["api.example.com"], "API.example.com.", 443, True),
        (["api.example.com"], "api.example.com", 8080, False),
        (["api.example.com:8080"], "api.example.com", 8080, True),
        (["*.example.com"], "a.b.example.com", 443, True),
        (["*.example.com"], "example.com", 443, False),
        (["*.example.com"], "evil-example.com", 443, False),
        ("none", "api.example.com", 443, False),
    ],
)
def test_declared_hosts_are_told_from_others(
    network: object, host: str, port: int, *, known: bool, permissions: Callable[..., Permissions], places: Places
) -> None:
    assert (declared(permissions(network=network), places).allows_host(host, port) is not None) is known


def test_a_refused_connection_to_a_declared_host_is_declared(
    event: Make, permissions: Callable[..., Permissions], places: Places
) -> None:
    known = declared(permissions(network=["api.example.com"]), places)
    log = EventLog("run", Trace(None), "127.9.9.9")
    for name in ("api.example.com", "evil.example"):
        log.record(event(Action.NET_DNS, endpoint=Endpoint(name, None, 53, "dns"), pid=7))
        log.record(event(Action.NET_CONNECT, endpoint=peer(ip="127.9.9.9"), pid=7))
    log.record(event(Action.NET_CONNECT, endpoint=peer(ip="127.9.9.9", port=4)))
    seen = comparison.by_declared_hosts(behaviour_of(log.events(), places), known, ("127.9.9.9", 4))
    assert [(deed.target, deed.kind) for deed in seen.deeds] == [
        ("api.example.com", Class.DECLARED),
        ("api.example.com:443", Class.DECLARED),
        ("evil.example", Class.VIOLATION),
        ("evil.example:443", Class.VIOLATION),
    ]


def test_what_was_declared_and_never_used_is_a_note(
    event: Make, permissions: Callable[..., Permissions], places: Places
) -> None:
    granted = permissions(
        read=("in", "never"), write=("out",), network=["a.example", "b.example"], exec=("id", "ls"), spawn_agents=True
    )
    known = declared(granted, places)
    events = [
        event(Action.FS_READ, kind=Class.DECLARED, path=f"{places.skill}/in/x"),
        event(Action.FS_WRITE, kind=Class.DECLARED, path=f"{places.skill}/out/x"),
        event(Action.NET_CONNECT, endpoint=peer("a.example")),
        event(Action.PROCESS_EXEC, kind=Class.DECLARED, path="/usr/bin/id", argv=("id",)),
    ]
    notes = comparison.unused(behaviour_of(events, places), known, places, {"python3"})
    assert [finding.match for finding in notes] == [
        "read SKILL/never/**",
        "network b.example",
        "exec ls",
        "agent capability spawn_agents",
    ]


def request(host: str | None, *, body: bytes = b"", proxied: bool = False) -> Request:
    return Request(
        method="POST", host=host, port=443, path="/", head=b"", body=body, tls=True, proxied=proxied, peer_port=1
    )


def test_a_secret_in_a_request_is_critical_unless_every_connection_was_declared(
    event: Make, permissions: Callable[..., Permissions], places: Places
) -> None:
    known = declared(permissions(network=["api.example.com"]), places)
    tokens = {"env-aws": Token("A" * 36)}
    sent = [request("api.example.com", body=b"a" * 36)]
    good = behaviour_of([event(Action.NET_CONNECT, kind=Class.DECLARED, endpoint=peer("api.example.com"))], places)
    bad = behaviour_of([event(Action.NET_CONNECT, endpoint=peer(ip="192.0.2.1"))], places)
    assert [finding.severity.value for finding in comparison.leaks(sent, tokens, known, good)] == ["low"]
    assert [finding.severity.value for finding in comparison.leaks(sent, tokens, known, bad)] == ["critical"]
    assert [
        finding.severity.value for finding in comparison.leaks([request(None, body=b"a" * 36)], tokens, known, good)
    ] == ["critical"]
    assert not [*comparison.leaks([request("api.example.com")], tokens, known, good)]


def test_a_secret_in_a_queried_name_is_critical(event: Make, places: Places) -> None:
    host = f"{'a' * 18}.{'a' * 18}.evil.example"
    seen = behaviour_of([event(Action.NET_DNS, endpoint=Endpoint(host, None, 53, "dns"))], places)
    (finding,) = comparison.leaks_in_words(seen, {"ssh": Token("A" * 36)})
    assert finding.severity.value == "critical"


def test_a_proxied_request_is_a_connection(permissions: Callable[..., Permissions], places: Places) -> None:
    known = declared(permissions(network=["api.example.com"]), places)
    deeds = [*comparison.request_deeds([request("api.example.com", proxied=True), request("x", proxied=True)], known)]
    assert [(deed.target, deed.kind) for deed in deeds] == [
        ("api.example.com:443", Class.DECLARED),
        ("x:443", Class.VIOLATION),
    ]
    assert not [*comparison.request_deeds([request("x")], known)]


def test_only_what_one_world_shows_is_conditional(event: Make, places: Places) -> None:
    usual = behaviour_of(
        [
            event(Action.FS_READ, path="/srv/a"),
            event(Action.FS_WRITE, kind=Class.DECLARED, path="/out/2026-11-22.txt"),
            event(Action.FS_READ, kind=Class.AMBIENT, path="/usr/share/locale/C"),
        ],
        places,
    )
    other = behaviour_of(
        [
            event(Action.FS_READ, path="/srv/a"),
            event(Action.FS_WRITE, kind=Class.DECLARED, path="/out/2027-12-27.txt"),
            event(Action.FS_WRITE, kind=Class.DECLARED, path="/out/extra"),
            event(Action.PROCESS_EXEC, path="/usr/bin/curl"),
        ],
        places,
    )
    found = [*conditions.differences("x", [usual], [other])]
    assert [(finding.severity.value, finding.match) for finding in found] == [
        ("high", "exec /usr/bin/curl"),
        ("low", "write /out/extra"),
    ]
    assert not [*conditions.differences("x", [usual], [usual])]
    assert not [*conditions.differences("x", [usual], [])]


def test_what_varies_anyway_is_no_condition(event: Make, places: Places) -> None:
    first = behaviour_of([event(Action.FS_READ, path="/srv/a")], places)
    nothing = behaviour_of([], places)
    assert not [*conditions.differences("x", [first, nothing], [first])]


def test_changed_tools_are_told() -> None:
    assert not [*conditions.changed_tools("x", ["a", "a"], ["a"])]
    assert [finding.match for finding in conditions.changed_tools("x", ["a", "b"], [])] == ["while it runs"]
    assert [finding.match for finding in conditions.changed_tools("x", ["a"], ["b"])] == [
        "at another date or in another environment"
    ]


def test_a_decoy_outside_of_files_is_none(tmp_path: Path, places: Places, event: Make) -> None:
    seen = behaviour_of([event(Action.SYSCALL, path=f"{places.home}/.ssh", detail="mount")], places)
    assert seen.deeds[0].decoy is None


def test_a_violation_after_a_flood_of_events_is_kept(event: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haldir_sandbox.eventlog.MAX_KEPT", 3)
    log = EventLog("run", Trace(None))
    for number in range(5):
        log.record(event(Action.FS_READ, kind=Class.DECLARED, path=f"/{number}"))
        log.record(event(Action.FS_WRITE, kind=Class.VIOLATION, path=f"/{number}"))
    kept = [(one.kind, one.path) for one in log.events()]
    assert kept == [(kind, f"/{number}") for number in range(3) for kind in (Class.DECLARED, Class.VIOLATION)]
    assert log.left_out == 4
