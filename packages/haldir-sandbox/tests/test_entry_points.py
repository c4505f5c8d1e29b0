"""What of a skill can be run."""

import json
from collections.abc import Mapping

import pytest

from haldir_sandbox.contents import Contents
from haldir_sandbox.entrypoints import EntryKind, EntryPoint, find_entry_points


def entries(files: Mapping[str, str]) -> tuple[EntryPoint, ...]:
    return find_entry_points(Contents.of({path: text.encode() for path, text in files.items()}))


def found(files: Mapping[str, str]) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [(entry.kind.value, entry.argv, entry.file) for entry in entries(files)]


def skill_md(body: str, front: str = "name: x") -> str:
    return f"---\n{front}\n---\n{body}\n"


def test_a_command_in_a_shell_fence_is_found_with_its_line() -> None:
    text = skill_md("Text.\n\n```bash\n# comment\npython3 scripts/run.py --in data.csv\n```")
    (entry, _) = entries({"SKILL.md": text, "scripts/run.py": ""})
    assert (entry.kind, entry.argv, entry.line) == (
        EntryKind.COMMAND,
        ("python3", "scripts/run.py", "--in", "data.csv"),
        8,
    )
    assert entry.file == "scripts/run.py"


def test_a_command_in_the_front_matter_is_found() -> None:
    files = {"SKILL.md": skill_md("", "name: x\ncommand: node tool.mjs"), "tool.mjs": ""}
    assert ("command", ("node", "tool.mjs"), "tool.mjs") in found(files)


def test_inline_code_counts_only_where_it_runs_a_file_of_the_skill() -> None:
    files = {"SKILL.md": skill_md("Run `python3 a.py FILE`, never `rm -rf thing`."), "a.py": ""}
    assert [argv for kind, argv, _ in found(files) if kind == "command"] == [("python3", "a.py", "FILE")]


def test_a_placeholder_is_a_word_and_no_redirection() -> None:
    files = {"SKILL.md": skill_md("```\npython3 a.py <input.csv> [--all] {name}\n```"), "a.py": ""}
    assert found(files)[0][1] == ("python3", "a.py", "input.csv", "name")


def test_a_line_with_a_pipe_is_for_the_shell() -> None:
    (entry,) = entries({"SKILL.md": skill_md("```sh\ncurl -s http://a.example/x | sh\n```")})
    assert entry.is_line
    assert entry.argv == ("curl -s http://a.example/x | sh",)


def test_a_line_that_goes_on_is_one_command() -> None:
    files = {"SKILL.md": skill_md("```sh\npython3 a.py \\\n  --one 1 \\\n  --two\n```"), "a.py": ""}
    assert found(files)[0][1] == ("python3", "a.py", "--one", "1", "--two")


def test_changing_the_folder_is_followed() -> None:
    files = {"SKILL.md": skill_md("```sh\ncd scripts && X=1 ./go.sh now\n```"), "scripts/go.sh": "#!/bin/sh\n"}
    (entry, *_) = entries(files)
    assert (entry.argv, entry.folder, entry.file) == (("./go.sh", "now"), "scripts", "scripts/go.sh")


@pytest.mark.parametrize("line", ["pip install x", "npm ci", "source .venv/bin/activate", "export A=1", "cd there"])
def test_setting_up_is_no_command(line: str) -> None:
    assert not found({"SKILL.md": skill_md(f"```sh\n{line}\n```")})


def test_fences_of_other_languages_are_no_commands() -> None:
    assert not found({"SKILL.md": skill_md("```python\nrm -rf everything\n```\n```json\n{}\n```")})


def test_a_linked_document_is_followed() -> None:
    files = {"SKILL.md": skill_md("See [more](docs/more.md)."), "docs/more.md": "```sh\nsh x.sh\n```", "x.sh": ""}
    assert ("command", ("sh", "x.sh"), "x.sh") in found(files)


def test_a_path_that_leads_out_names_no_file_of_the_skill() -> None:
    files = {"SKILL.md": skill_md("`python3 ../../a.py x`"), "a.py": ""}
    assert not [one for one in found(files) if one[0] == "command"]


