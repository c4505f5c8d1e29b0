"""How every typer application of the program is set up."""

import typer


def make_app(help: str | None = None) -> typer.Typer:  # noqa: A002 - typer's own word
    """Return an application with plain help, and without the completion options that only the program itself has."""
    return typer.Typer(
        add_completion=False,
        help=help,
        no_args_is_help=help is not None,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
