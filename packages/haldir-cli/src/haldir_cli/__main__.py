"""``python -m haldir_cli`` is ``haldir``."""

from haldir_cli.main import run

if __name__ == "__main__":
    run()
