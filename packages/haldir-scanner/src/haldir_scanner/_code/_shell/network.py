"""Commands that send to another machine or fetch from it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from haldir_scanner._code._shell.machine import (
    ENVIRONMENT_TO_NETWORK,
    FILES_TO_NETWORK,
    SECRET_TO_NETWORK,
    Call,
    Machine,
)
from haldir_scanner._code._shell.options import Options, options
from haldir_scanner._code._shell.reading import content, store
from haldir_scanner._code._shell.sensitive import is_known_installer, is_local, issuers
from haldir_scanner._code._shell.value import (
    ENVIRONMENT,
    FETCHED,
    FILES,
    KEY,
    NOTHING,
    SECRET,
    TOKEN,
    Value,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_CURL_SHORT = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"
_CURL_LONG_WORDS = """
    data data-ascii data-binary data-raw data-urlencode json form form-string upload-file output output-dir header
    request user url proxy proto cookie cookie-jar cacert cert key user-agent referer max-time connect-timeout retry
    retry-delay write-out range resolve config oauth2-bearer interface limit-rate
"""
_CURL_LONG = frozenset(_CURL_LONG_WORDS.split())
_WGET_SHORT = "aABDeiIloOPQRtTUwX"
_WGET_LONG_WORDS = """
    output-document directory-prefix post-data post-file body-data body-file header user password method timeout
    tries user-agent execute input-file
