from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_core.canonical import canonical_bytes
from haldir_enforcer.auditlog import RunIdentity
from haldir_enforcer.confinement import Level
from haldir_enforcer.events import Action, By, Class, Decision, Endpoint, Event
from haldir_enforcer.ocsf import Context, to_detection_finding, to_ocsf

settings.register_profile("haldir-enforcer", deadline=None)  # a busy machine is no failure
settings.load_profile("haldir-enforcer")

RUN = RunIdentity(run="00000000-0000-4000-8000-000000000000", skill="weather@1.0", level=Level.L3)
CONTEXT = Context(
    identity=RUN,
    seq=82,
    moment=datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC),
    hostname="host.example",
    version="0.1.0",
)
ENDPOINT = Endpoint("api.example.com", "192.0.2.7", 443, "tcp")

# schema.ocsf.io/1.7.0: the required attributes of each class, and the activities that it defines
REQUIRED = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
CLASSES: dict[int, tuple[set[str], set[int]]] = {
    1001: ({"actor", "device", "file"}, {*range(15), 99}),
    1007: ({"actor", "device", "process"}, {*range(6), 99}),
    4001: ({"src_endpoint"}, {*range(8), 99}),
    4003: ({"src_endpoint"}, {0, 1, 2, 6, 99}),
    2004: ({"finding_info"}, {0, 1, 2, 3, 99}),
}
REQUIRED_OF_OBJECTS = {
    "file": {"name", "type_id"},
    "device": {"type_id", "hostname"},
    "connection_info": {"direction_id"},
    "query": {"hostname"},
    "finding_info": {"uid"},
    "metadata": {"product", "version"},
    "product": {"name", "vendor_name"},
}
ONE_OF_OBJECTS = {
    "src_endpoint": {"ip", "hostname", "name"},
    "dst_endpoint": {"ip", "hostname", "name"},
    "process": {"pid", "uid"},
    "actor": {"process", "user"},
}


def an_event(action: Action, decision: Decision = Decision.ALLOW, **members: Any) -> Event:  # noqa: ANN401 - any member of an event
    return attrs.evolve(
        Event(action=action, decision=decision, by=By.SUPERVISOR, kind=Class.DECLARED, pid=7, ppid=1), **members
    )


def check(record: object, name: str = "event") -> None:
    """Hold ``record`` to what the schema requires."""
    if isinstance(record, list):
        for item in record:
            check(item, name)
    if not isinstance(record, dict):
        return
    assert record.keys() >= REQUIRED_OF_OBJECTS.get(name, set()), name
    if name in ONE_OF_OBJECTS:
        assert record.keys() & ONE_OF_OBJECTS[name], name
    for key, value in record.items():
        assert value is not None, key
        if key != "unmapped":
            check(value, key)


def check_event(record: dict[str, Any]) -> None:
    required, activities = CLASSES[record["class_uid"]]
    assert record.keys() >= REQUIRED | required
    assert record["activity_id"] in activities
    assert record["category_uid"] == record["class_uid"] // 1000
    assert record["type_uid"] == record["class_uid"] * 100 + record["activity_id"]
    assert record["severity_id"] in range(7)
    assert (record["action_id"], record["disposition_id"]) in {(1, 1), (2, 2)}
    assert record["metadata"]["version"] == "1.7.0"
    check(record)


@pytest.mark.parametrize(
    ("event", "type_uid"),
    [
        (an_event(Action.FS_CREATE, path="/a"), 100101),
        (an_event(Action.FS_READ, path="/a"), 100102),
        (an_event(Action.FS_WRITE, path="/a"), 100103),
        (an_event(Action.FS_TRUNCATE, path="/a"), 100103),
        (an_event(Action.FS_UNLINK, path="/a"), 100104),
        (an_event(Action.FS_RENAME, path="/a"), 100105),
        (an_event(Action.FS_CHMOD, path="/a"), 100107),
        (an_event(Action.FS_LINK, path="/a"), 100199),
        (an_event(Action.FS_SYMLINK, path="/a"), 100199),
        (an_event(Action.PROCESS_EXEC, path="/bin/ls", argv=("ls", "-l")), 100701),
        (an_event(Action.PROCESS_START), 100701),
        (an_event(Action.PROCESS_EXIT), 100702),
        (an_event(Action.PROCESS_SIGNAL), 100799),
        (an_event(Action.SYSCALL, detail="ptrace"), 100799),
        (an_event(Action.LIMIT_TIME), 100799),
        (an_event(Action.AGENT_MEMORY_READ), 100799),
        (an_event(Action.NET_CONNECT, endpoint=ENDPOINT), 400101),
        (an_event(Action.NET_CONNECT, Decision.DENY, endpoint=ENDPOINT), 400105),
        (an_event(Action.NET_LISTEN, endpoint=ENDPOINT), 400107),
        (an_event(Action.NET_BIND, endpoint=ENDPOINT), 400199),
        (an_event(Action.NET_SOCKET), 400199),
        (an_event(Action.IPC_UNIX, path="/run/socket"), 400199),
        (an_event(Action.NET_DNS, endpoint=Endpoint("evil.example", None, None, "dns")), 400301),
    ],
    ids=lambda value: value.action if isinstance(value, Event) else str(value),
)
def test_each_action_has_its_class_and_activity(event: Event, type_uid: int) -> None:
    record = to_ocsf(event, CONTEXT)

    assert record["type_uid"] == type_uid
    check_event(record)


