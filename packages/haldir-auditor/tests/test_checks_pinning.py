from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from haldir_auditor.auditing import audit_supply
from haldir_auditor.issues import AuditReport, Severity, Status
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Manifest, Origin, Place, Root, Scope, Supply

NOW = datetime(2026, 11, 22, tzinfo=UTC)
Found = Callable[..., list[tuple[str, Severity]]]


def npm(name: str = "lodash", written: str = "^4.17.0", **more: Any) -> Dependency:  # noqa: ANN401 - any field of the record
    exact = written if written[:1].isdigit() else None
    return evolve(Dependency(Ecosystem.NPM, name, written, Place("package.json", 3), version=exact), **more)


def package_json(*dependencies: Dependency) -> Manifest:
    return Manifest("package.json", "package.json", Ecosystem.NPM, dependencies)


def npm_locked(name: str = "lodash", version: str = "4.17.21", **more: Any) -> Locked:  # noqa: ANN401 - any field of the record
    one = Locked(
        Ecosystem.NPM, name, version, name, Place("package-lock.json", 9), hashes=(f"sha512-{'A' * 86}==",), depth=1
    )
    return evolve(one, **more)


def npm_lock(*packages: Locked, **more: Any) -> Lock:  # noqa: ANN401 - any field of the record
    lock = Lock("package-lock.json", "package-lock.json", Ecosystem.NPM, packages, manifest="package.json")
    return evolve(lock, **more)


def requirements(*dependencies: Dependency, path: str = "requirements.txt", **more: Any) -> Manifest:  # noqa: ANN401 - any field of the record
    return evolve(Manifest(path, "requirements.txt", Ecosystem.PYPI, dependencies), **more)


def python(name: str = "requests", written: str = ">=2", **more: Any) -> Dependency:  # noqa: ANN401 - any field of the record
    exact = written[2:] if written.startswith("==") else None
    return evolve(Dependency(Ecosystem.PYPI, name, written, Place("requirements.txt", 1), version=exact), **more)


def audited(*manifests: Manifest, locks: tuple[Lock, ...] = ()) -> AuditReport:
    return audit_supply(Supply(manifests, locks), now=NOW)


def found(report: AuditReport, *rules: str) -> list[tuple[str, Severity]]:
    return [(issue.rule, issue.severity) for issue in report.issues if issue.rule in rules]


def test_a_skill_without_any_dependency_passes_without_issues_and_is_complete() -> None:
    report = audited()
    assert (report.status, report.issues, report.complete) == (Status.PASS, (), True)


def test_an_honest_range_without_a_lock_file_flags_and_does_not_reject() -> None:
    report = audited(requirements(python()))
    assert report.status is Status.FLAG
    assert found(report, "unpinned", "lock-missing") == [
        ("unpinned", Severity.HIGH),
        ("lock-missing", Severity.MEDIUM),
    ]


def test_a_version_in_the_lock_file_of_the_manifest_counts_as_pinned() -> None:
    assert found(audited(package_json(npm()), locks=(npm_lock(npm_locked()),)), "unpinned", "lock-missing") == []


def test_a_locked_version_that_does_not_fit_does_not_pin() -> None:
    report = audited(package_json(npm()), locks=(npm_lock(npm_locked(version="3.0.0")),))
    assert found(report, "unpinned", "lock-drift") == [("lock-drift", Severity.HIGH), ("unpinned", Severity.HIGH)]


def test_the_lock_file_of_another_folder_pins_nothing() -> None:
    lock = npm_lock(npm_locked(), path="other/package-lock.json", manifest="other/package.json")
    assert found(audited(package_json(npm()), locks=(lock,)), "unpinned") == [("unpinned", Severity.HIGH)]


def test_a_lock_file_does_not_pin_a_requirements_file_beside_it() -> None:
    locked = Locked(
        Ecosystem.PYPI, "requests", "2.32.0", "requests", Place("uv.lock", 3), hashes=(f"sha256:{'0' * 64}",)
    )
    lock = Lock("uv.lock", "uv.lock", Ecosystem.PYPI, (locked,), manifest="pyproject.toml")
    assert found(audited(requirements(python()), locks=(lock,)), "unpinned") == [("unpinned", Severity.HIGH)]


def test_an_unreadable_lock_file_pins_nothing() -> None:
    lock = npm_lock(opaque=True)
    report = audited(package_json(npm()), locks=(lock,))
    assert found(report, "unpinned", "unreadable") == [("unpinned", Severity.HIGH), ("unreadable", Severity.MEDIUM)]


