"""What the configuration of MCP servers starts, connects to and allows."""

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise

from haldir_scanner._configuration._json import Document, Value
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Place, Seen

_SHELL = frozenset({FileType.SHELL})
_SHELLS = frozenset(
    {"ash", "bash", "cmd", "cmd.exe", "dash", "fish", "ksh", "powershell", "powershell.exe", "pwsh", "sh", "zsh"}
)
_SHELL_OPTIONS = frozenset(
    {"-c", "-lc", "-ic", "-ec", "-Command", "-command", "-EncodedCommand", "-enc", "/c", "/C", "/k"}
)
_INLINE = {
    "python": ("-c", FileType.PYTHON),
    "node": ("-e", FileType.JAVASCRIPT),
    "deno": ("eval", FileType.JAVASCRIPT),
    "bun": ("-e", FileType.JAVASCRIPT),
    "perl": ("-e", FileType.PERL),
    "ruby": ("-e", FileType.RUBY),
    "php": ("-r", FileType.PHP),
}
_NODE_RUNNERS = frozenset({"bunx", "npx", "pnpx"})
_WITH_SUBCOMMAND = {"npm": "exec", "pnpm": "dlx", "yarn": "dlx", "bun": "x", "pipx": "run", "uv": "tool"}
_OPTIONS_WITH_PACKAGE = frozenset({"--from", "--package", "-p", "--spec"})
_REPOSITORY = re.compile(r"(?:git\+|git://|git@|https?://|github:|gitlab:|bitbucket:|gist:)|[\w.-]+/[\w.-]+(?:#.*)?\Z")
_COMMIT = re.compile(r"[#@][0-9a-f]{40}\b")
_PINNED = re.compile(r".+(?:@|==)v?\d[\w.+-]*\Z|.+@sha256:[0-9a-f]{64}\Z")
_DOCKER_DANGER = re.compile(
    r"--privileged\b|--(?:pid|network|net|ipc|userns)[= ]host\b|(?:-v|--volume)[= ]?(?:/|~|\$HOME|\$\{HOME\}):"
    r"|docker\.sock\b|--cap-add[= ](?:ALL|SYS_ADMIN|SYS_PTRACE)\b|--security-opt[= ]\S*unconfined|source=/,"
)
_ODD_PLACE = re.compile(
    r"(?:^|[\"'= ])(?:/tmp/|/var/tmp/|/dev/shm/|/private/tmp/|~/\.cache/|%TEMP%|%TMP%|%APPDATA%\\Temp|\$TMPDIR|"
    r"[A-Za-z]:\\(?:Windows\\)?Temp\\|[^\s]{0,80}/Downloads/)",
    re.IGNORECASE,
)
_WHOLE_DISK = frozenset({"/", "~", "~/", "$HOME", "${HOME}", "C:\\", "C:/", "/home", "/Users", "/root", "/etc"})
_LOCAL = re.compile(r"http://(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|0\.0\.0\.0|host\.docker\.internal)(?:[:/?#]|\Z)")
# Tunnels, shorteners, dynamic names and bare addresses: the owner can be anybody, and another one tomorrow.
_ODD_HOST = re.compile(
    r"https?://(?:[^/@]{0,80}@)?(?:(?:\d{1,3}\.){3}\d{1,3}|0x[0-9a-f]{8}|\d{8,10}|\[[0-9a-f:]+\]|[\w.-]{1,200}\."
    r"(?:ngrok(?:-free)?\.(?:app|dev|io)|trycloudflare\.com|loca\.lt|serveo\.net|localhost\.run|duckdns\.org|no-ip\.\w{2,4}"
    r"|pagekite\.me|onion|webhook\.site)|(?:bit\.ly|tinyurl\.com|t\.co|webhook\.site))(?:[:/?#]|\Z)",
    re.IGNORECASE,
)
_SECRET_NAME = re.compile(
    r"(?:api_?key|access_?key|auth|credential|passw|private_?key|pwd|secret|token)", re.IGNORECASE
)
_SECRET_VALUE = re.compile(r"(?:(?:Bearer|Basic|Token) +)?[\w.~+/=:@-]{16,4096}\Z")
_PLACEHOLDER = re.compile(
    r"\$|\{\{|<|>|\*{3}|\.{3}|your|example|placeholder|change.?me|dummy|redacted|insert|sample|test|to-?do|x{3}|fake|replace"
    r"|enter|abc123|1234567|key.?here|_here|process\.env|/|https?:|[A-Z]+_[A-Z]+_[A-Z_]+\Z",
    re.IGNORECASE,
)
_HIJACKING = re.compile(
    r"(?:LD_PRELOAD|LD_LIBRARY_PATH|DYLD_INSERT_LIBRARIES|BASH_ENV|ENV|PROMPT_COMMAND|PERL5OPT|RUBYOPT|PYTHONSTARTUP"
    r"|GIT_SSH_COMMAND|GIT_EXTERNAL_DIFF|NODE_TLS_REJECT_UNAUTHORIZED|(?:npm_config|NPM_CONFIG)_registry|PIP_INDEX_URL"
    r"|PIP_EXTRA_INDEX_URL|UV_INDEX_URL|UV_EXTRA_INDEX_URL|(?:ANTHROPIC|OPENAI|GEMINI)_(?:API_)?BASE(?:_URL)?"
    r"|HTTPS?_PROXY|ALL_PROXY)",
    re.IGNORECASE,
)
_REQUIRES = re.compile(r"(?:--require|-r|--import|--loader|--experimental-loader)\b")
_HARMLESS_VALUES = frozenset({"", "1", "true", "development", "production", "test"})
_APPROVING = ("autoApprove", "alwaysAllow", "auto_approve", "always_allow", "autoAllow", "allowedTools")
_RISKY_TOOL = re.compile(r"bash|exec|shell|command|run_|write|delete|remove|eval|terminal|install|\*", re.IGNORECASE)


