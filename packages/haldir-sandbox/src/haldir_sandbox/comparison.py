"""A behaviour beside the permissions that were declared for it."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import evolve, frozen

from haldir_core import Finding
from haldir_enforcer.events import Class, Endpoint
from haldir_enforcer.policy import HostRule, Policy, may_read, may_write
from haldir_sandbox.behaviour import Behaviour, Deed, What
from haldir_sandbox.canary import Decoy, Token, contains_token
from haldir_sandbox.entrypoints import INTERPRETERS, EntryPoint
from haldir_sandbox.places import Places
from haldir_sandbox.programs import named_in
from haldir_sandbox.rules import Rules
from haldir_sandbox.sinkhole import Request

_STRONG_PROGRAMS = re.compile(
    r"^(curl|wget|nc|ncat|netcat|socat|ssh|scp|sftp|rsync|ftp|telnet|dig|nslookup|host|openssl|sudo|su|doas|pkexec"
    r"|python[\d.]*|perl|ruby|php|lua|node|deno|bun|sh|bash|dash|zsh|ksh|fish|busybox|osascript|gcc|cc|ld|as"
    r"|crontab|at|systemctl|service|launchctl|docker|podman|kubectl|npm|npx|pip[\d.]*|uv|git|gpg|security|dd|mount"
    r"|nohup|setsid|strace|gdb|tmux|screen|xclip|xsel|pbpaste|wl-paste|base64|openssl)$"
)
"""Programs that run other code, reach the network, stay alive, or change the machine."""
_SECRET_PLACES = re.compile(
    r"^/etc/(shadow|gshadow|sudoers|ssh/)|^/(root|home|Users)(/|$)|^/proc/(PID|1|self)/(environ|mem|maps|cmdline)"
    r"|^/var/run/secrets|^/run/(secrets|user)|\.(pem|key|kdbx|p12|pfx)$|(^|/)(id_rsa|id_ed25519|\.env)$|^/var/lib/docker|docker\.sock"
)
_STRONG_CALLS = re.compile(
    r"ptrace|process_vm|io_uring|bpf|perf|userfaultfd|keyctl|open_by_handle|mount|setns|unshare|clone|module|kexec|memfd|execveat|TIOCSTI|x32|arch",
    re.IGNORECASE,
)


@frozen(kw_only=True)
class Declared:
    """What was declared, compiled; ``hosts`` are those of the permissions, whatever a run is granted."""

    policy: Policy
    hosts: tuple[HostRule, ...]
    exec: tuple[str, ...]

    def allows_host(self, host: str | None, port: int | None) -> HostRule | None:
        """Return the declared rule for this peer."""
        return next((rule for rule in self.hosts if _fits(rule, host, port)), None)


def by_declared_hosts(behaviour: Behaviour, declared: Declared, own: tuple[str, int]) -> Behaviour:
    """Return the behaviour with network deeds judged by the declared hosts, without those to our ``own`` listener.

    A run is granted no host at all, so that nothing leaves the machine; what it was refused may well be declared.
    """
    judged: list[Deed] = []
    for deed in behaviour.deeds:
        peer = deed.endpoint
        if deed.what not in {What.CONNECT, What.NAME} or peer is None:
            judged.append(deed)
        elif (peer.ip, peer.port) == own:
            continue
        elif deed.kind is Class.VIOLATION and declared.allows_host(
            peer.host or peer.ip, None if deed.what is What.NAME else peer.port
        ):
            judged.append(evolve(deed, kind=Class.DECLARED, denied=False, detail="answered by the sinkhole"))
        else:
            judged.append(deed)
    return evolve(behaviour, deeds=tuple(judged))


def request_deeds(requests: Iterable[Request], declared: Declared) -> Iterator[Deed]:
    """Yield the connections that requests in the sinkhole stand for, by the names that the clients said."""
    for request in requests:
        if request.host is None or not request.proxied:
            continue  # the event of the connection says to whom it was meant
        known = declared.allows_host(request.host, request.port)
        yield Deed(
            what=What.CONNECT,
            target=f"{request.host}:{request.port}",
            kind=Class.DECLARED if known else Class.VIOLATION,
            denied=known is None,
            endpoint=Endpoint(request.host, None, request.port, "tcp"),
            detail=f"{request.method} {request.path}".strip()[:300] or None,
        )


def leaks(
    requests: Iterable[Request], tokens: Mapping[str, Token], declared: Declared, behaviour: Behaviour
) -> Iterator[Finding]:
    """Yield a finding for every request that holds a decoy secret.

    ``behaviour`` is that of the same session: what a request says of its host counts only beside connections that
    were all declared, because whoever sends it chooses its words.
    """
    honest = not any(deed.kind is Class.VIOLATION for deed in behaviour.of(What.CONNECT))
    for request in requests:
        name = contains_token(request.path.encode() + b"\n" + request.head + b"\n" + request.body, tokens)
        if name is None and request.host is not None:
            name = contains_token(request.host.encode(), tokens)
        if name is None:
            continue
        known = declared.allows_host(request.host, request.port)
        rule = Rules.SENT_DECLARED if known and honest and name.startswith("env-") else Rules.SENT
        peer = f"{request.host}:{request.port}" if request.host else "a connection"
        yield rule.finding(f"{request.method or 'data'} to {peer} ({name})")


def leaks_in_words(behaviour: Behaviour, tokens: Mapping[str, Token]) -> Iterator[Finding]:
    """Yield a finding for every name, path and argument that holds a decoy secret."""
    for deed in behaviour.of(What.NAME, What.EXEC, What.WRITE, What.CONNECT):
        for word in (deed.target, *deed.argv):
            name = contains_token(word.replace(".", "").encode(), tokens)
            if name is not None:
                yield Rules.SENT.finding(f"the words of {deed.what.value} {deed.target[:60]} ({name})")
                break


def violations(behaviour: Behaviour) -> Iterator[Finding]:
    """Yield a finding for everything that was done and not declared."""
    for deed in behaviour.deeds:
        if deed.decoy is not None and (rule := _decoy_rule(deed)) is not None:
            yield rule.finding(deed.target)
        elif deed.kind is Class.VIOLATION or deed.what in {What.LIMIT, What.BROKEN}:
            yield _RULES[deed.what](deed).finding(_about(deed))
    if behaviour.left_out:
        yield Rules.CUT.finding(f"{behaviour.left_out} more deeds")


def asked_programs(entries: Iterable[EntryPoint], declared: Declared) -> Iterator[Finding]:
    """Yield a finding for every program that SKILL.md and the like have started and that is not declared."""
    known = {word.rpartition("/")[2] for word in declared.exec}
    for entry in entries:
        for name in named_in(entry):
            runs_own_file = entry.is_line and name in INTERPRETERS
            if name not in known and not runs_own_file:
                rule = Rules.ASKS_STRONG if _STRONG_PROGRAMS.match(name) else Rules.ASKS
                yield rule.finding(name, file=entry.source, line=entry.line)


def unused(behaviour: Behaviour, declared: Declared, places: Places, started: set[str]) -> Iterator[Finding]:
    """Yield a note for every declared permission that no run used; ``started`` are the programs that we began with."""
    reads = {id(may_read(declared.policy, deed.path)) for deed in behaviour.of(What.READ) if deed.path}
    writes = {id(may_write(declared.policy, deed.path)) for deed in behaviour.of(What.WRITE) if deed.path}
    for name, rules, used in (("read", declared.policy.read, reads), ("write", declared.policy.write, writes)):
        for rule in rules:
            if rule.source == "declared" and id(rule) not in used:
                yield Rules.UNUSED.finding(f"{name} {places.name(rule.pattern)}")
    peers = [deed.endpoint for deed in behaviour.of(What.CONNECT, What.NAME) if deed.endpoint is not None]
    for host in dict.fromkeys(rule.declared for rule in declared.hosts):
        same = [rule for rule in declared.hosts if rule.declared == host]
        if not any(_fits(rule, peer.host or peer.ip, peer.port) for rule in same for peer in peers):
            yield Rules.UNUSED.finding(f"network {host}")
    begun = started | {
        word.rpartition("/")[2] for deed in behaviour.of(What.EXEC) for word in (deed.target, *deed.argv[:1])
    }
    for program in declared.exec:
        if program.rpartition("/")[2] not in begun:
            yield Rules.UNUSED.finding(f"exec {program}")
    asked = {deed.target for deed in behaviour.of(What.AGENT)}
    for name in ("memory_read", "memory_write", "spawn_agents", "modify_system_prompt"):
        if getattr(declared.policy.capabilities, name) and name not in asked:
            yield Rules.UNUSED.finding(f"agent capability {name}")


def _fits(rule: HostRule, host: str | None, port: int | None) -> bool:
    if host is None or (port is not None and port not in rule.ports):
        return False
    name = host.lower().rstrip(".")
    if rule.host.startswith("*."):
        return name.endswith(rule.host[1:]) and not _is_address(name)
    return name == rule.host


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _decoy_rule(deed: Deed) -> Rules | None:
    if deed.decoy is Decoy.CREDENTIAL:
        return Rules.DECOY_READ if deed.kind is Class.VIOLATION else Rules.DECOY_DECLARED
    if deed.what is What.WRITE:
        return Rules.DECOY_AGENT if deed.decoy is Decoy.AGENT else Rules.DECOY_SHELL
    return Rules.AGENT_READ if deed.kind is Class.VIOLATION and deed.decoy is Decoy.AGENT else None


def _exec_rule(deed: Deed) -> Rules:
    name = deed.target.rpartition("/")[2]
    return Rules.EXEC_STRONG if _STRONG_PROGRAMS.match(name) or "/" not in deed.target else Rules.EXEC


_RULES: Mapping[What, Callable[[Deed], Rules]] = {
    What.READ: lambda deed: Rules.READ_SECRET if _SECRET_PLACES.search(deed.target) else Rules.READ,
    What.WRITE: lambda _: Rules.WRITE,
    What.EXEC: _exec_rule,
    What.CONNECT: lambda _: Rules.CONNECT,
    What.NAME: lambda _: Rules.NAME,
    What.LISTEN: lambda _: Rules.LISTEN,
    What.SOCKET: lambda _: Rules.SOCKET,
    What.UNIX: lambda _: Rules.UNIX,
    What.SIGNAL: lambda _: Rules.SIGNAL,
    What.SYSCALL: lambda deed: Rules.SYSCALL_STRONG if _STRONG_CALLS.search(deed.target) else Rules.SYSCALL,
    What.LIMIT: lambda deed: Rules.LIMIT_TIME if deed.target == "time" else Rules.LIMIT,
    What.AGENT: lambda _: Rules.AGENT,
    What.BROKEN: lambda _: Rules.BROKEN,
}


def _about(deed: Deed) -> str:
    words = " ".join(deed.argv[1:]) + (f" ... and {deed.argv_left_out} more arguments" if deed.argv_left_out else "")
    text = f"{deed.target} {words}" if deed.what is What.EXEC and words else deed.target
    return text if deed.what is not What.CONNECT or not deed.detail else f"{text} ({deed.detail})"