def test_a_part_of_a_workspace_is_pinned_by_the_lock_file_above_that_names_it() -> None:
    part = Manifest("apps/web/package.json", "package.json", Ecosystem.NPM, (npm(),))
    member = npm_locked("web", "1.0.0", key="apps/web", origin=Origin.WORKSPACE)
    lock = npm_lock(npm_locked(), member)
    assert found(audited(part, locks=(lock,)), "unpinned", "lock-missing") == []


def test_a_folder_that_the_lock_file_above_does_not_name_is_not_pinned() -> None:
    part = Manifest("apps/web/package.json", "package.json", Ecosystem.NPM, (npm(),))
    assert found(audited(part, locks=(npm_lock(npm_locked()),)), "unpinned") == [("unpinned", Severity.HIGH)]


@pytest.mark.parametrize(
    ("scope", "name", "severity"),
    [
        (Scope.DEVELOPMENT, "jest", Severity.MEDIUM),
        (Scope.PEER, "react", Severity.MEDIUM),
        (Scope.OPTIONAL, "sharp", Severity.HIGH),
        (Scope.BUILD, "setuptools", Severity.LOW),
        (Scope.BUILD, "strange-backend", Severity.MEDIUM),
    ],
    ids=str,
)
def test_what_is_not_pinned_weighs_by_whom_it_reaches(scope: Scope, name: str, severity: Severity) -> None:
    report = audited(requirements(python(name, ">=1", scope=scope)))
    assert found(report, "unpinned") == [("unpinned", severity)]


def test_a_project_with_only_a_well_known_build_backend_passes() -> None:
    pyproject = Manifest("pyproject.toml", "pyproject.toml", Ecosystem.PYPI, (python("hatchling", scope=Scope.BUILD),))
    assert audited(pyproject).status is Status.PASS


@pytest.mark.parametrize("scope", [Scope.CONSTRAINT, Scope.OVERRIDE, Scope.BUNDLED], ids=str)
def test_what_asks_for_nothing_by_itself_need_not_be_pinned(scope: Scope) -> None:
    assert found(audited(package_json(npm(scope=scope))), "unpinned", "wildcard", "lock-missing") == []


def test_a_constraint_of_the_same_file_pins() -> None:
    manifest = requirements(python(), python(written="==2.32.3", scope=Scope.CONSTRAINT))
    assert found(audited(manifest), "unpinned") == []


def test_a_requirements_in_file_is_pinned_by_what_was_compiled_from_it() -> None:
    source = requirements(python(), path="requirements.in")
    compiled = requirements(python(written="==2.32.3", hashes=(f"sha256:{'0' * 64}",)))
    assert found(audited(source, compiled), "unpinned", "lock-missing") == []


@pytest.mark.parametrize("written", ["", "*", "latest", "x", ">=0", ">= 0.0", "next"], ids=repr)
def test_a_range_without_any_bound_is_a_wildcard(written: str) -> None:
    assert found(audited(package_json(npm(written=written))), "wildcard", "unpinned") == [("wildcard", Severity.HIGH)]


def test_a_wildcard_with_a_lock_file_is_fine() -> None:
    assert found(audited(package_json(npm(written="*")), locks=(npm_lock(npm_locked()),)), "wildcard") == []


def test_a_package_of_the_operating_system_without_a_version_weighs_low() -> None:
    apt = Dependency(Ecosystem.SYSTEM, "curl", "", Place("Dockerfile", 2))
    report = audited(Manifest("Dockerfile", "Dockerfile", Ecosystem.SYSTEM, (apt,)))
    assert (report.status, found(report, "wildcard")) == (Status.PASS, [("wildcard", Severity.LOW)])


def block(*dependencies: Dependency, **more: Any) -> Manifest:  # noqa: ANN401 - any field of the record
    return evolve(Manifest("scripts/run.py", "pep723", Ecosystem.PYPI, dependencies), **more)


def inline(written: str, **more: Any) -> Dependency:  # noqa: ANN401 - any field of the record
    return python(written=written, scope=Scope.SCRIPT, **{"place": Place("scripts/run.py", 3), **more})


def test_an_open_inline_dependency_is_critical_and_rejects() -> None:
    report = audited(block(inline(">=2")))
    assert report.status is Status.REJECT
    assert found(report, "deferred-dependencies", "unpinned", "wildcard", "lock-missing") == [
        ("deferred-dependencies", Severity.CRITICAL)
    ]


