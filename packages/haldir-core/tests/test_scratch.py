"""Private folders and held signals: nothing is left behind, and no Ctrl-C is lost."""

import contextlib
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from haldir_core.scratch import PrivateFolder
from haldir_core.signals import signals_held

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Told(Exception):  # noqa: N818 - no error
    """What the handler of these tests raises."""


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Handlers that raise, and another thread that is open to every signal."""

    def tell(_number: int, _frame: FrameType | None) -> None:
        raise Told

    before = {number: signal.signal(number, tell) for number in SIGNALS}
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    yield
    ended.set()
    thread.join()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_end_of_the_block_though_other_threads_could_take_it(number: int) -> None:
    reached = False

    def block() -> None:
        nonlocal reached
        with signals_held():
            os.kill(os.getpid(), number)
            for _ in range(1000):
                pass
            reached = True

    with pytest.raises(Told):
        block()
    assert reached


def test_the_handlers_are_afterwards_what_they_were() -> None:
    handlers = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(Told):
        _hold_all()
    with signals_held():
        pass
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals_held():
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_signal_whose_default_ends_the_process_ends_it_after_the_block(tmp_path: Path) -> None:
    def block() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with signals_held():
            os.kill(os.getpid(), signal.SIGTERM)
            (tmp_path / "whole").touch()
        (tmp_path / "too far").touch()

    assert _status_of_fork(block) == signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_other_threads_hold_no_signal_and_change_no_handler() -> None:
    seen = []

    def run() -> None:
        with signals_held():
            seen.append([signal.getsignal(number) for number in SIGNALS])

    handlers = [signal.getsignal(number) for number in SIGNALS]
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [handlers]


def test_a_folder_is_private_and_gone_afterwards_with_all_that_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with PrivateFolder("haldir-x-") as folder:
        assert folder.name.startswith("haldir-x-")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "locked").mkdir()
        (folder / "locked" / "file").touch()
        (folder / "locked").chmod(0)
    assert list(tmp_path.iterdir()) == []


# Python loses an exception that comes during garbage collection, and itself closes a file that was just opened.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_any_moment_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    come = True

    def send(*_: object) -> None:
        nonlocal come
        come = True
        os.kill(os.getpid(), number)

    def interrupted(microseconds: int) -> None:
        nonlocal come
        come = False
        with contextlib.suppress(Told):
            signal.setitimer(signal.ITIMER_REAL, microseconds / 1e6)
            with PrivateFolder("haldir-x-") as folder:
                (folder / "file").touch()
            while not come:
                time.sleep(0.0001)

    before = signal.signal(signal.SIGALRM, send)
    tracer = sys.gettrace()
    sys.settrace(None)  # what measures coverage takes a lock, and must not be interrupted while it holds it
    for microseconds in range(1, 600, 2):
        interrupted(microseconds)
    sys.settrace(tracer)
    signal.signal(signal.SIGALRM, before)
    assert list(tmp_path.iterdir()) == []


def test_a_fork_that_unwinds_removes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with PrivateFolder("haldir-x-") as folder:
        with PrivateFolder("haldir-y-") as other:
            own = os.getpid()
            child = os.fork()
            if not child:
                child = own
        if os.getpid() != own:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert folder.is_dir()
        assert not other.exists()


def _hold_all() -> None:
    with signals_held():
        for number in SIGNALS:
            os.kill(os.getpid(), number)


def _status_of_fork(run: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        try:
            run()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]
