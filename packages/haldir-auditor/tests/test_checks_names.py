from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from haldir_auditor._names import names_of
from haldir_auditor._names.likeness import difference
from haldir_auditor.auditing import audit_supply
from haldir_auditor.issues import AuditReport, Severity
from haldir_auditor.supply import Dependency, Ecosystem, Lock, Locked, Manifest, Place, Scope, Supply

NOW = datetime(2026, 11, 22, tzinfo=UTC)

HONEST = {
    Ecosystem.PYPI: "pypdfium2 aiohttp-sse-client boltons2 humanfriendly2 mdformat pyspnego2 zstd dbutils "
    "jsonref pyhumps xattr pympler2 nltk-data flask-talisman sqlmodel-x requests-mock2 pytest-subtests fastapi-users",
    Ecosystem.NPM: "react-icons-kit express-ws lodash-id chalk-template tiny-invariant ts-pattern jwt-simple "
    "socket.io-redis mongodb-memory-server fastify-swagger @acme/tools vite-node zx undici-types eslint-plugin-n8n",
}


def asked(name: str, ecosystem: Ecosystem = Ecosystem.PYPI, **more: Any) -> AuditReport:  # noqa: ANN401 - any field of the record
    one = Dependency(ecosystem, name, "==1.0.0", Place("manifest", 2), version="1.0.0", hashes=("sha256:x",))
    manifest = Manifest("manifest", "requirements.txt", ecosystem, (evolve(one, **more),))
    return audit_supply(Supply((manifest,)), now=NOW)


def rules(report: AuditReport) -> list[str]:
    return [issue.rule for issue in report.issues if issue.category == "names"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("reqeusts", "requests"),
        ("requets", "requests"),
        ("requestss", "requests"),
        ("colourama", "colorama"),
        ("djago", "django"),
        ("numpyy", "numpy"),
        ("crytography", "cryptography"),
        ("pythondateutil", "python-dateutil"),
        ("panda", "pandas"),
        ("beautifulsuop4", "beautifulsoup4"),
        ("tens0rflow", "tensorflow"),
    ],
    ids=str,
)
def test_a_name_that_looks_like_a_well_known_one_of_python_is_reported(name: str, meant: str) -> None:
    [issue] = [issue for issue in asked(name).issues if issue.rule == "typosquat"]
    assert issue.severity is Severity.MEDIUM
    assert issue.message.endswith(f"is {meant} meant?")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("crossenv", "cross-env"),
        ("loadsh", "lodash"),
        ("l0dash", "lodash"),
        ("expres", "express"),
        ("electorn", "electron"),
        ("Lodash", "lodash"),
        ("types-node", "@types/node"),
        ("@type/node", "@types/node"),
        ("@modelcontextprotocl/sdk", "@modelcontextprotocol/sdk"),
        ("event-streem", "event-stream"),
    ],
    ids=str,
)
def test_a_name_that_looks_like_a_well_known_one_of_npm_is_reported(name: str, meant: str) -> None:
    [issue] = [issue for issue in asked(name, Ecosystem.NPM).issues if issue.rule == "typosquat"]
    assert issue.message.endswith(f"is {meant} meant?")


@pytest.mark.parametrize("ecosystem", [Ecosystem.PYPI, Ecosystem.NPM], ids=str)
def test_no_name_of_the_lists_is_reported(ecosystem: Ecosystem) -> None:
    names = names_of(ecosystem)
    assert [name for name in names.known if names.likeness(name) is not None] == []


@pytest.mark.parametrize("ecosystem", [Ecosystem.PYPI, Ecosystem.NPM], ids=str)
def test_honest_names_that_are_in_no_list_are_not_reported(ecosystem: Ecosystem) -> None:
    names = names_of(ecosystem)
    assert [name for name in HONEST[ecosystem].split() if names.likeness(name) is not None] == []


@pytest.mark.parametrize("name", ["got", "tap", "preact", "jose", "ava", "left", "ky", "zod"], ids=str)
def test_short_honest_names_are_not_reported(name: str) -> None:
    assert rules(asked(name, Ecosystem.NPM)) == []


