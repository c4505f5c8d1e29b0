"""The first half of a review: one request for each chunk, and what its answer proves."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from haldir_reviewer._content.chunks import Chunk, Part
from haldir_reviewer._content.segments import Segment
from haldir_reviewer._content.source import Form, SourceFile
from haldir_reviewer._draw import Draw
from haldir_reviewer.canaries import Canary, control, decoy_file, decoy_line, failed_echo
from haldir_reviewer.evidence import Claim, occurs, read_claim, verify
from haldir_reviewer.facts import Fact
from haldir_reviewer.model import JsonObject, Request
from haldir_reviewer.prompts import Control, ShownFile, ShownLine, extract_request
from haldir_reviewer.settings import Settings


@frozen
class Sheet:
    """One request for facts, and what is known about it.

    ``places`` are the lines of the skill by their numbers in the request; ``decoys`` are the texts of the decoy lines
    by the canary of which one must be reported; ``own`` are all lines that are not of the skill.
    """

    request: Request
    control: Control
    places: Mapping[int, Segment]
    parts: tuple[Part, ...]
    decoys: Mapping[Canary, tuple[str, ...]]
    own: tuple[str, ...]


@frozen(kw_only=True)
class Extract:
    """What one answer proves.

    ``discarded`` counts the claims whose quotation does not occur in the bytes, ``unproven`` those of them that are
    adverse.
    """

    facts: tuple[Fact, ...] = ()
    failed: frozenset[Canary] = field(default=frozenset())
    discarded: int = 0
    unproven: int = 0


def sheet(chunk: Chunk, draw: Draw, settings: Settings) -> Sheet:
    """Return the request for ``chunk``: its files in their order, with a decoy file and a decoy line among them."""
    decoy, line = decoy_file(draw.within("decoy file")), decoy_line(draw.within("decoy line"))
    numbers = _Numbers()
    shown = []
    holder = _holder(chunk, draw)
    place = draw.number("place of the decoy file", len(chunk.parts) + 1)
    for position, part in enumerate(chunk.parts):
        if position == place:
            shown.append(_decoy_shown(decoy.name, decoy.lines, numbers))
        at = 1 + draw.number("place of the decoy line", len(part.segments)) if position == holder else None
        shown.append(_shown(part, numbers, line, at))
    if place == len(chunk.parts):
        shown.append(_decoy_shown(decoy.name, decoy.lines, numbers))
    decoys = {Canary.DECOY_FILE: tuple(decoy.lines[index] for index in sorted(decoy.telling))}
    if holder is not None:
        decoys[Canary.DECOY_LINE] = (line,)
    known = control(draw)
    return Sheet(
        request=extract_request(shown, known, settings),
        control=known,
        places=numbers.places,
        parts=chunk.parts,
        decoys=decoys,
        own=(*decoy.lines, *((line,) if holder is not None else ())),
    )


def read(sheet: Sheet, answer: JsonObject, settings: Settings) -> Extract | None:
    """Return what ``answer`` proves, or None if it has another form than was asked for."""
    reported = answer.get("facts")
    if not isinstance(reported, list) or len(reported) > settings.max_facts_per_chunk:
        return None
    claims = [read_claim(item) for item in reported]
    facts, lost, missing = _sorted_out(sheet, [claim for claim in claims if claim is not None])
    failed = failed_echo(answer, sheet.control) | missing
    if not facts and any(segment.text.strip() for segment in sheet.places.values()):
        failed |= {Canary.SILENCE}
    return Extract(
        facts=facts,
        failed=failed,
        discarded=len(lost) + claims.count(None),
        unproven=sum(claim.adverse for claim in lost),
    )


class _Numbers:
    """Numbers for all lines of a request, one after the other."""

    def __init__(self) -> None:
        self.places: dict[int, Segment] = {}
        self._last = 0

    def next(self, text: str, segment: Segment | None) -> ShownLine:
        self._last += 1
        if segment is not None:
            self.places[self._last] = segment
        return ShownLine(self._last, text)


def _holder(chunk: Chunk, draw: Draw) -> int | None:
    """Which part holds the decoy line: one with text, the longer the likelier."""
    lines = [
        position for position, part in enumerate(chunk.parts) if part.file.form is Form.TEXT for _ in part.segments
    ]
    return draw.pick("holder of the decoy line", lines) if lines else None


def _shown(part: Part, numbers: _Numbers, decoy: str, at: int | None) -> ShownFile:
    """The part as it is shown; before its segment at position ``at`` (or after the last) stands the decoy line."""
    lines = []
    for position, segment in enumerate(part.segments):
        lines.append(numbers.next(segment.text, segment))
        if position + 1 == at:
            lines.append(numbers.next(decoy, None))
    return ShownFile(part.file.path, _note(part.file), tuple(lines))


def _decoy_shown(name: str, lines: Sequence[str], numbers: _Numbers) -> ShownFile:
    size = sum(len(line) for line in lines)
    return ShownFile(name, f"text, {size} bytes", tuple(numbers.next(line, None) for line in lines))


def _note(file: SourceFile) -> str:
    if file.form is Form.TEXT:
        return f"{file.type}, {len(file.data)} bytes"
    return f"{file.type}, {len(file.data)} bytes, {file.digest}; only its printable strings are shown"


def _sorted_out(sheet: Sheet, claims: Sequence[Claim]) -> tuple[tuple[Fact, ...], list[Claim], frozenset[Canary]]:
    """The facts among ``claims``, the claims that nothing proves, and the decoys that nobody reported."""
    facts: dict[Fact, None] = {}
    lost: list[Claim] = []
    missing = set(sheet.decoys)
    for claim in claims:
        named = sheet.places.get(claim.line)
        if named is not None and (fact := verify(claim, named, ())) is not None:
            facts[fact] = None
        elif any(occurs(claim, text) for text in sheet.own):
            missing -= {canary for canary, texts in sheet.decoys.items() if claim.adverse and _told(claim, texts)}
        elif (fact := verify(claim, None, sheet.parts)) is not None:
            facts[fact] = None
        else:
            lost.append(claim)
    return tuple(facts), lost, frozenset(missing)


def _told(claim: Claim, texts: Sequence[str]) -> bool:
    return any(occurs(claim, text) for text in texts)
