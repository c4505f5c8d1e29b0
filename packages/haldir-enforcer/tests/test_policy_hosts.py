import json
from pathlib import Path

import pytest

from haldir_core.permissions import Permissions
from haldir_enforcer.errors import PolicyError
from haldir_enforcer.policy import HostRule, Policy, compile_policy, is_private, match_address, match_host


def policy_for(network: object, place: Path) -> Policy:
    document = {"schema_version": "1.0", "declared": {"network": network}}
    (place / "skill").mkdir(exist_ok=True)
    (place / "home").mkdir(exist_ok=True)
    return compile_policy(
        Permissions.from_bytes(json.dumps(document).encode()), place / "skill", home=place / "home", search_path=()
    )


@pytest.mark.parametrize(
    ("entry", "host", "ports", "literal"),
    [
        ("api.example.com", "api.example.com", (443, 80), False),
        ("API.Example.COM.", "api.example.com", (443, 80), False),
        ("example.org:8443", "example.org", (8443,), False),
        ("https://example.org", "example.org", (443,), False),
        ("http://example.org/", "example.org", (80,), False),
        ("https://example.org:444/a?b#c", "example.org", (444,), False),
        ("wss://example.org/socket", "example.org", (443,), False),
        ("ftp://example.org:21", "example.org", (21,), False),
        ("*.example.org", "*.example.org", (443, 80), False),
        ("*.Example.org:8080", "*.example.org", (8080,), False),
        ("127.0.0.1:8080", "127.0.0.1", (8080,), True),
        ("10.0.0.7", "10.0.0.7", (443, 80), True),
        ("[::1]:80", "::1", (80,), True),
        ("[2001:DB8:0::1]", "2001:db8::1", (443, 80), True),
        ("[::ffff:10.0.0.1]:80", "10.0.0.1", (80,), True),
        ("http://[::1]:8000/x", "::1", (8000,), True),
        ("localhost:3000", "localhost", (3000,), True),
        ("müller.de", "xn--mller-kva.de", (443, 80), False),
        ("日本.jp", "xn--wgv71a.jp", (443, 80), False),
        ("a_b.example.com", "a_b.example.com", (443, 80), False),
    ],
)
def test_a_peer_is_read_as_host_and_ports(
    tmp_path: Path, entry: str, host: str, ports: tuple[int, ...], *, literal: bool
) -> None:
    rules = policy_for([entry], tmp_path).hosts
    assert rules == (HostRule(host=host, ports=ports, literal=literal, declared=entry),)


@pytest.mark.parametrize("network", ["none", [], ["none"]])
def test_none_is_none(tmp_path: Path, network: object) -> None:
    assert policy_for(network, tmp_path).hosts == ()


@pytest.mark.parametrize("word", ["any", "full", "*", "restricted", "api.example.com", "0.0.0.0/0", "yes"])
def test_a_word_is_no_list_of_hosts(tmp_path: Path, word: str) -> None:
    with pytest.raises(PolicyError, match="write a list"):
        policy_for(word, tmp_path)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " example.com",
        "exam ple.com",
        "example.com\n",
        "example.com\0",
        "ex\u202eample.com",
        "*",
        "*.*",
        "*.com",
        "*.localhost",
        "a.*.com",
        "ex*mple.com",
        "*example.com",
        "example..com",
        "-example.com",
        "example-.com",
        "x" * 64 + ".com",
        ".".join(["abcdefgh"] * 30),
        "example.com:0",
        "example.com:65536",
        "example.com:080",
        "example.com:+80",
        "example.com:٨٠",
        "example.com:*",
        "example.com:80:90",
        "example.com:",
        "example.com:80-90",
        "user@example.com",
        "https://user:pass@example.com",
        "https://example.com\\@evil.com",
        "https:///x",
        "ftp://example.com",
        "file:///etc/passwd",
        "example.com/path",
        "10.0.0.0/8",
        "127.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "2130706433",
        "1.2.3.4.5",
        "1.2.3.256",
        "example.123",
        "::1",
        "::1:80",
        "[::1",
        "[::1]x",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        "[example.com]",
        "0.0.0.0",  # noqa: S104 - a text
        "[::]:80",
        "224.0.0.1",
        "255.255.255.255",
        "[ff02::1]",
        "straße.de",
        "a\u200db.com",
        "x" * 3000,
    ],
)
def test_what_is_no_peer_is_refused_by_name(tmp_path: Path, entry: str) -> None:
    with pytest.raises(PolicyError, match="network") as caught:
        policy_for([entry], tmp_path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_none_beside_hosts_contradicts_itself(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="stands beside hosts"):
        policy_for(["none", "example.com"], tmp_path)


def test_the_path_of_a_url_is_noted(tmp_path: Path) -> None:
    assert "whole host" in policy_for(["https://example.com/only/this"], tmp_path).notes[0]


def test_too_many_peers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="more than 1024"):
        policy_for([f"h{number}.example.com" for number in range(1025)], tmp_path)


