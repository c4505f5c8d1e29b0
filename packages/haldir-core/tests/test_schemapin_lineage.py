import pytest

from haldir_core.schemapin import Link, Moment, Tool, Verification, Version, check_chain, check_link
from haldir_core.schemapin.lineage import MAX_VERSIONS
from haldir_core.schemapin.results import Metadata

TOOL = Tool.of("tools.example", "weather")


def _version(number: int, previous: int | None = None, *, at: str | None = None, whose: str = "weather") -> Version:
    return Version(
        skill_hash=f"sha256:{number}",
        previous_hash=None if previous is None else f"sha256:{previous}",
        authenticated=True,
        signed_at=None if at is None else Moment.parse(at),
        whose=("tools.example", whose),
    )


EARLY, LATE = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("current", "previous", "link"),
    [
        (_version(2, 1), _version(1), Link.CONNECTED),
        (_version(2), _version(1), Link.NO_PREVIOUS_HASH),
        (_version(3, 2), _version(1), Link.MISMATCH),
        (_version(1, 1), _version(1), Link.LOOP),
        (_version(2, 1, at=EARLY), _version(1, at=LATE), Link.OUT_OF_ORDER),
        (_version(2, 1, at=LATE), _version(1, at=EARLY), Link.CONNECTED),
        (_version(2, 1), _version(1, whose="other"), Link.OTHER_TOOL),
    ],
    ids=lambda value: value.value if isinstance(value, Link) else None,
)
def test_a_version_is_connected_with_the_one_before_it_or_not(current: Version, previous: Version, link: Link) -> None:
    assert check_link(current, previous) is link


def test_a_chain_is_connected_to_its_end() -> None:
    chain = check_chain([_version(3, 2), _version(2, 1), _version(1)])

    assert (chain.is_connected, chain.position, chain.authenticated) == (True, 2, True)
    assert check_chain([_version(1)]).is_connected


def test_a_chain_breaks_at_its_first_bad_link() -> None:
    chain = check_chain([_version(4, 3), _version(3, 1), _version(2, 1), _version(1)])

    assert (chain.link, chain.position) == (Link.MISMATCH, 1)


def test_a_chain_that_comes_back_to_a_version_is_a_loop() -> None:
    chain = check_chain([_version(3, 2), _version(2, 1), _version(1, 3), _version(3, 2)])

    assert (chain.link, chain.position) == (Link.LOOP, 2)


def test_a_chain_with_one_unsigned_link_is_not_authenticated() -> None:
    unsigned = Version(skill_hash="sha256:1", previous_hash=None, whose=("tools.example", "weather"))

    assert not check_chain([_version(2, 1), unsigned]).authenticated


def test_a_chain_has_an_end() -> None:
    chain = check_chain([_version(number, number - 1) for number in range(MAX_VERSIONS + 10, 0, -1)])

    assert (chain.link, chain.position) == (Link.TOO_LONG, MAX_VERSIONS)


def test_no_version_is_no_chain() -> None:
    with pytest.raises(ValueError, match="at least one"):
        check_chain([])


def test_a_version_that_was_verified_has_the_computed_hash_and_authenticated_times_only() -> None:
    moment = Moment.parse(EARLY)
    metadata = Metadata(authenticated=True, signed_at=moment, previous_hash="sha256:0")
    result = Verification(valid=True, domain=TOOL.domain, tool_id=TOOL.tool_id, metadata=metadata, root=b"\1" * 32)
    version = Version.of_verified(result)

    assert version.skill_hash == "sha256:" + "01" * 32
    assert (version.signed_at, version.whose) == (moment, ("tools.example", "weather"))


def test_a_version_that_is_not_valid_has_no_place_in_a_chain() -> None:
    with pytest.raises(ValueError, match="not valid"):
        Version.of_verified(Verification(valid=False, domain=TOOL.domain, tool_id=TOOL.tool_id))
