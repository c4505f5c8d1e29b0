"""What every decision of one run needs."""

from attrs import frozen

from haldir_enforcer._linux._memory import Memory
from haldir_enforcer._linux._report import Report
from haldir_enforcer._linux._rules import Rules
from haldir_enforcer._linux._view import View


@frozen(eq=False)
class Scene:
    """The rules, the caller's folders, the caller's memory, and where deeds are noted."""

    rules: Rules
    view: View
    memory: Memory
    report: Report
