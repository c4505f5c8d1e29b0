"""The limits of a confined run, from a JSON text or a file."""

import json
from pathlib import Path
from typing import Any

from attrs import evolve

from haldir_cli.files import read_file
from haldir_cli.usage import wrong_use
from haldir_enforcer import Limits

MAX_BYTES = 64 * 1024
_MOST = {"timeout_seconds": 86_400, "processes": 100_000, "memory_mb": 10_000_000, "disk_mb": 10_000_000}
_MOST["output_mb"] = 10_000_000


def read_limits(given: str | None, default: Limits) -> Limits:
    """Return ``default`` with what the option says: a JSON object, or a file that holds one; null lifts a limit.

    Raises: typer.BadParameter naming the member that is wrong.
    """
    if given is None:
        return default
    text = (
        given
        if given.lstrip().startswith("{")
        else read_file(Path(given), "limits", MAX_BYTES).decode("utf-8", "replace")
    )
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise wrong_use(f"--limits is no JSON object: {error}") from error
    if not isinstance(value, dict):
        raise wrong_use('--limits is no JSON object, such as {"timeout_seconds": 30}')
    for name, number in value.items():
        _check(name, number)
    return evolve(default, **value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member is there twice")
    return dict(pairs)


def _check(name: str, number: object) -> None:
    if name not in _MOST:
        raise wrong_use(f"--limits: {name!r:.60} is no limit; there are {', '.join(_MOST)}")
    if number is None:
        return
    is_number = isinstance(number, int | float if name == "timeout_seconds" else int) and not isinstance(number, bool)
    if not is_number or not 0 < number <= _MOST[name]:  # type: ignore[operator]
        raise wrong_use(f"--limits: {name} must be above 0 and at most {_MOST[name]}, or null for no limit")
