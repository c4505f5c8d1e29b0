"""Where the configuration of a vetting comes from: ``haldir.toml``, never from inside what is vetted."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import typer

from haldir_cli.files import read_file
from haldir_cli.home import trust_store_path
from haldir_cli.show import say
from haldir_pipeline import Configuration, ConfigurationError

NAME = "haldir.toml"
MAX_BYTES = 1024 * 1024


def read_configuration(given: Path | None, vetted: Sequence[Path]) -> Configuration:
    """Return the configuration of the user, or the default one.

    ``given`` is that of ``--config``; otherwise it is ``haldir.toml`` of the present folder, unless that is inside one
    of the folders that are ``vetted`` or in the repository of one, or that of the user.

    Raises:
        typer.BadParameter: if ``given`` lies inside what is vetted.
        UnreadableError: if the file cannot be read.
        ConfigurationError: if it holds what is unknown or cannot be.
    """
    path = _chosen(given, vetted)
    if path is None:
        return Configuration()
    data = read_file(path, "configuration", MAX_BYTES)
    try:
        value = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no TOML: {error}") from error
    if "folder" in value:
        raise ConfigurationError(f"{path}: 'folder' is no setting: paths count from the folder of this file")
    return Configuration.from_json({**value, "folder": str(path.resolve().parent)}, str(path))


def _chosen(given: Path | None, vetted: Sequence[Path]) -> Path | None:
    if given is not None:
        if _is_inside(given, vetted):
            raise typer.BadParameter(
                f"{given} lies inside what is vetted, which must not choose how: copy it elsewhere after reading it",
                param_hint="--config",
            )
        return given
    here = Path(NAME)
    if here.exists():
        foreign = _foreign(here, vetted)
        say(f"Note: {NAME} of the present folder is {foreign or 'used'}")
        if not foreign:
            return here
    own = trust_store_path().with_name(NAME)
    return own if own.exists() else None


def _foreign(here: Path, vetted: Sequence[Path]) -> str:
    """Return why the file of the present folder is not the user's own; empty if it is.

    Who has cloned a repository of somebody else stands in it, and its author must not choose how his skills are
    looked at, nor which server gets the keys of the user's models.
    """
    if _is_inside(here, vetted):
        return "not used, because it lies inside what is vetted"
    own = _repository(here)
    if own is not None and own in {_repository(folder) for folder in vetted}:
        return f"not used, because it belongs to the repository that is vetted; if it is yours: --config {NAME}"
    return ""


def _repository(path: Path) -> Path | None:
    """Return the git work tree in which a file or folder lies, if there is one."""
    real = path.resolve()
    return next((folder for folder in (real, *real.parents) if (folder / ".git").exists()), None)


def _is_inside(path: Path, folders: Sequence[Path]) -> bool:
    places = (path.absolute(), path.resolve())
    return any(
        place.is_relative_to(root)
        for folder in folders
        for root in (folder.absolute(), folder.resolve())
        for place in places
    )
