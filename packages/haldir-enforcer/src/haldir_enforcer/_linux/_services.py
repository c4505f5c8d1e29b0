"""What a run is offered from outside of its confinement."""

from attrs import frozen


@frozen(kw_only=True)
class Services:
    """IPv4 addresses and ports on the supervisor's side.

    ``proxy`` may be connected to by everyone; wildcard hosts are reached through it.  ``sinkhole`` takes the
    connections that are refused, and is what undeclared names resolve to, so that what would have been sent can be
    seen; they are violations in the trace all the same.
    """

    proxy: tuple[str, int] | None = None
    sinkhole: tuple[str, int] | None = None
