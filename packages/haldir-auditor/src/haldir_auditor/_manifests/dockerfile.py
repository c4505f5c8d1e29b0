"""Dockerfile and Containerfile: the images that they begin with and what they install."""

import json
import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs import spelling
from haldir_auditor._installs.calls import called_in
from haldir_auditor._installs.cloned import cloned_in
from haldir_auditor._installs.commands import Region, Style, installed_by, note
from haldir_auditor._installs.interpret import read_image
from haldir_auditor._installs.piped import piped_in
from haldir_auditor._installs.variables import indexed, indexes_in
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Origin, Scope, Supply

FORMAT = "Dockerfile"

_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.MULTILINE | re.IGNORECASE)
_ADD = re.compile(
    r"^[ \t]*ADD[ \t]+(?:[^\n]*?--checksum=(?P<hash>sha\d+:[0-9a-f]+))?[^\n]*?(?P<url>https?://[^\s\"',\]]+)",
    re.MULTILINE | re.IGNORECASE,
)
_COPIED = re.compile(
    r"^[ \t]*(?:COPY[ \t]+[^\n]*?--from=|RUN[ \t][^\n]*?--mount=[^\s]*?\bfrom=)([^\s,]+)", re.MULTILINE | re.IGNORECASE
)
_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_ESCAPE = re.compile(r"\A(?:#[^\n]*\n)*#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_LIST = re.compile(r"^([ \t]*(?:RUN|CMD|ENTRYPOINT)[ \t]+)(\[[^\n]*\])[ \t]*$", re.MULTILINE | re.IGNORECASE)
_MAX_COMMANDS = 2_000
_NOTHING = "scratch"


def read_dockerfile(document: Document) -> Supply:
    """Return what an image is made of.  Raises: UnreadableError if it is no text."""
    text = _joined(document.text)
    indexes = indexes_in(text)
    dependencies = (*_images(document, text), *_added(document, text), *indexed(_installed(document, text), indexes))
    manifest = Manifest(document.path, FORMAT, Ecosystem.SYSTEM, tuple(dict.fromkeys(dependencies)))
    used = {(dependency.ecosystem, dependency.index) for dependency in dependencies}
    return Supply(manifests=(manifest,), indexes=tuple(pair for pair in indexes.items() if pair not in used))


def _joined(text: str) -> str:
    """Return the text with continued lines as one and without comments; its length stays."""
    escape = "`" if _ESCAPE.match(text) else "\\"
    blank = _COMMENT.sub(lambda found: " " * len(found[0]), text)
    joined = re.sub(rf"{re.escape(escape)}[ \t]*\n(?:[ \t]*\n)*", lambda found: " " * len(found[0]), blank)
    return spelling.joined(_LIST.sub(_as_words, joined))


def _as_words(found: re.Match[str]) -> str:
    """Return RUN ["a", "b"] as RUN a b."""
    try:
        words = json.loads(found[2])
    except (ValueError, RecursionError):
        return found[0]
    if not all(isinstance(word, str) for word in words):
        return found[0]
    return (found[1] + " ".join(words))[: len(found[0])].replace("\n", " ").ljust(len(found[0]))


def _images(document: Document, text: str) -> Iterator[Dependency]:
    stages: set[str] = {_NOTHING}
    for found in _FROM.finditer(text):
        image, stage = found[1], found[2]
        line = document.line_at(found.start(1))
        if image.lower() not in stages:
            if "$" in image:
                document.problem(f"the image {image[:80]!r} is known only when it is built", line=line, kind="opaque")
            elif dependency := read_image(image, document.place(line), Scope.BUILD):
                yield dependency
            else:
                document.problem(f"{image[:80]!r} is no image", line=line)
        if stage:
            stages.add(stage.lower())
    for found in _COPIED.finditer(text):
        image, place = found[1], document.place(document.line_at(found.start(1)))
        if image.lower() not in stages and not image.isdecimal() and (copied := read_image(image, place, Scope.BUILD)):
            yield copied


def _added(document: Document, text: str) -> Iterator[Dependency]:
    for found in _ADD.finditer(text):
        hashes = (found["hash"],) if found["hash"] else ()
        name, place = found["url"].partition("://")[2], document.place(document.line_at(found.start("url")))
        yield Dependency(
            Ecosystem.SYSTEM, name, "", place, Scope.BUILD, origin=Origin.URL, locator=found["url"], hashes=hashes
        )


def _installed(document: Document, text: str) -> Iterator[Dependency]:
    for found in installed_by(document, text, iter([Region(0, len(text), Style.CODE)])):
        yield from note(document, found)
    yield from piped_in(document, text, _MAX_COMMANDS)
    yield from cloned_in(document, text, _MAX_COMMANDS)
    yield from called_in(document, text)
