"""Pickles: what they call when they are loaded, read without loading them.  Source: Lib/pickletools.py."""

import io
import pickletools
import re
import warnings
from collections.abc import Iterator
from itertools import islice

from attrs import define, field

from haldir_scanner._text import Notice
from haldir_scanner._unpack._records import Member, RefusedError, UnpackBudget, inside

_MAX_OPCODES = 100_000
# Modules by which a pickle does anything at all; of builtins, the functions.
_DANGEROUS = frozenset(
    {
        "_posixsubprocess",
        "_winapi",
        "asyncio",
        "bdb",
        "code",
        "codeop",
        "commands",
        "ctypes",
        "ftplib",
        "http",
        "httpx",
        "importlib",
        "marshal",
        "multiprocessing",
        "nt",
        "operator",
        "os",
        "pdb",
        "pip",
        "platform",
        "popen2",
        "posix",
        "profile",
        "pty",
        "requests",
        "runpy",
        "shutil",
        "socket",
        "subprocess",
        "sys",
        "threading",
        "timeit",
        "types",
        "urllib",
        "webbrowser",
    }
)
_BUILTINS = frozenset({"__builtin__", "builtins"})
_FUNCTIONS = frozenset(
    {
        "__import__",
        "apply",
        "breakpoint",
        "compile",
        "eval",
        "exec",
        "execfile",
        "getattr",
        "open",
        "setattr",
        "vars",
        "?",
    }
)
# What a pickle without a header can begin with: what pushes something, and takes nothing.
_BEGINS = frozenset(ord(opcode.code) for opcode in pickletools.opcodes if not opcode.stack_before)
_LOOKUP = re.compile(rb"[ci](?:os|posix|nt|sys|pty|subprocess|builtins|__builtin__)\n\w{1,40}\n|\x93")
_CALLS = frozenset({"BUILD", "INST", "NEWOBJ", "NEWOBJ_EX", "OBJ", "REDUCE"})
_SUFFIXES = (".ckpt", ".joblib", ".p", ".pckl", ".pickle", ".pkl", ".pt")
_NUMPY_OBJECTS = re.compile(rb"'descr': '\|O'")


def pickled(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Member | Notice]:
    """A notice about what a pickle calls, or that it is one."""
    lookups = _Lookups()
    try:
        lookups.run(data, budget)
    except RefusedError as error:
        yield Notice(error.rule, path, error.detail)
    dangerous = lookups.dangerous
    yield Notice("pickle_code", path, ", ".join(dangerous)[:200]) if dangerous else Notice("pickle_file", path)


def maybe_pickled(path: str, data: bytes, budget: UnpackBudget) -> Iterator[Notice]:
    """A notice if a file without magic is a pickle of protocol 0 or 1 that runs something."""
    if path.lower().endswith(_SUFFIXES) or (data and data[0] in _BEGINS):
        lookups = _Lookups()
        try:
            lookups.run(data, budget)
        except RefusedError as error:
            # Other text may begin like a pickle, even for long, but calls nothing.
            if error.rule != "archive_unreadable" and (path.lower().endswith(_SUFFIXES) or _LOOKUP.search(data)):
                raise
        dangerous = lookups.dangerous
        if lookups.calls and dangerous:
            yield Notice("pickle_code", path, ", ".join(dangerous)[:200])


def numpy_array(path: str, data: bytes, _budget: UnpackBudget) -> Iterator[Member | Notice]:
    """The pickle in an array of objects."""
    if _NUMPY_OBJECTS.search(data[:512]):
        yield Member(inside(path, "objects"), data[data.find(b"\n") + 1 :])


@define
class _Lookups:
    """The names that a pickle looks up, followed through its memo as far as unpicklers of honest data need it."""

    found: set[str] = field(factory=set)
    calls: bool = False
    _stopped: bool = False
    _last: tuple[object, object] = (None, None)
    _memo: dict[object, object] = field(factory=dict)
    _roots: set[str] = field(factory=set)

    def run(self, data: bytes, budget: UnpackBudget) -> None:
        """Follow all opcodes.

        Raises: RefusedError if there are too many, or at the first that is none.
        """
        try:
            with warnings.catch_warnings():
                # Strings of protocol 0 may hold escapes that Python deprecates.
                warnings.simplefilter("ignore", DeprecationWarning)
                for opcode, argument, _ in islice(pickletools.genops(io.BytesIO(data)), _MAX_OPCODES):
                    budget.step()
                    self._step(opcode.name, argument)
        except (ValueError, OverflowError) as error:
            raise RefusedError("archive_unreadable", f"no pickle: {error}"[:200]) from error
        if not self._stopped:
            raise RefusedError("limit_archive_steps", "too many opcodes")

    @property
    def dangerous(self) -> list[str]:
        """What is looked up and should not be, as ``module name``."""
        return sorted(found for found in self.found if _is_dangerous(found))

    def _step(self, name: str, argument: object) -> None:
        self.calls |= name in _CALLS
        self._stopped = name == "STOP"
        if name in {"GLOBAL", "INST"}:
            self.found.add(str(argument))
            self._push(None)
        elif name == "STACK_GLOBAL":
            self.found |= self._looked_up()
            self._push(None)
        elif name == "MEMOIZE":
            self._memo[len(self._memo)] = self._last[1]
        elif name in {"PUT", "BINPUT", "LONG_BINPUT"}:
            self._memo[argument] = self._last[1]
        elif name in {"GET", "BINGET", "LONG_BINGET"}:
            self._push(self._memo.get(argument))
        elif name not in {"FRAME", "PROTO"}:
            self._push(argument if isinstance(argument, str) else None)

    def _push(self, value: object) -> None:
        self._last = (self._last[1], value)
        if isinstance(value, str):
            self._roots |= {value.partition(".")[0]} & (_DANGEROUS | _BUILTINS)

    def _looked_up(self) -> set[str]:
        module, name = self._last
        if isinstance(module, str) and isinstance(name, str):
            return {f"{module} {name}"}
        # Somebody hides what is looked up: it may be any of the modules named before.
        return {f"{root} ?" for root in self._roots}


def _is_dangerous(called: str) -> bool:
    module, _, name = called.partition(" ")
    root = module.partition(".")[0]
    return root in _DANGEROUS or (root in _BUILTINS and name.partition(".")[0] in _FUNCTIONS)
