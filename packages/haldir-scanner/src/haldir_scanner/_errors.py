"""The errors of the package."""


class ScannerError(Exception):
    """Root of all errors that this package raises on purpose."""


class UnreadableError(ScannerError):
    """A path that was to be scanned is missing or cannot be read, so there is no verdict about it."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot read {path}: {reason}; check that it exists and that this user may read it")
        self.path = path
        self.reason = reason
