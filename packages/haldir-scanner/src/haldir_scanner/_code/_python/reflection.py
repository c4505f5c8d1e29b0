"""Calls that look up what they return by a name: functions, modules, attributes."""

from collections.abc import Mapping

from haldir_scanner._code._python.call import Call, CallHandler
from haldir_scanner._code._python.members import SOURCES, member, pick, source
from haldir_scanner._code._python.names import POWERFUL_MODULES
from haldir_scanner._code._python.run import Run
from haldir_scanner._code._python.secrets import is_secret_name
from haldir_scanner._code._python.value import UNKNOWN, Kind, Taint, Value

UNKNOWN_MEMBER = ".?"  # ends the name of a member that is chosen at run time


def _module(run: Run, call: Call) -> Value | None:
    """The module that is imported by a text."""
    given = call.arguments.get(0, "name")
    if given is None or not isinstance(given.constant, str):
        return None
    hidden = 2 if given.chain else 1
    if call.name == "importlib.import_module":
        # An import that waits until it is needed is written like this, too.
        return run.named(given.constant, 2 if given.chain else 0)
    fromlist = call.arguments.get(3, "fromlist")
    is_whole = fromlist is not None and fromlist.constant is not UNKNOWN and bool(fromlist.constant)
    return run.named(given.constant if is_whole else given.constant.partition(".")[0], hidden)


def _attribute(run: Run, call: Call) -> Value | None:
    given = call.arguments.positional
    if len(given) < 2 or given[0] is None:
        return None
    name = given[1]
    if name is None or not isinstance(name.constant, str):
        module = given[0].name
        return Value(name=module + UNKNOWN_MEMBER) if module in POWERFUL_MODULES else None
    value = member(run, given[0], name.constant, 2 if name.chain else 1)
    if value is not None and value.name in SOURCES and not value.taints:
        return source(value, call.node)
    return value


def _getter(_run: Run, call: Call) -> Value | None:
    """``operator.attrgetter(name)``: a function that is told apart by its text."""
    given = call.arguments.get(0)
    if given is None or not isinstance(given.constant, str):
        return None
    return Value(name="attrgetter()", partial=given.constant, chain=given.chain)


def _got(run: Run, call: Call) -> Value | None:
    holder = call.arguments.get(0)
    if holder is None or call.receiver is None:
        return None
    return member(run, holder, call.receiver.partial, 2 if call.receiver.chain else 1)


def _namespace(run: Run, call: Call) -> Value | None:
    """The names of a module, or of this one."""
    given = call.arguments.get(0)
    return run.named(f"{given.name}.__dict__" if given is not None and given.name else "globals().__dict__")


def _item(run: Run, call: Call) -> Value | None:
    receiver = call.receiver
    return None if receiver is None else pick(run, receiver, call.arguments.get(0), call.node)


def _getenv(_run: Run, call: Call) -> Value | None:
    name = call.arguments.get(0, "key")
    if name is None or not isinstance(name.constant, str):
        return None
    if name.constant in {"HOME", "USERPROFILE"}:
        return Value(partial="~")
    if not is_secret_name(name.constant):
        return None
    return Value(taints=(Taint(Kind.VARIABLE, name.constant, (call.node,)),))


HANDLERS: Mapping[str, CallHandler] = {
    "builtins.__import__": _module,
    "builtins.getattr": _attribute,
    "builtins.globals": _namespace,
    "builtins.locals": _namespace,
    "builtins.vars": _namespace,
    "importlib.import_module": _module,
    "importlib.__import__": _module,
    "operator.attrgetter": _getter,
    "attrgetter()": _got,
    "os.getenv": _getenv,
    "os.environ.get": _item,
    "os.environ.pop": _item,
    "os.environ.setdefault": _item,
    "os.environ.__getitem__": _item,
    "os.environb.get": _item,
}
