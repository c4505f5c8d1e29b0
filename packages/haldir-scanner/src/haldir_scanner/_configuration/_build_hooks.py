"""What package managers, build tools and interpreters run by themselves."""

import re
from collections.abc import Iterator

from haldir_scanner._configuration._json import Document, NoJsonError
from haldir_scanner._configuration._places import found, place_of
from haldir_scanner._configuration._toml import load_toml, table
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Seen

_SHELL = frozenset({FileType.SHELL})
_PYTHON = frozenset({FileType.PYTHON})
# Names that a shell would find in place of the real program.
_COMMANDS = frozenset(
    [
        *("bash", "cat", "cd", "claude", "curl", "docker", "env", "gh", "git", "ls", "make", "node", "npm", "npx"),
        *("op", "pip", "python", "python3", "sh", "ssh", "sudo", "uv", "wget", "zsh"),
    ]
)
_CMDCLASS = re.compile(rb"^[^#\n]{0,200}?\b(cmdclass\s{0,9}=[^\n]{0,100}|cmdclass\s{0,9}\[[^\n]{0,100})", re.MULTILINE)
_RUNS_AT_BUILD = re.compile(
    rb"^((?:os\.(?:system|popen)|subprocess\.\w{1,20}|exec|eval|urllib\.request\.\w{1,20}|requests\.\w{1,10})"
    rb"\([^\n]{0,100})",
    re.MULTILINE,
)
_GYP_COMMAND = re.compile(rb"<!@?\(([^\n]{1,500})")
_GYP_LOOKUP = re.compile(rb"\s{0,9}node\s{1,9}-[pe]{1,2}\s[^\n]{0,40}require")
_REDIRECT = re.compile(
    rb"^[ \t]{0,20}((?:@[\w-]{1,100}:)?(?:registry|npmRegistryServer|index-url|extra-index-url|index_url"
    rb"|extra_index_url|find-links|repository|default-index)[ \t]{0,9}[=:][ \t\"']{0,9}(?:http|file|//)[^\n]{0,200})",
    re.MULTILINE,
)
_NO_TLS = re.compile(
    rb"^[ \t]{0,20}(strict-ssl[ \t]{0,9}=[ \t]{0,9}false|enableStrictSsl:[ \t]{0,9}false"
    rb"|trusted-host[ \t]{0,9}=[^\n]{1,200}|allow-insecure-host[ \t]{0,9}=[^\n]{1,200})",
    re.MULTILINE,
)
_RUNS_INSTEAD = re.compile(
    rb"^[ \t]{0,20}((?:script-shell|shell|git|node-options|onload-script|yarnPath|yarn-path)[ \t]{0,9}[=:][ \t]{0,9}"
    rb"[^\n]{1,200})",
    re.MULTILINE,
)
_PTH_CODE = re.compile(rb"^(import[ \t][^\n]{0,4000})", re.MULTILINE)


def package_json(data: bytes) -> Iterator[Seen | Folded]:
    """The scripts of a ``package.json``: shell commands, some of which npm runs on installation."""
    try:
        document = Document.of(data)
    except NoJsonError:
        return  # the manifest reader says so
    for name, script in document.root.get("scripts").members:
        if script.text:
            yield Folded(script.text, document.place(script), _SHELL, ("script", name[:80]))
    for name, program in document.root.get("bin").members:
        if name in _COMMANDS:
            yield Seen("package_bin_shadows", document.place(program))


def pyproject(data: bytes) -> Iterator[Seen | Folded]:
    """Code of the project itself that runs when it is built, and programs that take the name of another."""
    try:
        root = load_toml(data)
    except ValueError:
        yield Seen("config_unreadable")
        return
    own_backend = "backend-path" in table(root, "build-system")
    own_hook = "custom" in table(root, "tool", "hatch", "build", "hooks") or "build" in table(root, "tool", "poetry")
    cmdclass = table(root, "tool", "setuptools", "cmdclass")
    for is_there, word in ((own_backend, b"backend-path"), (own_hook, b"hooks"), (bool(cmdclass), b"cmdclass")):
        if is_there:
            begin = max(data.find(word), 0)
            yield Seen("python_build_hook", place_of(data, begin, begin + len(word)))
    for name in table(root, "project", "scripts"):
        if name in _COMMANDS:
            begin = max(data.find(name.encode(), data.find(b"scripts]")), 0)
            yield Seen("package_bin_shadows", place_of(data, begin, begin + 80))


def setup_cfg(data: bytes) -> Iterator[Seen]:
    """Own commands of a build with setuptools."""
    yield from (Seen("python_build_hook", place) for _, place in found(_CMDCLASS, data))


def setup_py(data: bytes) -> Iterator[Seen]:
    """Own commands, and code that runs as soon as the file is read."""
    for pattern in (_CMDCLASS, _RUNS_AT_BUILD):
        yield from (Seen("python_build_hook", place) for _, place in found(pattern, data))


def gyp(data: bytes) -> Iterator[Seen | Folded]:
    """Commands that node-gyp runs while it reads the file, which npm makes it do on installation."""
    for command, place in found(_GYP_COMMAND, data):
        if not _GYP_LOOKUP.match(command[1]):
            yield Seen("gyp_command", place)
            yield Folded(command[1].decode("utf-8", "replace"), place, _SHELL, ("command",))


def npmrc(data: bytes) -> Iterator[Seen]:
    """The settings of a package manager: where packages come from, and what is run in place of its own programs."""
    for pattern, rule in (
        (_REDIRECT, "package_index_redirect"),
        (_NO_TLS, "package_tls_disabled"),
        (_RUNS_INSTEAD, "package_manager_command"),
    ):
        yield from (Seen(rule, place) for _, place in found(pattern, data))


def pth(data: bytes) -> Iterator[Seen | Folded]:
    """Lines that every start of Python runs.  Source: Python library reference, module site."""
    for line, place in found(_PTH_CODE, data):
        yield Seen("pth_code", place)
        yield Folded(line[1].decode("utf-8", "replace"), place, _PYTHON, ("pth",))


def startup_module(data: bytes) -> Iterator[Seen]:
    """A module that every start of Python imports."""
    if data.strip():
        yield Seen("python_startup_module", place_of(data, 0, 0))
