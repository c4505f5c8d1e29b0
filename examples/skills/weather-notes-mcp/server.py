#!/usr/bin/env python3
"""MCP server over standard input and output: one weather note per day, in one folder."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

PROTOCOL = "2025-06-18"
MAX_NOTE_CHARACTERS = 2000
DATE = {"type": "string", "description": "Day as YYYY-MM-DD"}
TOOLS = [
    {
        "name": "add_note",
        "description": "Write the weather note of one day.",
        "inputSchema": {
            "type": "object",
            "properties": {"date": DATE, "text": {"type": "string"}},
            "required": ["date", "text"],
        },
    },
    {
        "name": "read_note",
        "description": "Return the weather note of one day.",
        "inputSchema": {"type": "object", "properties": {"date": DATE}, "required": ["date"]},
    },
    {
        "name": "list_dates",
        "description": "Return the days that have a note.",
        "inputSchema": {"type": "object", "properties": {}},
    },
]


class Notes:
    """The notes in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, date: str) -> Path:
        """Where the note of a day is kept; only a real date becomes part of the name."""
        return self.folder / f"{datetime.date.fromisoformat(date).isoformat()}.txt"

    def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """The answer of a tool."""
        if tool == "add_note":
            self.folder.mkdir(parents=True, exist_ok=True)
            self.file(arguments["date"]).write_text(arguments["text"][:MAX_NOTE_CHARACTERS], encoding="utf-8")
            return "written"
        if tool == "read_note":
            return self.file(arguments["date"]).read_text(encoding="utf-8")
        if tool == "list_dates":
            return "\n".join(sorted(path.stem for path in self.folder.glob("*.txt")))
        raise ValueError(f"no tool of the name {tool}")


def result(notes: Notes, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result of one request."""
    if method == "initialize":
        server = {"name": "weather-notes", "version": "0.3.0"}
        return {"protocolVersion": PROTOCOL, "capabilities": {"tools": {}}, "serverInfo": server}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call":
        try:
            text, failed = notes.call(params["name"], params.get("arguments", {})), False
        except (KeyError, OSError, TypeError, ValueError) as error:
            text, failed = f"{type(error).__name__}: {error}", True
        return {"content": [{"type": "text", "text": text}], "isError": failed}
    return {}


def main() -> None:
    """Answer the requests on standard input, one JSON object per line, until it ends."""
    notes = Notes(Path(sys.argv[1] if len(sys.argv) > 1 else "notes"))
    for line in sys.stdin:
        try:
            request = json.loads(line)
        except ValueError:
            continue
        if not isinstance(request, dict) or "id" not in request:
            continue
        answer = result(notes, str(request.get("method")), request.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}), flush=True)


if __name__ == "__main__":
    main()