"""
_WGET_LONG = frozenset(_WGET_LONG_WORDS.split())
# The service that tells a cloud machine its own credentials.
_METADATA = re.compile(r"169\.254\.169\.254|metadata\.google\.internal|169\.254\.170\.2\b|100\.100\.100\.200")
_FILE_IN_BODY = re.compile(r"(?:^|=|;)[@<]\s*([^;]*)")
_NAMED_FILE = re.compile(r"^\w{1,80}@")  # of --data-urlencode: name@file
_SEVERAL = 2
_COPIES = frozenset({"scp", "sftp", "rsync", "rclone"})
_REMOTE = re.compile(r"^(?:[\w.-]+@)?[\w.-]{2,}:|^(?:rsync|s3|gs|sftp|ftp)://")


def send(machine: Machine, value: Value, place: int, *, is_address: bool = False) -> None:
    """Take notice that ``value`` leaves the machine; an address or a header may hold what identifies the user."""
    taints = value.taints
    if SECRET in taints or (TOKEN in taints and not is_address):
        machine.flow(SECRET_TO_NETWORK, taints.get(SECRET, taints.get(TOKEN, place)), place)
        return
    if ENVIRONMENT in taints:
        machine.flow(ENVIRONMENT_TO_NETWORK, taints[ENVIRONMENT], place)
        return
    keys = [taint for taint in taints if taint.startswith(KEY)]
    if len(issuers(keys)) >= _SEVERAL and not is_address:
        machine.flow(SECRET_TO_NETWORK, taints[keys[0]], place)
    elif FILES in taints:
        machine.flow(FILES_TO_NETWORK, taints[FILES], place)


def curl(machine: Machine, call: Call) -> Value:
    """What ``curl`` writes; what it sends is taken notice of."""
    given = options(call.arguments, _CURL_SHORT, _CURL_LONG)
    addresses = [*given.values("url"), *given.others]
    if not addresses:
        return NOTHING
    if not all(is_local(address.text) for address in addresses):
        for address in addresses:
            send(machine, address, call.place, is_address=True)
        for header in given.values("H", "header", "A", "user-agent", "e", "referer", "b", "cookie"):
            send(machine, header, call.place, is_address=True)
        body = [_body(machine, call, value) for value in _bodies(given)]
        send(machine, joined(body), call.place)
    fetched = _fetched(addresses, call.place)
    targets = [*given.values("o", "output")]
    if given.has("O", "remote-name"):
        targets += [address.derived(_last(address.text)) for address in addresses]
    return _stored(machine, fetched, targets, call.place)


def _bodies(given: Options) -> list[Value]:
    names = ("d", "data", "data-ascii", "data-binary", "json", "F", "form")
    plain = [*given.values("data-raw", "form-string")]
    encoded = [value.derived(_NAMED_FILE.sub("@", value.text)) for value in given.values("data-urlencode")]
    files = [value.derived("@" + value.text) for value in given.values("T", "upload-file")]
    return [*given.values(*names), *plain, *encoded, *files]


def _body(machine: Machine, call: Call, value: Value) -> Value:
    """What an argument of ``-d``, ``-F`` or ``-T`` makes part of the request."""
    read = [value]
    for match in _FILE_IN_BODY.finditer(value.text[:4000]):
        path = match[1].strip()
        if path in {"-", ".", "/dev/stdin"}:
            read.append(call.stdin)
        elif path:
            read.append(content(machine, value.derived(path), call.place))
    return joined(read)


def _fetched(addresses: list[Value], place: int) -> Value:
    """What comes from the addresses."""
    text = " ".join(address.text for address in addresses)
    if _METADATA.search(text):
        return Value("", is_known=False, taints={SECRET: place})
    if all(is_local(address.text) or is_known_installer(address.text) for address in addresses):
        return Value("", is_known=False)
    return Value("", is_known=False, taints={FETCHED: place})


def _stored(machine: Machine, fetched: Value, targets: list[Value], place: int) -> Value:
    """What is written to the output, after the rest has been stored."""
    stored = [target for target in targets if target.text not in {"-", "/dev/stdout"}]
    for target in stored:
        store(machine, target.text, fetched, place)
    return NOTHING if stored else fetched


def _last(address: str) -> str:
    return address.strip("\"'").partition("?")[0].rstrip("/").rpartition("/")[2]


def wget(machine: Machine, call: Call) -> Value:
    """What ``wget`` writes; what it sends is taken notice of."""
    given = options(call.arguments, _WGET_SHORT, _WGET_LONG)
    addresses = given.others
    if not addresses:
        return NOTHING
    if not all(is_local(address.text) for address in addresses):
        for address in [*addresses, *given.values("header", "U", "user-agent")]:
            send(machine, address, call.place, is_address=True)
        for value in given.values("post-data", "body-data"):
            send(machine, value, call.place)
        for value in given.values("post-file", "body-file"):
            send(machine, call.stdin if value.text == "-" else content(machine, value, call.place), call.place)
    fetched = _fetched(addresses, call.place)
    targets = [*given.values("O", "output-document")]
    if not targets:
        folder = next((value.text.rstrip("/") + "/" for value in given.values("P", "directory-prefix")), "")
        targets = [address.derived(folder + (_last(address.text) or "index.html")) for address in addresses]
    return _stored(machine, fetched, targets, call.place)


def connected(machine: Machine, call: Call) -> Value:
    """What a program writes that connects its input and output to another machine."""
    if call.name == "openssl" and call.texts()[:1] != ["s_client"]:
        return call.stdin.unknown()
    if any(is_local(text) for text in call.texts()):
        return NOTHING
    send(machine, call.stdin, call.place)
    return Value("", is_known=False, taints={FETCHED: call.place})


def asked(machine: Machine, call: Call) -> Value:
    """What a program writes that asks a server for a name: the name can carry data out, the answer data in."""
    for argument in call.arguments:
        send(machine, argument, call.place, is_address=True)
    if call.name == "ping" or not {"txt", "TXT"} & {text.removeprefix("-type=") for text in call.texts()}:
        return Value("", is_known=False)
    return Value("", is_known=False, taints={FETCHED: call.place})


def mailed(machine: Machine, call: Call) -> Value:
    """Take notice of what a program sends whose input is a message or a paste."""
    send(machine, call.stdin, call.place)
    given = options(call.arguments, "aAsS")
    for value in [*given.values("a", "A"), *(given.others if call.name == "gh" else [])]:
        send(machine, content(machine, value, call.place), call.place)
    return Value("", is_known=False)


def copied(machine: Machine, call: Call) -> Value:
    """Take notice of the files that ``scp`` and its like copy to another machine, or from one."""
    given = options(call.arguments, "iPFJoclSeXf", frozenset({"rsh", "exclude", "include", "endpoint-url", "profile"}))
    paths = given.others
    if len(paths) < 2:
        return NOTHING
    target = paths[-1]
    if _REMOTE.search(target.text) or call.name == "rclone":
        for path in paths[:-1]:
            send(machine, content(machine, path, call.place), call.place)
    elif any(_REMOTE.search(path.text) for path in paths[:-1]):
        store(machine, target.text, Value("", is_known=False, taints={FETCHED: call.place}), call.place)
    return NOTHING


def cloud(machine: Machine, call: Call) -> Value:
    """``aws s3 cp``, ``gsutil cp`` and ``gh``: copies, pastes and questions."""
    texts = call.texts()
    if call.name == "gh":
        if texts[:2] == ["gist", "create"]:
            return mailed(machine, call)
        if texts[:2] == ["auth", "token"]:
            return Value("", is_known=False, taints={TOKEN: call.place})
        return Value("", is_known=False)
    verbs = [place for place, text in enumerate(texts) if text in {"cp", "sync", "mv"}]
    if verbs and (call.name == "gsutil" or "s3" in texts or "storage" in texts):
        return copied(machine, Call(call.name, call.arguments[verbs[0] + 1 :], call.stdin, call.place))
    secret = re.search(
        r"configure get|print-(?:access|identity)-token|get-session-token|secretsmanager|secrets versions",
        " ".join(texts),
    )
    return Value("", is_known=False, taints={TOKEN: call.place} if secret else {})


COMMANDS: dict[str, Callable[[Machine, Call], Value]] = {
    **dict.fromkeys(("curl", "curl.exe"), curl),
    **dict.fromkeys(("wget", "wget2"), wget),
    **dict.fromkeys(
        ("nc", "ncat", "netcat", "nc.traditional", "socat", "telnet", "websocat", "ftp", "tftp"), connected
    ),
    **dict.fromkeys(("dig", "nslookup", "host", "ping", "drill"), asked),
    **dict.fromkeys(("mail", "mailx", "sendmail", "mutt", "msmtp", "termbin", "sprunge"), mailed),
    **dict.fromkeys(_COPIES, copied),
    **dict.fromkeys(("aws", "gcloud", "gsutil", "gh"), cloud),
    **dict.fromkeys(("lynx", "aria2c", "fetch", "http", "https", "xh", "w3m"), curl),
}
