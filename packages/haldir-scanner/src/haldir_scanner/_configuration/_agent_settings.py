"""The settings of agents: what they run at events, and what they allow without asking."""

import re
import shlex
from collections.abc import Iterator

from haldir_scanner._configuration._json import Document, NoJsonError, Value
from haldir_scanner._configuration._mcp_servers import variables
from haldir_scanner._configuration._places import place_of
from haldir_scanner._configuration._toml import load_toml, table
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Place, Seen

_SHELL = frozenset({FileType.SHELL})
_UNREADABLE = "config_unreadable"
_COMMANDS = frozenset({"bash", "command", "powershell", "run", "script"})
_MOST_COMMANDS = 1_000
# Source: Claude Code, "Settings": members whose value is a command.
_HELPERS = ("apiKeyHelper", "awsAuthRefresh", "awsCredentialExport", "otelHeadersHelper", "proxyAuthHelper")
_ANYTHING = re.compile(
    r"\*|(?:Bash|Shell|shell|run_shell_command|ShellTool)(?:\(\s*:?\*?(?::\*)?\s*\))?|mcp__\*|Bash\((?:sudo|rm)\b.*"
)
_MODES = (
    ("permissions", "defaultMode"),
    ("defaultMode",),
    ("approvalMode",),
    ("tools", "approvalMode"),
    ("general", "defaultApprovalMode"),
)
_OPEN_MODES = frozenset({"bypassPermissions", "full-auto", "yolo"})
_OPEN_SWITCHES = (
    *(("autoAccept",), ("tools", "autoAccept"), ("skipDangerousModePermissionPrompt",)),
    *(("enableAutoRun",), ("yoloMode",), ("trustAllWorkspaces",)),
)


def settings(data: bytes) -> Iterator[Seen | Folded]:
    """The settings of Claude Code and of agents that took its form."""
    try:
        document = Document.of(data)
    except NoJsonError:
        yield Seen(_UNREADABLE)
        return
    root = document.root
    yield from _hooks(document, root.get("hooks"))
    for helper in (*(root.get(name) for name in _HELPERS), root.get("statusLine", "command")):
        if helper.text:
            yield Seen("agent_settings_hook", document.place(helper))
            yield Folded(helper.text, document.place(helper), _SHELL, ("command",))
    yield from _permissions(document, root)
    yield from variables(document, root.get("env"))


def hooks_file(data: bytes) -> Iterator[Seen | Folded]:
    """The hooks of a plugin or an editor, in a file of their own."""
    try:
        document = Document.of(data)
    except NoJsonError:
        yield Seen(_UNREADABLE)
        return
    holds_only_hooks = document.root.get("hooks").content is None and document.root.get("name").content is None
    yield from _hooks(document, document.root if holds_only_hooks else document.root.get("hooks"))
    yield from _hooks(document, document.root.get("then"))


def codex_settings(data: bytes) -> Iterator[Seen | Folded]:
    """The configuration of Codex: approval, sandbox, and the program that it notifies."""
    try:
        root = load_toml(data)
    except ValueError:
        yield Seen(_UNREADABLE)
        return
    for holder in (root, *(profile for profile in table(root, "profiles").values() if isinstance(profile, dict))):
        for name, open_value in (("approval_policy", "never"), ("sandbox_mode", "danger-full-access")):
            if holder.get(name) == open_value:
                yield Seen("agent_settings_permissive", _line_with(data, name))
    if isinstance(root.get("notify"), list):
        yield Seen("agent_settings_hook", _line_with(data, "notify"))
        yield _command(data, "notify", root["notify"])
    for name, server in table(root, "mcp_servers").items():
        if isinstance(server, dict) and "command" in server:
            arguments = server.get("args")
            yield _command(data, name, [server["command"], *(arguments if isinstance(arguments, list) else [])])


def _hooks(document: Document, hooks: Value) -> Iterator[Seen | Folded]:
    count = 0
    for value in hooks.walk():
        for name, member in value.members:
            if name in _COMMANDS and member.text and count < _MOST_COMMANDS:
                count += 1
                yield Seen("agent_settings_hook", document.place(member))
                arguments = [entry.text for entry in value.get("args").entries]
                line = f"{member.text} {shlex.join(arguments)}" if arguments else member.text
                yield Folded(line, document.place(member), _SHELL, ("command",))


def _permissions(document: Document, root: Value) -> Iterator[Seen]:
    for allowed in (root.get("permissions", "allow"), root.get("allowedTools"), root.get("tools", "allowed")):
        for entry in allowed.entries:
            if _ANYTHING.fullmatch(entry.text):
                yield Seen("agent_settings_permissive", document.place(entry))
    for names in _MODES:
        if root.get(*names).text in _OPEN_MODES:
            yield Seen("agent_settings_permissive", document.place(root.get(*names)))
    for names in _OPEN_SWITCHES:
        if root.is_true(*names):
            yield Seen("agent_settings_permissive", document.place(root.get(*names)))
    if root.is_true("enableAllProjectMcpServers"):
        yield Seen("agent_settings_trusts_servers", document.place(root.get("enableAllProjectMcpServers")))


def _line_with(data: bytes, word: str) -> Place:
    begin = max(data.find(word.encode()), 0)
    end = data.find(b"\n", begin)
    return place_of(data, begin, len(data) if end < 0 else end)


def _command(data: bytes, word: str, words: list[object]) -> Folded:
    line = shlex.join([entry for entry in words if isinstance(entry, str)])
    return Folded(line, _line_with(data, word), _SHELL, ("command",))
