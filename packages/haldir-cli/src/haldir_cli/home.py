"""Where the command line keeps its state: HALDIR_HOME, or the XDG folders."""

import os
from pathlib import Path


def trust_store_path() -> Path:
    """Return the path of the user's trust store."""
    return _folder("XDG_CONFIG_HOME", ".config") / "trust.json"


def revocations_folder() -> Path:
    """Return the folder of the best revocation lists that were seen."""
    return state_folder() / "revocations"


def state_folder() -> Path:
    """Return the folder of what the program keeps for itself."""
    return _folder("XDG_STATE_HOME", ".local/state")


def _folder(variable: str, default: str) -> Path:
    home = os.environ.get("HALDIR_HOME")
    if home:
        return Path(home)
    xdg = os.environ.get(variable, "")
    base = Path(xdg) if xdg.startswith("/") else Path.home() / default  # relative ones are to be ignored: XDG 0.8
    return base / "haldir"
