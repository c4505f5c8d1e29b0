from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from haldir_auditor._hosts import MAIN, PUBLIC, host_of, is_plain
from haldir_auditor.auditing import audit_supply
from haldir_auditor.issues import AuditReport, Severity, Status
from haldir_auditor.settings import Settings
from haldir_auditor.supply import Dependency, Ecosystem, Hook, Lock, Locked, Manifest, Origin, Place, Scope, Supply

NOW = datetime(2026, 11, 22, tzinfo=UTC)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PUBLIC_URL = f"https://{MAIN[Ecosystem.NPM]}/a/-/a-1.0.0.tgz"


def locked(name: str, resolved: str | None = None, **more: Any) -> Locked:  # noqa: ANN401 - any field of the record
    one = Locked(
        Ecosystem.NPM,
        name,
        "1.0.0",
        name,
        Place("package-lock.json", 9),
        resolved=resolved,
        hashes=(f"sha512-{'A' * 86}==",),
        depth=1,
    )
    return evolve(one, **more)


def with_lock(*packages: Locked, indexes: tuple[str, ...] = (), settings: Settings | None = None) -> AuditReport:
    dependencies = tuple(
        Dependency(Ecosystem.NPM, package.name, "1.0.0", Place("package.json", 2), version="1.0.0")
        for package in packages
        if package.origin is Origin.INDEX
    )
    manifest = Manifest("package.json", "package.json", Ecosystem.NPM, dependencies)
    lock = Lock("package-lock.json", "package-lock.json", Ecosystem.NPM, packages, None, "package.json")
    supply = Supply((manifest,), (lock,), indexes=tuple((Ecosystem.NPM, url) for url in indexes))
    return audit_supply(supply, settings=settings or Settings(), now=NOW)


def with_dependency(**more: Any) -> AuditReport:  # noqa: ANN401 - any field of the record
    one = Dependency(Ecosystem.PYPI, "thing", "", Place("sub/requirements.txt", 4))
    manifest = Manifest("sub/requirements.txt", "requirements.txt", Ecosystem.PYPI, (evolve(one, **more),))
    return audit_supply(Supply((manifest,)), now=NOW)


def found(report: AuditReport, *rules: str) -> list[tuple[str, Severity]]:
    return [(issue.rule, issue.severity) for issue in report.issues if issue.rule in rules]


def test_packages_from_the_public_index_are_fine() -> None:
    report = with_lock(locked("express", PUBLIC_URL), locked("lodash", PUBLIC_URL))
    assert found(report, "foreign-host", "unknown-index", "insecure-transport") == []


def test_one_package_from_another_host_is_foreign() -> None:
    evil = locked("debug", "https://evil.example/debug.tgz")
    report = with_lock(locked("express", PUBLIC_URL), locked("lodash", PUBLIC_URL), evil)
    assert found(report, "foreign-host") == [("foreign-host", Severity.HIGH)]


def test_a_lone_package_from_an_unknown_host_never_passes() -> None:
    report = with_lock(locked("express", "https://evil.example/e.tgz"))
    assert report.status is Status.FLAG
    assert found(report, "unknown-index") == [("unknown-index", Severity.MEDIUM)]


def test_the_host_of_most_packages_is_expected() -> None:
    own = [locked(name, f"https://npm.corp.example/{name}.tgz") for name in ("express", "lodash", "debug")]
    assert found(with_lock(*own), "foreign-host") == []


def test_a_private_index_that_npmrc_names_is_expected_but_must_be_allowed() -> None:
    packages = (
        locked("express", PUBLIC_URL),
        locked("lodash", PUBLIC_URL),
        locked("own", "https://npm.corp.example/own.tgz"),
    )
    report = with_lock(*packages, indexes=("https://npm.corp.example/", f"https://{MAIN[Ecosystem.NPM]}/"))
    assert found(report, "foreign-host") == []
    assert found(report, "unknown-index") == [("unknown-index", Severity.MEDIUM)] * 2


