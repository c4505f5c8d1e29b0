"""What an editor runs when a folder is opened, or a container of it is built."""

import re
import shlex
from collections.abc import Iterator

from haldir_scanner._configuration._json import Document, NoJsonError, Value
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Seen

_SHELL = frozenset({FileType.SHELL})
_UNREADABLE = "config_unreadable"
_SYSTEMS = ("linux", "osx", "windows")
# Settings that make an editor trust a folder or start a program of its.
_RISKY = re.compile(
    r"task\.allowAutomaticTasks|chat\.tools\.(?:autoApprove|global\.autoApprove|terminal\.autoApprove)|git\.path"
    r"|security\.workspace\.trust\.enabled|chat\.agent\.autoApprove|terminal\.integrated\.(?:env|automationProfile|profiles)"
    r"\.(?:linux|osx|windows)|cursor\.autoRun|claudeCode\.allowDangerouslySkipPermissions|npm\.scriptExplorerAction"
    r"|php\.validate\.executablePath|typescript\.tsdk|eslint\.runtime"
)
_SAFE_VALUES = (False, "off", "false", None)
_ON_HOST = "initializeCommand"
_IN_CONTAINER = (
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
)


def tasks(data: bytes) -> Iterator[Seen | Folded]:
    """The tasks of VS Code, of a folder or of a workspace."""
    document = _document(data)
    if document is None:
        yield Seen(_UNREADABLE)
        return
    root = document.root
    for task in root.get("tasks").entries or root.get("tasks", "tasks").entries:
        on_open = task.get("runOptions", "runOn")
        if on_open.text == "folderOpen":
            yield Seen("editor_task_on_open", document.place(on_open))
        for holder in (task, *(task.get(system) for system in _SYSTEMS)):
            yield from _command(document, holder)
    yield from _settings(document, root.get("settings"))


def editor_settings(data: bytes) -> Iterator[Seen | Folded]:
    """The settings of VS Code for a folder."""
    document = _document(data)
    if document is None:
        yield Seen(_UNREADABLE)
        return
    yield from _settings(document, document.root)


def devcontainer(data: bytes) -> Iterator[Seen | Folded]:
    """The commands of a development container, of which one runs on the computer itself."""
    document = _document(data)
    if document is None:
        yield Seen(_UNREADABLE)
        return
    for name in (_ON_HOST, *_IN_CONTAINER):
        command = document.root.get(name)
        if command.content is None:
            continue
        yield Seen("container_command_on_host" if name == _ON_HOST else "container_hook", document.place(command))
        lines = [command.text] if command.text else [shlex.join(entry.text for entry in command.entries)]
        lines += [member.text or shlex.join(entry.text for entry in member.entries) for _, member in command.members]
        yield from (Folded(line, document.place(command), _SHELL, ("command",)) for line in lines if line)


def _document(data: bytes) -> Document | None:
    try:
        return Document.of(data)
    except NoJsonError:
        return None


def _command(document: Document, holder: Value) -> Iterator[Folded]:
    command = holder.get("command")
    if command.text:
        arguments = [entry.text or entry.get("value").text for entry in holder.get("args").entries]
        yield Folded(" ".join([command.text, *arguments]), document.place(command), _SHELL, ("command",))


def _settings(document: Document, table: Value) -> Iterator[Seen]:
    for name, value in table.members:
        is_trust = name == "security.workspace.trust.enabled"
        if _RISKY.fullmatch(name) and (value.content is False if is_trust else value.content not in _SAFE_VALUES):
            yield Seen("editor_setting_trusts", document.place(value))
