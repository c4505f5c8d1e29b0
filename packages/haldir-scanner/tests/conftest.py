"""Builders that the tests share."""

import signal
from collections.abc import Callable, Iterator

import pytest

from haldir_scanner import scan_files

TIME_LIMIT_SECONDS = 20


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A test that takes too long is stopped by an alarm instead of hanging."""

    def stop(_signal: int, _frame: object) -> None:
        pytest.fail(f"took longer than {TIME_LIMIT_SECONDS} seconds")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(TIME_LIMIT_SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture
def rules() -> Callable[[str, str | bytes], set[str]]:
    """The ids of the rules that are found in one file of the given name and content."""

    def of(name: str, content: str | bytes) -> set[str]:
        data = content if isinstance(content, bytes) else content.encode()
        return {match.rule for match in scan_files({name: data}).matches}

    return of