def test_an_allowed_index_is_neither_foreign_nor_unknown() -> None:
    packages = (
        locked("express", PUBLIC_URL),
        locked("lodash", PUBLIC_URL),
        locked("own", "https://npm.corp.example/own.tgz"),
    )
    report = with_lock(*packages, settings=Settings(indexes=("https://npm.corp.example/",)))
    assert found(report, "foreign-host", "unknown-index") == []


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("lodash", "evil/-/evil-1.0.0.tgz"),
        ("lodash", "lodash/-/lodash-9.9.9.tgz"),
        ("lodash", "@evil/lodash/-/lodash-1.0.0.tgz"),
        ("@babel/core", "core/-/core-1.0.0.tgz"),
        ("lodash", "lodash/-/evil-1.0.0.tgz"),
        ("lodash", "lodash/-/..%2fevil-1.0.0.tgz"),
    ],
    ids=["name", "version", "scope", "no-scope", "file", "encoded"],
)
def test_a_url_of_another_package_is_reported(name: str, path: str) -> None:
    report = with_lock(locked(name, f"https://{MAIN[Ecosystem.NPM]}/{path}"))
    assert found(report, "resolved-mismatch") == [("resolved-mismatch", Severity.HIGH)]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("lodash", f"{MAIN[Ecosystem.NPM]}/lodash/-/lodash-1.0.0.tgz"),
        ("@babel/core", f"{MAIN[Ecosystem.NPM]}/@babel/core/-/core-1.0.0.tgz"),
        ("@babel/core", f"{MAIN[Ecosystem.NPM]}/@babel%2fcore/-/core-1.0.0.tgz"),
        ("lodash", "npm.corp.example/api/npm/all/lodash/-/lodash-1.0.0.tgz"),
        ("@corp/tool", "npm.corp.example/api/npm/all/@corp/tool/-/@corp/tool-1.0.0.tgz"),
        ("lodash", f"{MAIN[Ecosystem.NPM]}/lodash/-/lodash-1.0.0.tgz#abc"),
        ("@corp/tool", "npm.corp.example/download/@corp/tool/1.0.0/0123abcd"),
    ],
    ids=["plain", "scope", "encoded", "mirror", "mirror-scope", "fragment", "other-form"],
)
def test_the_url_of_the_package_itself_is_fine(name: str, url: str) -> None:
    assert found(with_lock(locked(name, f"https://{url}")), "resolved-mismatch") == []


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("PyYAML-6.0.tar.gz", 0),
        ("pyyaml-6.0-cp311-cp311-linux_x86_64.whl", 0),
        ("evil-6.0.tar.gz", 1),
        ("pyyamlx-6.0.tar.gz", 1),
        ("simple/", 0),
    ],
    ids=["sdist", "wheel", "other", "longer", "no-file"],
)
def test_a_file_of_another_python_package_is_reported(file: str, count: int) -> None:
    url = f"https://{MAIN[Ecosystem.PYPI]}/packages/{file}"
    package = Locked(
        Ecosystem.PYPI, "pyyaml", "6.0", "pyyaml", Place("uv.lock", 3), resolved=url, hashes=(f"sha256:{'0' * 64}",)
    )
    report = audit_supply(Supply(locks=(Lock("uv.lock", "uv.lock", Ecosystem.PYPI, (package,)),)), now=NOW)
    assert len(found(report, "resolved-mismatch")) == count


@pytest.mark.parametrize("url", ["http://npm.corp.example/a.tgz", "ftp://files.example/a.tgz"], ids=["http", "ftp"])
def test_a_lock_file_that_fetches_without_encryption_is_reported(url: str) -> None:
    assert found(with_lock(locked("express", url)), "insecure-transport") == [("insecure-transport", Severity.HIGH)]


def test_an_index_without_encryption_is_reported_where_it_is_named() -> None:
    manifest = Manifest(
        "requirements.txt", "requirements.txt", Ecosystem.PYPI, (), indexes=("http://pip.corp.example/",)
    )
    report = audit_supply(Supply((manifest,)), now=NOW)
    assert [issue.path for issue in report.issues if issue.rule == "insecure-transport"] == ["requirements.txt"]


