from collections.abc import Callable

import pytest

from haldir_auditor.supply import Dependency, Manifest, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]
Named = Callable[[Manifest, str], Dependency]

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1", "own-hook==1.0"]
build-backend = "backend"
backend-path = ["."]

[project]
name = "My.Skill"
dependencies = ["a>=1", "b[x]==2.0; python_version < '3.12'", "c @ https://h.example/c.whl"]

[project.optional-dependencies]
more = ["d"]

[dependency-groups]
dev = ["e", { include-group = "test" }]
test = ["f==1"]

[tool.uv]
dev-dependencies = ["g"]
override-dependencies = ["h==1"]
constraint-dependencies = ["i<2"]
exclude-newer = 2024-01-01T00:00:00Z
index-url = "https://main.example/simple"
extra-index-url = ["https://extra.example/simple"]

[[tool.uv.index]]
name = "named"
url = "https://named.example/simple"

[tool.uv.sources]
a = { index = "named" }
d = { git = "https://h.example/d" }
e = { path = "../e" }
f = { workspace = true }

[tool.pdm.dev-dependencies]
old = ["j", "-e file:///${PROJECT_ROOT}/k#egg=k"]

[tool.pdm.resolution.overrides]
l = "1.0"
"""


def test_every_table_of_a_pyproject_is_read(manifest: Callable[..., Manifest], named: Named) -> None:
    found = manifest("pyproject.toml", PYPROJECT)

    assert {each.name: each.scope.value for each in found.dependencies} == {
        "a": "run",
        "b": "run",
        "c": "run",
        "d": "optional",
        "e": "development",
        "f": "development",
        "g": "development",
        "h": "override",
        "hatchling": "build",
        "i": "constraint",
        "j": "development",
        "k": "development",
        "l": "override",
        "own-hook": "build",
    }
    assert named(found, "a").index == "https://named.example/simple"
    assert {each.name: each.origin for each in found.dependencies if each.origin is not Origin.INDEX} == {
        "c": Origin.URL,
        "d": Origin.GIT,
        "e": Origin.FILE,
        "f": Origin.WORKSPACE,
        "k": Origin.FILE,
    }
    assert named(found, "l").version == "1.0"
    assert found.indexes == (
        "https://main.example/simple",
        "https://extra.example/simple",
        "https://named.example/simple",
    )
    assert found.main_index_replaced
    assert found.exclude_newer is not None
    assert found.exclude_newer.startswith("2024-01-01")
    assert [hook.event for hook in found.hooks] == ["build-backend"]
    assert named(found, "b").place.line == 8
    assert found.package_name == "My.Skill"


POETRY = """\
[tool.poetry]
name = "skill"

[[tool.poetry.source]]
name = "mine"
url = "https://mine.example/simple"
priority = "supplemental"

[tool.poetry.dependencies]
python = "^3.11"
a = "^1.0"
b = "1.2.3"
c = { version = "==2.0", extras = ["x"], markers = "sys_platform == 'linux'", source = "mine", optional = true }
d = { git = "https://h.example/d", rev = "abc" }
e = { path = "../e", develop = true }
f = { url = "https://h.example/f.whl" }
g = [{ version = "1.0", python = "<3.9" }, { version = "2.0", python = ">=3.9" }]
h = "*"

[tool.poetry.dev-dependencies]
i = "*"

