import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner._documents._compliance import seen
from haldir_scanner._documents._declared import Declared, declared, granted
from haldir_scanner._documents._front_matter import load_yaml, read

NONE: frozenset[str] = frozenset()
GOOD = b"---\nname: tables\ndescription: Sorts tables.\n---\n# Tables\n"


def _rules(head: str, *, folder: str = "tables", body: str = "", paths: tuple[str, ...] = ("SKILL.md",)) -> set[str]:
    data = f"---\n{head}\n---\n{body}".encode()
    return {finding.rule for finding in seen(folder, paths, data)}


def _declares(head: str, permissions: str | None = None) -> Declared:
    data = None if permissions is None else permissions.encode()
    return declared(read(f"---\n{head}\n---\n".encode()), data)


def _tools(head: str) -> set[str]:
    return {finding.rule for finding in granted(read(f"---\n{head}\n---\n".encode()))}


@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_members_are_read_with_their_lines(head: bytes, line_end: bytes) -> None:
    data = head + b"---\na: x\nlist:\n  - a: 1\nb: >\n  two\n  lines\n---\nbody".replace(b"\n", line_end)
    front_matter = read(data)
    assert front_matter.values == {"a": "x", "list": [{"a": 1}], "b": "two lines\n"}
    assert front_matter.lines == {"a": 2, "list": 3, "b": 5}
    assert data[front_matter.body :] == b"body"
    assert front_matter.problems == ()


@pytest.mark.parametrize(
    "text", [b"", b"# Title", b"---\nname: never closed", b"+++\nname = 'toml'\n+++\n", b"---\n---\n"]
)
def test_a_document_without_members_has_none(text: bytes) -> None:
    front_matter = read(text)
    assert front_matter.values == {}
    assert front_matter.problems == ()


BOMB = "\n".join(["a: &a [x, x]", *(f"b{number}: &b{number} [*a, *a]" for number in range(9))])


@pytest.mark.parametrize(
    "inner",
    [
        BOMB,
        "a: " + "[" * 30_000,
        "a: " + "{a: " * 500,
        "a: [" * 200 + "]" * 200,
        "a: 2026-13-45",
        "a: " + "9" * 5_000,
        "a: !!python/object/apply:os.getcwd []",
        "a: 'open",
        "a: b: c",
        "a: \x07",
        "- a\n- b",
        "just text",
        "a: x\n---\nb: y" + "\n..." * 2,
        "a: " + "x" * 70_000,
        "? [a, b]\n: x\n- y",
    ],
    ids=lambda inner: inner[:20],
)
def test_front_matter_that_cannot_be_trusted_is_a_problem_and_no_crash(inner: str) -> None:
    begin = time.process_time()
    front_matter = read(f"---\n{inner}\n---\nbody".encode())
    assert time.process_time() - begin < 10  # what is quadratic takes minutes
    assert inner.startswith("a: x\n") or [rule for rule, _ in front_matter.problems] == [
        "skill_front_matter_unreadable"
    ]


def test_a_member_of_broken_front_matter_is_read_all_the_same() -> None:
    front_matter = read(b'---\nname: x\ndescription: Use: it\nallowed-tools: "*"\n---\n')
    assert front_matter.values == {"name": "x", "description": "Use: it", "allowed-tools": "*"}
    assert front_matter.line("description") == 3


def test_a_key_that_comes_twice_is_a_problem() -> None:
    assert read(b"---\na: 1\nb: 2\na: 3\n---\n").problems == (("skill_front_matter_duplicate_key", 4),)


@given(st.binary(max_size=2_000), st.text(alphabet="ab:-[]{}&*!|>'\"\n #?%@,1.", max_size=200))
def test_any_bytes_are_read(data: bytes, text: str) -> None:
    for document in (data, b"---\n" + data + b"\n---\n", f"---\n{text}\n---\n".encode()):
        front_matter = read(document)
        declared(front_matter, data)
        list(granted(front_matter))
        list(seen("x", ["SKILL.md"], document))


def test_yaml_that_is_too_large_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        load_yaml(b"a" * 70_000)


def test_a_good_skill_breaks_no_rule() -> None:
    assert (
        list(seen("tables", ["SKILL.md", "references/a.md"], GOOD + b"See [a](references/a.md) and [b](references)."))
        == []
    )


def test_files_without_skill_md_are_no_skill() -> None:
    assert [finding.rule for finding in seen("x", ["run.py"], None)] == ["skill_file_missing"]
    assert list(seen("x", [], None)) == []


def test_a_skill_without_front_matter_is_found() -> None:
    assert [finding.rule for finding in seen("x", ["SKILL.md"], b"# Title")] == ["skill_front_matter_missing"]


@pytest.mark.parametrize(
    ("head", "rule"),
    [
        ("description: x", "skill_name_missing"),
        ("name: Tables\ndescription: x", "skill_name_invalid"),
        ("name: -tables\ndescription: x", "skill_name_invalid"),
        ("name: ta--bles\ndescription: x", "skill_name_invalid"),
        ("name: tables-\ndescription: x", "skill_name_invalid"),
        ("name: 7\ndescription: x", "skill_name_invalid"),
        (f"name: {'a' * 65}\ndescription: x", "skill_name_invalid"),
        ("name: chairs\ndescription: x", "skill_name_not_folder"),
        ("name: tables", "skill_description_missing"),
        ("name: tables\ndescription: ''", "skill_description_missing"),
        (f"name: tables\ndescription: {'x' * 1025}", "skill_description_too_long"),
        (f"name: tables\ndescription: x\ncompatibility: {'x' * 501}", "skill_compatibility_invalid"),
        ("name: tables\ndescription: x\nmetadata: [a]", "skill_metadata_invalid"),
        ("name: tables\ndescription: x\nmetadata: {a: 1.0}", "skill_metadata_invalid"),
        ("name: tables\ndescription: x\nallowed-tools: [Read]", "skill_allowed_tools_invalid"),
        ("name: tables\ndescription: x\nversion: 1", "skill_unknown_key"),
    ],
)
def test_each_rule_of_the_specification_is_checked(head: str, rule: str) -> None:
    assert rule in _rules(head)


