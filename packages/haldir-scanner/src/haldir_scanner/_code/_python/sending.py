"""Calls that send something to another machine, or fetch something from there."""

import ast
from collections.abc import Iterator, Mapping

from haldir_scanner._code._python import secrets, sinks
from haldir_scanner._code._python.call import Call, CallHandler
from haldir_scanner._code._python.paths import content_kind
from haldir_scanner._code._python.run import Run
from haldir_scanner._code._python.sinks import Role
from haldir_scanner._code._python.value import Kind, Taint, Value, union

# What comes from another machine without anything being sent in the same call.
_RECEIVERS = (
    "http.client.HTTPConnection().getresponse",
    "http.client.HTTPSConnection().getresponse",
    "socket.socket().recv",
    "socket.socket().recvfrom",
    "socket.socket().makefile",
    "socket.create_connection().recv",
    "socket.create_connection().makefile",
    "websocket.create_connection().recv",
    "websocket.WebSocket().recv",
    "websockets.connect().recv",
    "telnetlib.Telnet().read_all",
    "telnetlib.Telnet().read_until",
    "xmlrpc.client.ServerProxy().get",
)


def fetched(node: ast.expr, kind: Kind = Kind.FETCHED) -> Value:
    """What another machine answers."""
    return Value(taints=(Taint(kind, "", (node,)),))


def _send(run: Run, call: Call) -> Value | None:
    sender = sinks.SENDERS[call.name]
    run.act(call.name, call.node)
    in_body = []
    for role, value in _roles(sender, call):
        run.reach(sinks.ROLES[role], value, call.node)
        if role is Role.BODY:
            in_body.append(value)
        elif role is Role.FILE and value is not None and content_kind(value.text) is Kind.PRIVATE_FILE:
            run.flow(sinks.THEFT, (call.node.args[0], call.node))
    _collected(run, call.node, union(in_body))
    if call.name == "urllib.request.urlretrieve":
        _retrieved(run, call)
    if sender.answers:
        return fetched(call.node, Kind.ANSWERED if any(in_body) else Kind.FETCHED)
    if call.name == "urllib.request.Request":
        return Value(name="urllib.request.Request()")
    return None


def _roles(sender: sinks.Sender, call: Call) -> Iterator[tuple[Role, Value | None]]:
    for position, value in enumerate(call.arguments.positional):
        yield sinks.role(sender, position), value
    for name, value in call.arguments.keywords.items():
        yield sinks.keyword_role(name), value


def _collected(run: Run, node: ast.expr, taints: tuple[Taint, ...]) -> None:
    """A flow if secrets of several services or the key of a wallet are in one message, or one beside a file."""
    variables = [taint for taint in taints if taint.kind is Kind.VARIABLE]
    wallets = [taint for taint in variables if secrets.opens_wallet(taint.label)]
    if wallets or secrets.is_collection(taint.label for taint in variables):
        run.flow(sinks.THEFT, (*(wallets or variables)[0].steps, node))
        return
    contents = [taint for taint in taints if taint.kind is Kind.CONTENT]
    if variables and contents:
        run.flow(sinks.FILE_AND_KEY, (*contents[0].steps, node))
    keys = [taint for taint in variables if secrets.belongs_in_header(taint.label)]
    if keys:
        run.flow(sinks.KEY, (*keys[0].steps, node))


def _retrieved(run: Run, call: Call) -> None:
    path = call.arguments.get(1, "filename")
    if path is not None and path.text:
        run.written[path.text] = fetched(call.node).taints


def _receive(_run: Run, call: Call) -> Value | None:
    return fetched(call.node)


def _prepared(_run: Run, call: Call) -> Value | None:
    """A client: what it was made with is not what it sends."""
    return Value(name=f"{call.name}()")


def _opened(_run: Run, _call: Call) -> Value | None:
    return Value(name="paramiko.SFTPClient()")


HANDLERS: Mapping[str, CallHandler] = {
    **dict.fromkeys(sinks.SENDERS, _send),
    **dict.fromkeys(_RECEIVERS, _receive),
    **dict.fromkeys(("wget.download", "feedparser.parse", "trafilatura.fetch_url"), _receive),
    **dict.fromkeys(
        (
            "requests.Session",
            "httpx.Client",
            "httpx.AsyncClient",
            "aiohttp.ClientSession",
            "urllib3.PoolManager",
            "http.client.HTTPConnection",
            "http.client.HTTPSConnection",
            "socket.socket",
            "socket.create_connection",
            "smtplib.SMTP",
            "smtplib.SMTP_SSL",
            "ftplib.FTP",
            "ftplib.FTP_TLS",
        ),
        _prepared,
    ),
    **dict.fromkeys(("paramiko.SSHClient().open_sftp", "paramiko.SFTPClient.from_transport"), _opened),
}
