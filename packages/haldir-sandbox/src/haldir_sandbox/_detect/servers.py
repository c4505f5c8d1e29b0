"""MCP servers: named by a manifest, by a JSON fence, or by the library that a program uses."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from haldir_sandbox._detect import packages, words
from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import EntryKind, EntryPoint, runner_of

MAX_SERVERS = 64
_MANIFESTS = (".mcp.json", "mcp.json", "server.json", "mcp_config.json", ".cursor/mcp.json", ".vscode/mcp.json")
_FENCE = re.compile(r"^[ \t]{0,12}```json[c5]?[^\n]*\n(.{1,20000}?)^[ \t]{0,12}```", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"\b(FastMCP|MCPServer|stdio_server|mcp\.server|from\s+(fast)?mcp\b|import\s+(fast)?mcp\b)")
_NODE = re.compile(r"@modelcontextprotocol/(sdk|server)|\b(McpServer|StdioServerTransport|FastMCP)\b")
_BY_HAND = re.compile(r"tools/call")
_STDIO = re.compile(r"\b(stdin|readline|input\s*\()")


def find(contents: Contents) -> Iterator[EntryPoint]:
    """Yield the servers that speak over standard input and output."""
    declared = list(islice(_declared(contents), MAX_SERVERS))
    yield from declared
    known = {entry.file for entry in declared}
    yield from islice((entry for entry in _built(contents) if entry.file not in known), MAX_SERVERS)


def _declared(contents: Contents) -> Iterator[EntryPoint]:
    for name in _MANIFESTS:
        if name in contents.files:
            yield from _configured(packages.json_map(contents.text(name)), name, contents)
    for path in sorted(contents.files):
        if "/" not in path and path.lower().endswith(".md"):
            for fence in _FENCE.findall(contents.text(path)):
                yield from _configured(packages.json_map(fence), path, contents)


def _configured(value: packages.JsonMap, source: str, contents: Contents) -> Iterator[EntryPoint]:
    for key in ("mcpServers", "servers", "mcp_servers"):
        servers = value.get(key)
        for server in list(servers.values())[:MAX_SERVERS] if isinstance(servers, dict) else ():
            argv = _argv(server)
            if not argv:
                continue
            command = words.Command(argv, ".")
            file = words.file_of(command, contents)
            yield EntryPoint(kind=EntryKind.MCP_SERVER, argv=argv, source=source, file=file)


def _argv(server: object) -> tuple[str, ...]:
    if not isinstance(server, dict) or not isinstance(server.get("command"), str):
        return ()
    args = server.get("args")
    rest = [_inside(word) for word in args if isinstance(word, str)] if isinstance(args, list) else []
    return (_inside(server["command"]), *rest)


def _inside(word: str) -> str:
    """Return ``word`` with the usual placeholders of the skill's own folder taken away."""
    return re.sub(r"^(\$\{?(CLAUDE_PLUGIN_ROOT|CLAUDE_SKILL_DIR|workspaceFolder|__dirname)\}?|\.)/", "", word)


def _built(contents: Contents) -> Iterator[EntryPoint]:
    for path in sorted(contents.files, key=lambda path: (path.count("/"), path)):
        text = contents.text(path)
        if is_server(path, text):
            runner = "node" if PurePosixPath(path).suffix.lower() != ".py" else "python3"
            yield EntryPoint(kind=EntryKind.MCP_SERVER, argv=(runner, path), source=path, file=path)


def is_server(path: str, text: str) -> bool:
    """Whether the program at ``path`` builds an MCP server with a library or by hand, and runs it."""
    runner = runner_of(path, text)
    if runner == "python3":
        runs = "__main__" in text or ".run(" in text or "asyncio.run" in text
        return bool((runs and _PYTHON.search(text)) or (_BY_HAND.search(text) and _STDIO.search(text)))
    if runner == "node":
        return bool(
            (_NODE.search(text) and "Stdio" in text) or (_BY_HAND.search(text) and re.search(r"\bstdin\b", text))
        )
    return False