def test_the_lists_are_sorted_and_hold_each_name_once() -> None:
    from importlib.resources import files  # noqa: PLC0415 - for this test only

    for name in ("pypi.txt", "npm.txt"):
        lines = files("haldir_auditor._names").joinpath(name).read_text("utf-8").splitlines()
        listed = [line for line in lines if not line.startswith("#")]
        assert listed == sorted(set(listed))
        assert len(listed) > 1_500


@pytest.mark.parametrize(
    ("name", "known"),
    [("cssselect2", "cssselect"), ("json3", "json5"), ("cat", "car"), ("vite-x", "vite-y"), ("psycopg2", "psycopg3")],
    ids=str,
)
def test_edits_that_honest_names_have_do_not_count(name: str, known: str) -> None:
    assert difference(name, known) is None


def test_a_name_with_foreign_letters_is_reported() -> None:
    [issue] = [issue for issue in asked("l\u043edash", Ecosystem.NPM).issues if issue.rule == "typosquat"]
    assert "l\\u043edash" in issue.message


def test_names_deep_in_a_lock_file_are_not_compared() -> None:
    deep = Locked(
        Ecosystem.NPM, "loadsh", "1.0.0", "loadsh", Place("package-lock.json", 9), hashes=("sha512-x",), depth=3
    )
    report = audit_supply(Supply(locks=(Lock("package-lock.json", "x", Ecosystem.NPM, (deep,)),)), now=NOW)
    assert rules(report) == []


def test_names_at_the_first_level_of_a_lock_file_are_compared() -> None:
    top = Locked(
        Ecosystem.NPM, "loadsh", "1.0.0", "loadsh", Place("package-lock.json", 9), hashes=("sha512-x",), depth=1
    )
    report = audit_supply(Supply(locks=(Lock("package-lock.json", "x", Ecosystem.NPM, (top,)),)), now=NOW)
    assert rules(report) == ["typosquat"]


def test_an_unknown_package_under_a_well_known_name_is_reported() -> None:
    assert rules(asked("lodash-evil", Ecosystem.NPM, alias="lodash")) == ["alias"]


@pytest.mark.parametrize(
    ("name", "alias"), [("string-width", "string-width-cjs"), ("@types/node", "lodash")], ids=["suffix", "known"]
)
def test_usual_aliases_are_not_reported(name: str, alias: str) -> None:
    assert rules(asked(name, Ecosystem.NPM, alias=alias)) == []


def test_a_scope_of_two_letters_is_reported() -> None:
    assert rules(asked("@zq/tool", Ecosystem.NPM)) == ["short-scope"]


def test_a_name_in_prose_that_no_list_has_weighs_low() -> None:
    mention = Dependency(Ecosystem.PYPI, "huggingface-easy-cli", "", Place("SKILL.md", 3))
    report = audit_supply(Supply(mentions=(mention,)), now=NOW)
    assert [(issue.rule, issue.severity) for issue in report.issues] == [("slopsquat", Severity.LOW)]
    assert "more is not known" in report.issues[0].message


@pytest.mark.parametrize("name", ["requests", "numpy"], ids=str)
def test_a_well_known_name_in_prose_is_no_issue(name: str) -> None:
    mention = Dependency(Ecosystem.PYPI, name, "", Place("SKILL.md", 3))
    assert audit_supply(Supply(mentions=(mention,)), now=NOW).issues == ()


def test_a_declared_name_in_prose_is_no_issue() -> None:
    mention = Dependency(Ecosystem.PYPI, "our-own-tool", "", Place("SKILL.md", 3))
    one = Dependency(Ecosystem.PYPI, "our-own-tool", "==1", Place("r.txt", 1), Scope.RUN, version="1", hashes=("x",))
    manifest = Manifest("r.txt", "requirements.txt", Ecosystem.PYPI, (one,))
    assert rules(audit_supply(Supply((manifest,), mentions=(mention,)), now=NOW)) == []
