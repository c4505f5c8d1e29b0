"""Shell scripts, run on paper: nothing of them is ever run.

The words of each command are expanded as bash would expand them, so that a command is seen as it is run, however it is
written; and what is read, decoded and fetched is followed to where it is sent or run.
"""

from haldir_scanner._code._shell.examination import MAX_BYTES, examine

__all__ = ["MAX_BYTES", "examine"]
