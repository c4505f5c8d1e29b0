import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core.schemapin.guardsession import MAX_PENDING, MAX_TOOLS, GuardSession, ToClient, ToServer
from haldir_core.schemapin.mcpmessages import REFUSED
from haldir_core.schemapin.toolguard import GuardPolicy, ToolPin
from haldir_core.schemapin.toollist import Known, judge_list, read_entries
from haldir_core.schemapin.toolpages import MAX_PAGES

TOOL: dict[str, Any] = {"name": "add", "description": "Adds.", "inputSchema": {"type": "object"}}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CALL = {"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "evil", "arguments": {}}}
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


def line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def answer(identifier: object, *tools: object, **members: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": identifier, "result": {"tools": list(tools), **members}}


class Talk:
    """A session whose lists are judged against pins that are kept."""

    def __init__(self) -> None:
        self.session = GuardSession()
        self.pins: dict[str, ToolPin] = {}

    def client(self, value: object) -> ToServer:
        """Return what follows from what the client says."""
        return self.session.from_client(value if isinstance(value, bytes) else line(value))

    def server(self, value: object) -> bytes | None:
        """Return what the client sees of what the server says."""
        return self.step(value).line()

    def step(self, value: object) -> ToClient:
        """Return what follows from what the server says, with its lists settled."""
        step = self.session.from_server(value if isinstance(value, bytes) else line(value))
        for listing in step.listings:
            known = Known(pins=self.pins, admitted=tuple(self.session.admitted), taken=listing.taken)
            verdicts = judge_list(read_entries(listing.entries), known, GuardPolicy())
            self.pins |= {verdict.pin.name: verdict.pin for verdict in verdicts if verdict.pin is not None}
            self.session.settle(listing, verdicts)
        return step

    def listed(self, *tools: object) -> bytes | None:
        """Ask for a list, and return it as the client sees it."""
        assert self.client(LIST).line is not None
        return self.server(answer(1, *tools))


@pytest.fixture
def talk() -> Talk:
    return Talk()


def _error(data: bytes) -> dict[str, Any]:
    error: dict[str, Any] = json.loads(data)["error"]
    return error


@pytest.mark.parametrize(
    "raw",
    [
        b'{ "jsonrpc":"2.0" , "id": 1.0, "method":"ping"}\r\n',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}\n',
        b'{"jsonrpc":"2.0","id":"x","method":"unknown/method","params":[1,2]}\n',
        b'{"jsonrpc":"2.0","id":5,"result":{"roots":[]}}\n',
        b'{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"no"}}\n',
        b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"}]\n',
        b'{"jsonrpc":"2.0","id":1,"method":"x","params":{"text":"\\ud83d"}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    ],
    ids=["spaces", "notification", "unknown", "answer", "error", "batch", "half-a-pair", "no-line-end"],
)
def test_what_is_right_passes_to_the_server_byte_for_byte(talk: Talk, raw: bytes) -> None:
    step = talk.client(raw)

    assert step.line is not None
    assert step.line.rstrip(b"\r\n") == raw.rstrip(b"\r\n")
    assert not step.answers


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":77,"method":"sampling/createMessage","params":{}}\n',
        b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n',
        b'{ "jsonrpc":"2.0","id":2,"result":{"x":[1.50]} }\r\n',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"what?"}}\n',
        b'[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","method":"x"}]\n',
    ],
    ids=["request", "notification", "answer", "error-without-id", "batch"],
)
def test_what_is_right_passes_to_the_client_byte_for_byte(talk: Talk, raw: bytes) -> None:
    talk.client(PING)

    assert talk.server(raw) == raw


def test_a_list_of_admitted_tools_passes_byte_for_byte(talk: Talk) -> None:
    raw = b'{"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "add", "x": 1.0}], "ttl": 5}}\n'
    talk.client(LIST)

    assert talk.server(raw) == raw
    assert talk.client({**CALL, "params": {"name": "add"}}).line is not None


