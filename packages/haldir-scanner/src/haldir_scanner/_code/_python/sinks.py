"""Where data leaves a program or is run by it: which argument of which function does what."""

from collections.abc import Mapping
from enum import Enum, auto

from attrs import frozen

from haldir_scanner._code._python.value import Kind


class Role(Enum):
    """What an argument of a function that sends is to the receiver."""

    ADDRESS = auto()
    BODY = auto()
    HEADERS = auto()  # where logins belong
    NOTHING = auto()  # stays here
    FILE = auto()  # the path of what is sent


@frozen
class Sender:
    """The roles of the arguments of a function that sends: by position, and by name."""

    positions: tuple[Role, ...]
    answers: bool = True  # whether it returns what the other side sent


_KEYWORDS: Mapping[str, Role] = {
    "auth": Role.HEADERS,
    "body": Role.BODY,
    "content": Role.BODY,
    "cookies": Role.HEADERS,
    "data": Role.BODY,
    "fields": Role.BODY,
    "files": Role.BODY,
    "headers": Role.HEADERS,
    "json": Role.BODY,
    "msg": Role.BODY,
    "params": Role.ADDRESS,
    "url": Role.ADDRESS,
}

_A, _B, _H, _N = Role.ADDRESS, Role.BODY, Role.HEADERS, Role.NOTHING
_CLIENTS = (
    "requests",
    "requests.Session()",
    "httpx",
    "httpx.Client()",
    "httpx.AsyncClient()",
    "aiohttp.ClientSession()",
    "urllib3.PoolManager()",
    "urllib3",
)
_WITH_BODY = {f"{client}.{verb}": Sender((_A, _B, _B)) for client in _CLIENTS for verb in ("post", "put", "patch")}
_WITHOUT_BODY = {
    f"{client}.{verb}": Sender((_A, _A)) for client in _CLIENTS for verb in ("get", "head", "options", "delete")
}
_REQUESTS = {f"{client}.{name}": Sender((_N, _A, _B)) for client in _CLIENTS for name in ("request", "stream")}
_SOCKETS = {
    f"{made}.{name}": Sender((_B,), answers=False)
    for made in ("socket.socket()", "socket.create_connection()", "ssl.wrap_socket()", "websocket.WebSocket()")
    for name in ("send", "sendall", "sendto", "sendmsg")
}

SENDERS: Mapping[str, Sender] = {
    **_WITH_BODY,
    **_WITHOUT_BODY,
    **_REQUESTS,
    **_SOCKETS,
    "urllib.request.urlopen": Sender((_A, _B)),
    "urllib.request.urlretrieve": Sender((_A,)),
    "urllib.request.Request": Sender((_A, _B, _H), answers=False),
    "http.client.HTTPConnection().request": Sender((_N, _A, _B, _H), answers=False),
    "http.client.HTTPSConnection().request": Sender((_N, _A, _B, _H), answers=False),
    "socket.gethostbyname": Sender((_A,), answers=False),
    "socket.getaddrinfo": Sender((_A,), answers=False),
    "smtplib.SMTP().sendmail": Sender((_N, _N, _B), answers=False),
    "smtplib.SMTP().send_message": Sender((_B,), answers=False),
    "smtplib.SMTP_SSL().sendmail": Sender((_N, _N, _B), answers=False),
    "smtplib.SMTP_SSL().send_message": Sender((_B,), answers=False),
    "ftplib.FTP().storbinary": Sender((_N, _B), answers=False),
    "ftplib.FTP().storlines": Sender((_N, _B), answers=False),
    "ftplib.FTP_TLS().storbinary": Sender((_N, _B), answers=False),
    "paramiko.SFTPClient().put": Sender((Role.FILE,), answers=False),
    "paramiko.SSHClient().open_sftp().put": Sender((Role.FILE,), answers=False),
    "websocket.create_connection().send": Sender((_B,), answers=False),
    "websockets.connect().send": Sender((_B,), answers=False),
}

THEFT = "taint_secret_to_network"
ENVIRONMENT = "taint_env_to_network"
FILE_AND_KEY = "taint_file_and_key_to_network"
KEY = "taint_key_in_message"
FILES = "taint_files_to_network"
ADDRESS_HIDDEN = "taint_decoded_address"
FETCHED_RUN = "taint_fetched_to_exec"
DECODED_RUN = "taint_decoded_to_exec"
UNPACKED_RUN = "taint_unpacked_to_exec"
INPUT_RUN = "taint_input_to_shell"
AGENT_FILE = "taint_fetched_to_agent_file"

Accepts = Mapping[Kind, str]

# Which origins break which rule where.
IN_BODY: Accepts = {
    Kind.ENVIRONMENT: ENVIRONMENT,
    Kind.PRIVATE_FILE: THEFT,
    Kind.LOGIN_FILE: THEFT,
    Kind.FILES: FILES,
}
IN_HEADERS: Accepts = {Kind.ENVIRONMENT: ENVIRONMENT, Kind.PRIVATE_FILE: THEFT}
IN_ADDRESS: Accepts = {**IN_HEADERS, Kind.DECODED: ADDRESS_HIDDEN}
AS_CODE: Accepts = {
    Kind.FETCHED: FETCHED_RUN,
    Kind.ANSWERED: FETCHED_RUN,
    Kind.DECODED: DECODED_RUN,
    Kind.UNPACKED: UNPACKED_RUN,
    Kind.INPUT: INPUT_RUN,
}
AS_COMMAND: Accepts = {
    Kind.FETCHED: FETCHED_RUN,
    Kind.ANSWERED: FETCHED_RUN,
    Kind.DECODED: DECODED_RUN,
    Kind.UNPACKED: UNPACKED_RUN,
    Kind.INPUT: INPUT_RUN,
}
# A fetched word in a command that is otherwise written out is as good or bad as a typed one.
IN_COMMAND: Accepts = {
    Kind.FETCHED: INPUT_RUN,
    Kind.ANSWERED: INPUT_RUN,
    Kind.DECODED: DECODED_RUN,
    Kind.INPUT: INPUT_RUN,
}
AS_PROGRAM: Accepts = {
    Kind.FETCHED: FETCHED_RUN,
    Kind.ANSWERED: FETCHED_RUN,
    Kind.DECODED: DECODED_RUN,
    Kind.UNPACKED: UNPACKED_RUN,
}
AS_ARGUMENTS: Accepts = {Kind.DECODED: DECODED_RUN}
AS_FILE: Accepts = {Kind.FETCHED: FETCHED_RUN, Kind.DECODED: DECODED_RUN, Kind.UNPACKED: UNPACKED_RUN}
INTO_AGENT_FILE: Accepts = {Kind.FETCHED: AGENT_FILE, Kind.INPUT: AGENT_FILE}
INTO_MEMORY: Accepts = {Kind.FETCHED: AGENT_FILE}

ROLES: Mapping[Role, Accepts] = {
    Role.ADDRESS: IN_ADDRESS,
    Role.BODY: IN_BODY,
    Role.HEADERS: IN_HEADERS,
    Role.FILE: {},
    Role.NOTHING: {},
}


def role(sender: Sender, position: int) -> Role:
    """What the argument at a position is."""
    return sender.positions[position] if position < len(sender.positions) else Role.NOTHING


def keyword_role(name: str | None) -> Role:
    """What the argument of a name is; ``**mapping`` is taken for a body."""
    return Role.BODY if name is None else _KEYWORDS.get(name, Role.NOTHING)
