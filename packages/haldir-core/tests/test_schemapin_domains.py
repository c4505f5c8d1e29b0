import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_core.schemapin.domains import AllowedDomains, is_domain, parse_domain, parse_tool_id


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com", "example.com"),
        ("a.b.example.com", "a.b.example.com"),
        ("m\u00fcnchen.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("a-1.example", "a-1.example"),
        ("1.example", "1.example"),
        ("b\u3002example", "b.example"),
    ],
)
def test_a_domain_has_one_spelling(text: str, domain: str) -> None:
    assert parse_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "localhost",
        "example.com.",
        "https://example.com",
        "user@example.com",
        "user:pw@example.com",
        "example.com:8080",
        "example.com/x",
        "example.com#",
        "example.com?x",
        "example.com\\x",
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "2130706433",
        "a.0x7f",
        "[::1]",
        "::1",
        "fe80::1%eth0",
        "../x",
        "a..example",
        "-a.example",
        "a-.example",
        "a_b.example",
        "exa mple.com",
        "example.com\n",
        "example.com\x00",
        "xn--.example",
        "xn--abc-.example",
        "xn--a\u0080.example",
        "stra\u00dfe.example",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5) + ".example",
        "\udc80.example",
        "*.example.com",
        "\uff0e.example",
    ],
    ids=ascii,
)
def test_what_a_url_would_read_as_something_else_is_no_domain(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_domain(text)


@given(st.text(max_size=80))
def test_no_text_crashes_the_reading_of_a_domain(text: str) -> None:
    try:
        domain = parse_domain(text)
    except MalformedError:
        return
    assert parse_domain(domain) == domain


@pytest.mark.parametrize("text", ["weather", "a@b", "Wetter \u00fcber Land", "x" * 256])
def test_a_tool_id_is_kept_as_it_is(text: str) -> None:
    assert parse_tool_id(text) == text


@pytest.mark.parametrize("text", ["", " a", "a ", "a\n", "a\x00b", "a\u200bb", "x" * 257, "\ud800"], ids=ascii)
def test_a_tool_id_that_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_tool_id(text)


@pytest.mark.parametrize(
    ("pattern", "domain", "allowed"),
    [
        ("example.com", "example.com", True),
        ("example.com", "www.example.com", False),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "evilexample.com", False),
        ("Example.COM", "example.com", False),
        ("*", "example.com", False),
        ("*.", "example.com", False),
        ("*.com", "example.com", True),
        ("", "example.com", False),
    ],
)
def test_a_pattern_allows_what_it_names(pattern: str, domain: str, *, allowed: bool) -> None:
    assert AllowedDomains.from_list([pattern]).allows(domain) is allowed


def test_an_empty_list_allows_every_domain() -> None:
    assert AllowedDomains.from_list([]).allows("example.com")


def test_lists_with_nothing_in_common_allow_nothing() -> None:
    common = AllowedDomains.from_list(["a.example"]).intersect(AllowedDomains.from_list(["b.example"]))
    assert common == AllowedDomains.nothing()
    assert not common.allows("a.example")
    assert not common.is_unrestricted


def test_nothing_stays_nothing_when_it_is_intersected_with_everything() -> None:
    assert AllowedDomains.nothing().intersect(AllowedDomains.unrestricted()) == AllowedDomains.nothing()
    assert AllowedDomains.unrestricted().intersect(AllowedDomains.nothing()) == AllowedDomains.nothing()


def test_nothing_cannot_be_written_as_a_list() -> None:
    with pytest.raises(MalformedError, match="do not send it"):
        AllowedDomains.nothing().to_list()


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(MalformedError):
        AllowedDomains.from_list(["a.example"] * 1001)


def test_a_domain_is_known_in_any_spelling() -> None:
    domain = parse_domain("m\u00fcnchen.example")
    assert is_domain("M\u00dcNCHEN.example", domain)
    assert is_domain("XN--MNCHEN-3ya.example", domain)
    assert not is_domain("m\u00fcnchen", domain)
    assert not is_domain("\u00df", domain)