def test_a_changed_tool_is_taken_out_of_the_list_and_cannot_be_called(talk: Talk) -> None:
    other = {**TOOL, "name": "other"}
    talk.listed(TOOL, other)
    seen = talk.listed({**TOOL, "description": "Evil."}, other)

    assert seen is not None
    assert json.loads(seen)["result"]["tools"] == [other]
    step = talk.client({**CALL, "params": {"name": "add"}})
    assert step.line is None
    assert _error(step.answers[0])["code"] == REFUSED
    assert "changed" in _error(step.answers[0])["message"]
    assert json.loads(step.answers[0])["id"] == 9


def test_a_tool_that_comes_back_as_it_was_can_be_called_again(talk: Talk) -> None:
    talk.listed(TOOL)
    talk.listed({**TOOL, "description": "Evil."})
    talk.listed(TOOL)

    assert talk.client({**CALL, "params": {"name": "add"}}).line is not None


def test_a_tool_that_vanishes_and_comes_back_changed_is_blocked(talk: Talk) -> None:
    talk.listed(TOOL)
    talk.listed()

    assert json.loads(talk.listed({**TOOL, "description": "Evil."}) or b"")["result"]["tools"] == []


ESCAPED = [
    b'{"jsonrpc":"2.0","id":9,"method":"tools\\u002fcall","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"m\\u0065thod":"tools/c\\u0061ll","p\\u0061rams":{"n\\u0061me":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"ping","method":"tools/call","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"add","name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"add"},"params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"ping","Method":"tools/call","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"METHOD":"tools/call","params":{"name":"evil"},"result":{}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","param\xc5\xbf":{"name":"evil"},"params":{"name":"add"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"add","Name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":" tools/call ","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"Tools/Call","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call\\u0000","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"\\uff54ools/call","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"evil"}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"},"result":{}}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":["evil"]}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call"}\n',
    b'{"jsonrpc":"2.0","id":9,"method":["tools/call"],"params":{"name":"evil"}}\n',
    b'[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"}}]\n',
    b'[[{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"}}]]\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"}} {"a":1}\n',
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"},"x":NaN}\n',
    b'\xef\xbb\xbf{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"}}\n',
    '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"}}'.encode("utf-16") + b"\n",
    '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil"}}'.encode("utf-32-le") + b"\n",
    b'{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"evil\xff"}}\n',
]


@pytest.mark.parametrize("raw", ESCAPED, ids=range(len(ESCAPED)))
def test_a_blocked_call_reaches_the_server_in_no_spelling(talk: Talk, raw: bytes) -> None:
    talk.listed(TOOL)
    step = talk.client(raw)

    assert step.line is None
    assert step.notes


def test_what_is_right_in_a_batch_passes_and_what_is_blocked_is_answered(talk: Talk) -> None:
    talk.listed(TOOL)
    step = talk.client([CALL, PING, {**CALL, "id": 10, "params": {"name": "add"}}])

    assert step.line is not None
    assert [message["id"] for message in json.loads(step.line)] == [2, 10]
    assert [json.loads(answered)["id"] for answered in step.answers] == [9]


def test_the_guard_lists_the_tools_itself_before_a_call_of_one_that_was_not_listed(talk: Talk) -> None:
    call = {**CALL, "params": {"name": "add", "_meta": {"version": "x", "progressToken": 1}}}
    asked = json.loads(talk.client(call).line or b"")
    assert talk.client(PING).line == line(PING)

    assert (asked["method"], asked["params"]) == ("tools/list", {"_meta": {"version": "x"}})
    assert talk.server(answer(asked["id"], TOOL)) is None
    assert [step.line for step in talk.session.released()] == [line(call)]
    assert talk.session.released() == ()


def test_the_guard_looks_at_every_page_before_it_lets_a_call_pass(talk: Talk) -> None:
    asked = json.loads(talk.client(CALL).line or b"")
    talk.server(answer(asked["id"], TOOL, nextCursor="2"))
    again = json.loads(talk.session.released()[0].line or b"")
    assert talk.client({**CALL, "id": 10}).line is None
    talk.server(answer(again["id"], {**TOOL, "name": "evil"}))

    assert again["params"] == {"cursor": "2"}
    assert [json.loads(step.line or b"")["id"] for step in talk.session.released()] == [9, 10]


