import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.errors import MalformedError
from haldir_core.schemapin.lookalikes import skeleton
from haldir_core.schemapin.tooldiff import MAX_CHANGES, MAX_LINES, tool_difference
from haldir_core.schemapin.toolguard import (
    MAX_TOOL_BYTES,
    Approval,
    Changed,
    FirstUse,
    GuardPolicy,
    OfferedTool,
    Reason,
    SignatureCheck,
    Standing,
    ToolPin,
    ToolSignature,
    ToolVerdict,
    Unsigned,
    approve,
    judge_tool,
)
from haldir_core.schemapin.toollist import MAX_PINS, Known, judge_list, read_entries

TOOL: dict[str, Any] = {"name": "add", "description": "Adds.", "inputSchema": {"type": "object"}}
DOMAIN = "tools.example"
SIGNATURE = "MEUCIQ=="
VALID = SignatureCheck(standing=Standing.VALID, domain=DOMAIN)
INVALID = SignatureCheck(standing=Standing.INVALID, domain=DOMAIN, message="signature_invalid")
UNKNOWN = SignatureCheck(standing=Standing.UNKNOWN, domain=DOMAIN, message="nobody answers")
NONE = SignatureCheck()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)


def tool(**members: Any) -> OfferedTool:  # noqa: ANN401 - members of any kind
    return OfferedTool.from_json({**TOOL, **members})


def pin(offered: OfferedTool, **members: Any) -> ToolPin:  # noqa: ANN401 - members of any kind
    return ToolPin(name=offered.name, content=offered.content, **members)


def judged(
    offered: OfferedTool,
    pinned: ToolPin | None = None,
    check: SignatureCheck = NONE,
    **policy: Any,  # noqa: ANN401 - members of any kind
) -> ToolVerdict:
    return judge_tool(offered, pinned, check, GuardPolicy(**policy))


def judge_entries(*entries: object, **known: Any) -> tuple[ToolVerdict, ...]:  # noqa: ANN401 - members of any kind
    return judge_list(read_entries(entries), Known(**{"pins": {}, **known}), GuardPolicy())  # type: ignore[arg-type] # any JSON


def test_a_new_tool_is_pinned() -> None:
    verdict = judged(tool())

    assert verdict.admitted
    assert (verdict.reason, verdict.pin) == (Reason.FIRST_USE, pin(tool()))


def test_a_new_tool_waits_for_a_person_where_the_policy_says_so() -> None:
    verdict = judged(tool(), first_use=FirstUse.BLOCK)

    assert (verdict.admitted, verdict.reason, verdict.pin) == (False, Reason.NOT_APPROVED, None)
    assert verdict.proposal == pin(tool(), approval=Approval.PERSON)


def test_the_pinned_tool_is_admitted_and_written_no_more() -> None:
    verdict = judged(tool(), pin(tool()))

    assert (verdict.admitted, verdict.reason, verdict.pin) == (True, Reason.PINNED, None)


@pytest.mark.parametrize(
    "member",
    [
        {"description": "Adds!"},
        {"title": "Add"},
        {"inputSchema": {"type": "object", "properties": {}}},
        {"outputSchema": {"type": "object"}},
        {"annotations": {"readOnlyHint": True}},
        {"icons": []},
        {"_meta": {"other": 1}},
        {"_meta": {}},
        {"x": None},
    ],
    ids=lambda member: next(iter(member)),
)
def test_every_member_of_a_tool_is_pinned(member: dict[str, object]) -> None:
    verdict = judged(tool(**member), pin(tool()))

    assert (verdict.admitted, verdict.reason) == (False, Reason.CHANGED)
    assert next(iter(member)) in verdict.changes[0].path
    assert verdict.proposal is not None


def test_the_signature_of_a_tool_is_no_part_of_what_is_pinned() -> None:
    signed = tool(_meta={"schemapin": {"domain": DOMAIN, "signature": SIGNATURE}})

    assert signed.content == tool().content
    assert signed.signature == ToolSignature(domain=DOMAIN, signature=SIGNATURE)  # type: ignore[arg-type] # a domain


def test_the_rest_of_meta_is_pinned() -> None:
    signed = tool(_meta={"a": 1, "schemapin": {"domain": DOMAIN, "signature": SIGNATURE}})

    assert signed.content == tool(_meta={"a": 1}).content


@pytest.mark.parametrize(
    "member",
    [
        None,
        "text",
        {},
        {"domain": DOMAIN, "signature": SIGNATURE, "note": "do what I say"},
        {"domain": "not a domain", "signature": SIGNATURE},
        {"domain": DOMAIN, "signature": "do what I say"},
        {"domain": DOMAIN, "signature": "A" * 4000},
        {"domain": DOMAIN, "signature": 1},
        {"domain": DOMAIN, "signature": SIGNATURE, "canonicalization": "other"},
    ],
    ids=str,
)
def test_nothing_unpinned_hides_in_the_place_of_a_signature(member: object) -> None:
    with pytest.raises(MalformedError):
        tool(_meta={"schemapin": member})


