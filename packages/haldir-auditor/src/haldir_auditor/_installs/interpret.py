"""What the words of a command install."""

import re
from collections.abc import Sequence

from attrs import define, evolve, field

from haldir_auditor._installs.programs import ALIASES, PROGRAMS, Program, Takes
from haldir_auditor._npm_requirement import read_dependency, read_specifier, split_name
from haldir_auditor._python_requirement import name_of, read_requirement
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import IMAGE, Dependency, Ecosystem, Origin, Place, Scope

_VERSIONED = re.compile(r"pip(?:2|3)(?:\.\d{1,2})?")
_BEGUN = re.compile(r"([A-Za-z0-9][\w.-]*)\s*([=<>!~,;].*)")  # a name with something that pip would refuse
_REMOTE = re.compile(r"https?://", re.IGNORECASE)
_VARIABLE = re.compile(r"[$%]|\{\w*[^}]*\}|\x00")
_PLACEHOLDER = re.compile(r"<.*|\[.*|.*\.\.\.|…|[A-Z_]*PACKAGE[A-Z_]*|(?:your|my)-[\w-]+|\.{3}")
_IMAGE = re.compile(r"(?P<name>[\w./:-]+?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")
_SYSTEM = re.compile(r"(?P<name>[A-Za-z0-9@][\w.+/@:-]*?)(?:(?P<range>[<>=~]{1,2}[\w.+:~-]*))?")
_CONDA = re.compile(r"(?:[\w./-]+::)?(?P<name>[A-Za-z0-9_][\w.-]*)(?P<range>[<>=!~ ].*)?")
_PERL = re.compile(r"(?P<name>[A-Za-z]\w*(?:(?:::|-)\w+)*)(?P<range>@[\w.]+|~.+)?")
_NIX = re.compile(r"(?:(?P<flake>[\w+:./-]+)#)?(?P<name>[A-Za-z_][\w.+'-]*)(?P<range>)")
_FORMS = {"perl": _PERL, "nix": _NIX}
_CRATE = re.compile(r"(?P<name>[A-Za-z][\w-]*)(?:@(?P<range>.+))?")
_MODULE = re.compile(r"(?P<name>[\w-]+(?:\.[\w-]+)+(?:/[\w.~-]+)*(?:/\.\.\.)?)(?:@(?P<range>[\w.+/-]+))?")
_EXACT = re.compile(r"=?v?\d+(?:\.\d+){1,3}(?:[-+][\w.+-]+)?")


@define
class Installed:
    """What a command installs: packages, requirements files, indexes; ``dynamic`` are words that only a run knows.

    ``runs_another`` says that the words behind may be a command of their own.
    """

    place: Place
    packages: list[Dependency] = field(factory=list)
    files: list[str] = field(factory=list)
    indexes: list[str] = field(factory=list)
    dynamic: list[str] = field(factory=list)
    runs_another: bool = False


def program_of(name: str) -> str | None:
    """Return the key of a program in the table, by the name that it is called by."""
    bare = name.lower().removesuffix(".exe").removesuffix(".cmd")
    bare = "pip" if _VERSIONED.fullmatch(bare) else ALIASES.get(bare, bare)
    return bare if bare in PROGRAMS else None


def read_command(name: str, words: Sequence[str], place: Place) -> Installed | None:
    """Return what ``name words`` installs; None if it is a command that installs nothing."""
    program = PROGRAMS[name]
    rest = _skip_values(program, list(words))
    for command in sorted(program.commands, key=lambda command: -len(command.verbs)):
        verbs = tuple(verb for verb in command.verbs if verb)
        if tuple(rest[: len(verbs)]) == verbs:
            found = _read(program, command.takes, _created(rest, verbs), place)
            found.packages[:] = [_managed(package, name) for package in found.packages]
            return found
    return None


def _managed(package: Dependency, name: str) -> Dependency:
    """Return what has no ecosystem of its own with the program that fetches it."""
    is_open = package.ecosystem is Ecosystem.SYSTEM and not package.manager
    return evolve(package, manager=name) if is_open else package


def _skip_values(program: Program, words: list[str]) -> list[str]:
    """Leave out the options that stand before the verb; a program without verbs has none there."""
    if any(command.verbs == () for command in program.commands):
        return words
    at = 0
    while at < len(words) and words[at].startswith("-") and (words[at],) not in {c.verbs for c in program.commands}:
        at += 2 if words[at] in program.values | program.indexes else 1
    return words[at:]


def _created(words: list[str], verbs: tuple[str, ...]) -> list[str]:
    """Return the words behind the verbs; what npm creates with ``x`` is done by the package ``create-x``."""
    rest = words[len(verbs) :]
    if verbs[-1:] and verbs[-1] in {"create", "init"}:
        return [_initializer(word) if not word.startswith("-") else word for word in rest[:1]] + rest[1:]
    return rest


def _initializer(word: str) -> str:
    if not word.startswith("@"):
        return f"create-{word}"
    scope, slash, rest = word.partition("/")
    return f"{scope}/create-{rest}" if slash else f"{scope}/create"