def test_an_inline_dependency_without_any_range_is_critical() -> None:
    assert found(audited(block(inline(""))), "deferred-dependencies", "wildcard") == [
        ("deferred-dependencies", Severity.CRITICAL)
    ]


def test_a_date_that_keeps_newer_uploads_away_makes_it_high() -> None:
    report = audited(block(inline(">=2"), exclude_newer="2026-01-01T00:00:00Z"))
    assert found(report, "deferred-dependencies") == [("deferred-dependencies", Severity.HIGH)]


@pytest.mark.parametrize("written", ["2099-01-01", "7 days", "never", "2026-11-23T00:00:00Z"], ids=str)
def test_a_date_that_keeps_nothing_away_makes_it_no_better(written: str) -> None:
    report = audited(block(inline(">=2"), exclude_newer=written))
    assert found(report, "deferred-dependencies") == [("deferred-dependencies", Severity.CRITICAL)]


def test_another_package_under_the_name_of_a_dependency_does_not_pin_it() -> None:
    report = audited(package_json(npm()), locks=(npm_lock(npm_locked("evil", "4.17.21", alias="lodash")),))
    assert found(report, "lock-drift", "unpinned") == [("lock-drift", Severity.HIGH), ("unpinned", Severity.HIGH)]


def test_an_alias_that_the_manifest_names_is_pinned_by_its_lock_file() -> None:
    dependency = npm("lodash", "^4.17.0", alias="underscore")
    lock = npm_lock(npm_locked(alias="underscore"), roots=(Root("underscore", "npm:lodash@^4.17.0"),))
    assert found(audited(package_json(dependency), locks=(lock,)), "lock-drift", "unpinned") == []


def test_fixed_inline_dependencies_flag_for_what_they_need_in_turn() -> None:
    report = audited(block(inline("==2.32.3")))
    assert found(report, "deferred-dependencies") == [("deferred-dependencies", Severity.MEDIUM)]


def test_a_lock_file_of_the_script_settles_its_dependencies() -> None:
    locked = Locked(
        Ecosystem.PYPI, "requests", "2.32.3", "r", Place("scripts/run.py.lock", 4), hashes=(f"sha256:{'0' * 64}",)
    )
    lock = Lock("scripts/run.py.lock", "uv.lock", Ecosystem.PYPI, (locked,), manifest="scripts/run.py")
    assert found(audited(block(inline(">=2")), locks=(lock,)), "deferred-dependencies", "unpinned") == []


def test_an_example_of_a_block_in_a_document_does_not_reject() -> None:
    example = inline(">=2", place=Place("docs/scripts.md", 9))
    report = audited(block(example, path="docs/scripts.md"))
    assert found(report, "deferred-dependencies") == [("deferred-dependencies", Severity.MEDIUM)]


def test_a_block_without_dependencies_is_fine() -> None:
    assert audited(block()).issues == ()


def test_a_requirements_file_without_hashes_is_no_lock_file() -> None:
    assert found(audited(requirements(python(written="==2.32.3"))), "lock-missing") == [
        ("lock-missing", Severity.MEDIUM)
    ]


def test_a_requirements_file_with_a_hash_for_every_line_is_a_lock_file() -> None:
    assert audited(requirements(python(written="==2.32.3", hashes=(f"sha256:{'0' * 64}",)))).status is Status.PASS


def test_package_json_without_a_lock_file_weighs_high() -> None:
    assert found(audited(package_json(npm(written="4.17.21"))), "lock-missing") == [("lock-missing", Severity.HIGH)]


def test_hashes_on_some_lines_only_are_reported() -> None:
    first, second = python(written="==2.32.3", hashes=(f"sha256:{'0' * 64}",)), python("idna", "==3.10")
    assert found(audited(requirements(first, second, hashes_required=True)), "hashes") == [("hashes", Severity.MEDIUM)]


def test_a_lock_file_without_any_hash_is_one_issue() -> None:
    packages = [npm_locked(name, hashes=()) for name in ("lodash", "express")]
    report = audited(package_json(npm()), locks=(npm_lock(*packages),))
    assert found(report, "hashes") == [("hashes", Severity.MEDIUM)]


def test_a_single_package_without_hash_is_named() -> None:
    report = audited(package_json(npm()), locks=(npm_lock(npm_locked(), npm_locked("evil", "1.0.0", hashes=())),))
    assert [issue.message for issue in report.issues if issue.rule == "hashes"] == [
        "evil 1.0.0 has no hash, unlike others"
    ]


