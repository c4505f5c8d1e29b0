"""Texts as documents in UTF-8 can hold them."""


def clean(text: str) -> str:
    """A text with what no such document can hold, which is half of a surrogate pair, written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