def test_a_host_that_only_looks_like_the_public_one_is_unknown() -> None:
    report = with_lock(locked("express", f"https://{MAIN[Ecosystem.NPM]}.evil.example/e.tgz"))
    assert found(report, "unknown-index") == [("unknown-index", Severity.MEDIUM)]


def test_a_user_name_in_front_of_the_host_does_not_hide_it() -> None:
    report = with_lock(locked("express", f"https://{MAIN[Ecosystem.NPM]}@evil.example/e.tgz"))
    assert found(report, "unknown-index") == [("unknown-index", Severity.MEDIUM)]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Host.Example/x", "host.example"),
        ("https://host.example:8443/x", "host.example:8443"),
        ("git+ssh://git@host.example/x.git", "host.example"),
        ("registry+https://host.example/index", "host.example"),
        ("https://host.example\\@evil.example/", "host.example"),
        ("./local", None),
        ("", None),
        ("https://", None),
    ],
    ids=["case", "port", "user", "cargo", "backslash", "path", "empty", "nothing"],
)
def test_the_host_of_a_url(url: str, host: str | None) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("http://host.example/", True),
        ("HTTP://host.example/", True),
        ("git+http://host.example/", True),
        ("git://host.example/", True),
        ("https://host.example/", False),
        ("git+https://host.example/", False),
        ("http://localhost:4873/", False),
        ("http://localhost.evil.example/", True),
    ],
    ids=str,
)
def test_what_travels_without_encryption(url: str, *, plain: bool) -> None:
    assert is_plain(url) is plain


def test_the_public_index_of_every_ecosystem_is_one_of_its_public_hosts() -> None:
    assert all(host in PUBLIC[ecosystem] for ecosystem, host in MAIN.items())


@pytest.mark.parametrize(
    ("origin", "locator", "severity"),
    [
        (Origin.GIT, "git+https://git.example/a.git", Severity.HIGH),
        (Origin.GIT, "git+https://git.example/a.git@main", Severity.HIGH),
        (Origin.GIT, "git+https://git.example/a.git@0123abc", Severity.HIGH),
        (Origin.GIT, f"git+https://git.example/a.git@{COMMIT}", Severity.MEDIUM),
        (Origin.GIT, f"github:user/repo#{COMMIT}", Severity.MEDIUM),
        (Origin.GIT, f"git+http://git.example/a.git@{COMMIT}", Severity.HIGH),
        (Origin.GIT, f"git+https://git.example/{COMMIT}/a.git", Severity.HIGH),
        (Origin.URL, "https://files.example/a.tar.gz", Severity.HIGH),
        (Origin.URL, f"https://files.example/a.tar.gz#sha256={'0' * 64}", Severity.MEDIUM),
        (Origin.URL, "https://files.example/a.tar.gz#sha256=0", Severity.HIGH),
    ],
    ids=["git", "branch", "short", "commit", "npm", "plain", "in-path", "url", "url-hash", "short-hash"],
)
def test_a_direct_source_weighs_by_whether_it_is_fixed(origin: Origin, locator: str, severity: Severity) -> None:
    assert found(with_dependency(origin=origin, locator=locator), "direct-source") == [("direct-source", severity)]


@pytest.mark.parametrize(
    "locator",
    ["../../other", "file:../../x", "/etc/thing", "~/thing", "file:///opt/thing", "..\\..\\x", "C:\\thing", "$HOME/x"],
    ids=repr,
)
def test_a_path_that_leads_out_of_the_skill_is_reported(locator: str) -> None:
    report = with_dependency(origin=Origin.FILE, locator=locator)
    assert found(report, "direct-source") == [("direct-source", Severity.HIGH)]


@pytest.mark.parametrize("locator", ["./lib", "../lib", "file:../lib", "link:./x/../y"], ids=repr)
def test_a_path_within_the_skill_is_fine(locator: str) -> None:
    assert with_dependency(origin=Origin.FILE, locator=locator).issues == ()


