"""setup.py, read and never run: what the call of ``setup`` says as long as it says it plainly."""

import ast
import warnings
from collections.abc import Iterator, Mapping

from attrs import define, field

from haldir_auditor._document import Document
from haldir_auditor._manifests.requirement_entries import read_entry
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Dependency, Ecosystem, Hook, Manifest, Scope, Supply

FORMAT = "setup.py"
_MAX_CHARACTERS = 300_000

_KEYS = {"install_requires": Scope.RUN, "setup_requires": Scope.BUILD, "tests_require": Scope.DEVELOPMENT}
_EXTRAS = "extras_require"
# Calls that make the installation do something by itself.
_COMMANDS = frozenset({"exec", "eval", "compile", "__import__", "urlopen", "urlretrieve", "system", "popen", "Popen"})
_MODULES = frozenset({"subprocess", "socket", "requests", "urllib", "ctypes", "pty"})


@define
class _Reading:
    """What is known so far; ``dynamic`` as soon as something cannot be known without running it."""

    document: Document
    names: Mapping[str, ast.expr]
    dynamic: bool = False
    dependencies: list[Dependency] = field(factory=list)


def read_setup_py(document: Document) -> Supply:
    """Return what a setup.py declares.  Raises: UnreadableError if it is not Python."""
    tree = _parsed(document.text)
    reading = _Reading(document, _names(tree))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node)[-1:] == ["setup"]]
    for call in calls:
        for keyword in call.keywords:
            _keyword(reading, keyword)
    manifest = Manifest(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        tuple(reading.dependencies),
        hooks=tuple(_hooks(document, tree, calls)),
        indexes=tuple(link for call in calls for link in _links(reading, call)),
        dynamic=reading.dynamic or not calls,
        package_name=next((name for call in calls for name in _plain_names(call)), None),
    )
    return Supply(manifests=(manifest,))


def _parsed(text: str) -> ast.Module:
    if len(text) > _MAX_CHARACTERS:
        raise UnreadableError(f"not read: more than {_MAX_CHARACTERS} characters of Python", kind="too-large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in strings of other people's code
            return ast.parse(text)
    except SyntaxError as error:
        raise UnreadableError(f"not Python: {error.msg}", line=error.lineno or 0) from error
    except (RecursionError, MemoryError, ValueError) as error:
        raise UnreadableError("not read: nested too deeply") from error


def _names(tree: ast.Module) -> dict[str, ast.expr]:
    """Return what the names of the module are set to, if each is set once."""
    found: dict[str, ast.expr] = {}
    twice: set[str] = set()
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, (ast.AugAssign, ast.For)) and isinstance(node.target, ast.Name):
            twice.add(node.target.id)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node, ast.Assign):
                twice.update({target.id} & found.keys())
                found[target.id] = node.value
    return {name: value for name, value in found.items() if name not in twice}


def _called(call: ast.Call) -> list[str]:
    parts: list[str] = []
    node: ast.expr = call.func
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [*([node.id] if isinstance(node, ast.Name) else []), *reversed(parts)]


def _keyword(reading: _Reading, keyword: ast.keyword) -> None:
    if keyword.arg is None:  # **options
        value = _resolved(reading, keyword.value)
        if not isinstance(value, ast.Dict):
            reading.dynamic = True
            return
        for key, below in zip(value.keys, value.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) else None
            _keyword(reading, ast.keyword(arg=name if isinstance(name, str) else "install_requires", value=below))
    elif keyword.arg in _KEYS:
        _requirements(reading, keyword.value, _KEYS[keyword.arg])
    elif keyword.arg == _EXTRAS:
        table = _resolved(reading, keyword.value)
        if isinstance(table, ast.Dict):
            for below in table.values:
                _requirements(reading, below, Scope.OPTIONAL)
        else:
            reading.dynamic = True


def _resolved(reading: _Reading, node: ast.expr) -> ast.expr:
    """Return what a name stands for, through at most ten names."""
    for _ in range(10):
        if not isinstance(node, ast.Name) or node.id not in reading.names:
            break
        node = reading.names[node.id]
    return node


def _requirements(reading: _Reading, node: ast.expr, scope: Scope, depth: int = 0) -> None:
    value = _resolved(reading, node)
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)) and depth < 20:
        for element in value.elts:
            _requirements(reading, element, scope, depth + 1)
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and depth < 20:
        _requirements(reading, value.left, scope, depth + 1)
        _requirements(reading, value.right, scope, depth + 1)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        for line in value.value.split("\n"):
            if line.strip():
                reading.dependencies.extend(read_entry(reading.document, line.strip(), value.lineno, scope))
    else:
        reading.dynamic = True


def _links(reading: _Reading, call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        value = _resolved(reading, keyword.value)
        if keyword.arg == "dependency_links" and isinstance(value, ast.List):
            yield from (
                link.value for link in value.elts if isinstance(link, ast.Constant) and isinstance(link.value, str)
            )


def _plain_names(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            yield keyword.value.value


def _hooks(document: Document, tree: ast.Module, calls: list[ast.Call]) -> Iterator[Hook]:
    for call in calls:
        for keyword in call.keywords:
            if keyword.arg in {"cmdclass", "distclass"}:
                yield Hook(keyword.arg, ast.unparse(keyword.value)[:500], document.place(keyword.value.lineno))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_command(_called(node)):
            yield Hook("setup.py", ast.unparse(node)[:500], document.place(node.lineno))


def _is_command(parts: list[str]) -> bool:
    return bool(parts) and (parts[-1] in _COMMANDS or parts[0] in _MODULES)