@pytest.mark.parametrize(
    ("name", "port", "host"),
    [
        ("example.com", 443, "example.com"),
        ("EXAMPLE.com.", 80, "example.com"),
        ("example.com", 8080, None),
        ("evil-example.com", 443, None),
        ("example.com.evil.org", 443, None),
        ("a.example.com", 443, None),
        ("a.wild.example", 443, "*.wild.example"),
        ("a.b.wild.example", 443, "*.wild.example"),
        ("own.wild.example", 443, "own.wild.example"),
        ("wild.example", 443, None),
        (".wild.example", 443, None),
        ("notwild.example", 443, None),
        ("10.0.0.7", 443, "10.0.0.7"),
        ("::ffff:10.0.0.7", 443, "10.0.0.7"),
        ("010.0.0.7", 443, None),
        ("[::1]", 80, "::1"),
        ("0:0::1", 80, "::1"),
        ("", 443, None),
    ],
)
def test_a_name_falls_under_the_rule_that_names_it(tmp_path: Path, name: str, port: int, host: str | None) -> None:
    policy = policy_for(["*.wild.example", "own.wild.example", "example.com", "10.0.0.7", "[::1]:80"], tmp_path)
    rule = match_host(policy, name, port)
    assert (rule.host if rule else None) == host


@pytest.mark.parametrize(
    ("name", "ip", "port", "allowed"),
    [
        ("example.com", "93.184.215.14", 443, True),
        ("example.com", "127.0.0.1", 443, False),
        ("example.com", "169.254.169.254", 80, False),
        ("example.com", "::ffff:10.1.2.3", 443, False),
        ("example.com", "64:ff9b::a00:1", 443, False),
        ("other.com", "93.184.215.14", 443, False),
        (None, "93.184.215.14", 443, False),
        (None, "10.0.0.7", 443, True),
        (None, "::ffff:10.0.0.7", 443, True),
        ("example.com", "10.0.0.7", 443, True),
        (None, "10.0.0.8", 443, False),
        (None, "10.0.0.7", 22, False),
        ("localhost", "127.0.0.1", 3000, True),
        ("localhost", "::1", 3000, True),
        ("localhost", "10.0.0.1", 3000, False),
        ("localhost", "93.184.215.14", 3000, False),
        ("example.com", "no address", 443, False),
    ],
)
def test_an_address_must_be_public_or_declared_itself(
    tmp_path: Path, name: str | None, ip: str, port: int, *, allowed: bool
) -> None:
    policy = policy_for(["example.com", "10.0.0.7", "localhost:3000"], tmp_path)
    assert (match_address(policy, name, ip, port) is not None) is allowed


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",  # noqa: S104 - a text
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2606:4700::5efe:10.0.0.1",
        "2606:4700::200:5efe:10.0.0.1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "fe80::1%eth0",
        "",
        "example.com",
        "127.1",
        "0x7f000001",
        "127.0.0.1 ",
    ],
)
def test_an_address_that_is_not_of_the_public_internet_is_private(ip: str) -> None:
    assert is_private(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "1.1.1.1",
        "93.184.215.14",
        "172.32.0.1",
        "100.128.0.1",
        "11.0.0.1",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
        "2606:4700:4700::1111",
        "2002:101:101::1",
        "2a00:1450:4001::1",
        "2606:4700::5efe:1.1.1.1",
    ],
)
def test_an_address_of_the_public_internet_is_not_private(ip: str) -> None:
    assert not is_private(ip)
