import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner._configuration._hooks import examine
from haldir_scanner._text import Folded, Seen

MOST_SECONDS = 10  # of processor time: what is quadratic takes minutes for a megabyte; speed is for benchmarks
PLIST = """<plist><dict><key>Label</key><string>a</string><key>ProgramArguments</key>
<array><string>/bin/sh</string><string>-c</string><string>a &amp;&amp; b</string></array>
<key>%s</key><true/></dict></plist>"""
WORKFLOW = """on: [%s]
jobs:
  a:
    steps:
      - uses: x/checkout@v4
        with:
          ref: ${{ github.head_ref }}
"""


def _rules(path: str, text: str) -> set[str]:
    return {found.rule for found in examine(path, text.encode()) if isinstance(found, Seen)}


def _commands(path: str, text: str) -> list[str]:
    return [found.text for found in examine(path, text.encode()) if isinstance(found, Folded)]


def _hooks(command: str) -> str:
    return json.dumps(
        {"hooks": {"PostToolUse": [{"matcher": "*", "hooks": [{"type": "command", "command": command}]}]}}
    )


@pytest.mark.parametrize(
    ("path", "text", "rules", "commands"),
    [
        (".claude/settings.json", _hooks("./a"), {"agent_settings_hook"}, ["./a"]),
        ("sub/.claude/settings.local.json", _hooks("./a"), {"agent_settings_hook"}, ["./a"]),
        ("plugin/hooks/hooks.json", _hooks("./a"), {"agent_settings_hook"}, ["./a"]),
        (".cursor/hooks.json", _hooks("./a"), {"agent_settings_hook"}, ["./a"]),
        ("hooks/hooks.json", '{"Stop": [{"command": "a", "args": ["b c"]}]}', {"agent_settings_hook"}, ["a 'b c'"]),
        (".kiro/hooks/x.kiro.hook", '{"name": "x", "then": {"command": "a"}}', {"agent_settings_hook"}, ["a"]),
        (".claude/settings.json", '{"apiKeyHelper": "./a"}', {"agent_settings_hook"}, ["./a"]),
        (".claude/settings.json", '{"statusLine": {"command": "./a"}}', {"agent_settings_hook"}, ["./a"]),
        (".claude/settings.json", '{"permissions": {"allow": ["Bash"]}}', {"agent_settings_permissive"}, []),
        (".claude/settings.json", '{"permissions": {"allow": ["*"]}}', {"agent_settings_permissive"}, []),
        (".gemini/settings.json", '{"tools": {"autoAccept": true}}', {"agent_settings_permissive"}, []),
        (".gemini/settings.json", '{"general": {"defaultApprovalMode": "yolo"}}', {"agent_settings_permissive"}, []),
        (".claude/settings.json", '{"enableAllProjectMcpServers": true}', {"agent_settings_trusts_servers"}, []),
        (".claude/settings.json", '{"env": {"LD_PRELOAD": "x.so"}}', {"mcp_env_hijack"}, []),
        (".claude/settings.json", "{", {"config_unreadable"}, []),
        ("hooks/hooks.json", "{", {"config_unreadable"}, []),
        (".codex/config.toml", 'approval_policy = "never"', {"agent_settings_permissive"}, []),
        (".codex/config.toml", '[profiles.x]\nsandbox_mode = "danger-full-access"', {"agent_settings_permissive"}, []),
        (".codex/config.toml", 'notify = ["a", "b c"]', {"agent_settings_hook"}, ["a 'b c'"]),
        (".codex/config.toml", '[mcp_servers.x]\ncommand = "a"\nargs = ["b"]', set(), ["a b"]),
        (".codex/config.toml", "= 1", {"config_unreadable"}, []),
        ("package.json", '{"scripts": {"postinstall": "node a", "test": "b"}}', set(), ["node a", "b"]),
        ("package.json", '{"bin": {"git": "./a.js", "x": "y"}}', {"package_bin_shadows"}, []),
        ("package.json", "{", set(), []),
        ("pyproject.toml", "[build-system]\nbackend-path = ['.']", {"python_build_hook"}, []),
        ("pyproject.toml", "[tool.hatch.build.hooks.custom]\npath = 'a.py'", {"python_build_hook"}, []),
        ("pyproject.toml", "[tool.setuptools.cmdclass]\na = 'b'", {"python_build_hook"}, []),
        ("pyproject.toml", "[project.scripts]\npython3 = 'a:b'", {"package_bin_shadows"}, []),
        ("pyproject.toml", "[", {"config_unreadable"}, []),
        ("setup.cfg", "cmdclass = x.y", {"python_build_hook"}, []),
        ("setup.py", "import os\nos.system('a')\n", {"python_build_hook"}, []),
        ("binding.gyp", "'<!(sh a)'", {"gyp_command"}, ["sh a)'"]),
        (".npmrc", "@a:registry=https://npm.example/", {"package_index_redirect"}, []),
        ("pip.conf", "[global]\nindex-url = https://packages.example", {"package_index_redirect"}, []),
        (".yarnrc.yml", 'npmRegistryServer: "https://npm.example"', {"package_index_redirect"}, []),
        (".yarnrc.yml", "yarnPath: ./yarn.cjs", {"package_manager_command"}, []),
        (".npmrc", "node-options=--require ./x.js", {"package_manager_command"}, []),
        ("pip.conf", "trusted-host = packages.example", {"package_tls_disabled"}, []),
        ("lib/x.pth", "import a; a.b()\n", {"pth_code"}, ["import a; a.b()"]),
        ("usercustomize.py", "x = 1", {"python_startup_module"}, []),
        (".vscode/tasks.json", '{"tasks": [{"command": "a", "args": ["b", {"value": "c"}]}]}', set(), ["a b c"]),
        (".vscode/tasks.json", '{"tasks": [{"osx": {"command": "a"}, "runOptions": {"runOn": "folderOpen"}}]}',
         {"editor_task_on_open"}, ["a"]),
        ("x.code-workspace", '{"tasks": {"tasks": [{"command": "a"}]}, "settings": {"git.path": "./git"}}',
         {"editor_setting_trusts"}, ["a"]),
        (".vscode/tasks.json", "{", {"config_unreadable"}, []),
        (".vscode/settings.json", '{"task.allowAutomaticTasks": "on"}', {"editor_setting_trusts"}, []),
        (".vscode/settings.json", "{", {"config_unreadable"}, []),
        (".devcontainer/devcontainer.json", '{"initializeCommand": "a"}', {"container_command_on_host"}, ["a"]),
        (".devcontainer.json", '{"postCreateCommand": {"x": "a", "y": ["b", "c d"]}}',
         {"container_hook"}, ["a", "b 'c d'"]),
        (".devcontainer.json", "{", {"config_unreadable"}, []),
        (".git/hooks/pre-commit", "exit 0", {"git_hook"}, []),
        (".githooks/post-merge", "exit 0", {"git_hook"}, []),
        (".husky/pre-push", "npm test", {"git_hook"}, []),
        (".git/config", "[core]\n  sshCommand = ./a", {"git_config_command"}, []),
        (".git/config", "[alias]\n  st = !./a", {"git_config_command"}, []),
        (".gitmodules", "  url = ext::sh -c a", {"git_config_command"}, []),
        (".pre-commit-config.yaml", "repos: [{repo: local, hooks: [{id: x, entry: ./a}]}]",
         {"precommit_local_hook"}, ["./a"]),
        (".pre-commit-hooks.yaml", "[{id: x, entry: ./a}]", {"precommit_local_hook"}, ["./a"]),
        (".github/workflows/a.yml", WORKFLOW % "pull_request_target", {"workflow_untrusted_checkout"}, []),
        (".github/workflows/a.yml", "jobs: {a: {steps: [{run: 'echo ${{ github.event.comment.body }}'}]}}",
         {"workflow_expression_injection"}, ["echo ${{ github.event.comment.body }}"]),
        ("a.service", "[Service]\nExecStart=-/bin/a b\n[Install]\n", {"autostart_file"}, ["/bin/a b"]),
        ("a.timer", "[Timer]\nOnBootSec=1", {"autostart_file"}, []),
        ("a.plist", PLIST % "RunAtLoad", {"autostart_file"}, ["/bin/sh -c a && b"]),
        ("a.desktop", "Exec=a\nX-GNOME-Autostart-enabled=true", {"autostart_file"}, ["a"]),
        ("crontab", "# x\n@reboot a b\n", {"autostart_file"}, ["a b"]),
        ("etc/cron.d/x", "0 * * * mon a b\n", {"autostart_file"}, ["a b"]),
    ],
)  # fmt: skip
def test_what_runs_by_itself_is_found(path: str, text: str, rules: set[str], commands: list[str]) -> None:
    assert _rules(path, text) == rules
    assert _commands(path, text) == commands


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (
            ".claude/settings.json",
            '{"permissions": {"allow": ["Bash(git:*)", "Read", "mcp__notes__list"], "deny": ["Bash(*)"]}}',
        ),
        (".claude/settings.json", '{"hooks": {}, "model": "x", "env": {"NODE_ENV": "test"}}'),
        (".codex/config.toml", 'approval_policy = "on-request"\nmodel = "x"'),
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['a']\nbuild-backend = 'a.build'\n[project.scripts]\na = 'b:c'",
        ),
        ("setup.py", "from setuptools import setup\n\n\ndef version():\n    return exec\nsetup(name='x')"),
        ("binding.gyp", "'<!@(node -p \"require(\\'node-addon-api\\').include\")'"),
        (".npmrc", "save-exact=true\nstrict-ssl=true"),
        ("x.pth", "./src\n# import a"),
        ("sitecustomize.py", " \n"),
        (".vscode/settings.json", '{"editor.tabSize": 2, "security.workspace.trust.enabled": true}'),
        (".git/hooks/pre-commit.sample", "exit 0"),
        (".git/config", '[core]\n  fsmonitor = true\n[filter "lfs"]\n  clean = git-lfs clean -- %f'),
        (".pre-commit-config.yaml", "repos: [{repo: https://git.example/a, rev: v1, hooks: [{id: x}]}]"),
        (".pre-commit-config.yaml", "a: [&a x, *a]"),
        (".github/workflows/a.yml", WORKFLOW % "pull_request"),
        (".github/workflows/a.yml", "[]"),
        ("Info.plist", "<plist><dict><key>CFBundleName</key><string>a</string></dict></plist>"),
        ("crontab", "PATH=/bin\n# every day at noon something is run\n"),
        ("SKILL.md", "ExecStart=/bin/a"),
        ("notes/config", "[core]\n  sshCommand = ./a"),
    ],
)
def test_honest_settings_have_no_finding(path: str, text: str) -> None:
    assert _rules(path, text) == set()


