"""What the SDK raises beside the errors of haldir-core, all under their root."""

from haldir_core.errors import HaldirError


class FetchError(HaldirError):
    """A document could not be fetched, or must not be fetched from where it is."""


class NotThereError(FetchError):
    """The server says that it has no such document."""


class ResolveError(HaldirError):
    """A resolver has an answer that it cannot use: a damaged file, a malformed document."""
