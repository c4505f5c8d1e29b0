"""The errors of haldir-enforcer."""


class EnforcerError(Exception):
    """Something could not be enforced; the message says what, where and what to do."""


class PolicyError(EnforcerError):
    """Permissions cannot be compiled into a policy."""


class ConfinementError(EnforcerError):
    """A program cannot be confined as asked; it was not started."""


class AuditLogError(EnforcerError):
    """An audit log cannot be written, or is not what it should be."""
