"""The state of a shell that runs a script on paper, and what it has noticed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field

from haldir_scanner._code._shell.value import CLONED, FETCHED, NOTHING, Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from haldir_scanner._code._shell.syntax import Budget, Group, Pipeline
    from haldir_scanner._files._filetypes import FileType

# Functions, eval, sh -c and substitutions inside one another.
DEEPEST = 24
_MOST_FINDINGS = 100
_MOST_TEXTS = 300

TO_EXEC = "taint_fetched_to_exec"
DECODED_TO_EXEC = "taint_decoded_to_exec"
UNPACKED_TO_EXEC = "taint_unpacked_to_exec"
INPUT_TO_SHELL = "taint_input_to_shell"
SECRET_TO_NETWORK = "taint_secret_to_network"  # noqa: S105 - the id of a rule
ENVIRONMENT_TO_NETWORK = "taint_env_to_network"
KEY_IN_MESSAGE = "taint_key_in_message"
FILES_TO_NETWORK = "taint_files_to_network"
TO_AGENT_FILE = "taint_fetched_to_agent_file"
DISGUISED = "shell_disguised_command"
GIT_RUNS_CODE = "shell_git_runs_code"


@define
class Computed:
    """A text that the script computes, for searching: see ``haldir_scanner._text.Folded``."""

    text: str
    place: int
    types: frozenset[FileType]
    chain: tuple[str, ...]


@define
class Call:
    """A command with its arguments, as it is run."""

    name: str
    arguments: list[Value]
    stdin: Value
    place: int
    has_stdin: bool = False

    def texts(self) -> list[str]:
        """The texts of the arguments."""
        return [argument.text for argument in self.arguments]


@define
class Output:
    """What commands write, and how they are written without disguise."""

    value: Value
    normal: str


@define
class Machine:
    """A shell on paper.

    Attributes:
        budget: of work.
        run: runs commands with an input.
        variables: by name; arrays have several values.
        arguments: of the function that runs; None outside of functions.
        files: what the script has written, by path.
        descriptors: file descriptors that are connected to another machine.
        checks_downloads: whether a digest or a signature is verified somewhere.
        depth: of the commands that run inside one another.
        called: how often each function has been run.
        fixed: the place of all commands of a text that does not stand in the script; -1 for the script itself.
    """

    budget: Budget
    run: Callable[[Machine, list[Pipeline], Value], Output]
    variables: dict[str, list[Value]] = field(factory=dict)
    functions: dict[str, Group] = field(factory=dict)
    aliases: dict[str, Value] = field(factory=dict)
    arguments: list[Value] | None = None
    files: dict[str, Value] = field(factory=dict)
    descriptors: set[str] = field(factory=set)
    checks_downloads: bool = False
    depth: int = 0
    fixed: int = -1
    flows: dict[tuple[str, int], int] = field(factory=dict)
    computed: dict[tuple[str, int], Computed] = field(factory=dict)
    called: Counter[str] = field(factory=Counter)

    def flow(self, rule: str, source: int, sink: int) -> None:
        """Note that data flows from ``source`` to ``sink``; the same place for both if the rule is about a place."""
        # Arguments are used over and over; where that matters is said once.
        if rule == INPUT_TO_SHELL and any(known == rule for known, _ in self.flows):
            return
        if len(self.flows) < _MOST_FINDINGS:
            self.flows.setdefault((rule, sink), source)

    def compute(self, value: Value, place: int, types: frozenset[FileType], chain: tuple[str, ...] = ()) -> None:
        """Note a text to be searched."""
        text = value.text.strip()
        if len(text) > 2 and len(self.computed) < _MOST_TEXTS:
            self.budget.spend(1 + len(text) // 1024)
            tricks = tuple(dict.fromkeys((*value.tricks, *chain)))
            self.computed.setdefault((text, place), Computed(text, place, types, tricks or ("command",)))

    def file(self, path: str) -> Value | None:
        """What the script has written to ``path``; None if it has not written it."""
        return self.files.get(_clean(path))

    def write(self, path: str, value: Value) -> None:
        """Take notice that the script writes ``value`` to ``path``."""
        if path and not path.startswith("/dev/"):
            self.files[_clean(path)] = value

    def origin_of_file(self, path: str) -> Value:
        """What is known about the content of ``path``, also if a folder around it was fetched."""
        path = _clean(path)
        found = self.files.get(path)
        while found is None and "/" in path:
            path = path.rpartition("/")[0]
            folder = self.files.get(path)
            found = folder if folder is not None and CLONED in folder.taints else None
        return found if found is not None else NOTHING

    def comes_from_network(self, value: Value) -> int | None:
        """The place from which ``value`` was fetched; None if it was not."""
        return value.taints.get(FETCHED, value.taints.get(CLONED))


def _clean(path: str) -> str:
    path = path.strip().strip("\"'")
    while path.startswith("./"):
        path = path[2:]
    return path.rstrip("/")
