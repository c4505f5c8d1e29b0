import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_scanner import scan_files
from haldir_scanner._declared_hosts import is_declared
from haldir_scanner._hosts import HOST_RULES, HostKind, hosts


def kinds(text: str) -> list[tuple[str, str]]:
    return [(host.kind.value, host.host) for host in hosts(text.encode())]


@pytest.mark.parametrize(
    ("text", "kind", "host"),
    [
        ("https://api.example/v1", "plain", "api.example"),
        ("HTTPS://API.EXAMPLE./v1", "plain", "api.example"),
        ("wss://live.example:8443/x", "plain", "live.example"),
        ("git+ssh://git@code.example/a.git", "plain", "code.example"),
        ("postgres://user:password@db.example:5432/main", "plain", "db.example"),
        ("hxxp://evil[.]example/x", "plain", "evil.example"),
        ("https://%65vil.example/", "plain", "evil.example"),
        ("https://evil\u3002example/", "plain", "evil.example"),
        ('"https:\\/\\/api.example\\/v1"', "plain", "api.example"),
        ("nc api.example.com:4444", "plain", "api.example.com"),
        ("https://github.com@evil.example/x", "deceptive", "evil.example"),
        ("https://github.com%2Flogin@evil.example/x", "plain", "evil.example"),
        ("https://accounts.google.com:443@evil.example/x", "deceptive", "evil.example"),
        ("http://203.0.113.7/x", "ip_literal", "203.0.113.7"),
        ("http://[2001:db8::7]:80/x", "ip_literal", "2001:db8::7"),
        ("http://[::ffff:203.0.113.7]/x", "ip_literal", "::ffff:203.0.113.7"),
        ("connect 203.0.113.7:4444", "ip_literal", "203.0.113.7"),
        ('s.connect(("203.0.113.7", 4444))', "ip_literal", "203.0.113.7"),
        ("/dev/tcp/203.0.113.7/4444", "ip_literal", "203.0.113.7"),
        ("http://3405803783/", "disguised_ip", "3405803783"),
        ("http://0xcb007107/", "disguised_ip", "0xcb007107"),
        ("http://0313.0.0161.07/", "disguised_ip", "0313.0.0161.07"),
        ("http://0xcb.0.113.7/", "disguised_ip", "0xcb.0.113.7"),
        ("http://127.1/", "disguised_ip", "127.1"),
        ("http://127.0.0.1:3000", "local", "127.0.0.1"),
        ("http://[::1]:3000", "local", "::1"),
        ("http://localhost:3000", "local", "localhost"),
        ("http://192.168.1.5/", "local", "192.168.1.5"),
        ("http://printer.local/", "local", "printer.local"),
        ("http://169.254.169.254/latest/meta-data", "metadata", "169.254.169.254"),
        ("http://metadata.google.internal/x", "metadata", "metadata.google.internal"),
        ("https://bit.ly/abc", "shortener", "bit.ly"),
        ("https://pastebin.com/abc", "paste", "pastebin.com"),
        ("https://pastebin.com/raw/abc", "raw_file", "pastebin.com"),
        ("https://raw.githubusercontent.com/a/b/main/x.sh", "raw_file", "raw.githubusercontent.com"),
        ("https://cdn.discordapp.com/attachments/1/2/x.zip", "raw_file", "cdn.discordapp.com"),
        ("https://cdn.discordapp.com/icons/1/2.png", "plain", "cdn.discordapp.com"),
        ("https://a1b2.ngrok-free.app/x", "tunnel", "a1b2.ngrok-free.app"),
        ("https://quiet-river.trycloudflare.com", "tunnel", "quiet-river.trycloudflare.com"),
        ("https://webhook.site/0000", "request_bin", "webhook.site"),
        ("curl webhook.site/0000", "request_bin", "webhook.site"),
        ('host = "abc.oast.fun"', "request_bin", "abc.oast.fun"),
        ("https://discord.com/api/webhooks/1/x", "messenger", "discord.com"),
        ("https://discord.com/channels/1", "plain", "discord.com"),
        ("https://api.telegram.org/bot1:x/sendMessage", "messenger", "api.telegram.org"),
        ("https://hooks.slack.com/services/x", "messenger", "hooks.slack.com"),
        ("http://box.duckdns.org/", "dynamic_dns", "box.duckdns.org"),
        ("http://abcdefghij.onion/", "onion", "abcdefghij.onion"),
        ("https://xn--pple-43d.example/", "punycode", "xn--pple-43d.example"),
        ("https://b\u00fccher.example/", "punycode", "b\u00fccher.example"),
        ("https://\u0430pple.example/", "mixed_script", "\u0430pple.example"),
        ("https://demo.vercel.app/", "app", "demo.vercel.app"),
    ],
)
def test_a_host_is_found_with_its_kind(text: str, kind: str, host: str) -> None:
    assert kinds(text) == [(kind, host)]


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4 of the format",
        "Mozilla/5.0 Chrome/120.0.0.0 Safari/537.36",
        "see section 4.2.1.3, and 256.300.1.1",
        "src/main.py:42: error, index.ts:7",
        "at 10:30, ratio 3:4, std::vector, a.b.c",
        "https://${HOST}/x and https://{host}/x and https://<host>/x and http:// alone",
        "file:///etc/hosts and data://x",
        "A tool like ngrok.io or webhook.site is named here.",
    ],
)
def test_what_is_no_host_is_not_taken_for_one(text: str) -> None:
    assert kinds(text) == []


