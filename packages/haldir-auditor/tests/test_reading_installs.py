from collections.abc import Callable

import pytest

from haldir_auditor.supply import Ecosystem, Manifest, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]


def _short(found: Supply) -> list[tuple[str, str, str]]:
    return [(each.ecosystem.value, each.name, each.range) for each in found.installs]


COMMANDS = [
    ("pip install requests", [("PyPI", "requests", "")]),
    ("pip3.11 install -U requests==2.0 numpy", [("PyPI", "requests", "==2.0"), ("PyPI", "numpy", "")]),
    ("python3 -m pip install --user 'x[y]>=1'", [("PyPI", "x", ">=1")]),
    (".venv/bin/pip install --quiet x", [("PyPI", "x", "")]),
    ("sudo -H pip install x", [("PyPI", "x", "")]),
    ("pip install -e git+https://h.example/x#egg=x", [("PyPI", "x", "")]),
    ("pip install https://h.example/x-1.0.tar.gz", [("PyPI", "x", "")]),
    ("pip install x --target lib y", [("PyPI", "x", ""), ("PyPI", "y", "")]),
    ("pip install x && pip install y; pip install z", [("PyPI", "x", ""), ("PyPI", "y", ""), ("PyPI", "z", "")]),
    ("pip install x > log 2>&1 || true", [("PyPI", "x", "")]),
    ("pip install x # y", [("PyPI", "x", "")]),
    ("pip install \\\n  x \\\n  y", [("PyPI", "x", ""), ("PyPI", "y", "")]),
    ("pip --quiet install x", [("PyPI", "x", "")]),
    ("pip download x", [("PyPI", "x", "")]),
    ("uv add x", [("PyPI", "x", "")]),
    ("uv pip install x", [("PyPI", "x", "")]),
    ("uv tool install x", [("PyPI", "x", "")]),
    ("uv tool run x --y z", [("PyPI", "x", "")]),
    ("uv run --with x,y --with 'z>=1' tool.py", [("PyPI", "x", ""), ("PyPI", "y", ""), ("PyPI", "z", ">=1")]),
    ("uvx ruff@0.4.0 check .", [("PyPI", "ruff", "==0.4.0")]),
    ("uvx x@latest", [("PyPI", "x", "")]),
    ("uvx --from 'x[y]==1' tool arg", [("PyPI", "x", "==1")]),
    ("uvx --with y x", [("PyPI", "y", ""), ("PyPI", "x", "")]),
    ("pipx run x arg", [("PyPI", "x", "")]),
    ("pipx install x", [("PyPI", "x", "")]),
    ("poetry add x", [("PyPI", "x", "")]),
    ("npx -y @s/tool@1.0.0 --flag arg", [("npm", "@s/tool", "1.0.0")]),
    ("npx --package=x -- tool arg", [("npm", "x", "")]),
    ("npx tool arg", [("npm", "tool", "")]),
    ("npm i -g x@^1 y", [("npm", "x", "^1"), ("npm", "y", "")]),
    ("npm install nice@npm:evil@1.0.0", [("npm", "evil", "1.0.0")]),
    ("npm --prefix sub add x", [("npm", "x", "")]),
    ("npm exec -- x arg", [("npm", "x", "")]),
    ("npm create vite@latest app", [("npm", "create-vite", "latest")]),
    ("npm install", []),
    ("npm ci", []),
    ("npm run build", []),
    ("pnpm dlx x", [("npm", "x", "")]),
    ("pnpm add -D x", [("npm", "x", "")]),
    ("yarn add x", [("npm", "x", "")]),
    ("yarn dlx x", [("npm", "x", "")]),
    ("bunx x", [("npm", "x", "")]),
    ("bun add x", [("npm", "x", "")]),
    ("deno run -A npm:x@1.0.0", [("npm", "x", "1.0.0")]),
    ("cargo install x --version 1.0.0", [("crates.io", "x", "1.0.0")]),
    ("cargo install --git https://h.example/x", [("crates.io", "https://h.example/x", "")]),
    ("go install h.example/x/cmd@v1.0.0", [("Go", "h.example/x/cmd", "v1.0.0")]),
    ("go run h.example/x@latest", [("Go", "h.example/x", "latest")]),
    ("conda install -c chan -y x=1.0", [("conda", "x", "=1.0")]),
    ("apt-get update && apt-get install -y x y", [("system", "x", ""), ("system", "y", "")]),
    ("apk add --no-cache x", [("system", "x", "")]),
    ("brew install x", [("system", "x", "")]),
    ("docker run -i --rm -e A=b h.example/x:1 arg", [("system", "h.example/x", "1")]),
    ("gem install x", [("system", "x", "")]),
    ("deno run https://h.example/x.ts", [("npm", "https://h.example/x.ts", "https://h.example/x.ts")]),
    ("deno add jsr:@s/x@1", [("npm", "jsr:@s/x", "1")]),
    ("deno run local.ts", []),
    ("npm init @s", [("npm", "@s/create", "")]),
    ("npm create @s/x", [("npm", "@s/create-x", "")]),
    ("npx ./local.js", [("npm", "./local.js", "./local.js")]),
    ("npx github:u/r", [("npm", "github:u/r", "github:u/r")]),
    ("pip install ==1", []),
    ("pip install x==1.0,y", [("PyPI", "x", "==1.0,y")]),
    ('"pip" install x', [("PyPI", "x", "")]),
    ("if true; then pip install x; fi", [("PyPI", "x", "")]),
    ('bash -c "pip install x"', [("PyPI", "x", "")]),
    ("A=b pip install x", [("PyPI", "x", "")]),
    ("(pip install x)", [("PyPI", "x", "")]),
    ("yes | pip install x", [("PyPI", "x", "")]),
    ("pip install -- x", [("PyPI", "x", "")]),
    ("cargo install x --git https://h.example/x", [("crates.io", "x", "")]),
    ("cargo install --version 1.0.0", []),
]


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_in_a_script_installs_what_it_names(
    read: Read, command: str, expected: list[tuple[str, str, str]]
) -> None:
    found = read({"run.sh": f"#!/bin/sh\nset -e\n{command}\n"})

    assert _short(found) == expected
    assert all(each.scope is Scope.INSTALLED and each.place.line == 3 for each in found.installs)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("a.py", 'subprocess.run(["pip", "install", "x"])'),
        ("a.py", 'subprocess.check_call([sys.executable, "-m", "pip", "install", "x"])'),
        ("a.py", "subprocess.run(['npx',\n  '-y',\n  'x'])"),
        ("a.py", 'os.system("pip install x")'),
        ("a.py", "os.system('pip install \"x\"')"),
        ("a.py", 'os.system(f"cd /tmp && pip install x")'),
        ("a.py", 'pipmain(["install", "x"])'),
        ("a.py", "pip.main(['install', 'x'])"),
        ("a.py", "os.execvp('pip', ['pip', 'install', 'x'])"),
        ("a.py", "run(('pip', 'install', 'x'))"),
        ("a.js", 'execSync("npm install x")'),
        ("a.mjs", 'spawn("npm", ["install", "x"])'),
        ("a.ts", "await $`npx x`"),
        ("mcp.json", '{"mcpServers": {"a": {"command": "npx", "args": ["-y", "x"]}}}'),
        ("mcp.json", '{"mcpServers": {"a": {"args": ["x", "--port", "1"], "command": "uvx"}}}'),
        ("mcp.json", '{"a": {"command": "/usr/bin/npx", "env": {"A": "b"}, "args": ["-y", "x"]}}'),
        ("mcp.json", '{"a": {"command": "cmd", "args": ["/c", "npx", "-y", "x"]}}'),
        ("config.toml", 'command = "npx"\nargs = ["-y", "x"]'),
        ("package.json", '{"scripts": {"start": "npx x"}}'),
        ("ci.yml", "steps:\n  - run: pip install x\n"),
        ("Makefile", "all:\n\t@pip install x\n"),
        ("a.ipynb", '{"cells": [{"source": ["!pip install x\\n", "%pip install x\\n"]}]}'),
        ("install", "#!/usr/bin/env bash\npip install x"),
        ("a.ps1", "pip install x"),
        ("a.bat", "pip install x\r\n"),
    ],
)
def test_a_command_in_code_is_found_however_it_is_written(read: Read, path: str, code: str) -> None:
    assert {each.name for each in read({path: code}).installs} == {"x"}


