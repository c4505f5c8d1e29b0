"""The one error of everything that is read."""


class UnreadableError(Exception):
    """A file, or a part of it, cannot be read; ``kind`` is one of ``Problem``."""

    def __init__(self, message: str, *, line: int = 0, kind: str = "unparsable") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.kind = kind