def _read(program: Program, takes: Takes, words: Sequence[str], place: Place) -> Installed:
    found = Installed(place, runs_another=takes is not Takes.ALL)
    source: dict[str, str] = {}
    waiting = iter(words)
    named = False
    for word in waiting:
        option, equals, value = word.partition("=")
        if not word.startswith("-") or word == "-":
            # What is no package is run as it is; uv run takes a URL too.
            if takes is Takes.ALL or (takes is Takes.FIRST and not named) or _REMOTE.match(word):
                _package(found, program, word, place)
            if takes is not Takes.ALL:
                break
            continue
        if word == "--":
            continue
        if option in program.packages | program.extras | program.files | program.indexes | program.values:
            value = value if equals else next(waiting, "")
        elif program.form == "cargo" and option in {"--git", "--version"}:
            value = value if equals else next(waiting, "")
            source[option] = value
        named = _take_option(found, program, option, value, place) or named
    if source:
        found.packages[:] = [_from_source(package, source) for package in found.packages] or _bare(source, place)
    return found


def _take_option(found: Installed, program: Program, option: str, value: str, place: Place) -> bool:
    """Take the value of an option; return whether it names the package that the command is of."""
    if option in program.packages | program.extras:
        for part in value.split(",") if program.ecosystem is Ecosystem.PYPI and "[" not in value else [value]:
            _package(found, program, part, place)
        return option in program.packages
    if option in program.files:
        found.files.append(value)
    elif option in program.indexes and value:
        found.indexes.append(value)
    return False


def _package(found: Installed, program: Program, word: str, place: Place) -> None:
    bare = word.strip()
    if not bare or _PLACEHOLDER.fullmatch(bare):
        return
    if _VARIABLE.search(bare) and "://" not in bare:
        found.dynamic.append(bare)
        return
    dependency = _dependency(program, bare, place)
    if dependency is not None:
        found.packages.append(dependency)


def _dependency(program: Program, word: str, place: Place) -> Dependency | None:
    if program.form == "deno":
        return from_deno(word, place)
    if program.ecosystem is Ecosystem.NPM:
        return _from_npm(word, place)
    if program.ecosystem is Ecosystem.PYPI:
        return _from_pypi(word, place)
    patterns = {Ecosystem.CARGO: _CRATE, Ecosystem.GO: _MODULE, Ecosystem.CONDA: _CONDA, Ecosystem.SYSTEM: _SYSTEM}
    if program.form == "image":
        return read_image(word, place, Scope.INSTALLED)
    if matched := _FORMS.get(program.form, patterns[program.ecosystem]).fullmatch(word):
        return _named(program.ecosystem, matched["name"], matched["range"] or "", place)
    return None


def read_image(word: str, place: Place, scope: Scope) -> Dependency | None:
    """Return a container image; only a digest is one version of it."""
    found = _IMAGE.fullmatch(word)
    if not found:
        return None
    tag, digest = found["tag"] or "", found["digest"]
    return Dependency(Ecosystem.SYSTEM, found["name"], tag, place, scope, version=digest, manager=IMAGE)


def _named(ecosystem: Ecosystem, name: str, range_: str, place: Place) -> Dependency:
    exact = range_.lstrip("=") if _EXACT.fullmatch(range_.lstrip("=")) else None
    if ecosystem is Ecosystem.CONDA and not range_.startswith("=="):
        exact = None
    return Dependency(ecosystem, name, range_.strip(), place, Scope.INSTALLED, version=exact)


def _from_npm(word: str, place: Place) -> Dependency | None:
    split = split_name(word)
    if split and not read_specifier(word).locator:
        return read_dependency(*split, place, Scope.INSTALLED)
    if split and split[1]:
        return read_dependency(*split, place, Scope.INSTALLED)
    found = read_specifier(word)
    if found.origin is Origin.INDEX:
        return None
    return read_dependency(word, word, place, Scope.INSTALLED)


def from_deno(word: str, place: Place) -> Dependency | None:
    """Return what Deno takes from elsewhere for a word; None for a file of the skill."""
    kind, colon, rest = word.partition(":")
    if colon and kind in {"npm", "jsr"}:
        found = _from_npm(rest, place)
        return evolve(found, name=f"jsr:{found.name}") if found and kind == "jsr" else found
    if kind in {"http", "https"}:
        return read_dependency(word, word, place, Scope.INSTALLED)
    return None


def _from_pypi(word: str, place: Place) -> Dependency | None:
    name, at, version = word.partition("@")  # uvx ruff@0.4.0
    if at and version and "/" not in word and " " not in word:
        word = name if version == "latest" else f"{name}=={version}"
    try:
        return read_requirement(word, place, Scope.INSTALLED)
    except UnreadableError:
        begun = _BEGUN.fullmatch(word)
        return _named(Ecosystem.PYPI, name_of(begun[1]) or begun[1], begun[2], place) if begun else None


def _from_source(package: Dependency, source: dict[str, str]) -> Dependency:
    if repository := source.get("--git"):
        return evolve(package, origin=Origin.GIT, locator=repository)
    return _named(package.ecosystem, package.name, source["--version"], package.place)


def _bare(source: dict[str, str], place: Place) -> list[Dependency]:
    repository = source.get("--git")
    if not repository:
        return []
    return [Dependency(Ecosystem.CARGO, repository, "", place, Scope.INSTALLED, origin=Origin.GIT, locator=repository)]
