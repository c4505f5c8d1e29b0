"""Wrong uses of the command line that the option parser itself cannot see."""


def wrong_use(message: str) -> Exception:
    """Return the error to raise: a `typer.BadParameter`, whose parser nobody waits for who made no mistake."""
    import typer  # noqa: PLC0415 - 20 ms

    return typer.BadParameter(message)
