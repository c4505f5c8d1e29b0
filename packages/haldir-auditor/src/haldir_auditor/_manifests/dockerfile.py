"""Dockerfile and Containerfile: the images that they begin with and what they install."""

import json
import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs.commands import Region, Style, installed_by, note
from haldir_auditor._installs.interpret import read_image
from haldir_auditor._installs.piped import fetched_by, piped_in
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Scope, Supply

FORMAT = "Dockerfile"

_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.MULTILINE | re.IGNORECASE)
_ADD = re.compile(r"^[ \t]*ADD[ \t]+[^\n]*?(https?://[^\s\"',\]]+)", re.MULTILINE | re.IGNORECASE)
_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_ESCAPE = re.compile(r"\A(?:#[^\n]*\n)*#[ \t]*escape[ \t]*=[ \t]*`", re.IGNORECASE)
_LIST = re.compile(r"^([ \t]*(?:RUN|CMD|ENTRYPOINT)[ \t]+)(\[[^\n]*\])[ \t]*$", re.MULTILINE | re.IGNORECASE)
_MAX_COMMANDS = 2_000
_NOTHING = "scratch"


def read_dockerfile(document: Document) -> Supply:
    """Return what an image is made of.  Raises: UnreadableError if it is no text."""
    text = _joined(document.text)
    dependencies = (*_images(document, text), *_added(document, text), *_installed(document, text))
    return Supply(manifests=(Manifest(document.path, FORMAT, Ecosystem.SYSTEM, tuple(dict.fromkeys(dependencies))),))


def _joined(text: str) -> str:
    """Return the text with continued lines as one and without comments; its length stays."""
    escape = "`" if _ESCAPE.match(text) else "\\"
    blank = _COMMENT.sub(lambda found: " " * len(found[0]), text)
    joined = re.sub(rf"{re.escape(escape)}[ \t]*\n(?:[ \t]*\n)*", lambda found: " " * len(found[0]), blank)
    return _LIST.sub(_as_words, joined)


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


def _added(document: Document, text: str) -> Iterator[Dependency]:
    for found in _ADD.finditer(text):
        yield fetched_by(found[1], document, document.line_at(found.start(1)))


def _installed(document: Document, text: str) -> Iterator[Dependency]:
    for found in installed_by(document, text, iter([Region(0, len(text), Style.CODE)])):
        yield from note(document, found)
    yield from piped_in(document, text, _MAX_COMMANDS)
