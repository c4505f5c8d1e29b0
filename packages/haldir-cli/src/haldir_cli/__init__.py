"""The ``haldir`` command: sign, verify, co-sign, revoke and vet agent skills.

The command line is the interface; from Python it can be called as it is from a shell::

    from haldir_cli import main

    exit_code = main(["verify", "my-skill", "--key", "publisher.pub"])
"""

from haldir_cli.main import main

__all__ = ["main"]
