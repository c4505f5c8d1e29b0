"""Commands that run a program of somebody else, whose exit codes must not be mistaken for theirs."""

from typing import Any, ClassVar

import typer
from typer.core import TyperCommand

from haldir_cli.exits import RunExit
from haldir_cli.show import say


class RefusingCommand(TyperCommand):
    """Refuses a wrong command line as it refuses everything else: 2 could be the code of the program.

    Attributes:
        refusal: what the words begin with.
        help_line: where to read more.
    """

    refusal: ClassVar[str]
    help_line: ClassVar[str]

    def make_context(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - typer's own types
        """Return the context of a command line.

        Raises: typer.Exit with the code of a refusal if it is wrong, after saying how.
        """
        try:
            return super().make_context(*args, **options)
        except typer.TyperException as error:
            in_words = getattr(error, "format_message", None)  # every error of the option parser has it
            words = str(error) if in_words is None else in_words()
            say(f"{self.refusal}: {words}", self.help_line)
            raise typer.Exit(RunExit.REFUSED) from error
