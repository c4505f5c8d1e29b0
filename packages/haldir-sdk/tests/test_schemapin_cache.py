from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from haldir_core.schemapin.codes import ErrorCode, PinStatus
from haldir_core.schemapin.domains import Domain, ToolId
from haldir_core.schemapin.results import Metadata, Verification
from haldir_core.schemapin.times import Moment
from haldir_sdk.schemapin._database import DatabaseError
from haldir_sdk.schemapin.schemacache import CacheLimits, ResultCache, SchemaCache, SharedSchemaCache, cache_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = cache_key("weather", "example.com", b"{}", demands=b"")
RESULT = Verification(
    valid=True,
    domain=Domain("example.com"),
    tool_id=ToolId("weather"),
    developer_name="Dev Co",
    fingerprint="sha256:" + "0a" * 32,
    key_pinning=PinStatus.PINNED,
    warnings=("w",),
    root=b"r" * 32,
    metadata=Metadata(authenticated=True, name="weather", signed_at=Moment.parse("2026-01-01T00:00:00Z")),
)

Make = Callable[..., ResultCache]


@pytest.fixture(params=["process", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def build(**limits: object) -> ResultCache:
        settings = CacheLimits(**limits)  # type: ignore[arg-type] # the limits of a test
        return SchemaCache(settings) if request.param == "process" else SharedSchemaCache(tmp_path / "c.db", settings)

    return build


def test_a_result_is_found_again_as_a_pinned_one(make: Make) -> None:
    cache = make()
    cache.put(KEY, "sig", RESULT, epoch=1, now=NOW)
    found = cache.get(KEY, "sig", epoch=1, now=NOW)
    assert found == RESULT


@pytest.mark.parametrize(
    ("key", "signature", "epoch", "later"),
    [
        (KEY, "other", 1, 0),
        (KEY, "sig", 2, 0),
        (KEY, "sig", 1, 300),
        (KEY, "sig", 1, -60),
        (cache_key("weather", "example.com", b"{ }", demands=b""), "sig", 1, 0),
        (cache_key("weather", "example.com", b"{}", demands=b"strict"), "sig", 1, 0),
        (cache_key("weather", "other.example", b"{}", demands=b""), "sig", 1, 0),
        (cache_key("other", "example.com", b"{}", demands=b""), "sig", 1, 0),
    ],
    ids=["signature", "epoch", "too-late", "too-early", "bytes", "demands", "domain", "tool"],
)
def test_a_result_is_for_what_was_verified_alone(
    make: Make, key: tuple[str, str, bytes], signature: str, epoch: int, later: int
) -> None:
    cache = make()
    cache.put(KEY, "sig", RESULT, epoch=1, now=NOW)
    assert cache.get(key, signature, epoch=epoch, now=NOW + timedelta(seconds=later)) is None


@pytest.mark.parametrize(
    "result",
    [
        attrs.evolve(RESULT, valid=False, error_code=ErrorCode.SIGNATURE_INVALID),
        attrs.evolve(RESULT, expired=True),
        attrs.evolve(RESULT, key_pinning=None),
        attrs.evolve(RESULT, key_pinning=PinStatus.FIRST_USE),
        attrs.evolve(RESULT, metadata=Metadata(expires_at="tomorrow")),
    ],
    ids=["invalid", "expired", "not-pinned", "first-use", "odd-expiry"],
)
def test_what_is_not_plainly_valid_is_not_kept(make: Make, result: Verification) -> None:
    cache = make()
    cache.put(KEY, "sig", result, epoch=1, now=NOW)
    assert cache.get(KEY, "sig", epoch=1, now=NOW) is None


def test_a_result_ends_with_the_signature(make: Make) -> None:
    cache = make()
    result = attrs.evolve(RESULT, metadata=Metadata(expires_at="2026-03-01T00:00:10Z"))
    cache.put(KEY, "sig", result, epoch=1, now=NOW)
    assert cache.get(KEY, "sig", epoch=1, now=NOW + timedelta(seconds=9)) is not None
    assert cache.get(KEY, "sig", epoch=1, now=NOW + timedelta(seconds=10)) is None


def test_the_oldest_results_are_forgotten(make: Make) -> None:
    cache = make(entries=3)
    keys = [cache_key(str(number), "example.com", b"{}", demands=b"") for number in range(5)]
    for number, key in enumerate(keys):
        cache.put(key, "sig", RESULT, epoch=1, now=NOW + timedelta(seconds=number))
    later = NOW + timedelta(seconds=5)
    kept = [cache.get(key, "sig", epoch=1, now=later) is not None for key in keys]
    assert kept == [False, False, True, True, True]


def test_a_result_that_is_used_stays() -> None:
    cache = SchemaCache(CacheLimits(entries=2))
    keys = [cache_key(str(number), "example.com", b"{}", demands=b"") for number in range(3)]
    for key in keys[:2]:
        cache.put(key, "sig", RESULT, epoch=1, now=NOW)
    cache.get(keys[0], "sig", epoch=1, now=NOW)
    cache.put(keys[2], "sig", RESULT, epoch=1, now=NOW)
    assert cache.get(keys[0], "sig", epoch=1, now=NOW) is not None
    assert cache.get(keys[1], "sig", epoch=1, now=NOW) is None
    cache.clear()
    assert len(cache) == 0


def test_two_processes_share_results(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    one, other = SharedSchemaCache(path), SharedSchemaCache(path)
    one.put(KEY, "sig", RESULT, epoch=1, now=NOW)
    assert other.get(KEY, "sig", epoch=1, now=NOW) is not None
    one.close()
    other.close()


def test_a_result_that_was_changed_by_hand_is_not_used(tmp_path: Path) -> None:
    cache = SharedSchemaCache(tmp_path / "c.db")
    cache.put(KEY, "sig", RESULT, epoch=1, now=NOW)
    for data in (b"", b"[]", b'{"root": "zz"}', b'{"signed_at": "x"}'):
        with cache._database.writing() as connection:
            connection.execute("UPDATE results SET result = ?", (data,))
        assert cache.get(KEY, "sig", epoch=1, now=NOW) is None


def test_a_pin_store_is_no_cache(tmp_path: Path, open_store: Callable[..., object], store_path: Path) -> None:
    open_store()
    with pytest.raises(DatabaseError, match="no schema cache"):
        SharedSchemaCache(store_path)


@pytest.mark.parametrize("limits", [{"entries": 0}, {"lifetime": timedelta()}], ids=str)
def test_limits_are_positive(limits: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        CacheLimits(**limits)  # type: ignore[arg-type] # what is to be refused
