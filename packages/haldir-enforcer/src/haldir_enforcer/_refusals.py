"""What is refused before anything of a run is made."""

import os
from collections.abc import Sequence
from pathlib import Path

from haldir_enforcer._policy.records import DECLARED
from haldir_enforcer._streams import Stream, Target
from haldir_enforcer.errors import AuditLogError, ConfinementError
from haldir_enforcer.policy import Policy


def refuse_reachable_log(audit_log: Path, policy: Policy) -> None:
    """Return if the program cannot remove or replace the log, which would prove nothing otherwise.

    Raises: AuditLogError
    """
    rule = policy.matcher.writing(os.path.realpath(audit_log))
    if rule is not None and rule.source == DECLARED:
        raise AuditLogError(f"{audit_log} lies where the skill may write; choose another place for the audit log")


def refuse_closed(targets: Sequence[Target]) -> None:
    """Return if the streams of this process that the program is to have are open: a file of ours could get the number.

    Raises: ConfinementError
    """
    for number, target in enumerate(targets):
        if target is Stream.INHERIT:
            try:
                os.fstat(number)
            except OSError as error:
                raise ConfinementError(
                    f"the standard stream {number} of this process is closed; open it, if only on /dev/null"
                ) from error
