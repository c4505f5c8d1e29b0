"""Coroutines run to their end by code that has no event loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from haldir_auditor.vulnerabilities.interface import SourceError

Result = TypeVar("Result")


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Return what a coroutine returns.

    Raises:
        SourceError: if this thread runs an event loop already, which must not be held up.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    coroutine.close()
    raise SourceError("look_up was called inside an event loop: await look_up_async, or call it in a thread")