def server(document: Document, name: str, value: Value) -> Iterator[Seen | Folded]:
    """What is wrong with one configured server, and the command that starts it as shell text."""
    if value.get("command").content is not None:
        yield from _command(document, value)
    for member in ("url", "serverUrl", "httpUrl"):
        yield from _address(document, value.get(member))
    for member in ("env", "environment", "headers", "http_headers", "requestInit"):
        yield from variables(document, value.get(member))
        yield from variables(document, value.get(member, "headers"))
    yield from _approvals(document, value)
    if not name.isascii():
        yield Seen("mcp_tool_name_disguised", document.place(value))


def registry_entry(document: Document, value: Value) -> Iterator[Seen | Folded]:
    """What is wrong with a ``server.json``.  Spec: MCP registry, server.json."""
    for package in value.get("packages").entries:
        identifier = package.get("identifier") if package.get("identifier").text else package.get("name")
        version = package.get("version")
        if identifier.text and version.text in {"", "latest", "*"} and not _PINNED.match(identifier.text):
            yield Seen("mcp_server_unpinned", document.place(identifier))
        yield from _address(document, package.get("transport", "url"))
        words = [identifier.text]
        for member in ("runtimeArguments", "packageArguments"):
            words.extend(argument.get("value").text for argument in package.get(member).entries)
        hint = package.get("runtimeHint").text
        if hint:
            yield from _line(document, package, [hint, *filter(None, words[1:]), words[0]])
        for variable in package.get("environmentVariables").entries:
            yield from _variable(document, variable.get("name").text, variable.get("value"))
    for remote in value.get("remotes").entries:
        yield from _address(document, remote.get("url"))
        for header in remote.get("headers").entries:
            yield from _variable(document, header.get("name").text, header.get("value"))


def _command(document: Document, value: Value) -> Iterator[Seen | Folded]:
    command = value.get("command")
    # Some clients take one line, some a list, most a program and its arguments.
    words = [entry.text for entry in command.entries] or [command.text]
    words = words if len(words) > 1 or " " not in words[0].strip() else _split(words[0])
    words = [*words, *(argument.text for argument in value.get("args").entries)]
    yield from _line(document, value.get("args") if value.get("args").entries else command, words)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _line(document: Document, value: Value, words: Sequence[str]) -> Iterator[Seen | Folded]:
    place = document.place(value)
    line = shlex.join(words)
    yield Folded(line, place, _SHELL, ("command",))
    program = re.split(r"[/\\]", words[0])[-1]
    shown = Place(place.line, place.column, line[:200])
    yield from _scripts(program, words, shown)
    yield from (Seen(rule, shown) for rule in _rules_of_line(program, words))