@pytest.mark.parametrize(
    "members",
    [{"result": {"tools": [TOOL]}}, {"result": 5}, {"error": {"code": 1, "message": ""}}, {"result": {}, "error": {}}],
    ids=["listed-without-it", "no-list", "error", "both"],
)
def test_a_call_of_a_tool_that_the_server_does_not_list_is_answered(talk: Talk, members: dict[str, object]) -> None:
    asked = json.loads(talk.client(CALL).line or b"")
    assert talk.server({"jsonrpc": "2.0", "id": asked["id"], **members}) is None
    released = talk.session.released()

    assert [step.line for step in released] == [None]
    assert "list the tools first" in _error(released[0].answers[0])["message"]
    assert talk.client(CALL).answers


def test_an_answer_to_the_guard_that_is_no_json_holds_nothing_back(talk: Talk) -> None:
    asked = json.loads(talk.client(CALL).line or b"")
    talk.server(line(answer(asked["id"], TOOL)).replace(b"Adds", b"\xff"))

    assert talk.session.released()[0].answers


def test_a_call_that_is_taken_back_while_it_is_held_never_reaches_the_server(talk: Talk) -> None:
    asked = json.loads(talk.client(CALL).line or b"")
    talk.client({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 9}})
    talk.server(answer(asked["id"], {**TOOL, "name": "evil"}))

    assert talk.session.released() == ()


