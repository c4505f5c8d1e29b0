"""A line on a terminal that tells how far a long run has come."""

import time

import typer

from haldir_cli.show import is_seen

BAR_COLUMNS = 30
LONG_SECONDS = 1.0


class Progress:
    """The line; there is none where nobody sees it, or where the run is short."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._is_shown = False

    def tell(self, done: int, count: int) -> None:
        """Show it, if this takes long."""
        if not is_seen() or time.monotonic() - self._started < LONG_SECONDS:
            return
        filled = done * BAR_COLUMNS // count
        bar = "#" * filled + "." * (BAR_COLUMNS - filled)
        typer.echo(f"\r[{bar}] {done} of {count}", nl=False, err=True)
        self._is_shown = True

    def clear(self) -> None:
        """Take it away before anything else is written."""
        if self._is_shown:
            typer.echo("\r" + " " * (BAR_COLUMNS + 24) + "\r", nl=False, err=True)
            self._is_shown = False
