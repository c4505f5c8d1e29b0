"""What the sandbox can find: one table of rules with their severities."""

from enum import Enum

from attrs import frozen

from haldir_core import Finding, Severity
from haldir_core.report import cut_utf16, utf16_length


@frozen
class Rule:
    """One kind of finding."""

    id: str
    category: str
    severity: Severity
    text: str
    """The message, with ``{}`` for what it is about."""


class Rules(Enum):
    """Every kind of finding; reports name them by their ids."""

    DECOY_READ = Rule(
        "decoy-credential", "decoy", Severity.CRITICAL, "it opened {}, a decoy that looks like somebody's credentials"
    )
    DECOY_DECLARED = Rule(
        "declared-credential", "decoy", Severity.MEDIUM, "it opened {}, somebody's credentials, as it declares"
    )
    DECOY_AGENT = Rule(
        "decoy-agent-file",
        "decoy",
        Severity.CRITICAL,
        "it tried to change {}, a file that instructs or configures an agent",
    )
    DECOY_SHELL = Rule(
        "decoy-shell-file", "decoy", Severity.CRITICAL, "it tried to change {}, a file that a shell runs at its start"
    )
    AGENT_READ = Rule(
        "agent-file-read", "decoy", Severity.HIGH, "it read {}, a file of the agent, and does not declare that"
    )
    SENT = Rule("secret-sent", "exfiltration", Severity.CRITICAL, "a decoy secret left in {}")
    SENT_DECLARED = Rule(
        "secret-used", "exfiltration", Severity.LOW, "a secret of the environment was sent to a declared host: {}"
    )
    SHOWN = Rule("secret-shown", "exfiltration", Severity.HIGH, "a decoy secret came out in {}")
    READ = Rule("undeclared-read", "undeclared", Severity.MEDIUM, "it tried to read {} and does not declare that")
    READ_SECRET = Rule(
        "undeclared-secret-read", "undeclared", Severity.HIGH, "it tried to read {} and does not declare that"
    )
    WRITE = Rule("undeclared-write", "undeclared", Severity.HIGH, "it tried to write {} and does not declare that")
    EXEC = Rule("undeclared-program", "undeclared", Severity.MEDIUM, "it tried to start {} and does not declare that")
    EXEC_STRONG = Rule(
        "undeclared-strong-program", "undeclared", Severity.HIGH, "it tried to start {} and does not declare that"
    )
    ASKS = Rule("asks-program", "undeclared", Severity.LOW, "its text has {} started and does not declare that")
    ASKS_STRONG = Rule(
        "asks-strong-program", "undeclared", Severity.MEDIUM, "its text has {} started and does not declare that"
    )
    CONNECT = Rule(
        "undeclared-connection", "undeclared", Severity.HIGH, "it tried to connect to {} and does not declare that"
    )
    NAME = Rule(
        "undeclared-name", "undeclared", Severity.HIGH, "it asked for the address of {} and does not declare that"
    )
    LISTEN = Rule("listening", "undeclared", Severity.HIGH, "it tried to take connections at {}")
    SOCKET = Rule("socket", "undeclared", Severity.MEDIUM, "it asked for a socket that is not allowed: {}")
    UNIX = Rule("local-socket", "undeclared", Severity.HIGH, "it tried to reach a service of the machine: {}")
    SIGNAL = Rule("signal", "undeclared", Severity.HIGH, "it tried to signal a process that is not its own: {}")
    SYSCALL = Rule("refused-call", "undeclared", Severity.MEDIUM, "it used a system call that is refused: {}")
    SYSCALL_STRONG = Rule(
        "refused-strong-call", "undeclared", Severity.HIGH, "it used a system call that is refused: {}"
    )
    AGENT = Rule(
        "undeclared-capability", "undeclared", Severity.HIGH, "it asked its agent for {} and does not declare that"
    )
    LIMIT_TIME = Rule("limit-time", "limit", Severity.MEDIUM, "it was ended after its time: {}")
    LIMIT = Rule("limit", "limit", Severity.HIGH, "it was ended at a limit: {}")
    BROKEN = Rule(
        "supervision", "isolation", Severity.HIGH, "its supervision failed, so that what it did is not all known: {}"
    )
    CONDITIONAL = Rule(
        "conditional",
        "conditional",
        Severity.HIGH,
        "at another date and in another environment it behaves differently: {}",
    )
    CONDITIONAL_WEAK = Rule(
        "conditional-declared",
        "conditional",
        Severity.LOW,
        "at another date or in another environment it also differs in: {}",
    )
    TOOLS_CHANGED = Rule(
        "tools-changed", "conditional", Severity.HIGH, "the tools that the server describes change: {}"
    )
    ASKS_MODEL = Rule("asks-model", "undeclared", Severity.MEDIUM, "the server asks its client for {}")
    UNUSED = Rule("over-permission", "over_permission", Severity.LOW, "it declares {} and never used that")
    LEVEL = Rule("level", "isolation", Severity.MEDIUM, "the isolation on this machine is {}; below L3 nothing passes")
    NOT_RUN = Rule("not-run", "coverage", Severity.MEDIUM, "not exercised: {}")
    NOT_INSTALLED = Rule("not-installed", "coverage", Severity.MEDIUM, "dependencies are not installed: {}")
    NOTHING = Rule("nothing-to-run", "coverage", Severity.LOW, "nothing in the skill can be run")
    CUT = Rule("cut", "coverage", Severity.MEDIUM, "not all of its behaviour was kept: {}")
    FAILED = Rule(
        "failed", "coverage", Severity.LOW, "it ended with an error in every run, so that little was seen: {}"
    )
    SERVER_ERRORS = Rule("server-errors", "coverage", Severity.LOW, "the server did not answer everything: {}")
    UNSHIFTED = Rule("unshifted", "coverage", Severity.LOW, "its clock could not be shifted: {}")

    def finding(
        self, about: str, *, file: str | None = None, line: int | None = None, context: str | None = None
    ) -> Finding:
        """Return what this rule says about something, cut to what a report can hold."""
        rule = self.value
        return Finding(
            severity=rule.severity,
            category=rule.category,
            message=fitted(rule.text.format(about), 1000),
            pattern_id=f"sandbox.{rule.id}",
            file=None if file is None else fitted(file, 500),
            line=line,
            match=fitted(about, 500),
            context=None if context is None else fitted(context, 1000),
        )


def fitted(text: str, units: int) -> str:
    """Return ``text`` as one printable line of at most ``units`` UTF-16 units."""
    clean = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text[: 2 * units])
    clean = clean.encode("utf-8", "replace").decode("utf-8")
    if utf16_length(clean) <= units:
        return clean
    return cut_utf16(clean, units - 1) + "\N{HORIZONTAL ELLIPSIS}"
