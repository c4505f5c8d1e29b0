"""The questions that a supervisor asks of a policy, about real paths."""

from haldir_enforcer._policy.records import PathRule, Policy, Program


def may_read(policy: Policy, real_path: str) -> PathRule | None:
    """Return the rule that lets ``real_path`` be read, or None.

    ``real_path`` is absolute and has no links, dots or double slashes left; anything else is never granted.  Text
    alone decides, no file is looked at, and answers are remembered.  The deepest whole folder wins, then the globs in
    order.  Below a secret (``never_read``) only a rule counts whose parent is that secret or lies in it; names of
    secrets do not count inside the skill's own folder, except ``.vault``.  A process asks about itself as
    ``/proc/self/...``.
    """
    return policy.matcher.reading(real_path)


def may_write(policy: Policy, real_path: str) -> PathRule | None:
    """Return the rule that lets ``real_path`` be written, made, moved or removed, or None.

    As ``may_read``; agent state and ``.vault`` (``never_write``) and the skill's own folder are reached like secrets:
    by a rule whose parent is there or lies in it.  A write grant does not let anything be read.
    """
    return policy.matcher.writing(real_path)


def may_execute(policy: Policy, real_path: str) -> Program | None:
    """Return the program at ``real_path``, or None if it may not be executed.

    The program that a run begins with is started by the runtime and need not be listed.
    """
    return next((program for program in policy.programs if str(program.path) == real_path), None)