def test_a_changed_tool_is_admitted_where_the_policy_allows_and_its_pin_stays() -> None:
    verdict = judged(tool(description="B"), pin(tool()), changed=Changed.ALLOW)

    assert (verdict.admitted, verdict.reason, verdict.pin) == (True, Reason.CHANGE_ALLOWED, None)
    assert verdict.changes


def test_a_person_is_asked_where_the_policy_says_so_and_a_yes_pins() -> None:
    verdict = judged(tool(description="B"), pin(tool()), changed=Changed.ASK)
    agreed = approve(verdict)

    assert (verdict.admitted, verdict.asks) == (False, True)
    assert (agreed.admitted, agreed.asks, agreed.reason) == (True, False, Reason.CHANGE_APPROVED)
    assert agreed.pin == pin(tool(description="B"), approval=Approval.PERSON)


def test_a_yes_to_what_cannot_be_approved_changes_nothing() -> None:
    verdict = judged(tool(), check=INVALID)

    assert approve(verdict) == verdict


def test_a_signed_change_is_admitted_and_pinned_and_its_difference_told() -> None:
    verdict = judged(tool(description="B"), pin(tool(), signed_by=DOMAIN), VALID)

    assert (verdict.admitted, verdict.reason) == (True, Reason.SIGNED_CHANGE)
    assert verdict.pin == pin(tool(description="B"), approval=Approval.SIGNED, signed_by=DOMAIN)
    assert verdict.changes


@pytest.mark.parametrize("pinned", [None, pin(tool()), pin(tool(description="B"))], ids=["new", "same", "changed"])
@pytest.mark.parametrize("changed", list(Changed))
def test_an_invalid_signature_is_never_admitted(pinned: ToolPin | None, changed: Changed) -> None:
    verdict = judged(tool(), pinned, INVALID, changed=changed)

    assert (verdict.admitted, verdict.reason, verdict.proposal) == (False, Reason.SIGNATURE_INVALID, None)


def test_a_change_without_the_signature_that_was_pinned_is_blocked_even_where_changes_are_allowed() -> None:
    verdict = judged(tool(description="B"), pin(tool(), signed_by=DOMAIN), changed=Changed.ALLOW)

    assert (verdict.admitted, verdict.reason) == (False, Reason.CHANGED)
    assert DOMAIN in verdict.message


@pytest.mark.parametrize("pinned", [None, pin(tool()), pin(tool(description="B"))], ids=["new", "same", "changed"])
def test_unsigned_tools_are_blocked_where_the_policy_says_so(pinned: ToolPin | None) -> None:
    assert not judged(tool(), pinned, unsigned=Unsigned.BLOCK).admitted


def test_a_person_can_let_an_unsigned_tool_in() -> None:
    verdict = judged(tool(), pin(tool(), approval=Approval.PERSON), unsigned=Unsigned.BLOCK)

    assert verdict.admitted


@pytest.mark.parametrize(
    ("pinned", "admitted"),
    [
        (None, False),
        (pin(tool(), signed_by=DOMAIN), True),
        (pin(tool(), signed_by="other.example"), False),
        (pin(tool()), False),
        (pin(tool(description="B"), signed_by=DOMAIN), False),
    ],
    ids=["new", "signed-before", "signed-by-another", "never-signed", "changed"],
)
def test_while_signatures_cannot_be_checked_only_what_was_signed_before_is_admitted(
    pinned: ToolPin | None,
    admitted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    verdict = judged(tool(), pinned, UNKNOWN, unsigned=Unsigned.BLOCK)

    assert verdict.admitted is admitted
    assert not admitted or "cannot be checked" in verdict.warnings[0]


def test_two_tools_of_one_name_are_both_blocked() -> None:
    verdicts = judge_entries(TOOL, {**TOOL, "description": "B"}, {**TOOL, "name": "other"})

    assert [(verdict.admitted, verdict.reason) for verdict in verdicts] == [
        (False, Reason.DUPLICATE),
        (False, Reason.DUPLICATE),
        (True, Reason.FIRST_USE),
    ]


def test_a_tool_that_stands_on_another_page_too_is_blocked() -> None:
    assert judge_entries(TOOL, taken=frozenset({"add"}))[0].reason is Reason.DUPLICATE


def test_a_tool_beside_one_that_cannot_be_read_is_blocked() -> None:
    verdicts = judge_entries(TOOL, {**TOOL, "description": "\ud800"})

    assert [verdict.reason for verdict in verdicts] == [Reason.DUPLICATE, Reason.MALFORMED]


@pytest.mark.parametrize(
    "entry",
    [None, 1, "add", [], {}, {"name": 1}, {"name": ""}, {"name": "a\u200bb"}, {"name": "a" * 300}, {"name": " a"}],
    ids=repr,
)
def test_an_entry_that_is_no_tool_is_blocked(entry: object) -> None:
    assert [(verdict.admitted, verdict.reason) for verdict in judge_entries(entry)] == [(False, Reason.MALFORMED)]


def test_a_tool_that_is_nested_too_deeply_is_blocked() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep}

    assert judge_entries({**TOOL, "inputSchema": deep})[0].reason is Reason.MALFORMED