def test_a_new_tool_is_listed_anew_after_the_server_said_that_its_tools_changed(talk: Talk) -> None:
    talk.listed(TOOL)
    assert talk.client(CALL).answers
    talk.server({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    asked = json.loads(talk.client({**CALL, "id": 12}).line or b"")
    talk.server(answer(asked["id"], {**TOOL, "description": "Evil."}, {**TOOL, "name": "evil"}))

    assert [json.loads(step.line or b"")["id"] for step in talk.session.released()] == [12]
    assert "add" not in talk.session.admitted


def test_calls_in_batches_and_notifications_are_not_held(talk: Talk) -> None:
    assert talk.client([CALL]).answers
    assert talk.client({name: value for name, value in CALL.items() if name != "id"}).line is None


@pytest.mark.parametrize("end", [b"\r", "\u2028".encode(), "\u2029".encode(), "\u0085".encode()], ids=repr)
def test_no_reader_finds_a_second_message_in_a_line(talk: Talk, end: bytes) -> None:
    space = end if end == b"\r" else b""
    text = b"" if space else end + line(CALL).strip().replace(b'"', b"'") + end
    raw = (
        b'{"jsonrpc":"2.0","id":2,"method":"x","params":'
        + space
        + line(CALL).strip()
        + space
        + b',"x":"'
        + text
        + b'"}\n'
    )
    step = talk.client(raw)

    assert step.line is not None
    assert json.loads(step.line) == json.loads(raw)
    assert len(step.line.decode().splitlines()) == 1
    assert len(step.line.split(b"\r")) == 1


def test_the_same_holds_for_lines_of_the_server(talk: Talk) -> None:
    talk.client(PING)
    raw = b'{"jsonrpc":"2.0","id":2,"result":\r' + line(answer(1, TOOL)).strip() + b"\r}\n"

    assert talk.server(raw) == raw.replace(b"\r", b" ")


@pytest.mark.parametrize("identifier", [1, 1.0, "1"], ids=repr)
def test_an_answer_counts_for_the_request_that_some_client_takes_it_for(talk: Talk, identifier: object) -> None:
    talk.listed(TOOL)
    talk.client(LIST)
    seen = talk.server(answer(identifier, {**TOOL, "description": "Evil."}))

    assert seen is not None
    assert b"Evil" not in seen


@pytest.mark.parametrize(
    "identifier", [2, "x", None, True, [1], {"a": 1}, 1.5, -1, 10**400], ids=lambda identifier: repr(identifier)[:9]
)
def test_a_list_that_nobody_asked_for_is_dropped(talk: Talk, identifier: object) -> None:
    talk.client(LIST)

    assert talk.server(answer(identifier, TOOL)) is None
    assert not talk.session.admitted


def test_a_second_answer_is_dropped(talk: Talk) -> None:
    assert talk.listed(TOOL) is not None
    assert talk.server(answer(1, {**TOOL, "description": "Evil."})) is None


def test_a_list_with_the_id_of_another_request_admits_nothing(talk: Talk) -> None:
    talk.client(PING)
    talk.client(LIST)
    talk.server(answer(2, TOOL))

    assert not talk.session.admitted


@pytest.mark.parametrize("identifier", [1, 1.0, "1"], ids=repr)
def test_two_requests_that_some_client_takes_for_one_do_not_wait_together(talk: Talk, identifier: object) -> None:
    talk.client(LIST)
    step = talk.client({**PING, "id": identifier})

    assert step.line is None
    assert "waits for its answer" in _error(step.answers[0])["message"]


@pytest.mark.parametrize("identifier", [None, True, [1], {}, "x" * 1000], ids=lambda value: repr(value)[:9])
def test_a_request_whose_id_is_none_is_refused(talk: Talk, identifier: object) -> None:
    assert talk.client({**LIST, "id": identifier}).line is None


def test_requests_that_are_never_answered_do_not_fill_the_memory(talk: Talk) -> None:
    for number in range(MAX_PENDING + 10):
        assert talk.client({**PING, "id": number}).line is not None

    assert talk.session.waiting() == MAX_PENDING
    assert talk.server({"jsonrpc": "2.0", "id": 0, "result": {}}) is None


HOSTILE_LISTS = [
    {"Tools": [TOOL], "tools": []},
    {"tool\u017f": [TOOL], "tools": []},
    {"tools": {"add": TOOL}},
    {"tools": None},
    {},
    [TOOL],
    "text",
    {"tools": [TOOL], "nextCursor": 5},
    {"tools": [], "NextCursor": "x"},
    {"tools": [{"name": f"t{number}"} for number in range(MAX_TOOLS + 1)]},
]


@pytest.mark.parametrize("result", HOSTILE_LISTS, ids=range(len(HOSTILE_LISTS)))
def test_a_list_that_can_be_read_in_two_ways_is_answered_with_an_error(talk: Talk, result: object) -> None:
    talk.client(LIST)
    seen = talk.server({"jsonrpc": "2.0", "id": 1, "result": result})

    assert seen is not None
    assert _error(seen)["code"] == REFUSED
    assert not talk.session.admitted


@pytest.mark.parametrize(
    "raw",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"result":{"tools":[{"name":"add"}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":[{"name":"add"}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","name":"evil"}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"Result":{"tools":[{"name":"add"}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add"}]},"error":{"code":1,"message":""}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","x":1e999}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","x":NaN}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add\xff"}]}}\n',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":' + b"[" * 100_000 + b"]" * 100_000 + b"}}\n",
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","x":' + b"1" * 5000 + b"}]}}\n",
    ],
    ids=["result", "tools", "name", "case", "both", "infinity", "nan", "not-utf-8", "deep", "digits"],
)
def test_an_answer_that_cannot_be_read_in_one_way_never_reaches_the_client(talk: Talk, raw: bytes) -> None:
    talk.client(LIST)
    step = talk.step(raw)
    seen = step.line()

    assert seen is None or "error" in json.loads(seen)
    assert seen is None or "add" not in seen.decode()
    assert step.notes
    assert not talk.session.admitted


def test_who_waits_for_an_answer_that_is_no_json_gets_an_error(talk: Talk) -> None:
    talk.client(PING)
    seen = talk.server(b'{"jsonrpc":"2.0","id":2,"result":{"x":NaN}}\n')

    assert seen is not None
    assert "NaN" in _error(seen)["message"]


def test_lines_that_are_no_messages_are_dropped_and_told(talk: Talk) -> None:
    step = talk.step(b"Listening on port 80\x1b[31m\n")

    assert step.line() is None
    assert "Listening" in step.notes[0]
    assert "\x1b" not in step.notes[0]


