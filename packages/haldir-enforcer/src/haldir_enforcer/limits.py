"""The limits of one confined run."""

from attrs import frozen


@frozen(kw_only=True)
class Limits:
    """How much a run may use, over all its processes.  ``None`` means: not limited by us.

    ``memory_mb`` and ``disk_mb`` are in units of 1,000,000 bytes of resident memory and of written files.
    """

    timeout_seconds: float | None = None
    processes: int | None = 64
    memory_mb: int | None = 1024
    disk_mb: int | None = 512
    output_mb: int | None = None
