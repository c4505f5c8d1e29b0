import json
from collections.abc import Callable

import pytest

from haldir_auditor.reading import read_supply
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]
Named = Callable[[Manifest, str], Dependency]

CARGO = """\
[package]
name = "skill"

[dependencies]
a = "1.2.3"
b = "=1.2.3"
c = { version = "1", package = "real", optional = true }
d = { git = "https://h.example/d" }
e = { path = "../e" }
f = { workspace = true }
g = { version = "1", registry = "mine" }

[dev-dependencies]
h = "*"

[build-dependencies]
i = "1"

[target.'cfg(windows)'.dependencies]
j = "1"

[patch.crates-io]
k = { git = "https://h.example/k" }
"""


def test_a_cargo_toml_is_read(manifest: Callable[..., Manifest], named: Named) -> None:
    found = manifest("Cargo.toml", CARGO, {"build.rs": "fn main() {}"})

    assert {each.name: each.scope.value for each in found.dependencies} == {
        "a": "run",
        "b": "run",
        "real": "optional",
        "d": "run",
        "e": "run",
        "f": "run",
        "g": "run",
        "h": "development",
        "i": "build",
        "j": "run",
        "k": "override",
    }
    assert (named(found, "a").version, named(found, "b").version) == (None, "1.2.3")
    assert named(found, "real").alias == "c"
    assert [named(found, name).origin for name in "def"] == [Origin.GIT, Origin.FILE, Origin.WORKSPACE]
    assert named(found, "g").index == "mine"
    assert [hook.command for hook in found.hooks] == ["build.rs"]


GO = """\
module h.example/skill // a comment

go 1.22

require h.example/a v1.0.0
require (
	h.example/b v1.1.0 // indirect
	"h.example/c" v0.0.0-20240101000000-abcdefabcdef
)
replace h.example/a => h.example/fork v1.0.1
replace (
	h.example/b v1.1.0 => ../b
)
exclude h.example/x v1.0.0
"""


def test_a_go_mod_is_read(manifest: Callable[..., Manifest]) -> None:
    found = manifest("go.mod", GO)

    assert [(each.name, each.version, each.scope.value, each.origin.value) for each in found.dependencies] == [
        ("h.example/a", "v1.0.0", "run", "index"),
        ("h.example/b", "v1.1.0", "run", "index"),
        ("h.example/c", "v0.0.0-20240101000000-abcdefabcdef", "run", "index"),
        ("h.example/fork", "v1.0.1", "override", "index"),
        ("h.example/b", None, "override", "file"),
    ]
    assert found.package_name == "h.example/skill"


@pytest.mark.parametrize("content", ["require a", "replace a => b c d", "nonsense x", "require (\n\ta\n)"])
def test_a_line_of_a_go_mod_that_cannot_be_read_is_a_problem(read: Read, content: str) -> None:
    assert read({"go.mod": content}).problems


CONDA = """\
name: skill
channels:
  - https://channel.example/main
dependencies:
  - python=3.11
  - numpy==1.26.0
  - scipy=1.11.0=py311_0
  - other::Pandas>=2
  - plain
  - pip:
      - a==1.0 --hash=sha256:aa
      - --extra-index-url https://extra.example/simple
      - -r needs.list
"""


def test_an_environment_of_conda_is_read(manifest: Callable[..., Manifest], read: Read) -> None:
    found = manifest("environment.yml", CONDA, {"needs.list": "b"})

    assert [(each.ecosystem.value, each.name, each.range, each.version) for each in found.dependencies] == [
        ("conda", "python", "=3.11", None),
        ("conda", "numpy", "==1.26.0", "1.26.0"),
        ("conda", "scipy", "=1.11.0=py311_0", "1.11.0"),
        ("conda", "pandas", ">=2", None),
        ("conda", "plain", "", None),
        ("PyPI", "a", "==1.0", "1.0"),
    ]
    assert [each.place.line for each in found.dependencies] == [5, 6, 7, 8, 9, 11]
    assert found.indexes == ("https://channel.example/main", "https://extra.example/simple")
    assert {each.path for each in read({"environment.yml": CONDA, "needs.list": "b"}).manifests} == {
        "environment.yml",
        "needs.list",
    }


@pytest.mark.parametrize("path", ["environment.yaml", "conda.yml", "a/environment-dev.yml", "env.yaml"])
def test_an_environment_is_known_by_its_name(read: Read, path: str) -> None:
    assert [each.format for each in read({path: "dependencies: [x]"}).manifests] == ["environment.yml"]


def test_another_kind_of_environment_is_no_manifest(read: Read) -> None:
    assert read({"environment.yml": "stage: production"}) == Supply()


