"""What a backend reaches, from its self-test alone."""

from collections.abc import Callable

from haldir_enforcer._backends.probe import TESTS, probe
from haldir_enforcer.confinement import Launch, Level, Running, Standing, Truth
from haldir_enforcer.events import By

NOTHING = Truth(
    fs_read=By.NONE,
    fs_write=By.NONE,
    net=By.NONE,
    exec=By.NONE,
    processes=By.NONE,
    memory=By.NONE,
    disk=By.NONE,
    env=By.NONE,
)


def standing_of(
    backend: str,
    start: Callable[[Launch], Running] | None,
    level: Level,
    lacks: tuple[str, ...],
) -> Standing:
    """Return ``level`` if everything held that the self-test tries, else none, with what is missing.

    Without ``start`` there is nothing to test, and ``lacks`` says what to install.
    """
    if start is None:
        return Standing(backend=backend, level=Level.NONE, enforced=NOTHING, missing=lacks)
    result = probe(start)
    if result.trouble is not None:
        return Standing(backend=backend, level=Level.NONE, enforced=NOTHING, missing=(result.trouble,))
    broken = tuple(f"{name}: the self-test got through" for name in sorted(TESTS - result.held))
    held = {name: By.KERNEL if name in result.held else By.NONE for name in ("fs_read", "fs_write", "net", "env")}
    truth = Truth(exec=By.NONE, processes=By.NONE, memory=By.NONE, disk=By.NONE, **held)
    return Standing(backend=backend, level=Level.NONE if broken else level, enforced=truth, missing=(*broken, *lacks))