def test_a_finding_and_a_command_have_their_place() -> None:
    found = list(examine("a.service", b"[Service]\n  \nExecStart=/bin/a\n[Install]\n"))
    assert [(item.place.line, item.place.column) for item in found] == [(4, 0), (3, 10)]


PATHS = [
    *(".claude/settings.json", "hooks/hooks.json", ".codex/config.toml", "package.json", "pyproject.toml", "setup.cfg"),
    *("setup.py", "binding.gyp", ".npmrc", "x.pth", "sitecustomize.py", ".vscode/tasks.json", ".vscode/settings.json"),
    *(".devcontainer.json", ".git/hooks/pre-commit", ".git/config", ".pre-commit-config.yaml", "a.service", "a.plist"),
    *(".github/workflows/a.yml", "a.desktop", "crontab"),
]
_PIECES = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            '"hooks"',
            ":",
            '"command"',
            '"a"',
            ",",
            "\n",
            " ",
            "a",
            "=",
            "'",
            "run",
            "- ",
            "jobs",
            "<!(",
        ),
        *(
            "import ",
            "Exec=",
            "* ",
            "<key>",
            "<string>",
            '"tasks"',
            '"permissions"',
            '"allow"',
            "null",
            "1",
            "true",
            "\\",
        ),
    ]
)


@pytest.mark.parametrize("path", PATHS)
@given(data=st.one_of(st.binary(), st.lists(_PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode())))
def test_any_bytes_are_examined(path: str, data: bytes) -> None:
    list(examine(path, data))


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", PATHS)
def test_a_hostile_megabyte_takes_no_longer_than_an_honest_one(path: str) -> None:
    for unit in (
        "a.",
        "[",
        "{",
        "<!(a",
        "* * * * * a\n",
        "a = !b\n",
        "<string>",
        "- ",
        '"',
        "import a\n",
        " ",
        "ref: ",
        "a: ",
    ):
        data = (unit * ((1 << 20) // len(unit))).encode()
        begin = time.process_time()
        list(examine(path, data))
        assert time.process_time() - begin < MOST_SECONDS
