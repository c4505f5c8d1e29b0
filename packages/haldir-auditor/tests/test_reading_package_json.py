import json
from collections.abc import Callable

import pytest

from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]


def test_every_kind_of_dependency_is_read_with_its_scope(manifest: Callable[..., Manifest]) -> None:
    found = manifest(
        "package.json",
        json.dumps(
            {
                "dependencies": {"run": "1"},
                "devDependencies": {"dev": "1"},
                "optionalDependencies": {"maybe": "1"},
                "peerDependencies": {"beside": "1"},
                "overrides": {"deep@1": {".": "2", "deeper": "3"}, "same": "$run"},
                "resolutions": {"a/**/@s/b": "4", "c": "5"},
                "pnpm": {"overrides": {"x>y@1": "6"}},
            }
        ),
    )

    assert [(each.name, each.range, each.scope.value) for each in found.dependencies] == [
        ("run", "1", "run"),
        ("dev", "1", "development"),
        ("maybe", "1", "optional"),
        ("beside", "1", "peer"),
        ("deep", "2", "override"),
        ("deeper", "3", "override"),
        ("@s/b", "4", "override"),
        ("c", "5", "override"),
        ("y", "6", "override"),
    ]


@pytest.mark.parametrize(
    ("written", "origin", "version", "name"),
    [
        ("1.2.3", Origin.INDEX, "1.2.3", "it"),
        ("=1.2.3", Origin.INDEX, "1.2.3", "it"),
        ("v1.2.3-rc.1+b", Origin.INDEX, "1.2.3-rc.1+b", "it"),
        ("1.2", Origin.INDEX, None, "it"),
        ("^1.2.3", Origin.INDEX, None, "it"),
        ("1.2.3 || 2", Origin.INDEX, None, "it"),
        ("*", Origin.INDEX, None, "it"),
        ("", Origin.INDEX, None, "it"),
        ("latest", Origin.INDEX, None, "it"),
        ("npm:other@1.0.0", Origin.INDEX, "1.0.0", "other"),
        ("npm:@s/other@^1", Origin.INDEX, None, "@s/other"),
        ("npm:other", Origin.INDEX, None, "other"),
        ("npm:^1.0.0", Origin.INDEX, None, "it"),
        ("npm:1.0.0", Origin.INDEX, "1.0.0", "it"),
        ("github:u/r#v1", Origin.GIT, None, "it"),
        ("u/r", Origin.GIT, None, "it"),
        ("git+ssh://git@h.example/u/r.git#abc", Origin.GIT, None, "it"),
        ("git@h.example:u/r.git", Origin.GIT, None, "it"),
        ("https://h.example/u/r.git", Origin.GIT, None, "it"),
        ("https://h.example/it.tgz", Origin.URL, None, "it"),
        ("http://h.example/it.tgz", Origin.URL, None, "it"),
        ("file:../it", Origin.FILE, None, "it"),
        ("link:./it", Origin.FILE, None, "it"),
        ("../it", Origin.FILE, None, "it"),
        ("/abs/it", Origin.FILE, None, "it"),
        ("~/it", Origin.FILE, None, "it"),
        ("workspace:^", Origin.WORKSPACE, None, "it"),
        ("patch:it@npm%3A1.2.3#./p.patch", Origin.INDEX, "1.2.3", "it"),
    ],
)
def test_a_specifier_of_npm_says_where_a_package_comes_from(
    manifest: Callable[..., Manifest], written: str, origin: Origin, version: str | None, name: str
) -> None:
    found = manifest("package.json", json.dumps({"dependencies": {"it": written}})).dependencies[0]

    assert (found.origin, found.version, found.name) == (origin, version, name)
    assert found.alias == (None if name == "it" else "it")
    assert (found.locator is None) == (origin is Origin.INDEX)


def test_what_is_shipped_inside_is_bundled(manifest: Callable[..., Manifest]) -> None:
    found = manifest("package.json", '{"dependencies": {"a": "1"}, "bundleDependencies": ["a"]}')

    assert [each.scope for each in found.dependencies] == [Scope.RUN, Scope.BUNDLED]
    assert len(manifest("package.json", '{"dependencies": {"a": "1"}, "bundleDependencies": true}').dependencies) == 1


@pytest.mark.parametrize("event", ["preinstall", "install", "postinstall", "prepare", "prepublish", "preuninstall"])
def test_a_command_that_runs_by_itself_is_a_hook(manifest: Callable[..., Manifest], event: str) -> None:
    found = manifest("package.json", json.dumps({"scripts": {"test": "x", event: "node run.js"}}, indent=1))

    assert [(hook.event, hook.command, hook.place.line) for hook in found.hooks] == [(event, "node run.js", 4)]


