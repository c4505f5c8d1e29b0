"""What surrounds an event when it is told to another system: the run, its number, the time, the machine."""

from datetime import datetime

from attrs import field, frozen

from haldir_enforcer._auditlog.lines import RunIdentity
from haldir_enforcer._auditlog.text import printable

PRODUCT = "haldir-enforcer"
VENDOR = "Haldir"


@frozen(kw_only=True)
class Context:
    """Where and when an event was; ``seq`` is its line number in the audit log, ``version`` that of this package."""

    identity: RunIdentity
    seq: int
    moment: datetime
    hostname: str = field(converter=printable)
    version: str

    @property
    def uid(self) -> str:
        """The name of the event in all systems."""
        return f"{self.identity.run}:{self.seq}"

    @property
    def milliseconds(self) -> int:
        """The time, since 1970."""
        return int(self.moment.timestamp()) * 1000 + self.moment.microsecond // 1000
