"""Events as records of the Open Cybersecurity Schema Framework (OCSF) 1.7.0.

Classes: File System Activity 1001, Process Activity 1007, Network Activity 4001, DNS Activity 4003, Detection Finding
2004, with the profiles Security Control and, for the network, Host.
Source: schema.ocsf.io/1.7.0, where every attribute and number below is defined; required ones are always present.
"""

import shlex
from typing import Any

from attrs import frozen

from haldir_enforcer._auditlog.context import PRODUCT, VENDOR, Context
from haldir_enforcer._auditlog.lines import event_members
from haldir_enforcer._auditlog.text import printable, printable_argv
from haldir_enforcer.events import Action, Class, Decision, Endpoint, Event

__all__ = ["OCSF_VERSION", "Context", "to_detection_finding", "to_ocsf"]

OCSF_VERSION = "1.7.0"

Record = dict[str, Any]


@frozen
class _Kind:
    """A class of OCSF, and the activity of an action in it."""

    class_uid: int
    class_name: str
    activity_id: int
    activity_name: str


_OTHER = 99
_CATEGORIES = {1: "System Activity", 2: "Findings", 4: "Network Activity"}


def _file(activity_id: int, activity_name: str) -> _Kind:
    return _Kind(1001, "File System Activity", activity_id, activity_name)


def _process(activity_id: int, activity_name: str) -> _Kind:
    return _Kind(1007, "Process Activity", activity_id, activity_name)


def _network(activity_id: int, activity_name: str) -> _Kind:
    return _Kind(4001, "Network Activity", activity_id, activity_name)


_KINDS = {
    Action.FS_CREATE: _file(1, "Create"),
    Action.FS_READ: _file(2, "Read"),
    Action.FS_WRITE: _file(3, "Update"),
    Action.FS_TRUNCATE: _file(3, "Update"),
    Action.FS_UNLINK: _file(4, "Delete"),
    Action.FS_RENAME: _file(5, "Rename"),
    Action.FS_CHMOD: _file(7, "Set Security"),
    Action.FS_LINK: _file(_OTHER, "Link"),
    Action.FS_SYMLINK: _file(_OTHER, "Symlink"),
    Action.PROCESS_START: _process(1, "Launch"),
    Action.PROCESS_EXEC: _process(1, "Launch"),
    Action.PROCESS_EXIT: _process(2, "Terminate"),
    Action.NET_CONNECT: _network(1, "Open"),
    Action.NET_LISTEN: _network(7, "Listen"),
    Action.NET_BIND: _network(_OTHER, "Bind"),
    Action.NET_SOCKET: _network(_OTHER, "Socket"),
    Action.IPC_UNIX: _network(_OTHER, "Unix socket"),
    Action.NET_DNS: _Kind(4003, "DNS Activity", 1, "Query"),
}
_REFUSED = _network(5, "Refuse")
_FINDING = _Kind(2004, "Detection Finding", 1, "Create")


def to_ocsf(event: Event, context: Context) -> Record:
    """Return the activity record of ``event``; what has no class of its own is Process Activity: Other."""
    kind = _KINDS.get(event.action) or _process(_OTHER, event.action.value)
    if event.action is Action.NET_CONNECT and event.decision is Decision.DENY:
        kind = _REFUSED
    allowed = event.decision is Decision.ALLOW
    record = _base(event, context, kind) | {
        "actor": {"process": _actor(event)},
        "device": _device(context),
        "status_id": 1 if allowed else 2,
        "status": "Success" if allowed else "Failure",
    }
    if event.errno is not None:
        record["status_code"] = str(event.errno)
    return record | _specific(event, context, kind)


def to_detection_finding(event: Event, context: Context) -> Record:
    """Return ``event``, which should be a violation, as the finding that the enforcer made of it."""
    evidence: Record = {"actor": {"process": _actor(event)}, "data": _unmapped(event, context)}
    if event.path is not None:
        evidence["file"] = _file_object(event.path)
    if event.endpoint is not None and (endpoint := _endpoint(event.endpoint)):
        evidence["dst_endpoint"] = endpoint
    message = _message(event)
    return _base(event, context, _FINDING) | {
        "device": _device(context),
        "evidences": [evidence],
        "finding_info": {
            "uid": context.uid,
            "title": f"{event.action} by {context.identity.skill}",
            "desc": message,
            "types": [event.action.value],
            "created_time": context.milliseconds,
        },
        "is_alert": True,
        "status_id": 1,
        "status": "New",
    }


