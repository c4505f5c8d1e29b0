"""Builders that the tests share."""

from collections.abc import Callable, Mapping

import pytest

from haldir_auditor.reading import read_supply
from haldir_auditor.supply import Dependency, Lock, Manifest, Supply

Files = Mapping[str, str | bytes]


def _bytes(files: Files) -> dict[str, bytes]:
    return {path: data if isinstance(data, bytes) else data.encode() for path, data in files.items()}


@pytest.fixture
def read() -> Callable[[Files], Supply]:
    """Read files of a skill, given as text or bytes by path."""
    return lambda files: read_supply(_bytes(files))


@pytest.fixture
def manifest(read: Callable[[Files], Supply]) -> Callable[..., Manifest]:
    """Read one file that is a manifest, beside others; it must be read without a problem."""

    def build(path: str, content: str | bytes, beside: Files | None = None) -> Manifest:
        found = read({**(beside or {}), path: content})
        assert found.problems == ()
        return next(each for each in found.manifests if each.path == path)

    return build


@pytest.fixture
def lock(read: Callable[[Files], Supply]) -> Callable[..., Lock]:
    """Read one file that is a lock file, beside others; it must be read without a problem."""

    def build(path: str, content: str | bytes, beside: Files | None = None) -> Lock:
        found = read({**(beside or {}), path: content})
        assert found.problems == ()
        return next(each for each in found.locks if each.path == path)

    return build


@pytest.fixture
def named() -> Callable[[Manifest | Supply, str], Dependency]:
    """Find the dependency of a name."""

    def find(where: Manifest | Supply, name: str) -> Dependency:
        every = where.dependencies if isinstance(where, Manifest) else where.installs
        return next(dependency for dependency in every if dependency.name == name)

    return find