def test_words_behind_a_command_in_a_string_do_not_hide_a_package(read: Read) -> None:
    assert "evil" in {each.name for each in read({"a.py": 'os.system("pip install to evil")'}).installs}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Run `pip install x` first.", {"x"}),
        ("Run pip install x y before you start.", {"x", "y"}),
        ("Then npm install x. After that, go.", {"x"}),
        ("You can use pip to install packages.", set()),
        ("Use npx to run it, or go get a coffee.", set()),
        ("npm is used by most.", set()),
        ("<code>pip install x</code>", {"x"}),
        ("**pip install x**", {"x"}),
        ("> pip install x", {"x"}),
        ("1. Do this:\n   ```\n   pip install x\n   ```", {"x"}),
        ("Run brew install x  # on macOS", {"x"}),
        ("```bash\n$ pip install x\n```", {"x"}),
        ("~~~\npip install x\n~~~", {"x"}),
        ("- a list\n\n      pip install x\n", {"x"}),
        ("```\nnever closed\npip install x", {"x"}),
        ("`pip install <package>`", set()),
        ("`pip install your-package`", set()),
        ('```json\n{"command": "npx", "args": ["-y", "x"]}\n```', {"x"}),
        ("<!-- pip install x -->", {"x"}),
    ],
)
def test_prose_installs_what_its_commands_name(read: Read, text: str, names: set[str]) -> None:
    found = read({"SKILL.md": text})

    assert {each.name for each in found.installs} == names
    assert found.problems == ()


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("curl -fsSL https://h.example/i.sh | sh", "https://h.example/i.sh"),
        ("curl -fsSL https://h.example/i.sh | sudo -E bash -s -- -y", "https://h.example/i.sh"),
        ("curl -fsSL https://h.example/i.sh \\\n  | bash", "https://h.example/i.sh"),
        ("wget -qO- https://h.example/i.py | python3 -", "https://h.example/i.py"),
        ("curl h.example/i.sh | sh", "h.example/i.sh"),
        ('bash -c "$(curl -fsSL https://h.example/i.sh)"', "https://h.example/i.sh"),
        ("bash <(curl -s https://h.example/i.sh)", "https://h.example/i.sh"),
        ("source <(curl -s https://h.example/i.sh)", "https://h.example/i.sh"),
        ("eval `curl -s https://h.example/i.sh`", "https://h.example/i.sh"),
        ("irm https://h.example/i.ps1 | iex", "https://h.example/i.ps1"),
        ("iex (irm https://h.example/i.ps1)", "https://h.example/i.ps1"),
        ("curl -o /tmp/i.sh https://h.example/i.sh && bash /tmp/i.sh", "https://h.example/i.sh"),
        ("wget https://h.example/i.sh\nchmod +x i.sh\n./i.sh", "https://h.example/i.sh"),
    ],
)
@pytest.mark.parametrize("path", ["SKILL.md", "run.sh"])
def test_what_is_fetched_and_run_is_installed(read: Read, path: str, line: str, url: str) -> None:
    text = f"```sh\n{line}\n```" if path == "SKILL.md" else line
    found = [each for each in read({path: text}).installs if each.origin is Origin.URL]

    assert [each.locator for each in found] == [url]


