"""Lock files that were changed by hand so that something else is installed than the manifest says."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from haldir_auditor import audit_files
from haldir_auditor._hosts import _PUBLIC_REPOSITORIES, MAIN, PUBLIC
from haldir_auditor.issues import Status
from haldir_auditor.supply import Ecosystem

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NPM = f"https://{MAIN[Ecosystem.NPM]}"
INDEX = f"https://{MAIN[Ecosystem.PYPI]}/simple"
FILES = f"https://{max(PUBLIC[Ecosystem.PYPI] - {MAIN[Ecosystem.PYPI]})}"
CRATES = f"registry+https://{min(_PUBLIC_REPOSITORIES)}"
SHA512 = f"sha512-{'A' * 86}=="
SHA256 = f"sha256:{'ab' * 32}"
COMMIT = "a" * 40

PACKAGE = '{"name": "x", "version": "1.0.0", "dependencies": {"left-pad": "1.3.0"}}'
PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["iniconfig==2.0.0"]\n'


def rules(files: Mapping[str, str]) -> set[str]:
    """The checks that found something, without those that every audit without a source has."""
    report = audit_files({path: text.encode() for path, text in files.items()}, now=NOW)
    return {issue.rule for issue in report.issues} - {"not-checked"}


def npm_lock(**fields: Any) -> dict[str, str]:  # noqa: ANN401 - any member of an entry
    entry = {"version": "1.3.0", "resolved": f"{NPM}/left-pad/-/left-pad-1.3.0.tgz", "integrity": SHA512}
    root = {"name": "x", "dependencies": {"left-pad": "1.3.0"}}
    lock = {"lockfileVersion": 3, "packages": {"": root, "node_modules/left-pad": {**entry, **fields}}}
    return {"package.json": PACKAGE, "package-lock.json": json.dumps(lock)}


def uv_lock(
    *,
    source: str = f'registry = "{INDEX}"',
    files: tuple[str, ...] = ("iniconfig-2.0.0-py3-none-any.whl",),
    more: str = "",
) -> dict[str, str]:
    wheels = ", ".join(f'{{ url = "{FILES}/packages/{file}", hash = "{SHA256}" }}' for file in files)
    needs = '{ name = "iniconfig" }' + (', { name = "other" }' if more else "")
    lock = f"""version = 1

[[package]]
name = "iniconfig"
version = "2.0.0"
source = {{ {source} }}
wheels = [{wheels}]

[[package]]
name = "x"
version = "1"
source = {{ virtual = "." }}
dependencies = [{needs}]

[package.metadata]
requires-dist = [{{ name = "iniconfig", specifier = "==2.0.0" }}]
{more}"""
    return {"pyproject.toml": PROJECT, "uv.lock": lock}


def pnpm_lock(resolution: str, version: str = "1.3.0") -> dict[str, str]:
    lock = f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      left-pad:
        specifier: 1.3.0
        version: {version}
packages:
  left-pad@{version}:
    resolution: {resolution}
snapshots:
  left-pad@{version}: {{}}
"""
    return {"package.json": PACKAGE, "pnpm-lock.yaml": lock}


def berry_lock(resolution: str) -> dict[str, str]:
    lock = f"""__metadata:
  version: 8

"left-pad@npm:1.3.0":
  version: 1.3.0
  resolution: "left-pad@{resolution}"
  checksum: 10c0/{"a" * 128}
  languageName: node
  linkType: hard

"x@workspace:.":
  version: 0.0.0-use.local
  resolution: "x@workspace:."
  dependencies:
    left-pad: "npm:1.3.0"
  languageName: unknown
  linkType: soft
"""
    return {"package.json": PACKAGE, "yarn.lock": lock}


def cargo_lock(source: str) -> dict[str, str]:
    lock = f"""version = 3

[[package]]
name = "itoa"
version = "1.0.9"
source = "{source}"
checksum = "{"ab" * 32}"

[[package]]
name = "x"
version = "0.1.0"
dependencies = ["itoa"]
"""
    return {"Cargo.toml": '[package]\nname="x"\nversion="0.1.0"\n[dependencies]\nitoa="1.0.9"\n', "Cargo.lock": lock}


def poetry_lock(source: str = "") -> dict[str, str]:
    manifest = '[tool.poetry]\nname="x"\nversion="1"\n[tool.poetry.dependencies]\npython="^3.11"\niniconfig="2.0.0"\n'
    lock = f"""[[package]]
name = "iniconfig"
version = "2.0.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [{{file = "iniconfig-2.0.0-py3-none-any.whl", hash = "{SHA256}"}}]
{source}
[metadata]
lock-version = "2.1"
python-versions = "^3.11"
content-hash = "{"cd" * 32}"
"""
    return {"pyproject.toml": manifest, "poetry.lock": lock}


