"""Files and hosts that decide what a flow of data means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from haldir_scanner._code._python import paths, secrets
from haldir_scanner._code._python.value import Kind
from haldir_scanner._code._shell.value import ENVIRONMENT, FILES, HEADER_ONLY, KEY, SECRET, TOKEN, WALLET_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENVIRONMENT_FILE = re.compile(r"/proc/(?:self|\d+|\*|\$\{?\w+\}?|\$\$)/environ\b")
_HOME = re.compile(r"(?:~|\$\{?HOME\}?|/root|/home/[^/\s]+|/home|/Users/[^/\s]+|/Users|/)/?\*?(?:\.\*)?")
_LOCAL_HOST = re.compile(
    r"^[\"']?(?:https?:|wss?:|tcp:)?(?://)?(?:[^/@\s]*@)?"
    r"(?:localhost|127(?:\.\d{1,3}){3}|0\.0\.0\.0|\[::1\]|host\.docker\.internal)(?=[:/\"'\s]|$)"
)
# Installers that many honest instructions name; a rule of their own is about them.
_INSTALLER = re.compile(
    r"https://(?:(?:sh\.rustup\.rs|get\.docker\.com|install\.python-poetry\.org|foundry\.paradigm\.xyz|get\.volta\.sh|mise\.run"
    r"|get\.k3s\.io)(?![\w.@:-])|astral\.sh/uv/|astral\.sh/ruff/|bun\.sh/install"
    r"|deno\.land/(?:x/)?install|get\.pnpm\.io/|starship\.rs/install|claude\.ai/install|ollama\.com/install"
    r"|tailscale\.com/install|fly\.io/install|opencode\.ai/install|cursor\.com/install|rclone\.org/install"
    r"|sentry\.io/get-cli"
    r"|raw\.githubusercontent\.com/(?:nvm-sh/nvm|Homebrew/install|helm/helm|ohmyzsh/ohmyzsh)/)"
)
_KINDS = {Kind.PRIVATE_FILE: SECRET, Kind.LOGIN_FILE: TOKEN}
_LONGEST_PATH = 400


def taint_of_file(path: str) -> str:
    """The origin that the content of a file has by its path alone; empty if it is nothing in particular."""
    path = path.strip().strip("\"'")
    if not path or len(path) > _LONGEST_PATH or path.endswith(".pub"):
        return ""
    if _ENVIRONMENT_FILE.search(path):
        return ENVIRONMENT
    kind = paths.content_kind(path.rstrip("*"))
    if kind in _KINDS and not path.endswith((".example", ".sample", ".template")):
        return _KINDS[kind]
    return FILES if paths.is_personal_folder(path) else ""


def taint_of_folder(path: str) -> str:
    """The origin that everything below ``path`` has."""
    return SECRET if _HOME.fullmatch(path.strip("\"'")) else taint_of_file(path)


def steers_an_agent(path: str) -> bool:
    """Whether an agent obeys ``path``, or the system runs it, in later sessions."""
    path = path.strip().strip("\"'")
    return paths.is_agent_file(path) or paths.is_memory_file(path)


def keeps_notes(path: str) -> bool:
    """Whether an agent keeps notes in ``path``, which it may be told by anybody."""
    return paths.is_memory_file(path.strip().strip("\"'"))


def issuer_of_key(variable: str) -> str:
    """Who issued the key that is kept in ``variable``; empty if it is not known to keep one."""
    if secrets.opens_wallet(variable):
        return WALLET_KEY.removeprefix(KEY)
    if not secrets.is_secret_name(variable):
        return ""
    return secrets.owner(variable) + (HEADER_ONLY if secrets.belongs_in_header(variable) else "")


def issuers(origins: Iterable[str]) -> set[str]:
    """The issuers of the keys among the origins of a text."""
    return {origin.removesuffix(HEADER_ONLY) for origin in origins if origin.startswith(KEY)}


def is_local(address: str) -> bool:
    """Whether ``address`` is of the machine itself."""
    return _LOCAL_HOST.search(address) is not None


def is_known_installer(address: str) -> bool:
    """Whether ``address`` is of an installer that many honest instructions name."""
    return _INSTALLER.match(address.strip("\"'")) is not None