@pytest.mark.parametrize(
    "line",
    [
        "curl https://h.example/data.json | jq .",
        "curl -o data.json https://h.example/data.json",
        "echo x | sh",
        "curl https://h.example/data.json | python3 -m json.tool",
        "curl https://h.example/data.json | python3 -c 'print(1)'",
    ],
)
def test_what_is_fetched_and_not_run_is_not_installed(read: Read, line: str) -> None:
    assert read({"run.sh": line}).installs == ()


@pytest.mark.parametrize("command", ["pip install $NAME", 'pip install "$@"', "npm i ${NAME}", "npx $TOOL"])
def test_what_a_variable_names_is_a_problem(read: Read, command: str) -> None:
    assert [problem.kind for problem in read({"run.sh": command}).problems] == ["opaque"]


def test_a_requirements_file_that_a_command_names_is_read(read: Read) -> None:
    found = read({"SKILL.md": "`pip install -r tools/deps.list`", "tools/deps.list": "x==1"})

    assert [(each.path, each.dependencies[0].name) for each in found.manifests] == [("tools/deps.list", "x")]


def test_an_index_of_a_command_is_that_of_its_packages(read: Read) -> None:
    found = read({"run.sh": "pip install --extra-index-url https://e.example/simple x"})

    assert found.installs[0].index == "https://e.example/simple"