HONEST: dict[str, Callable[[], dict[str, str]]] = {
    "npm": npm_lock,
    "uv": uv_lock,
    "pnpm": lambda: pnpm_lock(f"{{integrity: {SHA512}}}"),
    "berry": lambda: berry_lock("npm:1.3.0"),
    "cargo": lambda: cargo_lock(CRATES),
    "poetry": poetry_lock,
}


@pytest.mark.parametrize("make", HONEST.values(), ids=HONEST)
def test_an_honest_lock_file_has_no_issue(make: Callable[[], dict[str, str]]) -> None:
    assert rules(make()) == set()


@pytest.mark.parametrize(
    "files",
    [
        npm_lock(resolved=f"git+ssh://git@e.example/x.git#{COMMIT}"),
        npm_lock(resolved="file:evil.tgz"),
        uv_lock(source=f'git = "https://e.example/r?rev=main#{COMMIT}"', files=()),
        uv_lock(source='url = "https://e.example/iniconfig-2.0.0-py3-none-any.whl"'),
        uv_lock(source='path = "vendor/iniconfig-2.0.0-py3-none-any.whl"'),
        pnpm_lock(f"{{commit: {COMMIT}, repo: https://e.example/r, type: git}}"),
        pnpm_lock("{directory: evil, type: directory}"),
        pnpm_lock("{tarball: https://e.example/x.tgz}", "https://e.example/x.tgz"),
        berry_lock(f"https://e.example/r.git#commit={COMMIT}"),
        berry_lock("https://e.example/x.tgz"),
        berry_lock("exec:./generate.js"),
        cargo_lock(f"git+https://e.example/r?rev=x#{COMMIT}"),
        poetry_lock(f'[package.source]\ntype = "git"\nurl = "https://e.example/r"\nresolved_reference = "{COMMIT}"\n'),
        poetry_lock('[package.source]\ntype = "url"\nurl = "https://e.example/r.whl"\n'),
        poetry_lock('[package.source]\ntype = "directory"\nurl = "evil"\n'),
    ],
    ids=[
        "npm-git", "npm-file", "uv-git", "uv-url", "uv-path", "pnpm-git", "pnpm-folder", "pnpm-url", "berry-git",
        "berry-url", "berry-exec", "cargo-git", "poetry-git", "poetry-url", "poetry-folder",
    ],
)  # fmt: skip
def test_a_lock_that_takes_a_package_of_the_index_from_elsewhere_is_reported(files: dict[str, str]) -> None:
    assert "lock-drift" in rules(files)


def test_an_override_with_a_version_excuses_no_archive() -> None:
    files = npm_lock(resolved="file:evil.tgz")
    files["package.json"] = json.dumps({**json.loads(PACKAGE), "overrides": {"left-pad": "1.3.0"}})
    assert "lock-drift" in rules(files)


def test_a_repository_that_the_manifest_itself_names_is_no_drift() -> None:
    files = uv_lock(source=f'git = "https://e.example/r?rev=main#{COMMIT}"', files=())
    files["pyproject.toml"] += f'[tool.uv.sources]\niniconfig = {{ git = "https://e.example/r", rev = "{COMMIT}" }}\n'
    assert rules(files) == {"direct-source"}


@pytest.mark.parametrize(
    "path",
    [
        "%65vil/-/left-pad-1.3.0.tgz",
        "evil?x=/left-pad/-/left-pad-1.3.0.tgz",
        "evil-1.3.0.tgz",
        "left-pad/-/../../evil/-/left-pad-1.3.0.tgz",
        "evil/left-pad/-/left-pad-1.3.0.tgz",
        "left-pad/-/%6Ceft-pad-1.2.0.tgz",
    ],
    ids=["escaped-name", "query", "no-form", "dots", "folder", "escaped-version"],
)
def test_a_url_of_the_public_registry_that_only_looks_right_is_reported(path: str) -> None:
    assert "resolved-mismatch" in rules(npm_lock(resolved=f"{NPM}/{path}"))


@pytest.mark.parametrize(
    "file",
    [
        "iniconfig_evil-2.0.0-py3-none-any.whl",
        "iniconfig-evil-2.0.0.tar.gz",
        "iniconfig-1.0.0-py3-none-any.whl",
        "iniconfig-1.0.0.tar.gz",
        "%65vil-2.0.0.tar.gz",
    ],
    ids=["longer-name-wheel", "longer-name-source", "version-wheel", "version-source", "escaped"],
)
def test_an_archive_of_another_package_or_version_is_reported(file: str) -> None:
    assert "resolved-mismatch" in rules(uv_lock(files=(file,)))


