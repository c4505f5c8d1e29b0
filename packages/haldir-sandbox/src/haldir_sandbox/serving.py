"""What an MCP server showed."""

from attrs import frozen


@frozen(kw_only=True)
class Served:
    """One visit to a server.  Nothing in it is believed: it is compared with the next visit, and shown."""

    initialized: bool
    complete: bool
    """Every tool, resource and prompt was used before the time was over."""
    tools: tuple[str, ...]
    """The list of tools as text, before and after their use."""
    calls: int
    asked: tuple[str, ...]
    """What the server asked of its client: sampling, elicitation, roots."""
    notes: tuple[str, ...]
    said: bytes
    """The beginning of its output, to look for decoy secrets in it."""
