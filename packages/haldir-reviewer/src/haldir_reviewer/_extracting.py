"""The first half of a review: one request for each chunk, and what its answer proves."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from haldir_reviewer._content.chunks import Chunk, Part
from haldir_reviewer._content.segments import Segment
from haldir_reviewer._content.source import Form, SourceFile
from haldir_reviewer._draw import Draw
from haldir_reviewer.canaries import Canary, Decoy, control, decoy_file, decoy_line, failed_echo
from haldir_reviewer.evidence import Claim, occurs, read_claim, verify
from haldir_reviewer.facts import Fact
from haldir_reviewer.model import JsonObject, Request
from haldir_reviewer.prompts import Control, ShownFile, ShownLine, extract_request
from haldir_reviewer.settings import Settings

DECOY_LINES = 4
"""In how many files of one request a decoy line stands: whoever is made to spare a file spares the line in it, too."""


@frozen
class Trap:
    """A decoy: one of ``lines``, by their numbers in the request, must be reported as something adverse."""

    canary: Canary
    lines: Mapping[int, str]

    def told(self, claim: Claim) -> bool:
        """Whether ``claim`` reports it; models are sometimes one line off."""
        near = (self.lines.get(claim.line + offset) for offset in (0, -1, 1))
        return claim.adverse and any(text is not None and occurs(claim, text) for text in near)


@frozen
class Sheet:
    """One request for facts, and what is known about it.

    ``places`` are the lines of the skill by their numbers in the request; ``own`` are all lines that are not of the
    skill.
    """

    request: Request
    control: Control
    places: Mapping[int, Segment]
    parts: tuple[Part, ...]
    traps: tuple[Trap, ...]
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
    """Return the request for ``chunk``: its files in their order, with a decoy file and decoy lines among them."""
    decoy = decoy_file(draw.within("decoy file"))
    page = _Page()
    holders = _holders(chunk, draw)
    place = draw.number("place of the decoy file", len(chunk.parts) + 1)
    for position, part in enumerate(chunk.parts):
        if position == place:
            page.add_decoy(decoy)
        page.add(part, draw.within(f"part {position}"), with_decoy=position in holders)
    if place == len(chunk.parts):
        page.add_decoy(decoy)
    known = control(draw)
    return Sheet(
        request=extract_request(page.files, known, settings),
        control=known,
        places=page.places,
        parts=chunk.parts,
        traps=tuple(page.traps),
        own=tuple(page.own),
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


class _Page:
    """The lines of a request, numbered one after the other."""

    def __init__(self) -> None:
        self.files: list[ShownFile] = []
        self.places: dict[int, Segment] = {}
        self.traps: list[Trap] = []
        self.own: list[str] = []
        self._last = 0

    def add(self, part: Part, draw: Draw, *, with_decoy: bool) -> None:
        """Add a part of the skill, with a decoy line after one of its lines if it is to have one."""
        lines = []
        after = draw.number("place", len(part.segments)) if with_decoy else None
        for position, segment in enumerate(part.segments):
            lines.append(self._next(segment.text))
            self.places[self._last] = segment
            if position == after:
                text = decoy_line(draw)
                lines.append(self._next(text))
                self.own.append(text)
                self.traps.append(Trap(Canary.DECOY_LINE, {self._last: text}))
        self.files.append(ShownFile(part.file.path, _note(part.file), tuple(lines)))

    def add_decoy(self, decoy: Decoy) -> None:
        """Add a file that is not of the skill."""
        lines = tuple(self._next(line) for line in decoy.lines)
        telling = {line.number: line.text for position, line in enumerate(lines) if position in decoy.telling}
        self.own += decoy.lines
        self.traps.append(Trap(Canary.DECOY_FILE, telling))
        self.files.append(ShownFile(decoy.name, f"text, {sum(map(len, decoy.lines))} bytes", lines))

    def _next(self, text: str) -> ShownLine:
        self._last += 1
        return ShownLine(self._last, text)


def _holders(chunk: Chunk, draw: Draw) -> frozenset[int]:
    """Which parts hold a decoy line: some with text, the longer the likelier."""
    lines = [
        position for position, part in enumerate(chunk.parts) if part.file.form is Form.TEXT for _ in part.segments
    ]
    return frozenset(list(dict.fromkeys(draw.shuffled("holders", lines)))[:DECOY_LINES])


def _note(file: SourceFile) -> str:
    if file.form is Form.TEXT:
        return f"{file.type}, {len(file.data)} bytes"
    return f"{file.type}, {len(file.data)} bytes, {file.digest}; only its printable strings are shown"


def _sorted_out(sheet: Sheet, claims: Sequence[Claim]) -> tuple[tuple[Fact, ...], list[Claim], frozenset[Canary]]:
    """The facts among ``claims``, the claims that nothing proves, and the canaries of decoys that nobody reported."""
    facts: dict[Fact, None] = {}
    lost: list[Claim] = []
    for claim in claims:
        named = sheet.places.get(claim.line)
        if named is not None and (fact := verify(claim, named, ())) is not None:
            facts[fact] = None
        elif any(occurs(claim, text) for text in sheet.own):
            continue
        elif (fact := verify(claim, None, sheet.parts)) is not None:
            facts[fact] = None
        else:
            lost.append(claim)
    missing = frozenset(trap.canary for trap in sheet.traps if not any(trap.told(claim) for claim in claims))
    return tuple(facts), lost, missing