def test_a_package_with_a_weak_hash_only_weighs_low() -> None:
    report = audited(package_json(npm()), locks=(npm_lock(npm_locked(hashes=(f"sha1-{'A' * 27}=",))),))
    assert found(report, "hashes") == [("hashes", Severity.LOW)]


def test_local_and_git_packages_need_no_hash() -> None:
    local = npm_locked("own", "1.0.0", hashes=(), origin=Origin.WORKSPACE)
    assert found(audited(package_json(npm()), locks=(npm_lock(npm_locked(), local),)), "hashes") == []


def test_a_dependency_that_the_lock_file_lacks_is_drift() -> None:
    report = audited(package_json(npm(), npm("express", "^4")), locks=(npm_lock(npm_locked()),))
    assert [issue.message for issue in report.issues if issue.rule == "lock-drift"] == [
        "express ^4 is not in package-lock.json"
    ]


def test_a_root_that_the_manifest_lacks_is_drift() -> None:
    roots = (Root("lodash", "^4.17.0"), Root("evil", "^1"))
    report = audited(package_json(npm()), locks=(npm_lock(npm_locked(), npm_locked("evil", "1.0.0"), roots=roots),))
    assert found(report, "lock-drift") == [("lock-drift", Severity.HIGH)]


def test_a_root_that_another_part_of_the_workspace_asks_for_is_no_drift() -> None:
    part = Manifest("apps/web/package.json", "package.json", Ecosystem.NPM, (npm("express", "^4"),))
    packages = (
        npm_locked(),
        npm_locked("express", "4.19.0"),
        npm_locked("web", key="apps/web", origin=Origin.WORKSPACE),
    )
    lock = npm_lock(*packages, roots=(Root("lodash", "^4.17.0"), Root("express", "^4")))
    assert found(audited(package_json(npm()), part, locks=(lock,)), "lock-drift") == []


def test_a_part_of_the_workspace_itself_has_no_range_in_the_lock_file() -> None:
    manifest = Manifest("pyproject.toml", "pyproject.toml", Ecosystem.PYPI, (python("own-core", ">=0.1,<0.2"),))
    own = Locked(Ecosystem.PYPI, "own-core", "0.1.0", "c", Place("uv.lock", 4), Origin.WORKSPACE, "packages/own-core")
    lock = Lock("uv.lock", "uv.lock", Ecosystem.PYPI, (own,), (Root("own-core", ""),), "pyproject.toml")
    assert found(audited(manifest, locks=(lock,)), "lock-drift") == []


def test_packages_of_a_dockerfile_have_no_lock_file() -> None:
    manifest = Manifest("Dockerfile", "Dockerfile", Ecosystem.SYSTEM, (python(written="==2.32.3"),))
    assert found(audited(manifest), "lock-missing") == [("lock-missing", Severity.MEDIUM)]


def test_a_range_that_was_written_differently_weighs_medium() -> None:
    lock = npm_lock(npm_locked(), roots=(Root("lodash", "^4.0.0"),))
    assert found(audited(package_json(npm()), locks=(lock,)), "lock-drift") == [("lock-drift", Severity.MEDIUM)]


def test_the_order_of_the_bounds_of_a_range_is_no_drift() -> None:
    manifest = Manifest("pyproject.toml", "pyproject.toml", Ecosystem.PYPI, (python(written=">=2, <3"),))
    locked = Locked(Ecosystem.PYPI, "requests", "2.32.3", "r", Place("uv.lock", 4), hashes=(f"sha256:{'0' * 64}",))
    lock = Lock("uv.lock", "uv.lock", Ecosystem.PYPI, (locked,), (Root("requests", "<3,>=2"),), "pyproject.toml")
    assert found(audited(manifest, locks=(lock,)), "lock-drift") == []


def test_what_is_for_other_platforms_may_be_missing_in_a_lock_file() -> None:
    manifest = package_json(npm(), npm("fsevents", "^2", marker="sys_platform == 'darwin'"))
    assert found(audited(manifest, locks=(npm_lock(npm_locked()),)), "lock-drift") == []


def test_a_locked_package_with_an_override_may_have_another_version() -> None:
    manifest = package_json(npm(), npm(written="3.10.1", scope=Scope.OVERRIDE))
    lock = npm_lock(npm_locked(version="3.10.1"))
    assert found(audited(manifest, locks=(lock,)), "lock-drift") == []