def test_a_list_in_a_batch_is_judged_too(talk: Talk) -> None:
    talk.listed(TOOL)
    talk.client(LIST)
    talk.client(PING)
    evil = {**TOOL, "description": "Evil."}
    seen = talk.server(
        [answer(1, evil, {**TOOL, "name": "b"}), {"jsonrpc": "2.0", "id": 2, "result": {}}, answer(3, evil)]
    )

    assert seen is not None
    assert b"Evil" not in seen
    assert [message["id"] for message in json.loads(seen)] == [1, 2]


def test_pages_are_one_list(talk: Talk) -> None:
    talk.client(LIST)
    talk.server(answer(1, TOOL, nextCursor="2"))
    talk.client({**LIST, "params": {"cursor": "2"}})
    seen = talk.server(answer(1, {**TOOL, "name": "other"}, {**TOOL, "description": "Evil."}))

    assert seen is not None
    assert [tool["name"] for tool in json.loads(seen)["result"]["tools"]] == ["other"]
    assert "add" not in talk.session.admitted


def test_a_page_that_is_read_again_is_no_double(talk: Talk) -> None:
    talk.client(LIST)
    talk.server(answer(1, TOOL, nextCursor="2"))
    for _ in range(2):
        talk.client({**LIST, "params": {"cursor": "2"}})
        talk.server(answer(1, {**TOOL, "name": "other"}))

    assert set(talk.session.admitted) == {"add", "other"}


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"], ["a", "b", "c", "b"]], ids="-".join)
def test_cursors_that_lead_in_a_circle_end_with_an_error(talk: Talk, cursors: list[str]) -> None:
    talk.client(LIST)
    talk.server(answer(1, nextCursor=cursors[0]))
    for cursor, following in itertools.pairwise(cursors):
        talk.client({**LIST, "params": {"cursor": cursor}})
        seen = talk.server(answer(1, nextCursor=following))

    assert "circle" in _error(seen or b"")["message"]


def test_a_list_that_never_ends_is_ended(talk: Talk) -> None:
    talk.client(LIST)
    seen = talk.server(answer(1, nextCursor="0"))
    pages = 1
    while seen is not None and "result" in json.loads(seen):
        talk.client({**LIST, "params": {"cursor": str(pages - 1)}})
        seen = talk.server(answer(1, {**TOOL, "name": f"tool-{pages}"}, nextCursor=str(pages)))
        pages += 1
        assert pages <= MAX_PAGES + 1


def test_an_error_passes_as_answer_to_a_list(talk: Talk) -> None:
    talk.client(LIST)
    raw = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"broken"}}\n'

    assert talk.server(raw) == raw


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60)), max_size=20))
def test_no_bytes_crash(lines: list[tuple[bool, bytes]]) -> None:
    talk = Talk()
    for is_client, data in lines:
        if is_client:
            talk.client(data)
        else:
            talk.server(data)


SMALL = st.sampled_from(
    [None, True, 0, 1, 1.0, "1", "tools/list", "tools/call", "ping", "add", [], {}, [TOOL], {"name": "add"}]
)
MESSAGES = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "Method"]),
    SMALL | st.fixed_dictionaries({"tools": st.lists(st.sampled_from([TOOL, {**TOOL, "x": 1}, 5]), max_size=3)}),
    max_size=5,
)


@given(st.lists(st.tuples(st.booleans(), MESSAGES | st.lists(MESSAGES, max_size=3)), max_size=20))
def test_whatever_comes_only_admitted_tools_are_listed_and_called(lines: list[tuple[bool, Any]]) -> None:
    talk = Talk()
    for is_client, value in lines:
        if is_client:
            passed = talk.client(value).line
            for message in _messages(passed):
                if message.get("method") == "tools/call":
                    assert message["params"]["name"] in talk.session.admitted
        else:
            waiting = {key for key, page in talk.session._pending.items() if page is not None}
            for message in _messages(talk.server(value)):
                if "result" in message and str(message["id"]).removesuffix(".0") in waiting:
                    tools = message["result"]["tools"]
                    assert all(tool["name"] in talk.pins for tool in tools)


def _messages(data: bytes | None) -> list[dict[str, Any]]:
    value = [] if data is None else json.loads(data)
    return value if isinstance(value, list) else [value]