def _scripts(program: str, words: Sequence[str], place: Place) -> Iterator[Seen | Folded]:
    """The program texts among the arguments."""
    if program in _SHELLS:
        for option, script in pairwise(words):
            if option in _SHELL_OPTIONS:
                yield Seen("mcp_server_shell", place)
                yield Folded(script, place, _SHELL, ("command", "sh -c"))
    option, language = _INLINE.get(program.rstrip("0123456789."), ("", FileType.TEXT))
    if option and option in words[:-1]:
        yield Seen("mcp_server_inline_code", place)
        yield Folded(words[words.index(option) + 1], place, frozenset({language}), ("command", option))


def _rules_of_line(program: str, words: Sequence[str]) -> Iterator[str]:
    package = _package(program, words)
    if package:
        if _REPOSITORY.match(package) and not package.startswith("@"):
            if not _COMMIT.search(package):
                yield "mcp_server_from_repository"
        elif not _PINNED.match(package):
            yield "mcp_server_unpinned"
    line = " ".join(words)
    if program in {"docker", "podman", "nerdctl"} and _DOCKER_DANGER.search(line):
        yield "mcp_server_container_privileged"
    if _ODD_PLACE.search(line):
        yield "mcp_server_odd_place"
    if "filesystem" in line and not _WHOLE_DISK.isdisjoint(words):
        yield "mcp_server_whole_disk"


def _package(program: str, words: Sequence[str]) -> str:
    """The package that a runner fetches; empty if it fetches none."""
    program = program.removesuffix(".cmd").removesuffix(".exe")
    arguments = list(words[1:])
    if program in _WITH_SUBCOMMAND:
        if _WITH_SUBCOMMAND[program] not in arguments[:1]:
            return ""
        arguments = arguments[2:] if program == "uv" else arguments[1:]
    elif program not in _NODE_RUNNERS and program != "uvx":
        return ""
    for number, argument in enumerate(arguments):
        option, _, given = argument.partition("=")
        if option in _OPTIONS_WITH_PACKAGE:
            return given or (arguments[number + 1] if number + 1 < len(arguments) else "")
        if not argument.startswith("-"):
            return argument
    return ""


def _address(document: Document, url: Value) -> Iterator[Seen]:
    if not url.text:
        return
    if url.text.lower().startswith(("http://", "ws://")) and not _LOCAL.match(
        url.text.lower().replace("ws:", "http:", 1)
    ):
        yield Seen("mcp_server_plaintext", document.place(url))
    if _ODD_HOST.match(url.text) and not _LOCAL.match(url.text.lower().replace("https:", "http:", 1)):
        yield Seen("mcp_server_odd_host", document.place(url))


def variables(document: Document, table: Value) -> Iterator[Seen]:
    for name, value in table.members:
        yield from _variable(document, name, value)


def _variable(document: Document, name: str, value: Value) -> Iterator[Seen]:
    text = value.text
    place = document.place(value)
    # The finding must not pass the secret on.
    shown = Place(place.line, place.column, f"{name}={text[:4]}...")
    is_secret = _SECRET_NAME.search(name) and _SECRET_VALUE.match(text) and not _PLACEHOLDER.search(text)
    if is_secret and any(map(str.isdigit, text)):
        yield Seen("mcp_env_secret", shown)
    loads_code = name.upper() == "NODE_OPTIONS" and _REQUIRES.search(text)
    if loads_code or (_HIJACKING.fullmatch(name) and text.lower() not in _HARMLESS_VALUES and not _LOCAL.match(text)):
        yield Seen("mcp_env_hijack", shown)


def _approvals(document: Document, value: Value) -> Iterator[Seen]:
    for member in _APPROVING:
        approved = value.get(member)
        risky = [entry for entry in approved.entries if _RISKY_TOOL.search(entry.text)]
        if risky or approved.content is True or approved.text == "*":
            yield Seen("mcp_auto_approve", document.place(approved))
    if value.is_true("trust"):
        yield Seen("mcp_auto_approve", document.place(value.get("trust")))
