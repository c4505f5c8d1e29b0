"""Python programs, read with ``ast`` and evaluated abstractly: nothing of them is ever run."""

from haldir_scanner._code._python.examination import MAX_BYTES, examine

__all__ = ["MAX_BYTES", "examine"]
