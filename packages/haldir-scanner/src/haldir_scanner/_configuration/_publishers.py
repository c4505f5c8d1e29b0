"""Who a file says has made or published what it describes."""

import json
import re
import tomllib
from collections.abc import Iterator

from haldir_scanner._configuration._places import place_of
from haldir_scanner._text import Place

MAX_BYTES = 1 << 20
_MAX_NAMES = 200
_MAX_DEPTH = 6
_ROLES = frozenset(
    {
        *("author", "authors", "contributors", "creator", "developer", "maintainer", "maintainers", "organization"),
        *("owner", "ownerid", "publisher", "publishers", "vendor"),
    }
)
# What describes a role's holder.
_NAMES = frozenset({"name", "email", "username", "login", "handle", "id", "url"})
_TABLES = frozenset({"metadata", "project", "tool", "poetry", "package", "plugins", "openclaw", "clawdbot"})
# "Name <address> (page)", as npm writes a person.
_ADDED = re.compile(r"[<(]([^<>()]{1,200})[>)]")
_LONGEST = 500
# The MCP registry's names: the reversed domain of the publisher, or of the host where he has an account.
_SERVER_NAME = re.compile(r"io\.(?:github|gitlab)\.([\w.-]{1,100})/")
_ACCOUNT = re.compile(
    r"(?i)(?:git\+)?(?:https?://|ssh://git@|git@)?(?:www\.)?(?:github|gitlab)\.com[/:]([\w.-]{1,100})"
)
_MANIFESTS = frozenset(
    {
        *("_meta.json", "clawhub.json", "manifest.json", "marketplace.json", "meta.json", "origin.json"),
        *("package.json", "plugin.json", "server.json", "skill.json"),
    }
)


def publishers(path: str, data: bytes) -> Iterator[tuple[str, Place]]:
    """The names that a manifest or the front matter of a document gives, with their places; the first 200."""
    if len(data) > MAX_BYTES:
        return
    named = _named(_document(path.rpartition("/")[2].lower(), data), 0)
    for count, name in enumerate(named, 1):
        yield name, _place(name, data)
        if count == _MAX_NAMES:
            return


def _document(file_name: str, data: bytes) -> object:
    """The value that a manifest holds, or the front matter; None if there is none that can be read."""
    from haldir_scanner._documents._front_matter import read  # noqa: PLC0415 - most files have none

    try:
        if file_name in _MANIFESTS:
            return json.loads(data.decode("utf-8-sig"), parse_int=float)
        if file_name == "pyproject.toml":
            return tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return None
    return dict(read(data).values) if data.lstrip(b"\xef\xbb\xbf").startswith(b"---") else None


def _named(value: object, depth: int) -> Iterator[str]:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return
    for key, inner in value.items():
        role = str(key).lower()
        if role in _ROLES:
            yield from _people(inner)
        elif role in _TABLES:
            for entry in inner if isinstance(inner, list) else [inner]:
                yield from _named(entry, depth + 1)
        elif role == "name" and isinstance(inner, str) and (server := _SERVER_NAME.match(inner)):
            yield server[1]
        elif role == "repository":
            yield from _accounts(inner)


def _people(value: object) -> Iterator[str]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict):
            for name, text in entry.items():
                if str(name).lower() in _NAMES and isinstance(text, str):
                    yield from _parts(text)
        elif isinstance(entry, str):
            yield from _parts(entry)


def _parts(text: str) -> Iterator[str]:
    """What a person is called, of a text that may hold name, address and page."""
    text = text[:_LONGEST]
    yield text
    if added := _ADDED.findall(text):
        yield re.split("[<(]", text, maxsplit=1)[0].strip()
        yield from added
    yield from _accounts(text)


def _accounts(value: object) -> Iterator[str]:
    """The account under which a repository or a page is kept."""
    url = value.get("url") if isinstance(value, dict) else value
    account = _ACCOUNT.match(url) if isinstance(url, str) else None
    if account is not None:
        yield account[1]


def _place(name: str, data: bytes) -> Place:
    begin = max(0, data.find(name.encode("utf-8", "replace")))
    return place_of(data, begin, begin + len(name.encode("utf-8", "replace")))