@pytest.mark.parametrize(
    "content", ["dependencies: [", "dependencies: 3", "dependencies: [{pip: 3}]", "a: &x 1\nb: *x"]
)
def test_an_environment_that_cannot_be_read_is_a_problem(read: Read, content: str) -> None:
    assert read({"environment.yml": content}).problems


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        (".npmrc", "registry=https://r.example/\n", ["https://r.example/"]),
        ("a/.npmrc", "@s:registry = https://s.example\n; registry=https://no.example", ["https://s.example"]),
        (".yarnrc", 'registry "https://r.example"', ["https://r.example"]),
        (
            ".yarnrc.yml",
            "npmRegistryServer: https://r.example\nnpmScopes:\n  s:\n    npmRegistryServer: https://s.example",
            ["https://r.example", "https://s.example"],
        ),
        ("bunfig.toml", '[install]\nregistry = "https://r.example"', ["https://r.example"]),
        ("bunfig.toml", '[install.scopes]\ns = { url = "https://s.example" }', ["https://s.example"]),
        (
            "pip.conf",
            "[global]\nindex-url = https://i.example\nextra-index-url =\n  https://a.example\n  https://b.example\n",
            ["https://i.example", "https://a.example", "https://b.example"],
        ),
        ("pip.ini", "[install]\nfind-links: https://f.example", ["https://f.example"]),
        (
            "uv.toml",
            'index-url = "https://i.example"\n[[index]]\nurl = "https://n.example"',
            ["https://i.example", "https://n.example"],
        ),
        (".pypirc", "[mine]\nrepository = https://u.example", ["https://u.example"]),
        (".cargo/config.toml", '[registries.mine]\nindex = "sparse+https://c.example/"', ["sparse+https://c.example/"]),
        (
            ".cargo/config.toml",
            '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "https://m.example"',
            ["https://m.example"],
        ),
    ],
)
def test_the_indexes_of_settings_are_read(read: Read, path: str, content: str, expected: list[str]) -> None:
    found = read({path: content})

    assert [url for _, url in found.indexes] == expected
    assert found.problems == ()


@pytest.mark.parametrize(
    "path",
    ["Gemfile", "a/composer.json", "pom.xml", "x.csproj", "deno.lock", "conda-lock.yml", "pixi.toml", "flake.nix"],
)
def test_a_kind_of_manifest_that_nobody_reads_is_a_problem(read: Read, path: str) -> None:
    assert [problem.kind for problem in read({path: ""}).problems] == ["opaque"]


def test_a_manifest_that_is_too_large_is_a_problem(read: Read) -> None:
    found = read({"package.json": b" " * 2_000_001})

    assert [problem.kind for problem in found.problems][:1] == ["too-large"]


def test_a_text_that_is_too_large_is_a_problem_and_a_large_binary_is_none(read: Read) -> None:
    assert [problem.kind for problem in read({"a.py": b"#" * 2_000_001}).problems] == ["too-large"]
    assert read({"model.bin": b"\0" * 2_000_001}) == Supply()


def test_a_text_in_another_encoding_than_its_name_promises_is_a_problem(read: Read) -> None:
    assert [problem.kind for problem in read({"a.sh": b"pip install x \xff"}).problems] == ["unparsable"]
    assert read({"a.sh": "pip install x".encode("utf-16")}).installs[0].name == "x"
    assert read({"icon.png": b"\x89PNG\xff"}) == Supply()


def test_one_bad_file_leaves_the_others_readable(read: Read) -> None:
    found = read({"a/package.json": "{", "b/package.json": json.dumps({"dependencies": {"x": "1"}})})

    assert [problem.place.path for problem in found.problems] == ["a/package.json"]
    assert found.manifests[0].dependencies[0].ecosystem is Ecosystem.NPM
    assert found.manifests[0].dependencies[0].scope is Scope.RUN


def test_no_more_problems_of_one_file_are_listed_than_anybody_reads(read: Read) -> None:
    assert len(read({"requirements.txt": "a b\n" * 5000}).problems) == 1001


def test_no_more_requirements_of_one_file_are_read_than_a_budget(read: Read) -> None:
    found = read({"requirements.txt": "a\n" * 20_001})

    assert [problem.kind for problem in found.problems] == ["too-large"]


def test_code_that_settings_have_run_is_a_hook(read: Read) -> None:
    content = "yarnPath: .yarn/releases/yarn.cjs\nplugins:\n  - path: .yarn/plugins/x.cjs\n  - y.cjs\n"
    found = read({".yarnrc.yml": content, ".pnpmfile.cjs": "module.exports = {}"})

    assert [hook.command for manifest in found.manifests for hook in manifest.hooks] == [
        ".pnpmfile.cjs",
        ".yarn/releases/yarn.cjs",
        ".yarn/plugins/x.cjs",
        "y.cjs",
    ]


def test_when_the_time_is_over_the_first_file_left_is_a_problem() -> None:
    answers = iter([False, True])
    found = read_supply(
        {"a.md": b"`pip install x`", "b/package.json": b'{"dependencies": {"x": "1"}}'},
        is_time_over=lambda: next(answers),
    )

    assert [each.path for each in found.manifests] == ["b/package.json"]
    assert [(problem.kind, problem.place.path) for problem in found.problems] == [("too-large", "a.md")]