def test_a_host_is_reported_at_its_place_and_once() -> None:
    text = "\u00fc <https://203.0.113.7:8080/a?b=webhook.site/c> end".encode()
    (host,) = hosts(text)
    assert text[host.begin : host.end].startswith(b"https://203.0.113.7:8080/a")


def test_hosts_come_in_the_order_of_the_text() -> None:
    text = "nc 203.0.113.7:80; https://a.example; pastebin.com/x; https:\\/\\/b.example"
    assert [host for _, host in kinds(text)] == ["203.0.113.7", "a.example", "pastebin.com", "b.example"]


@pytest.mark.parametrize(
    ("declared", "left"),
    [
        (frozenset(), ["api.example", "cdn.files.example"]),
        (frozenset({"*"}), []),
        (frozenset({"api.example"}), ["cdn.files.example"]),
        (frozenset({"API.example."}), ["cdn.files.example"]),
        (frozenset({"https://api.example:443/v1"}), ["cdn.files.example"]),
        (frozenset({"*.example"}), []),
        (frozenset({"*.files.example"}), ["api.example"]),
        (frozenset({"files.example"}), ["api.example", "cdn.files.example"]),
    ],
)
def test_undeclared_hosts_are_those_that_no_entry_allows(declared: frozenset[str], left: list[str]) -> None:
    observed = hosts(b"https://api.example/ https://cdn.files.example/")
    assert [host.host for host in observed if not is_declared(host.host, declared)] == left


def test_a_wildcard_does_not_allow_the_domain_itself() -> None:
    assert not is_declared("files.example", frozenset({"*.files.example"}))


@pytest.mark.parametrize(("host", "told"), [("localhost:8080", False), ("127.0.0.1", False), ("api.example", True)])
def test_what_is_on_this_machine_needs_no_declaration(host: str, told: bool) -> None:  # noqa: FBT001 - a row
    text = b"---\nname: a\ndescription: Does it.\nnetwork: none\n---\n"
    run = f"import urllib.request\nurllib.request.urlopen('http://{host}/')\n".encode()
    rules = {match.rule for match in scan_files({"SKILL.md": text, "run.py": run}).matches}
    assert ("undeclared_network" in rules) is told


def test_every_kind_that_is_suspicious_by_itself_has_a_rule() -> None:
    assert set(HostKind) - set(HOST_RULES) == {HostKind.APP, HostKind.LOCAL, HostKind.PLAIN}
    assert len(set(HOST_RULES.values())) == len(HOST_RULES)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "://",
                "http",
                "@",
                "[",
                "]",
                ":",
                "%",
                "%41",
                ".",
                "bit.ly/",
                "1.1.1.1",
                "0x",
                "a",
                "\u0430",
                "\\/",
                " ",
                "/",
            ]
        )
    ).map("".join)
    | st.text(max_size=80)
)
def test_no_text_crashes_it(text: str) -> None:
    data = text.encode("utf-8", "ignore")
    covered = 0
    for host in hosts(data):
        assert covered <= host.begin < host.end <= len(data)
        covered = host.end


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_crash_it(data: bytes) -> None:
    list(hosts(b"http://" + data + b"://" + data))


@pytest.mark.parametrize(
    "unit",
    ["://", "http://a.example/ ", "1.1.1.1 ", "a.ab:11 ", "a.", "bit.ly ", "[", "http://[", "http://@", "http://%41"],
)
def test_a_megabyte_of_one_shape_is_read(unit: str) -> None:
    assert sum(1 for _ in hosts((unit * (1_000_000 // len(unit))).encode())) >= 0