def test_a_git_package_deep_in_a_lock_file_is_reported() -> None:
    deep = locked("deep", f"git+ssh://git@git.example/d.git#{COMMIT}", origin=Origin.GIT, depth=4, hashes=())
    assert found(with_lock(locked("express", PUBLIC_URL), deep), "direct-source") == [
        ("direct-source", Severity.MEDIUM)
    ]


def pip(*indexes: str, replaced: bool = False, **more: Any) -> Manifest:  # noqa: ANN401 - any field of the record
    one = Dependency(Ecosystem.PYPI, "corp-tool", "==1.0", Place("requirements.txt", 2), version="1.0")
    return Manifest(
        "requirements.txt", "requirements.txt", Ecosystem.PYPI, (evolve(one, **more),), (), indexes, replaced
    )


def test_an_extra_index_without_hashes_invites_confusion() -> None:
    report = audit_supply(Supply((pip("https://pip.corp.example/"),)), now=NOW)
    assert found(report, "dependency-confusion") == [("dependency-confusion", Severity.HIGH)]


def test_one_index_in_place_of_the_public_one_does_not() -> None:
    report = audit_supply(Supply((pip("https://pip.corp.example/", replaced=True),)), now=NOW)
    assert found(report, "dependency-confusion") == []


def test_an_extra_index_with_hashes_does_not() -> None:
    report = audit_supply(Supply((pip("https://pip.corp.example/", hashes=(f"sha256:{'0' * 64}",)),)), now=NOW)
    assert found(report, "dependency-confusion") == []


def test_a_private_name_that_comes_from_a_public_host_is_reported() -> None:
    report = with_lock(locked("@corp/tool", PUBLIC_URL), settings=Settings(private_names=("@corp/",)))
    assert found(report, "dependency-confusion") == [("dependency-confusion", Severity.HIGH)]


def test_a_private_name_that_nothing_binds_is_reported() -> None:
    report = audit_supply(Supply((pip(),)), settings=Settings(private_names=("corp-",)), now=NOW)
    assert found(report, "dependency-confusion") == [("dependency-confusion", Severity.HIGH)]


def test_a_private_name_from_a_private_host_is_fine() -> None:
    own = locked("@corp/tool", "https://npm.corp.example/t.tgz")
    settings = Settings(private_names=("@corp/",), indexes=("npm.corp.example",))
    assert with_lock(own, settings=settings).status is Status.PASS


@pytest.mark.parametrize(
    ("event", "severity"), [("postinstall", Severity.HIGH), ("prepare", Severity.MEDIUM)], ids=["users", "builders"]
)
def test_a_hook_of_the_skill_itself_is_reported(event: str, severity: Severity) -> None:
    hook = Hook(event, "node setup.js", Place("package.json", 7))
    report = audit_supply(Supply((Manifest("package.json", "package.json", Ecosystem.NPM, (), (hook,)),)), now=NOW)
    assert [(issue.rule, issue.severity, issue.line) for issue in report.issues] == [("install-hook", severity, 7)]


@pytest.mark.parametrize(
    ("name", "change", "severity"),
    [
        ("evil", {}, Severity.MEDIUM),
        ("evil", {"development": True}, Severity.LOW),
        ("evil", {"optional": True}, Severity.LOW),
        ("esbuild", {}, Severity.LOW),
    ],
    ids=["run", "development", "optional", "usual"],
)
def test_a_package_with_an_install_script_is_reported(name: str, change: dict[str, Any], severity: Severity) -> None:
    script = evolve(locked(name, PUBLIC_URL), install_script=True, **change)
    assert found(with_lock(script), "transitive-hook") == [("transitive-hook", severity)]


def test_a_package_without_a_wheel_is_told() -> None:
    assert found(with_lock(locked("express", source_only=True)), "source-only") == [("source-only", Severity.LOW)]


