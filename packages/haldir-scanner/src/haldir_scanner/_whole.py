"""What can be said about a skill only when all of its files are known."""

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from haldir_scanner._configuration._mistakable import NODE, PYTHON
from haldir_scanner._declared_hosts import is_declared
from haldir_scanner._documents._compliance import seen as compliance
from haldir_scanner._documents._declared import Declared, declared
from haldir_scanner._documents._front_matter import read
from haldir_scanner._text import Place, Seen

_INSTRUCTIONS = "SKILL.md"
_MAX_HOSTS = 50
# A command that installs packages: `npm install a b`, `npx -y a`, `pip install a==1`.
_INSTALL = re.compile(
    rb"\b(?:(?:npm|pnpm|yarn|bun)[ \t]{1,4}(?:i|install|add)\b|(?P<runs>npx|bunx)\b"
    rb"|(?P<pip>(?:pip[\d.]{0,4}|pipx|uv pip)[ \t]{1,4}install))"
    rb"(?P<names>(?:[ \t]{1,4}[@\w./=<>~\[\]-]{1,100}(?![@\w./=<>~\[\]:-])){1,20})"
)
_VERSION = re.compile(r"(?<=.)@.*|[=<>~\[].*")
_MAX_INSTALLS = 200
# A command that runs a file of the skill: `python scripts/run.py`, `bash ./setup.sh`, `./setup.sh`.
_RUN = re.compile(
    rb"(?:\b(?:python3?|bash|sh|zsh|node|ruby|perl|pwsh|source|uv run)[ \t]{1,4}(?:-\w{1,8}[ \t]{1,4}){0,3}"
    rb"|(?:^|[\s`(])(?=\./))"
    rb"((?:\./)?(?:[\w-]{1,60}/){0,6}[\w-][\w.-]{0,80}\.(?:py|sh|bash|js|mjs|ts|rb|pl|ps1))\b",
    re.MULTILINE,
)
# A command that runs a program of the skill, or what a file of it says: `./prepare`, `make -f tools.mk`.
_PROGRAM = re.compile(
    rb"(?:(?:^|[;&|])[ \t]{0,8}(?:sudo[ \t]{1,4})?(?=\./)|\bmake[ \t]{1,4}-f[ \t]{0,4}"
    rb"|\bcompose[ \t]{1,4}(?:-f|--file)[ \t=]{1,4}"
    rb"|\bjava[ \t]{1,4}-jar[ \t]{1,4}|\b(?:php|lua|Rscript|julia|deno run)[ \t]{1,4})"
    rb"((?:\./)?(?:[\w-]{1,60}/){0,6}[\w-]{1,80}(?:\.(?:exe|bat|cmd|jar|php|lua|R|jl|mk|ya?ml|bin|run))?)(?=[\s`);&]|$)",
    re.MULTILINE,
)
# What builds and package managers put into the user's project.
_OF_THE_PROJECT = re.compile(
    r"(?:gradlew|mvnw|configure|a\.out|manage|Makefile|(?:docker-)?compose(?:\.[\w-]+)?\.ya?ml)$"
    r"|(?:build|dist|target|out|node_modules|vendor|src|cmd)/"
)
# Nothing of the three goes beyond a line; what each line needs is found in a tenth of the time.
_INSTALLER = re.compile(rb"npm|npx|yarn|bun|pip")
_SCRIPT = re.compile(rb"\.(?:py|sh|bash|js|mjs|ts|rb|pl|ps1)\b")
_STARTED = re.compile(rb"\./|make[ \t]|compose[ \t]|java[ \t]|php[ \t]|lua[ \t]|Rscript[ \t]|julia[ \t]|deno[ \t]")


def whole_findings(
    folder: str,
    paths: Collection[str],
    instructions: bytes | None,
    permissions: bytes | None,
    hosts: Mapping[str, tuple[str, int]],
) -> Iterator[tuple[str, Seen]]:
    """The findings about a skill as a whole, each with the path that it is about.

    ``folder`` is the name of the folder, empty if there is none; ``instructions`` the content of SKILL.md;
    ``permissions`` the content of a signed skill's permissions.json; ``hosts`` those that programs name, with the
    place.
    """
    for found in compliance(folder, paths, instructions):
        yield _INSTRUCTIONS, found
    if instructions is None:
        return
    for found in (*_not_shipped(instructions, paths), *_mistakable(instructions)):
        yield _INSTRUCTIONS, found
    says = declared(read(instructions), permissions)
    if says.no_network:
        yield _INSTRUCTIONS, Seen("network_disclaimed", Place(1))
    yield from _undeclared(says, hosts)


def _not_shipped(instructions: bytes, paths: Collection[str]) -> Iterator[Seen]:
    """The files that the instructions run and that the skill does not hold, once each."""
    told = {posixpath.normpath(path) for path in paths}
    names = {posixpath.basename(path) for path in paths}
    for rule, pattern, needed in (
        ("script_not_shipped", _RUN, _SCRIPT),
        ("program_not_shipped", _PROGRAM, _STARTED),
    ):
        for run in _in_lines(pattern, needed, instructions):
            path = posixpath.normpath(run[1].decode())
            if posixpath.basename(path) not in names and path not in told and not _is_of_the_project(rule, path):
                told.add(path)
                yield Seen(rule, Place(instructions.count(b"\n", 0, run.start(1)) + 1, 0, run[1].decode()))


def _is_of_the_project(rule: str, path: str) -> bool:
    """Whether builds and package managers make such a program in the user's project."""
    return rule == "program_not_shipped" and _OF_THE_PROJECT.match(path) is not None


def _mistakable(instructions: bytes) -> Iterator[Seen]:
    """The packages to be installed whose names are one slip away from popular ones, once each."""
    told: set[str] = set()
    for install in islice(_in_lines(_INSTALL, _INSTALLER, instructions), _MAX_INSTALLS):
        names, rule = (PYTHON, "python_typosquat") if install["pip"] else (NODE, "manifest_typosquat")
        words = [word for word in install["names"].decode().split() if not word.startswith(("-", ".", "/"))]
        for word in words[: 1 if install["runs"] else None]:
            name = _VERSION.sub("", word.strip("\"'`.,")).lower()
            if name not in told and names.is_mistakable(name):
                told.add(name)
                yield Seen(rule, Place(instructions.count(b"\n", 0, install.start()) + 1, 0, name))


def _in_lines(pattern: re.Pattern[bytes], needed: re.Pattern[bytes], text: bytes) -> Iterator[re.Match[bytes]]:
    """The matches of ``pattern``, looked for in the lines that have what it needs."""
    position = 0
    while (hint := needed.search(text, position)) is not None:
        begin = text.rfind(b"\n", position, hint.start()) + 1
        line_end = text.find(b"\n", hint.end())
        position = len(text) if line_end < 0 else line_end
        yield from pattern.finditer(text, begin, position)


def _undeclared(says: Declared, hosts: Mapping[str, tuple[str, int]]) -> Iterator[tuple[str, Seen]]:
    """The hosts that programs name although the skill says that it does without them."""
    rule = "undeclared_network" if says.no_network else "undeclared_host"
    allowed = frozenset() if says.no_network else says.hosts
    if allowed is None:
        return
    beyond = [host for host in hosts if not is_declared(host, allowed)]
    for host in beyond[:_MAX_HOSTS]:
        path, line = hosts[host]
        yield path, Seen(rule, Place(line, 0, host))
