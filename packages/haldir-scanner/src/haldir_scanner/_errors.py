"""The errors of the package."""

from typing import Self


class ScannerError(Exception):
    """Root of all errors that this package raises on purpose."""


class UnreadableError(ScannerError):
    """A path that was to be scanned is missing or cannot be read, so there is no verdict about it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read {path}: {reason}; check that it exists and that this user may read it")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """How it goes from one process to another."""
        return type(self), (self.path, self.reason)


class BundleError(ScannerError):
    """A bundle of rules, or the source of one, cannot be used; nothing was scanned with it."""


class BaselineError(ScannerError):
    """A baseline cannot be used; nothing is suppressed."""


class UnfinishedError(ScannerError):
    """A scan ended without a verdict, because of a mistake in the scanner or because its process was ended."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"the scan of {path} ended without a verdict: {what}; report it to the authors of the scanner")
        self.path = path
        self.what = what

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """How it goes from one process to another."""
        return type(self), (self.path, self.what)