@pytest.mark.parametrize(
    "head",
    [
        f"name: {'a' * 64}\ndescription: {'x' * 1024}\ncompatibility: {'x' * 500}",
        "name: a1-b2\ndescription: x\nlicense: MIT\nmetadata: {a: '1.0'}\nallowed-tools: Read Bash(git:*)",
    ],
)
def test_the_limits_themselves_are_allowed(head: str) -> None:
    assert _rules(head, folder="") == set()


def test_a_long_body_and_deep_or_missing_references_are_found() -> None:
    head = "name: tables\ndescription: x"
    assert _rules(head, body="line\n" * 501) == {"skill_body_too_long"}
    paths = ("SKILL.md", "a/b/c.md")
    assert _rules(head, body="[a](a/b/c.md)", paths=paths) == {"skill_reference_deep"}
    assert _rules(head, body="[a](nothing.md)", paths=paths) == {"skill_reference_missing"}
    assert _rules(head, body="[a](#x) [b](https://a.example/) [c](mailto:a@b.example) [d](a/b)", paths=paths) == set()


def test_a_finding_has_its_line() -> None:
    found = list(seen("tables", ["SKILL.md"], GOOD + b"\n\n[a](x.md)\n[b](y.md)"))
    assert [(finding.place.line, finding.place.excerpt) for finding in found] == [(8, "x.md"), (9, "y.md")]


@pytest.mark.parametrize(
    ("head", "rules"),
    [
        ("allowed-tools: '*'", {"allowed_tools_excessive"}),
        ("allowed-tools: Read, Bash(*)", {"allowed_tools_excessive"}),
        ("allowed-tools: [Read, '*']", {"allowed_tools_excessive"}),
        ("allowed-tools:\n  - Read\n  - Bash(:*)", {"allowed_tools_excessive"}),
        ("allowed_tools: all", {"allowed_tools_excessive"}),
        ("allowed-tools: Read Bash", {"allowed_tools_shell"}),
        ("allowed-tools: Read Bash(git log:*) mcp__files__read_all", set()),
        ("allowed-tools: 3", set()),
        ("name: x", set()),
    ],
)
def test_tools_beyond_need_are_found(head: str, rules: set[str]) -> None:
    assert _tools(head) == rules


@pytest.mark.parametrize(
    "head",
    [
        "permissions: {network: none}",
        "permissions: {network: false}",
        "permissions: {network: []}",
        "permissions: []",
        "metadata: {permissions: {network: 'off'}}",
        "metadata: {network: none}",
        "network: no",
        "allowed-domains: []",
        "compatibility: Works offline.",
        "compatibility: Python 3.11, no network access needed",
        "description: Sorts tables. Does not need the internet.",
    ],
)
def test_a_skill_that_wants_no_network_says_so(head: str) -> None:
    assert _declares(head).no_network


@pytest.mark.parametrize(
    ("head", "hosts"),
    [
        ("allowed-domains: [a.example, '*.b.example']", {"a.example", "*.b.example"}),
        ("allowed-domains: a.example, b.example", {"a.example", "b.example"}),
        ("permissions: {network: [https://A.example:8443/x]}", {"a.example"}),
        ("permissions: {network: {allow: [a.example]}}", {"a.example"}),
        ("network: a.example", {"a.example"}),
        ("metadata: {permissions: {hosts: [a.example]}}", {"a.example"}),
        ("allowed-tools: Read WebFetch(domain:a.example)", {"a.example"}),
    ],
)
def test_a_skill_names_the_hosts_that_it_needs(head: str, hosts: set[str]) -> None:
    result = _declares(head)
    assert result.hosts is not None
    assert set(result.hosts) == hosts
    assert not result.no_network


@pytest.mark.parametrize(
    "head", ["name: x", "network: true", "permissions: {network: full}", "permissions: 7", "network: {a: 1}"]
)
def test_a_skill_that_says_nothing_declares_nothing(head: str) -> None:
    assert _declares(head) == Declared()


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ('{"declared": {}}', Declared(hosts=NONE, no_network=True, commands=NONE)),
        (
            '{"declared": {"network": "none", "exec": ["a"]}}',
            Declared(hosts=NONE, no_network=True, commands=frozenset({"a"})),
        ),
        ('{"declared": {"network": ["a.example"]}}', Declared(hosts=frozenset({"a.example"}), commands=NONE)),
        ('{"declared": {"network": "full", "exec": 3}}', Declared()),
        ("{", Declared()),
        ("[]", Declared()),
        ('{"declared": 3}', Declared()),
    ],
)  # fmt: skip
def test_the_permissions_of_a_signed_skill_count(permissions: str, expected: Declared) -> None:
    assert _declares("name: x", permissions) == expected
