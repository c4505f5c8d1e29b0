"""Requirements and constraints files: what ``pip install -r`` reads."""

import re
import shlex
from collections.abc import Iterable, Iterator

from attrs import define, evolve, field

from haldir_auditor._document import Document
from haldir_auditor._manifests.requirement_entries import read_entry
from haldir_auditor.supply import INSECURE, Dependency, Ecosystem, Manifest, Place, Scope, Supply

FORMAT = "requirements.txt"

_DEVELOPMENT = re.compile(
    r"(?:^|[-_./])(?:dev|develop|development|tests?|testing|lint|docs?|ci)(?:[-_.]|$)", re.IGNORECASE
)
_CONSTRAINTS = re.compile(r"(?:^|[-_.])constraints?(?:[-_.]|$)", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$")  # as pip has it, in linear time
_COMMENT_LINE = re.compile(r"\s*#")

# Every option that a line may have, with how many words follow.  Source: pip, "Requirements File Format", and the
# options of lines that pip knew once.
_OPTIONS = {
    "--index-url": 1,
    "--pypi-url": 1,
    "--extra-index-url": 1,
    "--no-index": 0,
    "--constraint": 1,
    "--requirement": 1,
    "--editable": 1,
    "--find-links": 1,
    "--no-binary": 1,
    "--only-binary": 1,
    "--prefer-binary": 0,
    "--require-hashes": 0,
    "--pre": 0,
    "--trusted-host": 1,
    "--use-feature": 1,
    "--hash": 1,
    "--global-option": 1,
    "--install-option": 1,
    "--config-settings": 1,
    "--config-setting": 1,
    "--no-deps": 0,
}
_SHORT = {
    "-i": "--index-url",
    "-c": "--constraint",
    "-r": "--requirement",
    "-e": "--editable",
    "-f": "--find-links",
    "-C": "--config-settings",
}


@define
class _Options:
    """What the lines of one file say together."""

    main: list[str] = field(factory=list)
    others: list[str] = field(factory=list)
    constraints: list[str] = field(factory=list)
    hashes_required: bool = False


def scope_by_name(path: str) -> Scope:
    """Return what the dependencies of a requirements file are for, by its name."""
    name = path.rpartition("/")[2]
    if _CONSTRAINTS.search(name):
        return Scope.CONSTRAINT
    return Scope.DEVELOPMENT if _DEVELOPMENT.search(name.rpartition(".")[0] or name) else Scope.RUN


def read_requirements(document: Document) -> Supply:
    """Return what a requirements file asks for; the files that it includes are noted in the document.

    Raises: UnreadableError if it is no text.
    """
    manifest = Manifest(document.path, FORMAT, Ecosystem.PYPI)
    lines = logical_lines(document.text)
    return Supply(manifests=(read_requirement_lines(document, lines, scope_by_name(document.path), manifest),))


def read_requirement_lines(
    document: Document, lines: Iterable[tuple[int, str]], scope: Scope, manifest: Manifest
) -> Manifest:
    """Return the manifest with what the lines ask for added; each is its number and its words."""
    options = _Options()
    found = tuple(
        dependency
        for line, words in lines
        for dependency in _read_line(document, words, document.place(line), scope, options)
    )
    return evolve(
        manifest,
        dependencies=manifest.dependencies + found,
        indexes=manifest.indexes + tuple(options.main[-1:] + options.others),
        main_index_replaced=manifest.main_index_replaced or bool(options.main),
        hashes_required=options.hashes_required or any(dependency.hashes for dependency in found),
        constraints=manifest.constraints + tuple(options.constraints),
    )


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the logical lines, without comments.  Lines end where pip ends them, also at U+2028 and its like."""
    begun, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if _COMMENT_LINE.match(line):
            line = f" {line}"  # noqa: PLW2901 - so that a comment ends a continued line
        elif line.endswith("\\"):
            begun, first = begun + line.strip("\\"), first or number
            continue
        if words := _COMMENT.sub("", begun + line).strip():
            yield first or number, words
        begun, first = "", 0
    if words := _COMMENT.sub("", begun).strip():
        yield first, words


def _read_line(document: Document, words: str, place: Place, scope: Scope, options: _Options) -> Iterator[Dependency]:
    requirement, found = _split(document, words, place.line)
    hashes = tuple(value for option, value in found if option == "--hash")
    if requirement:
        yield from _dependency(document, requirement, place, scope, hashes)
    for option, value in found:
        if option == "--editable":
            yield from _dependency(document, value, place, scope, hashes)
        elif option in {"--requirement", "--constraint"}:
            document.include(value, Scope.CONSTRAINT if option == "--constraint" else scope, place.line)
            if option == "--constraint" and (path := document.relative(value)):
                options.constraints.append(path)
        elif option in {"--index-url", "--pypi-url"}:
            options.main.append(value)
        elif option in {"--extra-index-url", "--find-links"}:
            options.others.append(value)
        elif option == "--trusted-host":
            document.problem(f"no certificate of {value[:80]} is looked at", line=place.line, kind=INSECURE)
        elif option == "--require-hashes":
            options.hashes_required = True


def _dependency(
    document: Document, words: str, place: Place, scope: Scope, hashes: tuple[str, ...]
) -> Iterator[Dependency]:
    for found in read_entry(document, words, place.line, scope):
        yield evolve(found, hashes=hashes) if hashes else found


def _split(document: Document, words: str, line: int) -> tuple[str, list[tuple[str, str]]]:
    """Split a line into its requirement and its options."""
    start = re.search(r"(?:^|\s)-", words)
    if not start:
        return words, []
    try:
        rest = shlex.split(words[start.start() :])
    except ValueError:
        document.problem("a quotation mark is not closed", line=line)
        return words[: start.start()].strip(), []
    return words[: start.start()].strip(), list(_options(document, rest, line))


def _options(document: Document, rest: list[str], line: int) -> Iterator[tuple[str, str]]:
    words = iter(rest)
    for word in words:
        option, value = _option(word)
        if option is None:
            document.problem(f"{word[:80]!r} is no option that a requirements file may have", line=line)
        elif value is None and _OPTIONS[option]:
            yield option, next(words, "")
        else:
            yield option, value or ""


def _option(word: str) -> tuple[str | None, str | None]:
    """Return the full name of an option, which may be shortened as pip allows, and the value written with it."""
    if not word.startswith("--"):
        return _SHORT.get(word[:2]), word[2:] or None
    name, equals, value = word.partition("=")
    if name in _OPTIONS:
        return name, value if equals else None
    fitting = [option for option in _OPTIONS if option.startswith(name)] if len(name) > 2 else []
    return (fitting[0] if len(fitting) == 1 else None), value if equals else None