[tool.poetry.group.test.dependencies]
j = "=1.0"
"""


def test_the_tables_of_poetry_are_read(manifest: Callable[..., Manifest], named: Named) -> None:
    found = manifest("pyproject.toml", POETRY)

    assert [each.name for each in found.dependencies] == ["a", "b", "c", "d", "e", "f", "g", "g", "h", "i", "j"]
    assert {each.name: each.version for each in found.dependencies if each.version} == {
        "b": "1.2.3",
        "c": "2.0",
        "g": "2.0",
        "j": "1.0",
    }
    assert named(found, "c").scope is Scope.OPTIONAL
    assert named(found, "c").extras == ("x",)
    assert [named(found, name).origin for name in "def"] == [Origin.GIT, Origin.FILE, Origin.URL]
    assert named(found, "j").scope is Scope.DEVELOPMENT
    assert found.indexes == ("https://mine.example/simple",)
    assert not found.main_index_replaced


def test_dependencies_that_are_read_from_files_are_found_there(read: Read) -> None:
    content = '[project]\nname = "x"\ndynamic = ["dependencies"]\n[tool.setuptools.dynamic]\n'
    found = read({"pyproject.toml": content + 'dependencies = { file = ["needs.list"] }', "needs.list": "a==1"})

    assert found.problems == ()
    assert not found.manifests[0].dynamic
    assert [each.name for each in found.manifests[1].dependencies] == ["a"]


def test_dependencies_that_code_decides_about_are_dynamic(manifest: Callable[..., Manifest]) -> None:
    assert manifest("pyproject.toml", '[project]\nname = "x"\ndynamic = ["dependencies"]').dynamic


@pytest.mark.parametrize(
    "content",
    [
        "[project",
        "[project]\ndependencies = 3",
        "[project]\ndependencies = [3]",
        '[project]\ndependencies = ["a b"]',
        "project = 1",
        "tool = []",
        "[tool.poetry.dependencies]\na = 1",
        "[tool.uv.sources]\na = 1\n[project]\ndependencies = ['a']",
        "[tool.uv.sources]\na = {x = 1}\n[project]\ndependencies = ['a']",
        "[dependency-groups]\na = 1",
        ".".join("a" * 3000) + " = 1",
        "a = " + "[" * 5000,
    ],
)
def test_a_pyproject_that_cannot_be_read_is_a_problem(read: Read, content: str) -> None:
    assert read({"pyproject.toml": content}).problems


SETUP_PY = """\
import os, subprocess
from setuptools import setup
from setuptools.command.install import install
BASE = ["a>=1", "b==1.0"]
EXTRAS = {"x": ["c"], "y": ["d"]}
subprocess.run(["true"])
setup(
    name="skill",
    install_requires=BASE + ["e"],
    setup_requires="f\\ng",
    extras_require=EXTRAS,
    cmdclass={"install": install},
)
"""


def test_a_setup_py_is_read_and_not_run(manifest: Callable[..., Manifest]) -> None:
    found = manifest("setup.py", SETUP_PY)

    assert [(each.name, each.scope.value) for each in found.dependencies] == [
        ("a", "run"),
        ("b", "run"),
        ("e", "run"),
        ("f", "build"),
        ("g", "build"),
        ("c", "optional"),
        ("d", "optional"),
    ]
    assert [hook.event for hook in found.hooks] == ["cmdclass", "setup.py"]
    assert not found.dynamic
    assert found.package_name == "skill"


@pytest.mark.parametrize(
    "content",
    [
        "setup(install_requires=open('x').read().split())",
        "setup(install_requires=[x for x in y])",
        "setup(**load())",
        "setup(install_requires=f'{x}')",
        "print('no call')",
        "r = ['a']\nr += ['b']\nsetup(install_requires=r)",
        "r = r\nsetup(install_requires=r)",
        "setup(extras_require=load())",
    ],
)
def test_a_setup_py_that_decides_when_it_runs_is_dynamic(manifest: Callable[..., Manifest], content: str) -> None:
    assert manifest("setup.py", content).dynamic


@pytest.mark.parametrize(
    "content", ["def", "(" * 1000, "-" * 100_000 + "1", "x=" + "a+" * 50_000 + "a", "a" + ".a" * 50_000, "a\0b"]
)
def test_a_setup_py_that_cannot_be_read_is_a_problem(read: Read, content: str) -> None:
    assert read({"setup.py": content}).problems


SETUP_CFG = """\
[metadata]
name = skill
[options]
install_requires =
    a>=1
    # a comment
    b==1.0  # why
setup_requires = c
[options.extras_require]
x = d
"""


def test_a_setup_cfg_is_read(manifest: Callable[..., Manifest]) -> None:
    found = manifest("setup.cfg", SETUP_CFG)

    assert [(each.name, each.scope.value, each.place.line) for each in found.dependencies] == [
        ("a", "run", 5),
        ("b", "run", 7),
        ("c", "build", 8),
        ("d", "optional", 10),
    ]


def test_a_setup_cfg_may_name_files(read: Read) -> None:
    found = read({"setup.cfg": "[options]\ninstall_requires = file: needs.list, gone.txt", "needs.list": "a"})

    assert [problem.kind for problem in found.problems] == ["missing-include"]
    assert [each.name for manifest in found.manifests for each in manifest.dependencies] == ["a"]


def test_the_settings_of_linters_in_a_setup_cfg_are_no_manifest(read: Read) -> None:
    assert read({"setup.cfg": "[flake8]\nmax-line-length = 100"}).manifests == ()


@pytest.mark.parametrize("content", ["no section", "[options\n", "[options]\ninstall_requires = a b c"])
def test_a_setup_cfg_that_cannot_be_read_is_a_problem(read: Read, content: str) -> None:
    assert read({"setup.cfg": content}).problems


PIPFILE = """\
[[source]]
name = "mine"
url = "https://mine.example/simple"

[packages]
a = "*"
b = { version = "==1.0", index = "mine", extras = ["x"] }
c = { git = "https://h.example/c", ref = "v1" }
d = { path = ".", editable = true }

[dev-packages]
e = ">=1"

[docs]
f = "*"
"""


def test_a_pipfile_is_read(manifest: Callable[..., Manifest], named: Named) -> None:
    found = manifest("Pipfile", PIPFILE)

    assert {each.name: each.scope.value for each in found.dependencies} == {
        "a": "run",
        "b": "run",
        "c": "run",
        "d": "run",
        "e": "development",
        "f": "development",
    }
    assert (named(found, "b").version, named(found, "b").index) == ("1.0", "https://mine.example/simple")
    assert (named(found, "c").origin, named(found, "d").origin) == (Origin.GIT, Origin.FILE)
    assert found.indexes == ("https://mine.example/simple",)


def test_an_installed_package_of_python_counts_as_bundled(manifest: Callable[..., Manifest]) -> None:
    path = "lib/site-packages/My_Pkg-1.0.dist-info/METADATA"
    found = manifest(path, "Metadata-Version: 2.1\nName: My_Pkg\nVersion: 1.0\n\nVersion: 9\n`pip install x`\n")

    assert [(each.name, each.version, each.scope) for each in found.dependencies] == [("my-pkg", "1.0", Scope.BUNDLED)]