def test_a_denied_read_is_told_in_full() -> None:
    event = an_event(
        Action.FS_READ,
        Decision.DENY,
        kind=Class.VIOLATION,
        path="/srv/x/.ssh/id",
        exe="/usr/bin/cat",
        errno=13,
        count=3,
    )
    record = to_ocsf(event, CONTEXT)

    assert record["time"] == 1769860800123
    assert record["message"] == "fs.read deny: /srv/x/.ssh/id"
    assert record["file"] == {"name": "id", "path": "/srv/x/.ssh/id", "type_id": 0}
    assert record["actor"]["process"] == {
        "pid": 7,
        "parent_process": {"pid": 1},
        "file": {"name": "cat", "path": "/usr/bin/cat", "type_id": 0},
    }
    assert (record["severity_id"], record["action_id"], record["disposition_id"], record["status_id"]) == (4, 2, 2, 2)
    assert (record["status_code"], record["count"]) == ("13", 3)
    assert record["metadata"]["correlation_uid"] == RUN.run
    assert record["metadata"]["uid"] == f"{RUN.run}:82"
    assert record["unmapped"] == {"by": "supervisor", "class": "violation", "skill": "weather@1.0", "level": "L3"}


def test_an_executed_program_is_the_target_and_its_parent_the_actor() -> None:
    record = to_ocsf(an_event(Action.PROCESS_EXEC, path="/bin/ls", exe="/bin/sh", argv=("ls", "a b")), CONTEXT)

    assert record["process"]["file"]["path"] == "/bin/ls"
    assert record["process"]["cmd_line"] == "ls 'a b'"
    assert record["actor"]["process"]["file"]["path"] == "/bin/sh"


def test_a_connection_names_its_other_side() -> None:
    record = to_ocsf(an_event(Action.NET_CONNECT, endpoint=ENDPOINT), CONTEXT)

    assert record["dst_endpoint"] == {"hostname": "api.example.com", "ip": "192.0.2.7", "port": 443}
    assert record["connection_info"] == {"direction_id": 2, "protocol_name": "tcp"}


def test_a_queried_name_is_the_query() -> None:
    record = to_ocsf(an_event(Action.NET_DNS, endpoint=Endpoint("evil.example", "192.0.2.53", 53, "dns")), CONTEXT)

    assert record["query"] == {"hostname": "evil.example"}
    assert record["dst_endpoint"] == {"ip": "192.0.2.53"}


def test_a_violation_is_a_finding() -> None:
    event = an_event(Action.NET_CONNECT, Decision.DENY, kind=Class.VIOLATION, endpoint=ENDPOINT)
    record = to_detection_finding(event, CONTEXT)

    check_event(record)
    assert (record["type_uid"], record["is_alert"], record["status"]) == (200401, True, "New")
    assert record["finding_info"]["title"] == "net.connect by weather@1.0"
    assert record["evidences"][0]["dst_endpoint"]["ip"] == "192.0.2.7"


TEXTS = st.text(max_size=20) | st.text(st.characters(categories=["Cs", "Cc", "Cf"]), max_size=5)
NAMES = st.none() | TEXTS
EVENTS = st.builds(
    Event,
    action=st.sampled_from(Action),
    decision=st.sampled_from(Decision),
    by=st.sampled_from(By),
    kind=st.sampled_from(Class),
    exe=NAMES,
    path=NAMES,
    via=NAMES,
    flags=st.lists(TEXTS, max_size=2).map(tuple),
    argv=st.lists(TEXTS, max_size=3).map(tuple),
    endpoint=st.none() | st.builds(Endpoint, NAMES, NAMES, st.none() | st.integers(0, 65535), TEXTS),
    rule=NAMES,
    errno=st.none() | st.integers(0, 200),
    detail=NAMES,
)


@given(EVENTS)
def test_every_event_makes_a_record_that_the_schema_takes_and_that_has_no_control_characters(event: Event) -> None:
    for record in (to_ocsf(event, CONTEXT), to_detection_finding(event, CONTEXT)):
        check_event(record)
        assert canonical_bytes(record).decode().isprintable()
