import re
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_enforcer.auditlog import RunIdentity
from haldir_enforcer.cef import Context, escape_extension, escape_header, to_cef
from haldir_enforcer.confinement import Level
from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event

settings.register_profile("haldir-enforcer", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-enforcer")


def a_context(skill: str = "weather@1.0", hostname: str = "host.example", version: str = "0.1.0") -> Context:
    return Context(
        identity=RunIdentity(run="00000000-0000-4000-8000-000000000000", skill=skill, level=Level.L3),
        seq=82,
        moment=datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
        hostname=hostname,
        version=version,
    )


def a_violation(**members: Any) -> Event:  # noqa: ANN401 - any member of an event
    event = Event(
        action=Action.FS_READ,
        decision=Decision.DENY,
        by=By.SUPERVISOR,
        kind=Class.VIOLATION,
        pid=7,
        path="/etc/shadow",
        errno=13,
    )
    return attrs.evolve(event, **members)


def parse(line: str) -> tuple[list[str], dict[str, str]]:
    """Read a line as a receiver does: seven header fields, then keys and values."""
    *header, extension = _split_header(line)
    assert len(header) == 7
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", re.sub(r"\\.", "__", extension)))
    pairs = {}
    for match, following in zip(keys, [*keys[1:], None], strict=True):
        raw = extension[match.end() : following.start() if following else len(extension)]
        assert match[1] not in pairs, match[1]
        pairs[match[1]] = re.sub(r"\\(.)", lambda escape: {"n": "\n", "r": "\r"}.get(escape[1], escape[1]), raw)
    return [re.sub(r"\\(.)", r"\1", field) for field in header], pairs


def _split_header(line: str) -> list[str]:
    masked = re.sub(r"\\.", "__", line)
    cuts = [match.start() for match in re.finditer(r"\|", masked)][:7]
    starts = [0, *(cut + 1 for cut in cuts)]
    return [line[start:end] for start, end in zip(starts, [*cuts, len(line)], strict=True)]


@pytest.mark.parametrize(
    ("text", "header", "extension"),
    [
        ("a|b", "a\\|b", "a|b"),
        ("a\\b", "a\\\\b", "a\\\\b"),
        ("a=b", "a=b", "a\\=b"),
        ("a\nb\rc", "a b c", "a\\nb\\rc"),
        ("a\\|b", "a\\\\\\|b", "a\\\\|b"),
        ("a b", "a b", "a b"),
        ("é雪", "é雪", "é雪"),
    ],
)
def test_exactly_what_the_format_asks_for_is_escaped(text: str, header: str, extension: str) -> None:
    assert escape_header(text) == header
    assert escape_extension(text) == extension


def test_a_denied_read_is_one_line() -> None:
    line = to_cef(a_violation(via="../shadow", argv=("cat", "a b"), exe="/bin/cat", rule="never"), a_context())

    assert line == (
        "CEF:0|Haldir|haldir-enforcer|0.1.0|fs.read|fs.read denied|8|rt=1769860800123 dvchost=host.example "
        "externalId=00000000-0000-4000-8000-000000000000:82 act=deny cat=violation cnt=1 spid=7 sproc=/bin/cat "
        "filePath=/etc/shadow reason=errno 13 cs1Label=skill cs1=weather@1.0 cs2Label=level cs2=L3 cs3Label=by "
        "cs3=supervisor cs4Label=rule cs4=never cs5Label=argv cs5=cat 'a b' cs6Label=via cs6=../shadow"
    )


@pytest.mark.parametrize(
    ("ip", "key"),
    [("192.0.2.7", "dst"), ("2001:db8::7", "c6a3"), ("/run/socket", "destinationServiceName")],
)
def test_an_address_goes_where_its_kind_belongs(ip: str, key: str) -> None:
    event = a_violation(action=Action.NET_CONNECT, path=None, endpoint=Endpoint("api.example.com", ip, 443, "tcp"))
    _, pairs = parse(to_cef(event, a_context()))

    assert (pairs[key], pairs["dhost"], pairs["dpt"], pairs["proto"]) == (ip, "api.example.com", "443", "tcp")


@pytest.mark.parametrize(
    "path",
    [
        "x act=allow",
        "x\nCEF:0|Haldir|haldir-enforcer|0.1.0|fs.read|fs.read allowed|1|act=allow",
        "x\\ act=allow",
        "x\\= act=allow",
        "x| act=allow",
        "x\r\nact=allow",
        "\u2028act=allow",
    ],
)
def test_a_path_cannot_forge_a_field_or_a_line(path: str) -> None:
    line = to_cef(a_violation(path=path), a_context())
    header, pairs = parse(line)

    assert len(line.splitlines()) == 1
    assert header[5] == "fs.read denied"
    assert pairs["act"] == "deny"


@pytest.mark.parametrize(
    "context", [a_context("a|b|9|act=allow"), a_context(hostname="h act=allow"), a_context(version="1|x|y|")]
)
def test_the_context_cannot_forge_a_field(context: Context) -> None:
    header, pairs = parse(to_cef(a_violation(), context))

    assert header[:3] == ["CEF:0", "Haldir", "haldir-enforcer"]
    assert header[3] == context.version
    assert header[4:] == ["fs.read", "fs.read denied", "8"]
    assert (pairs["act"], pairs["dvchost"], pairs["cs1"]) == ("deny", context.hostname, context.identity.skill)


@pytest.mark.parametrize(
    ("kind", "decision", "severity"),
    [
        (Class.VIOLATION, Decision.DENY, "8"),
        (Class.AMBIENT, Decision.DENY, "3"),
        (Class.DECLARED, Decision.ALLOW, "1"),
    ],
)
def test_the_severity_says_whether_somebody_should_look(kind: Class, decision: Decision, severity: str) -> None:
    assert parse(to_cef(a_violation(kind=kind, decision=decision), a_context()))[0][6] == severity


NAMES = st.none() | st.text(max_size=20) | st.text(alphabet="\\|= \n\ract", max_size=12)


@given(path=NAMES, via=NAMES, detail=NAMES, rule=NAMES, host=NAMES, ip=NAMES)
def test_no_text_of_a_skill_changes_the_fields(
    path: str | None, via: str | None, detail: str | None, rule: str | None, host: str | None, ip: str | None
) -> None:
    endpoint = Endpoint(host, ip, 1, "tcp")
    line = to_cef(a_violation(path=path, via=via, detail=detail, rule=rule, endpoint=endpoint), a_context())
    header, pairs = parse(line)

    assert line.isprintable()
    assert header[1:3] == ["Haldir", "haldir-enforcer"]
    assert (pairs["act"], pairs["cs3"], pairs["spid"]) == ("deny", "supervisor", "7")
    assert ("filePath" in pairs, "cs6" in pairs, "dhost" in pairs) == (
        path is not None,
        via is not None,
        host is not None,
    )
