"""What rules find before any model is asked; nothing of it is told to a model."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from attrs import evolve, frozen

from haldir_reviewer._content.directed import SQUEEZED, spoken
from haldir_reviewer._content.encoded import LARGE_RUN, MAX_RUNS, runs
from haldir_reviewer._content.folding import Folded, decoded_views, fold, squeeze, turned
from haldir_reviewer._content.foreign import foreign_demand
from haldir_reviewer._content.forged import forged
from haldir_reviewer._content.hidden import hidden
from haldir_reviewer._content.hits import Hit
from haldir_reviewer._content.segments import segments
from haldir_reviewer._content.source import SourceFile

PERMISSIONS = ".vault/permissions.json"
MAX_HITS_PER_FILE = 50
EXCERPT_CHARS = 160
_SEAM_CHARS = 300
"""How much of two neighbouring files is read together: an order may begin in one and end in the other."""


@frozen
class _Text:
    """Something to examine: a file, or a text that comes with the skill."""

    path: str
    text: str
    lines: bool = True

    def hit(self, rule: str, severity: str, message: str, *, line: int, excerpt: str) -> Hit:
        """Return a hit in this text."""
        return Hit(rule, severity, message, self.path, line if self.lines else 0, excerpt[:EXCERPT_CHARS])


def prescreen(files: Sequence[SourceFile], *, declared: str) -> tuple[Hit, ...]:
    """Return the hits in all files, in their names, and in the declared permissions."""
    texts = [_text(file) for file in files]
    others = [*(_Text(file.path, file.path, lines=False) for file in files), _Text(PERMISSIONS, declared, lines=False)]
    found = [hit for text in (*texts, *others) for hit in _limited(text)]
    return tuple(dict.fromkeys([*found, *_seams(texts)]))


def _text(file: SourceFile) -> _Text:
    if file.text is not None:
        return _Text(file.path, file.text)
    return _Text(file.path, "\n".join(segment.text for segment in segments(file)), lines=False)


def _limited(text: _Text) -> list[Hit]:
    found = []
    for hit in _examine(text):
        found.append(hit)
        if len(found) >= MAX_HITS_PER_FILE:
            break
    return found


def _examine(text: _Text) -> Iterator[Hit]:
    yield from _hidden(text)
    yield from _forged(text)
    yield from _directed(text, text.text, "")
    for view in decoded_views(text.text):
        yield from _directed(text, view, "behind escapes: ")
    yield from _encoded(text)


def _hidden(text: _Text) -> Iterator[Hit]:
    for at in hidden(text.text):
        message = f"a character that nobody sees, U+{ord(text.text[at]):04X}"
        around = text.text[max(at - 40, 0) : at + 40]
        yield text.hit("hidden_characters", "high", message, line=_line(text.text, at), excerpt=around)


def _forged(text: _Text) -> Iterator[Hit]:
    for at, excerpt in forged(text.text):
        message = "a mark that separates messages or material for a model"
        yield text.hit("forged_delimiter", "high", message, line=_line(text.text, at), excerpt=excerpt)


def _directed(text: _Text, view: str, how: str) -> Iterator[Hit]:
    folded = fold(view)
    yield from _spoken(text, folded, how)
    squeezed = squeeze(view)
    for turn, letters in turned(squeezed):
        for match in SQUEEZED.finditer(letters):
            at = len(letters) - match.end() if turn == "backwards" else match.start()
            message = f"{how}a demand to whoever examines it{', ' if turn else ''}{turn}"
            yield text.hit("judge_disguised", "critical", message, line=squeezed.line(at), excerpt=match[0])


def _spoken(text: _Text, folded: Folded, how: str) -> Iterator[Hit]:
    for found in spoken(folded.text):
        line = folded.line(found.start)
        yield text.hit(
            found.phrase.rule, found.phrase.severity, f"{how}{found.phrase.message}", line=line, excerpt=found.text
        )
    foreign = foreign_demand(folded.text)
    if foreign is not None:
        tongue, start, end = foreign
        message = f"{how}it may ask whoever examines it for approval, in {tongue}"
        yield text.hit(
            "judge_asked_elsewhere", "high", message, line=folded.line(start), excerpt=folded.text[start:end]
        )


def _encoded(text: _Text) -> Iterator[Hit]:
    for count, run in enumerate(runs(text.text)):
        line = run.line
        if count >= MAX_RUNS:
            yield text.hit("encoded_text", "medium", "too much encoded text to look at", line=line, excerpt="")
            return
        if run.text is not None:
            inside = Folded(fold(run.text).text, [])
            yield from (evolve(hit, line=line if text.lines else 0) for hit in _spoken(text, inside, "encoded: "))
        if run.packed:
            yield text.hit(
                "encoded_program", "high", "an encoded archive or program", line=line, excerpt=_cut(text, run.start)
            )
        elif run.text is not None and len(run.text) >= 16:
            yield text.hit("encoded_text", "medium", "encoded text", line=line, excerpt=run.text)
        elif run.length >= LARGE_RUN:
            yield text.hit("encoded_blob", "medium", "a large encoded blob", line=line, excerpt=_cut(text, run.start))


def _cut(text: _Text, at: int) -> str:
    return text.text[at : at + EXCERPT_CHARS]


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _seams(texts: Sequence[_Text]) -> Iterator[Hit]:
    """What begins at the end of one file and ends at the beginning of the next."""
    for first, second in pairwise(texts):
        head = fold(first.text[-_SEAM_CHARS:]).text
        both = f"{head} {fold(second.text[:_SEAM_CHARS]).text}"
        for found in spoken(both):
            if found.start < len(head) < found.end:
                yield Hit(found.phrase.rule, found.phrase.severity, found.phrase.message, second.path, 1, found.text)