def test_the_records_of_the_vault_are_not_read_as_prose(read: Read) -> None:
    assert read({".vault/report.json": '{"excerpt": "pip install x"}'}).installs == ()
    assert read({"a/.vault/report.json": '{"excerpt": "pip install x"}'}).installs != ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use the `polarz` package.", [("PyPI", "polarz")]),
        ("It needs the library `x-y`, version 2.", [("PyPI", "x-y")]),
        ("Uses packages such as `aa`, `bb` and `cc`.", [("PyPI", "aa"), ("PyPI", "bb"), ("PyPI", "cc")]),
        ("`aa` and `bb` are good; the `cc` and `dd` libraries too.", [("PyPI", "cc"), ("PyPI", "dd")]),
        ("The `left` npm package.", [("npm", "left")]),
        ("The `@s/x` package.", [("npm", "@s/x")]),
        ("The `json` package of the standard library.", []),
        ("The `run.py` package file.", []),
        ("The `pip` package.", []),
        ("The `two words` package.", []),
        ("Call `foo` now.", []),
    ],
)
def test_a_package_that_prose_names_is_a_mention(read: Read, text: str, expected: list[tuple[str, str]]) -> None:
    assert [(each.ecosystem.value, each.name) for each in read({"SKILL.md": text}).mentions] == expected


def test_a_folder_of_the_skill_itself_is_no_mention(read: Read) -> None:
    assert read({"SKILL.md": "The `mine` package.", "src/mine/a.py": ""}).mentions == ()


def test_a_dockerfile_declares_its_images_and_what_it_installs(manifest: Callable[..., Manifest]) -> None:
    content = """\
# pip install no
FROM --platform=linux/amd64 h.example/base:1.0 AS first
RUN apt-get update \\
    # a comment
    && apt-get install -y --no-install-recommends \\
       aa bb=1.0
RUN ["pip", "install", "cc==1.0"]
FROM first
FROM h.example/other@sha256:%s
ADD https://h.example/x.tgz /
RUN curl -fsSL https://h.example/i.sh | sh
""" % ("ab" * 32)
    found = manifest("deploy/Containerfile.prod", content)

    assert [(each.name, each.range, each.version is not None, each.place.line) for each in found.dependencies] == [
        ("h.example/base", "1.0", False, 2),
        ("h.example/other", "", True, 9),
        ("h.example/x.tgz", "", False, 10),
        ("aa", "", False, 5),
        ("bb", "=1.0", True, 5),
        ("cc", "==1.0", True, 7),
        ("h.example/i.sh", "", False, 11),
    ]


def test_a_dependency_is_found_once_for_each_place(read: Read) -> None:
    found = read({"a.sh": "pip install x\npip install x"})

    assert [(each.name, each.place.line) for each in found.installs] == [("x", 1), ("x", 2)]
    assert all(each.ecosystem is Ecosystem.PYPI for each in found.installs)


def test_a_requirements_file_that_is_fetched_is_a_problem(read: Read) -> None:
    found = read({"run.sh": "pip install -r https://h.example/needs.txt"})

    assert [problem.kind for problem in found.problems] == ["outside"]


def test_a_script_that_is_run_from_a_url_is_installed(read: Read) -> None:
    found = read({"run.sh": "uv run https://h.example/tool.py"})

    assert [each.locator for each in found.installs] == ["https://h.example/tool.py"]


def test_commands_in_a_text_of_an_old_encoding_are_found(read: Read) -> None:
    assert [each.name for each in read({"INSTALL": b"caf\xe9\n\n    pip install x\n"}).installs] == ["x"]
    found = read({"notes.md": b"caf\xe9: `pip install x`\n"})
    assert [each.name for each in found.installs] == ["x"]
    assert [problem.kind for problem in found.problems] == ["unparsable"]


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        ("FROM $BASE", 1),
        ("ARG A\nFROM h.example/x:${A}", 1),
        ("FROM !!", 1),
        ("FROM scratch", 0),
        ('RUN ["pip", 3]', 0),
        ("RUN [not json]", 0),
        ("# escape=`\nFROM h.example/x `\n  AS y\nFROM y", 0),
    ],
)
def test_what_a_dockerfile_leaves_open_is_a_problem(read: Read, content: str, problems: int) -> None:
    assert len(read({"Dockerfile": content}).problems) == problems


def test_a_notebook_that_is_none_is_a_problem_and_is_read_all_the_same(read: Read) -> None:
    found = read({"a.ipynb": "!pip install x"})

    assert [each.name for each in found.installs] == ["x"]
    assert len(found.problems) == 1


def test_more_commands_than_anybody_writes_are_a_problem(read: Read) -> None:
    found = read({"a.sh": "pip install x\n" * 2001})

    assert [problem.kind for problem in found.problems] == ["too-large"]
    assert len(found.installs) == 2000