def test_a_tool_that_is_too_large_is_blocked() -> None:
    assert judge_entries({**TOOL, "description": "x" * MAX_TOOL_BYTES})[0].reason is Reason.MALFORMED
    assert judge_entries({**TOOL, "x": [[]] * (MAX_TOOL_BYTES // 4)})[0].reason is Reason.MALFORMED


@pytest.mark.parametrize(
    "other",
    ["\u0430dd", "ADD", "\uff41dd", "acld"],
    ids=["cyrillic", "upper-case", "full-width", "letters-together"],
)
def test_a_name_that_looks_like_another_is_warned_about(other: str) -> None:
    verdict = judge_entries({**TOOL, "name": other}, admitted={"add"})[0]

    assert "looks like" in verdict.warnings[0]


def test_names_that_differ_visibly_do_not_look_alike() -> None:
    names = ["add", "read_file", "write_file", "list", "delete", "get_user", "get_users", "search"]

    assert len(set(map(skeleton, names))) == len(names)


def test_a_server_cannot_pin_without_end() -> None:
    verdicts = judge_entries(TOOL, {**TOOL, "name": "one-more"}, pinned=MAX_PINS - 1)

    assert [verdict.reason for verdict in verdicts] == [Reason.FIRST_USE, Reason.TOO_MANY]


def test_thousands_of_tools_are_judged_one_by_one() -> None:
    entries = [{**TOOL, "name": f"tool-{number}"} for number in range(5000)]

    assert all(verdict.admitted for verdict in judge_entries(*entries))


def test_a_difference_shows_the_lines_that_changed() -> None:
    old, new = tool(description="One.\nTwo.\nThree."), tool(description="One.\n2.\nThree.\nFour.")
    change = tool_difference(old.content, new.content)[0]

    assert (change.path, change.old, change.new) == ("/description", ("Two.",), ("2.", "Four."))
    assert list(change.lines()) == ["/description changed:", "  - Two.", "  + 2.", "  + Four."]


def test_a_difference_names_what_came_and_went() -> None:
    changes = tool_difference(tool(title="T").content, tool(annotations={"a/b": 1}).content)

    assert [next(change.lines()) for change in changes] == ["/annotations added:", "/title removed:"]


def test_a_difference_shows_characters_that_nobody_sees() -> None:
    change = tool_difference(tool().content, tool(description="Adds.\u200b\u202e").content)[0]

    assert change.new == ("Adds.\\u200b\\u202e",)


def test_a_difference_shows_a_long_line_where_it_changes() -> None:
    text = "word " * 1000
    change = tool_difference(tool(description=text).content, tool(description=text + "evil").content)[0]

    assert change.new[0].endswith("evil")
    assert len(change.new[0]) < 300


@pytest.mark.parametrize(("old", "new"), [(1, True), (1, 1.0), (0, False), ("1", 1)], ids=str)
def test_values_that_python_takes_for_equal_are_different(old: object, new: object) -> None:
    assert tool_difference(tool(x=old).content, tool(x=new).content)


def test_a_difference_stays_small() -> None:
    old = tool(description="\n".join(map(str, range(50_000))), **{f"x{number}": 1 for number in range(500)})
    new = tool(description="\n".join(map(str, range(50_000, 0, -1))))
    changes = tool_difference(old.content, new.content)

    assert len(changes) == MAX_CHANGES
    assert all(len(change.old) <= MAX_LINES + 1 and len(change.new) <= MAX_LINES + 1 for change in changes)


@given(JSON, JSON)
def test_there_is_a_difference_exactly_where_the_content_differs(old: object, new: object) -> None:
    before, after = tool(x=old), tool(x=new)

    assert bool(tool_difference(before.content, after.content)) == (before.content != after.content)


@given(JSON)
def test_no_entry_crashes_and_what_is_admitted_is_a_tool(entry: object) -> None:
    verdict = judge_entries(entry)[0]

    assert not verdict.admitted or isinstance(entry, dict)
    json.dumps(verdict.to_json())
