"""Files that Python or its tools run unasked: on installation, on start, before tests."""

import ast
from collections.abc import Callable, Iterator, Mapping

from haldir_scanner._code._python import names, sinks
from haldir_scanner._code._python.run import Act, Run
from haldir_scanner._code._python.value import Node, text_of

INSTALLS = "python_install_hook"
STARTS = "python_startup_hook"

# Commands of setuptools that every installation runs; building an extension honestly starts compilers.
_INSTALL_COMMANDS = ("install", "develop", "egg_info", "bdist_egg", "install_lib", "install_scripts")
# What a setup script asks its surroundings.
_HARMLESS_PROGRAMS = frozenset(
    (
        *("git", "hg", "uname", "which", "xcrun", "ldconfig"),
        *("gcc", "cc", "clang", "cmake", "make", "nvcc", "pkg-config"),
    )
)


def broken(run: Run, path: str) -> Iterator[tuple[str, Node]]:
    """The rules about what the file does unasked, each with a place."""
    check = _CHECKS.get(path.replace("\\", "/").rpartition("/")[2].lower())
    if check is not None:
        yield from check(run)


def _setup(run: Run) -> Iterator[tuple[str, Node]]:
    for act in run.acts:
        function = act.function
        unasked = function is None or (function.owner is not None and _is_installer(function.owner.bases))
        if unasked and _is_far_reaching(run, act):
            yield INSTALLS, act.node


def _is_installer(bases: tuple[str, ...]) -> bool:
    return any(base.rpartition(".")[2] in _INSTALL_COMMANDS for base in bases)


def _is_far_reaching(run: Run, act: Act) -> bool:
    if act.name in sinks.SENDERS:
        return True
    return act.name in names.RUNNERS - names.CODE_RUNNERS and _program(run, act.node) not in _HARMLESS_PROGRAMS


def _program(run: Run, node: Node) -> str:
    """The program that a call starts, as far as it is written out."""
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    command = node.args[0]
    if isinstance(command, ast.List | ast.Tuple) and command.elts:
        command = command.elts[0]
    return text_of(run.value(command)).split(" ")[0].rpartition("/")[2]


def _tests(run: Run) -> Iterator[tuple[str, Node]]:
    for act in run.acts:
        if act.function is None and _is_far_reaching(run, act):
            yield STARTS, act.node


def _start(run: Run) -> Iterator[tuple[str, Node]]:
    for act in run.acts:
        if act.name in sinks.SENDERS or act.name in names.RUNNERS:
            yield STARTS, act.node


_CHECKS: Mapping[str, Callable[[Run], Iterator[tuple[str, Node]]]] = {
    "conftest.py": _tests,
    "setup.py": _setup,
    "sitecustomize.py": _start,
    "usercustomize.py": _start,
}