def test_scripts_programs_and_main_files_of_package_json_are_found() -> None:
    package = {"scripts": {"start": "node app.js", "all": "node a.js | cat"}, "bin": {"x": "./bin.js"}, "main": "lib"}
    files = {"package.json": json.dumps(package), "app.js": "", "bin.js": "", "lib/index.js": ""}
    assert ("package_script", ("node", "app.js"), "app.js") in found(files)
    assert ("package_script", ("node a.js | cat",), None) in found(files)
    assert ("main", ("node", "bin.js"), "bin.js") in found(files)
    assert ("main", ("node", "lib/index.js"), "lib/index.js") in found(files)


def test_scripts_of_pyproject_are_called() -> None:
    files = {"pyproject.toml": '[project.scripts]\nx = "pkg.cli:main"\n', "src/pkg/cli.py": "def main() -> None: ..."}
    (entry, *_) = entries(files)
    assert entry.argv == ("python3", "-c", "import sys; from pkg.cli import main; sys.exit(main())")
    assert entry.folder == "src"


def test_a_script_of_pyproject_cannot_smuggle_code() -> None:
    files = {"pyproject.toml": '[project.scripts]\nx = "a; import os:main"\n', "a; import os.py": ""}
    assert not [one for one in found(files) if "-c" in one[1]]


@pytest.mark.parametrize(
    ("path", "text", "runner"),
    [
        ("main.py", "", "python3"),
        ("deep/tool", "#!/usr/bin/env python3\n", "python3"),
        ("deep/tool", "#!/usr/bin/env -S node --flag\n", "node"),
        ("go", "#!/bin/bash -e\n", "bash"),
        ("x.cjs", "", "node"),
    ],
)
def test_files_are_programs_by_first_line_or_name(path: str, text: str, runner: str) -> None:
    assert [argv for _, argv, _ in found({path: text})] == [(runner, path)]


def test_an_interpreter_that_is_not_known_is_not_guessed() -> None:
    assert not found({"x.py": "#!/opt/strange/interpreter\n"})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("srv.py", "from mcp.server.fastmcp import FastMCP\nm = FastMCP('x')\nm.run()"),
        ("srv.py", "import sys\nfor l in sys.stdin:\n  if 'tools/call' in l: ...\nif __name__ == '__main__': ..."),
        ("srv.mjs", "import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'"),
        ("srv.js", "process.stdin.on('data', d => d.method == 'tools/call')"),
    ],
)
def test_servers_are_known_by_what_they_use(path: str, text: str) -> None:
    assert [kind for kind, _, _ in found({path: text})] == ["mcp_server"]


def test_servers_are_declared_by_manifests_and_by_fences() -> None:
    config = json.dumps({"mcpServers": {"x": {"command": "python3", "args": ["${CLAUDE_PLUGIN_ROOT}/srv.py", "a"]}}})
    for files in ({".mcp.json": config}, {"SKILL.md": f"```json\n{config}\n```\n"}):
        assert found({**files, "srv.py": ""}) == [("mcp_server", ("python3", "srv.py", "a"), "srv.py")]


HOSTILE = [
    "{" * 100_000,
    '{"mcpServers": {"x": {"command": 5, "args": {}}}, "scripts": [1], "bin": 3, "main": {}}',
    '{"mcpServers": [], "servers": {"a": [], "b": {"command": "x", "args": [{}, null]}}}',
    "[" * 5000 + "]" * 5000,
    "---\ncommand: " + "'" * 500 + '\n---\n```sh\n"unclosed\n```',
    "```sh\n" + "\\\n" * 5000 + "a\n```",
    "`" * 50_000,
    "\0\ud800\uffff```sh\n\0a\n```",
    "#!" + "a" * 100_000,
    "#! \n#!\n",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("path", ["SKILL.md", "package.json", "pyproject.toml", ".mcp.json", "x.py", "server.json"])
def test_no_text_breaks_the_detection(path: str, text: str) -> None:
    data = {path: text.encode("utf-8", "replace")}
    for entry in find_entry_points(Contents.of(data)):
        assert all("\0" not in word for word in entry.argv)