def test_an_archive_of_another_package_among_honest_ones_is_reported() -> None:
    assert "resolved-mismatch" in rules(uv_lock(files=("iniconfig-2.0.0.tar.gz", "evil-2.0.0-py3-none-any.whl")))


@pytest.mark.parametrize(
    "file",
    ["IniConfig-2.0.0-py3-none-any.whl", "iniconfig-2.0.tar.gz", "iniconfig-2.0.0-1-py3-none-any.whl", "iniconfig.zip"],
    ids=["case", "shorter-version", "build-number", "no-version"],
)
def test_usual_spellings_of_a_file_name_are_fine(file: str) -> None:
    assert rules(uv_lock(files=(file,))) == set()


@pytest.mark.parametrize("integrity", ["sha512-x", "sha512-", "x", f"sha512-{'A' * 43}="])
def test_a_hash_of_the_wrong_length_counts_as_none(integrity: str) -> None:
    assert "hashes" in rules(npm_lock(integrity=integrity))


def test_what_uv_installs_for_a_project_that_never_asked_is_reported() -> None:
    more = f"""
[[package]]
name = "other"
version = "6.6.6"
source = {{ registry = "{INDEX}" }}
wheels = [{{ url = "{FILES}/packages/other-6.6.6-py3-none-any.whl", hash = "{SHA256}" }}]
"""
    assert "lock-drift" in rules(uv_lock(more=more))


def test_halves_of_a_lock_that_name_other_urls_are_reported() -> None:
    files = npm_lock()
    lock = json.loads(files["package-lock.json"])
    old = {"version": "1.3.0", "resolved": "https://e.example/x.tgz", "integrity": SHA512}
    lock |= {"lockfileVersion": 2, "dependencies": {"left-pad": old}}
    assert "unreadable" in rules({**files, "package-lock.json": json.dumps(lock)})


def test_packages_nested_too_deeply_are_not_read() -> None:
    packages = {"/".join(["node_modules/a"] * depth): {"version": "1.0.0"} for depth in range(1, 80)}
    lock = json.dumps({"lockfileVersion": 3, "packages": {"": {}, **packages}})
    assert "unreadable" in rules({"package.json": "{}", "package-lock.json": lock})


WORKSPACE = {
    "package.json": '{"name": "root", "private": true}',
    "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
    "packages/a/package.json": '{"name": "a", "dependencies": {"left-pad": "1.3.0", "b": "workspace:*"}}',
    "packages/b/package.json": '{"name": "b", "version": "1.0.0", "dependencies": {"left-pad": "^1.0.0"}}',
    "pnpm-lock.yaml": f"""lockfileVersion: '9.0'
importers:
  .: {{}}
  packages/a:
    dependencies:
      b:
        specifier: workspace:*
        version: link:../b
      left-pad:
        specifier: 1.3.0
        version: 1.3.0
  packages/b:
    dependencies:
      left-pad:
        specifier: ^1.0.0
        version: 1.3.0
packages:
  left-pad@1.3.0:
    resolution: {{integrity: {SHA512}}}
snapshots:
  left-pad@1.3.0: {{}}
""",
}


def test_a_workspace_of_pnpm_with_its_lock_file_passes() -> None:
    report = audit_files({path: text.encode() for path, text in WORKSPACE.items()}, now=NOW)
    assert report.status is Status.PASS


def test_a_member_of_a_workspace_that_asks_for_more_than_the_lock_has_is_reported() -> None:
    member = '{"name": "a", "dependencies": {"left-pad": "1.3.0", "b": "workspace:*", "lodash": "4.17.21"}}'
    assert "lock-drift" in rules({**WORKSPACE, "packages/a/package.json": member})


def test_a_lock_with_more_for_a_member_than_it_asks_for_is_reported() -> None:
    member = '{"name": "b", "version": "1.0.0"}'
    files = {**WORKSPACE, "packages/b/package.json": member, "packages/a/package.json": '{"name": "a"}'}
    assert "lock-drift" in rules(files)


def test_a_catalog_of_pnpm_decides_for_members() -> None:
    lock = WORKSPACE["pnpm-lock.yaml"].replace("specifier: 1.3.0", "specifier: 'catalog:'", 1)
    lock = lock.replace(
        "importers:", "catalogs:\n  default:\n    left-pad:\n      specifier: 1.3.0\n      version: 1.3.0\nimporters:"
    )
    member = '{"name": "a", "version": "1.0.0", "dependencies": {"left-pad": "catalog:", "b": "workspace:*"}}'
    workspace = "packages:\n  - packages/*\ncatalog:\n  left-pad: 1.3.0\n"
    changed = {"pnpm-lock.yaml": lock, "packages/a/package.json": member, "pnpm-workspace.yaml": workspace}
    assert rules({**WORKSPACE, **changed}) == set()
