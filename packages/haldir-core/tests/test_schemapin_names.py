import inspect

import pytest

from haldir_core import schemapin
from haldir_core.errors import HaldirError


def test_all_is_what_is_exported() -> None:
    assert set(schemapin._HOME_OF) == set(schemapin.__all__)
    assert all(getattr(schemapin, name) is not None for name in schemapin.__all__)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = schemapin.nothing


def test_all_is_sorted_and_has_no_doubles() -> None:
    kinds = [
        [name for name in schemapin.__all__ if name.isupper()],
        [name for name in schemapin.__all__ if not name.isupper() and name[0].isupper()],
        [name for name in schemapin.__all__ if name[0].islower()],
    ]
    assert schemapin.__all__ == [name for kind in kinds for name in sorted(set(kind))]


@pytest.mark.parametrize("name", schemapin.__all__)
def test_what_is_public_is_documented(name: str) -> None:
    value = getattr(schemapin, name)

    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__doc__


@pytest.mark.parametrize("name", schemapin.__all__)
def test_no_name_is_hidden_by_the_module_that_holds_it(name: str) -> None:
    assert not inspect.ismodule(getattr(schemapin, name))
    assert name not in schemapin._HOMES


def test_every_error_has_the_one_root() -> None:
    for name in schemapin.__all__:
        value = getattr(schemapin, name)
        if inspect.isclass(value) and issubclass(value, Exception):
            assert issubclass(value, HaldirError)
