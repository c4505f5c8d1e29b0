"""What an MCP server, its configuration or a list of its tools says to an agent and starts on a computer.

Read are ``.mcp.json`` and its many relatives, ``server.json`` of the registry, ``smithery.yaml``, and every JSON file
that holds servers or tools, whatever its name.
"""

from collections.abc import Iterator

from haldir_scanner._configuration._json import Document, NoJsonError, Value
from haldir_scanner._configuration._mcp_servers import registry_entry, server
from haldir_scanner._configuration._mcp_tools import ToolText, tool
from haldir_scanner._documents._front_matter import load_yaml
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Place, Seen

UNREADABLE = "config_unreadable"

_SERVER_TABLES = ("mcpServers", "mcp_servers", "servers", "context_servers", "mcp")
_SIGNS = (b"ervers", b"nputSchema", b"input_schema", b'"parameters"', b'"packages"', b'"remotes"')
_FILE_NAMES = frozenset({".mcp.json", "claude_desktop_config.json", "mcp.json", "mcp_config.json", "mcp_settings.json"})
_SCHEMAS = ("inputSchema", "input_schema", "parameters")
_INSTRUCTIONS = ("instructions", "system_prompt", "systemPrompt")

_TELLING = frozenset({*_SERVER_TABLES, *_SCHEMAS, *_INSTRUCTIONS, "packages", "remotes"})

Found = Seen | Folded | ToolText


def examine(path: str, data: bytes) -> Iterator[Found]:
    """What the file says about MCP servers and their tools; nothing if it is about something else."""
    name = path.rpartition("/")[2].lower()
    if name in {"smithery.yaml", "smithery.yml"}:
        yield from _smithery(data)
    elif name.endswith((".json", ".jsonc", ".json5", ".code-workspace")) and any(sign in data for sign in _SIGNS):
        try:
            document = Document.of(data)
        except NoJsonError:
            if name in _FILE_NAMES:
                yield Seen(UNREADABLE)
            return
        for value in document.root.walk():
            if not _TELLING.isdisjoint(name for name, _ in value.members):
                yield from _of_object(document, value)


def _of_object(document: Document, value: Value) -> Iterator[Found]:
    for table in _SERVER_TABLES:
        for name, entry in value.get(table).members:
            if any(entry.get(member).content is not None for member in ("command", "url", "serverUrl", "httpUrl")):
                yield from server(document, name, entry)
    if value.get("packages").entries or value.get("remotes").entries:
        yield from registry_entry(document, value)
    if value.get("name").text and any(value.get(schema).is_object for schema in _SCHEMAS):
        yield from tool(document, value)
    for member in _INSTRUCTIONS:
        if value.get(member).text:
            yield ToolText(value.get(member).text, document.place(value.get(member)))


def _smithery(data: bytes) -> Iterator[Found]:
    """The command of a server is what a function in JavaScript returns."""
    try:
        root = load_yaml(data)
    except ValueError:
        yield Seen(UNREADABLE)
        return
    start = root.get("startCommand") if isinstance(root, dict) else None
    function = start.get("commandFunction") if isinstance(start, dict) else None
    if isinstance(function, str):
        offset = max(data.find(b"commandFunction"), 0)
        place = Place(data.count(b"\n", 0, offset) + 1, 0, "commandFunction")
        yield Folded(function, place, frozenset({FileType.JAVASCRIPT}), ("command",))
