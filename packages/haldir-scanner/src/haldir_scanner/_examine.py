"""The examination of one file: every text that it holds, searched by every rule."""

import hashlib
import re
from collections.abc import Iterator

from attrs import define, evolve, field, frozen

from haldir_scanner._engine import Engine, Hit
from haldir_scanner._file import Costs, File, region_of, spans_of
from haldir_scanner._files._filetypes import file_types
from haldir_scanner._files._views import View, escaped, views
from haldir_scanner._indicators import KnownBad
from haldir_scanner._readers import Finding, computed_by, decoded, findings_of
from haldir_scanner._reports._report import Match
from haldir_scanner._rules._rule import Category
from haldir_scanner._rules._table import RuleTable
from haldir_scanner._text import Flow, Folded, Notice, Place, Region, Seen, Text
from haldir_scanner._unpack import Member, unpack

# Of a credential, this much shows which one it is and is of no use to who reads the report.
_CREDENTIAL_SHOWN = 8
_DIGEST_LETTERS = 32
# 16 bits tell two credentials apart and do not let anybody guess a weak one.
_CREDENTIAL_DIGEST_LETTERS = 4
_MAX_FOLDED = 2_000
# Source: gitrepository-layout(5).
_GIT_OBJECT = re.compile(r"\.git/objects/(?:[0-9a-f]{2}/[0-9a-f]{38,62}|pack/pack-[0-9a-f]{40,64}\.\w{3,8})")


@define
class FileFindings:
    """What was found in one file.

    Attributes:
        path: as shown in a report.
        matches: by rule and line.
        signals: ids of signals that are no findings.
    """

    path: str
    matches: dict[tuple[str, int], Match] = field(factory=dict)
    signals: set[str] = field(factory=set)

    def add(self, match: Match) -> None:
        """Keep a match, unless the same rule was found in the same line before."""
        self.matches.setdefault((match.rule, match.line), match)


@frozen
class Examiner:
    """What one scan examines its files with."""

    engine: Engine
    rules: RuleTable
    per_rule: int
    costs: Costs
    known_bad: KnownBad

    def examine(self, path: str, data: bytes) -> Iterator[FileFindings]:
        """Everything that is found in one file, and then in each file inside of it."""
        return self._examine(Member(path, data), depth=0)

    def _examine(self, member: Member, *, depth: int) -> Iterator[FileFindings]:
        findings = FileFindings(escaped(member.path))
        if self.costs.is_over():
            findings.add(self.rules.match_of(Notice("limit_time", member.path)))
            yield findings
            return
        self._search_in(member, findings)
        if _GIT_OBJECT.fullmatch(member.path):
            # Former versions of files: nobody runs or reads them without asking git for them.
            self.costs.has_history = True
            yield findings
            return
        for item in unpack(member.path, member.data, self.costs.unpack, depth):
            if isinstance(item, Notice):
                findings.add(self.rules.match_of(item))
            else:
                yield from self._examine(item, depth=depth + 1)
        yield findings

    def _search_in(self, member: Member, findings: FileFindings) -> None:
        """Search every view of a file and, in the first one, what its readers find."""
        types = member.types or file_types(member.path.rpartition("!/")[2], member.data)
        region = member.region or region_of(types)
        for seen in self.known_bad.in_file(member.path, member.data):
            findings.add(self.rules.match_at(findings.path, seen))
        for number, view in enumerate(views(member.data)):
            file = File(findings.path, member.data, view, types, region, max(member.line - 1, 0), self.costs)
            self._search(self._text_of(file, number), file, findings)
            if number == 0:
                self._read(file, findings)

    def _text_of(self, file: File, number: int) -> Text:
        if number == 0 or not file.has_spans:
            spans = file.spans
        else:
            # Without its disguises, a document has other offsets; its price is that of the first look.
            spans = spans_of(file.text, file.types) if len(file.text) <= self.costs.limits.max_parsed_bytes else ()
        return Text(path=file.path, data=file.text, types=file.types, region=file.region, spans=spans)

    def _read(self, file: File, findings: FileFindings) -> None:
        folded = 0
        for found in findings_of(file):
            self._take(found, file, findings)
            if isinstance(found, Folded):
                folded += 1
                if folded == _MAX_FOLDED:
                    findings.add(self.rules.match_of(Notice("limit_decoding", file.path)))
                    return
        if self.costs.decode.limit_hit:
            self.costs.decode.limit_hit = False
            findings.add(self.rules.match_of(Notice("limit_decoding", file.path)))

    def _take(self, found: Finding, file: File, findings: FileFindings) -> None:
        if isinstance(found, Text):
            self._search(found, file, findings)
        elif isinstance(found, Folded):
            self._take_folded(found, file, findings)
        elif isinstance(found, Notice):
            findings.add(self.rules.match_of(found))
        elif isinstance(found, Seen):
            findings.add(self.rules.match_at(file.path, found))
        else:
            findings.add(self._flow(found, file))

    def _take_folded(self, folded: Folded, file: File, findings: FileFindings, depth: int = 1) -> None:
        data = folded.text.encode("utf-8", "replace")
        text = Text(
            path=file.path,
            data=data,
            types=folded.types,
            region=folded.region,
            chain=folded.chain,
            line=folded.place.line,
            column=folded.place.column,
        )
        self._search(text, file, findings)
        for found in decoded(data, file, lambda *_: folded.place, folded.chain):
            self._take(found, file, findings)
        for inner in computed_by(folded, file, depth):
            if isinstance(inner, Folded):
                self._take_folded(inner, file, findings, depth + 1)
            else:
                self._take(inner, file, findings)

    def _flow(self, flow: Flow, file: File) -> Match:
        match = self.rules.match_at(file.path, Seen(flow.rule, flow.steps[-1]))
        return evolve(match, flow=tuple(_shown(step) for step in flow.steps))

    def _search(self, text: Text, file: File, findings: FileFindings) -> None:
        found = self.engine.search(text, per_rule=1 if text.line else self.per_rule)
        findings.signals |= found.signals
        view = View(text.data) if text.line else file.view
        known = (Hit(self.rules[rule], begin, end) for rule, begin, end in self.known_bad.in_text(text.data))
        for hit in (*found.hits, *known):
            findings.add(_match(hit, text, view, file.first_line))
        if not found.is_complete:
            findings.add(self.rules.match_of(Notice("limit_matches", text.path)))


def _shown(place: Place) -> Place:
    return evolve(place, excerpt=escaped(place.excerpt))


def _match(hit: Hit, text: Text, view: View, first_line: int) -> Match:
    is_secret = hit.rule.category is Category.CREDENTIAL_EXPOSURE
    excerpt = view.excerpt(hit.begin, hit.end)
    context, caret = view.context(hit.begin, hit.end)
    if is_secret:
        excerpt = f"{excerpt[:_CREDENTIAL_SHOWN]}..."
        context, caret = excerpt, (0, len(excerpt))
    matched = b" ".join(view.data[hit.begin : hit.end].split())
    letters = _CREDENTIAL_DIGEST_LETTERS if is_secret else _DIGEST_LETTERS
    return Match(
        definition=hit.rule,
        path=text.path,
        line=text.line or view.line(hit.begin) + first_line,
        column=text.column if text.line else view.column(hit.begin),
        excerpt=excerpt,
        context=context,
        caret=caret,
        region=_region(hit, text),
        chain=text.chain,
        digest=hashlib.sha256(matched).hexdigest()[:letters],
    )


def _region(hit: Hit, text: Text) -> Region:
    inside = (span.region for span in text.spans if span.begin <= hit.begin < span.end)
    return next(inside, text.region)
