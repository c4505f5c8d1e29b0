"""What attributes and items of a value are."""

import ast
from collections.abc import Mapping
from functools import partial

from attrs import evolve

from haldir_scanner._code._python import folding
from haldir_scanner._code._python.names import canonical
from haldir_scanner._code._python.run import Bound, Class, Instance, Run
from haldir_scanner._code._python.secrets import is_secret_name
from haldir_scanner._code._python.value import UNKNOWN, Kind, Taint, Value, merge, tainted

# Names that stand for data rather than for something to call.
SOURCES: Mapping[str, Kind] = {
    "os.environ": Kind.ENVIRONMENT,
    "os.environb": Kind.ENVIRONMENT,
    "sys.argv": Kind.INPUT,
    "sys.stdin": Kind.INPUT,
}
# Folders that the environment names.
_FOLDERS: Mapping[str, str] = {
    "HOME": "~",
    "USERPROFILE": "~",
    "APPDATA": "~/AppData/Roaming",
    "LOCALAPPDATA": "~/AppData/Local",
    "XDG_CONFIG_HOME": "~/.config",
}
_SAME_PATH = frozenset({"absolute", "expanduser", "resolve", "as_posix", "__str__"})
_NAMESPACE = ".__dict__"


def member(run: Run, receiver: Value, name: str, hidden: int = 0) -> Value | None:
    """The attribute of a value; ``hidden`` as in Value."""
    target = receiver.target
    if target is not None:
        found = _of_class(target, name)
        if found is not None:
            return found
    hidden = max(hidden, receiver.hidden)
    if not receiver.name:
        return tainted(receiver.taints)
    if receiver.name.endswith(_NAMESPACE):
        return tainted(receiver.taints) if receiver.taints else run.named(f"{receiver.name}.{name}", hidden)
    if receiver.name == "pathlib.Path()":
        return _of_path(receiver, name)
    value = run.named(f"{receiver.name}.{name}", hidden)
    if value is None or not receiver.taints:
        return value
    return Value(name=value.name, taints=receiver.taints, hidden=hidden, partial=receiver.partial)


def source(value: Value, node: ast.expr) -> Value:
    """The value of a name that stands for data, with the node that names it."""
    return evolve(value, taints=(Taint(SOURCES[value.name], "", (node,)),))


def _of_class(target: object, name: str) -> Value | None:
    holder = target.of if isinstance(target, Instance) else target
    if not isinstance(holder, Class):
        return None
    function = holder.functions.get(name)
    if function is not None:
        return Value(target=Bound(function) if isinstance(target, Instance) else function)
    holder.read.add(name)
    return holder.attributes.get(name)


def _of_path(receiver: Value, name: str) -> Value:
    text = receiver.text
    if name == "parent":
        return evolve(receiver, partial=text.rstrip("/").rpartition("/")[0])
    if name in {"name", "stem"}:
        return Value(partial=text.rstrip("/").rpartition("/")[2], taints=receiver.taints)
    return Value(partial=text, name=f"pathlib.Path().{name}", taints=receiver.taints, chain=receiver.chain)


def pick(run: Run, container: Value, key: Value | None, node: ast.expr) -> Value | None:
    """The item of a value."""
    if container.name.endswith(_NAMESPACE) or container.name == "builtins":
        return _from_namespace(run, container, key)
    if key is not None and key.constant is not UNKNOWN:
        found = _constant_item(run, container, key, node)
        if found is not None:
            return found
    return tainted(_picked_taints(container, key, node)) or _folder(container, key)


def _from_namespace(run: Run, container: Value, key: Value | None) -> Value | None:
    module = container.name.removesuffix(_NAMESPACE)
    if key is None or not isinstance(key.constant, str):
        return Value(name=f"{module}.?")
    hidden = 2 if key.chain else 1
    if module == "sys.modules":
        return run.named(canonical(key.constant), hidden)
    if module != "globals()":
        return member(run, Value(name=module), key.constant, hidden)
    if key.constant in run.module.names:
        return run.module.names[key.constant]
    return run.named("builtins", 1) if key.constant == "__builtins__" else run.named(f"builtins.{key.constant}", hidden)


def _constant_item(run: Run, container: Value, key: Value, node: ast.expr) -> Value | None:
    index = key.constant
    elements = container.elements
    if elements is not None and isinstance(index, int) and -len(elements) <= index < len(elements):
        return elements[index]
    if elements is not None and isinstance(index, slice) and container.constant is UNKNOWN:
        return Value(elements=elements[index], taints=container.taints)
    if container.constant is UNKNOWN:
        return None
    try:
        return run.fold(node, partial(folding.item, container.constant, index), (container,))
    except folding.UnknownValueError:
        return None


def _picked_taints(container: Value, key: Value | None, node: ast.expr) -> tuple[Taint, ...]:
    """What of the origins of a container an item of it has."""
    taints: tuple[Taint, ...] = ()
    picked = key is not None and isinstance(key.constant, str | slice | int)
    for taint in container.taints:
        if taint.kind is Kind.ENVIRONMENT:
            taints = merge(taints, _variable(taint, key, node))
        elif taint.kind is not Kind.LOGIN_FILE or not picked:
            taints = merge(taints, (taint,))
    return taints


def _variable(taint: Taint, key: Value | None, node: ast.expr) -> tuple[Taint, ...]:
    """One variable of the environment: nothing in particular, unless it is a secret or any of them."""
    if key is not None and isinstance(key.constant, str):
        return (Taint(Kind.VARIABLE, key.constant, (node,)),) if is_secret_name(key.constant) else ()
    looped = key is not None and any(origin.kind is Kind.ENVIRONMENT for origin in key.taints)
    return (taint,) if looped or (key is not None and isinstance(key.constant, slice | int)) else ()


def _folder(container: Value, key: Value | None) -> Value | None:
    if container.name != "os.environ" or key is None or not isinstance(key.constant, str):
        return None
    folder = _FOLDERS.get(key.constant)
    return Value(partial=folder) if folder else None
