"""What a distribution exports is what it promises."""

from importlib import import_module
from types import ModuleType

import pytest

PACKAGES = (
    "haldir_auditor", "haldir_cli", "haldir_core", "haldir_enforcer", "haldir_pipeline", "haldir_registry",
    "haldir_reviewer", "haldir_sandbox", "haldir_scanner", "haldir_scheduler", "haldir_sdk",
)  # fmt: skip

each_package = pytest.mark.parametrize("name", PACKAGES)


def _like_isort(name: str) -> tuple[int, str]:
    """Constants first, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


@each_package
def test_the_exported_names_exist_once_and_are_sorted(name: str) -> None:
    package = import_module(name)
    assert [word for word in package.__all__ if not hasattr(package, word)] == []
    assert package.__all__ == sorted(set(package.__all__), key=_like_isort)


@each_package
def test_nothing_public_is_there_that_is_not_exported(name: str) -> None:
    package = import_module(name)
    for word in package.__all__:  # some come when they are asked for
        getattr(package, word)
    public = {
        word for word, value in vars(package).items() if not word.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == set(package.__all__)


@each_package
def test_every_exported_class_and_function_is_described(name: str) -> None:
    package = import_module(name)
    exported = [getattr(package, word) for word in package.__all__]
    assert [value for value in exported if callable(value) and not value.__doc__] == []
    assert package.__doc__