def install(name: str = "requests", path: str = "SKILL.md", **more: Any) -> Dependency:  # noqa: ANN401 - any field of the record
    return evolve(Dependency(Ecosystem.PYPI, name, "", Place(path, 5), Scope.INSTALLED), **more)


def with_installs(*installs: Dependency, manifests: tuple[Manifest, ...] = ()) -> AuditReport:
    return audit_supply(Supply(manifests, installs=installs), now=NOW)


def test_prose_that_says_pip_install_requests_flags_at_most() -> None:
    report = with_installs(install())
    assert (report.status, found(report, "undeclared-install")) == (
        Status.FLAG,
        [("undeclared-install", Severity.MEDIUM)],
    )


def test_code_that_installs_something_open_weighs_high() -> None:
    report = with_installs(install(path="scripts/run.py"))
    assert found(report, "undeclared-install") == [("undeclared-install", Severity.HIGH)]


def test_a_system_package_in_prose_weighs_low() -> None:
    report = with_installs(install("ffmpeg", ecosystem=Ecosystem.SYSTEM))
    assert (report.status, found(report, "undeclared-install")) == (Status.PASS, [("undeclared-install", Severity.LOW)])


def test_a_command_for_what_a_manifest_declares_weighs_low() -> None:
    manifest = pip(name="requests", hashes=(f"sha256:{'0' * 64}",))
    assert found(with_installs(install(), manifests=(manifest,)), "undeclared-install") == [
        ("undeclared-install", Severity.LOW)
    ]


def test_the_same_command_is_told_once_for_each_file() -> None:
    report = with_installs(install(), install(place=Place("SKILL.md", 50)), install(path="README.md"))
    assert len(found(report, "undeclared-install")) == 2


@pytest.mark.parametrize(
    ("path", "url", "severity"),
    [
        ("SKILL.md", "https://get.example/i.sh", Severity.MEDIUM),
        ("setup.sh", "https://get.example/i.sh", Severity.HIGH),
        ("SKILL.md", "http://get.example/i.sh", Severity.HIGH),
    ],
    ids=["prose", "code", "plain"],
)
def test_a_download_that_is_run_is_one_issue(path: str, url: str, severity: Severity) -> None:
    download = install("get.example/i.sh", path, ecosystem=Ecosystem.SYSTEM, origin=Origin.URL, locator=url)
    report = with_installs(download)
    assert [(issue.rule, issue.severity) for issue in report.issues] == [("download-and-run", severity)]


def chain(length: int, **more: Any) -> tuple[Locked, ...]:  # noqa: ANN401 - any field of the record
    return tuple(evolve(locked(f"p{depth}", PUBLIC_URL), depth=depth, **more) for depth in range(1, length + 1))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (5, []),
        (6, [("too-deep", Severity.LOW)]),
        (10, [("too-deep", Severity.LOW)]),
        (11, [("too-deep", Severity.MEDIUM)]),
    ],
    ids=["at-the-limit", "beyond", "usual", "extreme"],
)
def test_the_depth_of_the_graph_has_a_limit(length: int, expected: list[tuple[str, Severity]]) -> None:
    assert found(with_lock(*chain(length)), "too-deep") == expected


def test_packages_for_development_have_no_depth() -> None:
    assert found(with_lock(*chain(9, development=True)), "too-deep") == []


@pytest.mark.parametrize(("number", "rules"), [(20, []), (21, [("too-many", Severity.MEDIUM)])], ids=["20", "21"])
def test_a_skill_may_ask_for_20_packages(number: int, rules: list[tuple[str, Severity]]) -> None:
    packages = [locked(f"package-{index}", PUBLIC_URL) for index in range(number)]
    assert found(with_lock(*packages), "too-many") == rules


def test_many_packages_that_come_with_a_few_weigh_low() -> None:
    deep = [
        locked(f"package-{index}", PUBLIC_URL, depth=2, origin=Origin.URL, hashes=(f"sha512-{'A' * 86}==",))
        for index in range(30)
    ]
    assert found(with_lock(locked("express", PUBLIC_URL), *deep), "too-many") == [("too-many", Severity.LOW)]
