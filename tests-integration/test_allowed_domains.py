"""Our lists of allowed domains mean what those of the published package ``agentpin`` mean, but for its empty one."""

from agentpin.constraint import domain_pattern_matches
from agentpin.discovery import AllowedDomains as Theirs
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.schemapin.domains import AllowedDomains

DOMAINS = st.sampled_from(["a.example", "x.a.example", "y.x.a.example", "b.example", "xa.example", "example"])
PATTERNS = st.one_of(DOMAINS, DOMAINS.map("*.{}".format), st.sampled_from(["*", "*.", "", "A.example"]))


@given(st.lists(DOMAINS, max_size=4), DOMAINS)
def test_a_list_of_domains_allows_what_agentpin_allows(listed: list[str], domain: str) -> None:
    assert AllowedDomains.from_list(listed).allows(domain) is Theirs.allows(listed, domain)


@given(PATTERNS, DOMAINS)
def test_a_pattern_matches_what_it_matches_in_agentpin(pattern: str, domain: str) -> None:
    assert AllowedDomains.from_list([pattern]).allows(domain) is domain_pattern_matches(pattern, domain)


@given(st.lists(PATTERNS, max_size=4), st.lists(PATTERNS, max_size=4))
def test_lists_with_something_in_common_intersect_as_in_agentpin(first: list[str], second: list[str]) -> None:
    ours = AllowedDomains.from_list(first).intersect(AllowedDomains.from_list(second))
    theirs = Theirs.intersect(first, second)
    if theirs or not (first and second):
        assert ours.to_list() == theirs
    else:
        assert ours == AllowedDomains.nothing()


@given(st.lists(DOMAINS, min_size=1, max_size=4), st.lists(DOMAINS, min_size=1, max_size=4), DOMAINS)
def test_what_an_intersection_allows_both_sides_allow(first: list[str], second: list[str], domain: str) -> None:
    one, other = AllowedDomains.from_list(first), AllowedDomains.from_list(second)
    assert one.intersect(other).allows(domain) is (one.allows(domain) and other.allows(domain))


def test_the_empty_list_of_agentpin_allows_everything_after_an_intersection_of_nothing() -> None:
    assert Theirs.allows(Theirs.intersect(["a.example"], ["b.example"]), "evil.example")
    assert not (
        AllowedDomains.from_list(["a.example"])
        .intersect(AllowedDomains.from_list(["b.example"]))
        .allows("evil.example")
    )
