"""The errors of a review that could not begin."""


class ReviewError(Exception):
    """The skill cannot be reviewed at all; the message says why and what to do."""
