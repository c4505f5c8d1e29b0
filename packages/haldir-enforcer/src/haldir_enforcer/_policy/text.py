"""Texts of a permissions file, as they may be shown."""

_SHOWN = 120


def visible(text: str) -> bool:
    """Whether every character of ``text`` shows what it is."""
    if text.isascii():
        return text.isprintable()
    from haldir_core.invisible import is_invisible  # noqa: PLC0415 - rare, and haldir_core is slow to import

    return not any(is_invisible(char) for char in text)


def quoted(text: str) -> str:
    """Return ``text`` in quotes and escaped, cut where it is long."""
    shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    return ascii(shown)