def _base(event: Event, context: Context, kind: _Kind) -> Record:
    allowed = event.decision is Decision.ALLOW
    severity_id, severity = _severity(event)
    category = kind.class_uid // 1000
    return {
        "category_uid": category,
        "category_name": _CATEGORIES[category],
        "class_uid": kind.class_uid,
        "class_name": kind.class_name,
        "activity_id": kind.activity_id,
        "activity_name": kind.activity_name,
        "type_uid": kind.class_uid * 100 + kind.activity_id,
        "type_name": f"{kind.class_name}: {kind.activity_name}",
        "time": context.milliseconds,
        "severity_id": severity_id,
        "severity": severity,
        "count": event.count,
        "message": _message(event),
        "action_id": 1 if allowed else 2,
        "action": "Allowed" if allowed else "Denied",
        "disposition_id": 1 if allowed else 2,
        "disposition": "Allowed" if allowed else "Blocked",
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": PRODUCT, "vendor_name": VENDOR, "version": context.version},
            "profiles": ["security_control", "host"],
            "uid": context.uid,
            "correlation_uid": context.identity.run,
            "event_code": event.action.value,
            "sequence": context.seq,
        },
        "unmapped": _unmapped(event, context),
    }


def _specific(event: Event, context: Context, kind: _Kind) -> Record:
    if kind.class_uid == 1001:
        return {"file": _file_object(event.path or event.via or "")}
    if kind.class_uid == 1007:
        return {"process": _target(event)}
    endpoint = None if event.endpoint is None else _endpoint(event.endpoint)
    if kind.class_uid == 4003:
        host = event.endpoint.host if event.endpoint is not None else None
        own: Record = {"src_endpoint": {"hostname": context.hostname}, "query": {"hostname": printable(host or "")}}
        return own if not endpoint or "ip" not in endpoint else own | {"dst_endpoint": {"ip": endpoint["ip"]}}
    proto = "unix" if event.action is Action.IPC_UNIX else event.endpoint.proto if event.endpoint is not None else None
    # direction 2 is Outbound, 4 is Local; a listening socket would be Inbound (1)
    direction = {"unix": 4}.get(proto or "", 1 if event.action in {Action.NET_LISTEN, Action.NET_BIND} else 2)
    connection: Record = {"direction_id": direction} | ({} if proto is None else {"protocol_name": printable(proto)})
    if not endpoint and event.path is not None:
        endpoint = {"name": printable(event.path)}
    return {
        "src_endpoint": {"hostname": context.hostname},
        "connection_info": connection,
        **({"dst_endpoint": endpoint} if endpoint else {}),
    }


def _severity(event: Event) -> tuple[int, str]:
    if event.kind is Class.VIOLATION:
        return 4, "High"
    return (1, "Informational") if event.decision is Decision.ALLOW else (2, "Low")


def _message(event: Event) -> str:
    target = event.path or event.via or (event.endpoint and _authority(event.endpoint)) or event.detail or ""
    return printable(f"{event.action} {event.decision}: {target}" if target else f"{event.action} {event.decision}")


def _authority(endpoint: Endpoint) -> str:
    return f"{endpoint.host or endpoint.ip or '?'}:{'?' if endpoint.port is None else endpoint.port}"


def _device(context: Context) -> Record:
    return {"type_id": 0, "type": "Unknown", "hostname": context.hostname}


def _actor(event: Event) -> Record:
    process: Record = {"pid": event.pid, "parent_process": {"pid": event.ppid}}
    if event.exe is not None:
        process["file"] = _file_object(event.exe)
    return process


def _target(event: Event) -> Record:
    process = _actor(event)
    program = event.path if event.action in {Action.PROCESS_EXEC, Action.PROCESS_START} else None
    if program is not None:
        process["file"] = _file_object(program)
    if event.argv:
        process["cmd_line"] = shlex.join(printable_argv(event))
    return process


def _file_object(path: str) -> Record:
    shown = printable(path)
    return {"name": shown.rstrip("/").rpartition("/")[2] or shown, "path": shown, "type_id": 0}


def _endpoint(endpoint: Endpoint) -> Record:
    """Return the endpoint, empty if neither its name nor its address is known: OCSF wants one of them."""
    known: Record = {}
    if endpoint.host is not None:
        known["hostname"] = printable(endpoint.host)
    if endpoint.ip is not None:
        known["ip"] = printable(endpoint.ip)
    if known and endpoint.port is not None:
        known["port"] = endpoint.port
    return known


def _unmapped(event: Event, context: Context) -> Record:
    members = event_members(event)
    names = ("by", "class", "rule", "via", "flags", "argv", "detail")
    return {name: members[name] for name in names if members[name] is not None} | {
        "skill": context.identity.skill,
        "level": context.identity.level.value,
    }