def test_a_binding_gyp_is_a_hook_that_nobody_wrote(manifest: Callable[..., Manifest]) -> None:
    found = manifest("a/package.json", "{}", {"a/binding.gyp": "{}"})

    assert [hook.command for hook in found.hooks] == ["node-gyp rebuild"]


def test_an_installed_package_counts_as_bundled_with_its_hooks_and_without_its_needs(read: Read) -> None:
    content = {"name": "it", "version": "1.0.0", "dependencies": {"x": "1"}, "scripts": {"postinstall": "y"}}
    found = read({"lib/node_modules/it/package.json": json.dumps(content)})

    assert found.manifests[0].format == "node_modules"
    assert [(each.name, each.version, each.scope) for each in found.manifests[0].dependencies] == [
        ("it", "1.0.0", Scope.BUNDLED)
    ]
    assert [hook.event for hook in found.manifests[0].hooks] == ["postinstall"]


@pytest.mark.parametrize("content", ["null", "[]", "3", '"x"', "{", "", "\ufeff", '{"a": NaN}', "\x00"])
def test_a_package_json_that_is_none_is_a_problem(read: Read, content: str) -> None:
    found = read({"package.json": content})

    assert [problem.place.path for problem in found.problems] == ["package.json"]


@pytest.mark.parametrize(
    "content",
    [
        {"dependencies": ["a"]},
        {"dependencies": {"a": None}},
        {"dependencies": {"a": {}}},
        {"dependencies": 3},
        {"scripts": "x"},
        {"overrides": []},
        {"name": {}},
    ],
    ids=str,
)
def test_a_part_of_the_wrong_type_is_a_problem_and_no_crash(read: Read, content: dict[str, object]) -> None:
    assert read({"package.json": json.dumps(content)}).problems


def test_a_version_that_is_a_number_is_a_problem_and_is_read_all_the_same(read: Read) -> None:
    found = read({"package.json": '{"version": 1.2, "dependencies": {"a": 1}}'})

    assert found.manifests[0].dependencies[0].range == "1"
    assert len(found.problems) == 1


def test_a_manifest_in_a_dot_folder_deep_below_is_read(read: Read) -> None:
    found = read({"a/.hidden/b/package.json": '{"dependencies": {"x": "1"}}'})

    dependency: Dependency = found.manifests[0].dependencies[0]
    assert (dependency.name, dependency.place.path, dependency.ecosystem) == (
        "x",
        "a/.hidden/b/package.json",
        Ecosystem.NPM,
    )


def test_the_line_of_a_dependency_is_that_in_its_section(manifest: Callable[..., Manifest]) -> None:
    content = '{\n"scripts": {"a": "x"},\n"dependencies": {\n "a": "1"\n},\n"devDependencies": {\n "a": "2"}}'
    found = manifest("package.json", content)

    assert [each.place.line for each in found.dependencies] == [4, 7]


def test_a_range_in_a_catalog_is_that_of_every_package_that_uses_it(read: Read) -> None:
    workspace = "catalog:\n  a: ^1.0.0\ncatalogs:\n  old:\n    b: 0.9.0\noverrides:\n  c@1: 1.2.3\n"
    package = {"dependencies": {"a": "catalog:", "b": "catalog:old"}}
    found = read({"pnpm-workspace.yaml": workspace, "packages/x/package.json": json.dumps(package)})

    assert found.problems == ()
    assert [(each.name, each.range, each.version) for m in found.manifests for each in m.dependencies] == [
        ("a", "^1.0.0", None),
        ("b", "0.9.0", "0.9.0"),
        ("c", "1.2.3", "1.2.3"),
    ]


def test_a_range_that_is_in_no_catalog_is_a_problem(read: Read) -> None:
    found = read({"package.json": '{"dependencies": {"a": "catalog:"}}'})

    assert [problem.kind for problem in found.problems] == ["missing-include"]


def test_a_catalog_of_bun_is_in_its_package_json(read: Read) -> None:
    root = {"workspaces": {"packages": ["packages/*"], "catalog": {"a": "1.0.0"}}}
    found = read({"package.json": json.dumps(root), "packages/x/package.json": '{"dependencies": {"a": "catalog:"}}'})

    assert [each.version for m in found.manifests for each in m.dependencies] == ["1.0.0"]


def test_overrides_that_are_nested_too_deeply_are_a_problem(read: Read) -> None:
    content = '{"overrides": ' + '{"a": ' * 30 + '"1"' + "}" * 30 + "}"

    assert read({"package.json": content}).problems
