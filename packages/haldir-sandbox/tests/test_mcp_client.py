"""The official client over pipes, with servers that run unconfined because they are ours."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from haldir_sandbox.samples import Samples
from haldir_sandbox.serving import Served

pytest.importorskip("mcp", reason="the extra mcp is not installed")

ANSWERING = """
import json, sys
def ask(method, params):
    print(json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}), flush=True)
for line in sys.stdin:
    message = json.loads(line)
    method, result = message.get("method"), None
    if method == "initialize":
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}
        result["serverInfo"] = {"name": "x", "version": "1"}
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "tools/call":
        ask("sampling/createMessage", {"messages": [], "maxTokens": 5})
        ask("roots/list", {})
        ask("elicitation/create", {"message": "Password?", "requestedSchema": {"type": "object", "properties": {}}})
        result = {"content": []}
    elif method == "resources/templates/list":
        result = {"resourceTemplates": [{"uriTemplate": "note://{name}/x", "name": "n"}]}
    elif method == "resources/read":
        print("READ " + message["params"]["uri"], file=sys.stderr)
        result = {"contents": []}
    if "id" in message and method:
        answer = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""
TOOL = '{"name": "t%d", "inputSchema": {"type": "object"}}'


@contextmanager
def running(text: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def visit(text: str, tmp_path: Path, seconds: float = 20) -> tuple[Served, bytes]:
    from haldir_sandbox import _mcpclient  # noqa: PLC0415 - only with the library

    samples = Samples(tmp_path / "samples", tmp_path / "out")
    with running(text) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        served = _mcpclient.drive(process.stdin.fileno(), process.stdout.fileno(), samples, seconds)
        process.kill()
        return served, process.communicate()[1]


def test_what_a_server_asks_of_its_client_is_kept_and_refused(tmp_path: Path) -> None:
    served, _ = visit(f"TOOLS = [{TOOL % 1}]\n{ANSWERING}", tmp_path)
    assert served.complete
    assert set(served.asked) == {"sampling", "roots", "elicitation"}
    assert served.notes == ()


def test_resource_templates_are_filled(tmp_path: Path) -> None:
    _, errors = visit(f"TOOLS = []\n{ANSWERING}", tmp_path)
    assert b"READ note://sample/x" in errors


def test_many_tools_are_used_up_to_a_limit_that_is_told(tmp_path: Path) -> None:
    tools = ", ".join(TOOL % number for number in range(60))
    served, _ = visit(f"TOOLS = [{tools}]\n{ANSWERING}", tmp_path)
    assert served.calls == 48
    assert served.notes[-1] == "12 more tools"
    assert len(served.tools) == 2


@pytest.mark.parametrize(
    "text",
    ["", "print('{}' * 9)", "print('x\\n' * 100_000)", "print('y' * 3_000_000)", "import time; time.sleep(60)"],
    ids=["nothing", "wrong", "many lines", "long line", "silence"],
)
def test_nonsense_is_never_complete(text: str, tmp_path: Path) -> None:
    served, _ = visit(text, tmp_path, seconds=3)
    assert not served.complete
    assert not served.initialized
