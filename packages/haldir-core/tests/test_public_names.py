import inspect

import pytest

import haldir_core


def test_all_is_what_is_exported() -> None:
    assert set(haldir_core._HOME_OF) == set(haldir_core.__all__)
    assert all(getattr(haldir_core, name) is not None for name in haldir_core.__all__)


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = haldir_core.nothing


def test_all_is_sorted_and_has_no_doubles() -> None:
    assert len(haldir_core.__all__) == len(set(haldir_core.__all__))
    constants = [name for name in haldir_core.__all__ if name.isupper()]
    classes = [name for name in haldir_core.__all__ if not name.isupper() and name[0].isupper()]
    functions = [name for name in haldir_core.__all__ if name[0].islower()]
    assert haldir_core.__all__ == [*sorted(constants), *sorted(classes), *sorted(functions)]


@pytest.mark.parametrize("name", [name for name in haldir_core.__all__ if name != "CHECKS"])
def test_what_is_public_is_documented(name: str) -> None:
    value = getattr(haldir_core, name)

    assert value.__doc__ if inspect.isclass(value) or inspect.isfunction(value) else name in {"KeyId", "Digest"}


def test_every_error_has_the_one_root() -> None:
    errors = [
        value
        for name in haldir_core.__all__
        if inspect.isclass(value := getattr(haldir_core, name)) and issubclass(value, Exception)
    ]

    assert len(errors) == 11
    assert all(issubclass(error, haldir_core.HaldirError) for error in errors)
