"""The blocks of a Markdown document that are no prose."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from attrs import define

from haldir_scanner._documents._markup import RUNNABLE, comment_end
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Region, Span

T = FileType

_FRONT_MATTER = re.compile(rb"(?:\xef\xbb\xbf)?(---|\+\+\+)[ \t]*+\r?\n")
_FRONT_MATTER_END = {
    b"---": re.compile(rb"^(?:---|\.\.\.)[ \t\r]*+(?:\n|\Z)", re.MULTILINE),
    b"+++": re.compile(rb"^\+\+\+[ \t\r]*+(?:\n|\Z)", re.MULTILINE),
}
# The begin of a fence behind the marks of quotes and lists, or of a comment anywhere.
_EVENT = re.compile(rb"^([ \t>*+\-.)0-9]{0,60})(`{3,}+|~{3,}+)([^\n]*+)|<!--", re.MULTILINE)
_CONTAINERS = re.compile(rb"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++[ \t>]*+)*+")
_LANGUAGE = re.compile(rb"[A-Za-z][\w+#-]{0,30}")
_NO_QUOTE = re.compile(rb"^(?![ \t]{0,3}>)", re.MULTILINE)
_DEDENTED = re.compile(rb"^ {0,1}[^\s]", re.MULTILINE)
_INDENTED = re.compile(rb"(?:\A|^[ \t\r]*+\n)((?:(?: {4}|\t)[^\n]*+\n?)++)", re.MULTILINE)
_UNINDENTED = re.compile(rb"^(?: {0,3}([-*+]|\d{1,9}[.)])[ \t]|\S)", re.MULTILINE)
_DEFINITION = re.compile(
    rb"^[ \t]{0,3}\[([^\[\]\n]{1,200})\]:[ \t]*+(?:\n[ \t]*+)?+(<[^<>\n]*+>|[^\s]++)"
    rb"(?:\s++(\"[^\"\n]*+\"|'[^'\n]*+'|\([^()]*+\)))?+[^\n]*+",
    re.MULTILINE,
)
_LABEL = re.compile(rb"\[([^\[\]]{1,200})\]")
# Labels that nobody refers to, because they are comments.
_COMMENT_LABELS = frozenset({b"//", b"comment", b"_", b"#", b"_comment", b"hidden"})
_BLANK_LINES = re.compile(rb"^(?:(?:[ \t\r>]|\xc2\xa0|&nbsp;|<br ?/?>)*+\n)++", re.MULTILINE)
_BLANKS = re.compile(rb"[ ]++")
_MANY_LINES = 200
_MANY_COLUMNS = 2_000
_PROBE = b" " * 64
_TAB_IS_SPACE = bytes.maketrans(b"\t", b" ")
_LOOK_BACK = 256  # bytes

_LANGUAGES: dict[bytes, frozenset[FileType]] = {
    name: types
    for types, names in (
        # A transcript is run again by who follows it.
        (frozenset({T.SHELL}), b"bash sh shell zsh fish ksh console shell-session shellsession terminal sh-session"),
        (frozenset({T.BATCH, T.SHELL}), b"bat batch cmd dos"),
        (frozenset({T.POWERSHELL}), b"powershell ps ps1 pwsh posh"),
        (frozenset({T.DOCKERFILE}), b"docker dockerfile containerfile"),
        (frozenset({T.SHELL}), b"make makefile just justfile"),
        (frozenset({T.PYTHON}), b"python py python3 py3 ipython pycon gyp"),
        (frozenset({T.JAVASCRIPT}), b"javascript js typescript ts jsx tsx mjs cjs node nodejs deno coffee"),
        (frozenset({T.JSON}), b"json jsonc json5 jsonl ndjson"),
        (frozenset({T.YAML}), b"yaml yml"),
        (frozenset({T.TOML}), b"toml"),
        (frozenset({T.INI}), b"ini cfg conf properties systemd desktop"),
        (frozenset({T.ENV, T.SHELL}), b"env dotenv"),
        (frozenset({T.HTML, T.JAVASCRIPT}), b"html xml svg xhtml vue svelte astro"),
        (frozenset({T.RUBY}), b"ruby rb"),
        (frozenset({T.PERL}), b"perl pl"),
        (frozenset({T.PHP}), b"php"),
        (frozenset({T.GO}), b"go golang"),
        (frozenset({T.RUST}), b"rust rs"),
        (frozenset({T.MARKDOWN, T.TEXT}), b"markdown md mdx"),
        (frozenset({T.TEXT}), b"csv tsv mermaid latex tex plantuml dot graphviz bibtex"),
        # "text" is also what a command is marked as by who wants it overlooked.
        (frozenset({T.SHELL, T.TEXT}), b"text txt plain plaintext output log out none prompt"),
        (
            frozenset({T.OTHER_CODE}),
            b"c cpp c++ cc h hpp cs csharp java kotlin kt swift scala clojure elixir erlang dart",
        ),
        (
            frozenset({T.OTHER_CODE}),
            b"haskell julia r nim zig lua sql groovy gradle objc objective-c applescript vba vb",
        ),
        (frozenset({T.OTHER_CODE}), b"fsharp ocaml solidity graphql css scss hcl terraform nix proto matlab"),
    )
    for name in names.split()
}


@define
class _Fence:
    """A fence that has been opened; ``checked``: up to where its container is known to go on."""

    begin: int
    mark: bytes
    types: frozenset[FileType]
    end_of_container: re.Pattern[bytes] | None
    checked: int

    def breaks_before(self, data: bytes, limit: int) -> int | None:
        """Where the quote or list item that holds the fence ends, if that is before ``limit``."""
        if self.end_of_container is None:
            return None
        end = self.end_of_container.search(data, self.checked, limit)
        self.checked = limit
        return None if end is None or end.start() >= limit else end.start()

    def is_closed_by(self, event: re.Match[bytes]) -> bool:
        mark = event[2]
        is_long_enough = mark is not None and mark.startswith(self.mark)
        return is_long_enough and not event[3].strip() and not event[1].strip(b" \t>")

    def until(self, end: int) -> Span:
        return Span(self.begin, end, Region.CODE, self.types)


def blocks(data: bytes) -> list[Span]:
    """Front matter, code blocks, comments and reference definitions, in order and without overlaps."""
    head = front_matter_end(data)
    found = [Span(0, head, Region.FRONT_MATTER, _front_matter_types(data))] if head else []
    found.extend(_fences_and_comments(data, head))
    if b"    " in data or b"\t" in data:
        found = merged(found, list(_indented(data, head)))
    return merged(found, list(_definitions(data, head))) if b"]:" in data else found


def front_matter_end(data: bytes) -> int:
    """Where the front matter ends, behind its closing line; 0 if there is none."""
    begin = _FRONT_MATTER.match(data)
    if begin is None:
        return 0
    end = _FRONT_MATTER_END[begin[1]].search(data, begin.end())
    return 0 if end is None else end.end()


def merged(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """The spans of both, in order; one of ``second`` that overlaps another is left out."""
    result: list[Span] = []
    number = last = 0
    for candidate in second:
        while number < len(first) and first[number].begin < candidate.end:
            result.append(first[number])
            last = first[number].end
            number += 1
        if candidate.begin >= last:
            result.append(candidate)
            last = candidate.end
    return [*result, *first[number:]]


def padded(data: bytes) -> list[tuple[int, int]]:
    """The stretches that stand far below or far to the right of everything else, or behind a form feed."""
    stretches = list(_far_to_the_right(data))
    tail = min((begin for begin in (data.find(b"\f"), _far_below(data)) if begin >= 0), default=-1)
    if tail < 0 or not data[tail:].strip():
        return stretches
    return [*((begin, end) for begin, end in stretches if end <= tail), (tail, len(data))]


def _front_matter_types(data: bytes) -> frozenset[FileType]:
    return frozenset({T.TOML if data.removeprefix(b"\xef\xbb\xbf").startswith(b"+++") else T.YAML})


def _fences_and_comments(data: bytes, begin: int) -> Iterator[Span]:
    last_comment_end = max(data.rfind(b"-->"), data.rfind(b"--!>"))
    fence: _Fence | None = None
    position = begin
    while (event := _EVENT.search(data, position)) is not None:
        position = event.end()
        if fence is not None:
            broken = fence.breaks_before(data, event.start())
            if broken is None and not fence.is_closed_by(event):
                continue
            yield fence.until(position if broken is None else broken)
            is_done, fence = broken is None, None
            if is_done:
                continue
        if event[2] is not None:
            fence = _opened(event)
        elif not _is_in_code(data, event.start()):
            end = _end_of_comment(data, event.start(), last_comment_end)
            if end is not None:
                yield Span(event.start(), end, Region.COMMENT, RUNNABLE)
                position = end
    if fence is not None:
        broken = fence.breaks_before(data, len(data))
        yield fence.until(len(data) if broken is None else broken)


def _opened(event: re.Match[bytes]) -> _Fence | None:
    prefix, mark, information = event.groups()
    if _CONTAINERS.fullmatch(prefix) is None or (mark.startswith(b"`") and b"`" in information):
        return None
    word = _LANGUAGE.search(information)
    types = RUNNABLE if word is None else _LANGUAGES.get(word[0].lower(), RUNNABLE)
    is_item = bool(prefix.strip(b" \t>"))
    container = _NO_QUOTE if b">" in prefix else _DEDENTED if is_item else None
    return _Fence(event.start(), mark, types, container, event.end())


def _is_in_code(data: bytes, position: int) -> bool:
    """Whether an odd number of backticks stands before ``position`` in its line."""
    begin = max(data.rfind(b"\n", max(position - _LOOK_BACK, 0), position) + 1, position - _LOOK_BACK)
    return data.count(b"`", begin, position) % 2 == 1


def _end_of_comment(data: bytes, begin: int, last_end: int) -> int | None:
    if begin + 2 <= last_end:
        return comment_end(data, begin)
    # CommonMark 4.6: a comment that begins a line and is never closed takes the rest of the document.
    is_block = not data[max(begin - 4, 0) : begin].rpartition(b"\n")[2].strip()
    return len(data) if is_block else None


def _indented(data: bytes, begin: int) -> Iterator[Span]:
    """Indented code, as far as no list is around it."""
    position, in_list = begin, False
    for block in _INDENTED.finditer(data, begin):
        for line in _UNINDENTED.finditer(data, position, block.start()):
            in_list = line[1] is not None
        position = block.end()
        if not in_list and not block[1].isspace():
            yield Span(block.start(1), block.end(1), Region.CODE, RUNNABLE)


def _definitions(data: bytes, begin: int) -> Iterator[Span]:
    definitions = list(_DEFINITION.finditer(data, begin))
    mentions = Counter(map(_folded, _LABEL.findall(data))) if definitions else Counter()
    mentions.subtract(_folded(definition[1]) for definition in definitions)
    for definition in definitions:
        label = _folded(definition[1])
        if label.startswith(b"^"):
            continue
        if label in _COMMENT_LABELS or mentions[label] <= 0:
            yield Span(*definition.span(), Region.HIDDEN, RUNNABLE)
            continue
        yield Span(*definition.span(2), Region.LINK)
        if definition[3] is not None:
            yield Span(*definition.span(3), Region.HIDDEN)


def _folded(label: bytes) -> bytes:
    return b" ".join(label.lower().split())


def _far_below(data: bytes) -> int:
    """Where the text goes on behind so many blank lines that nobody scrolls there; -1 if nowhere."""
    if data.count(b"\n") < _MANY_LINES:
        return -1
    long_runs = (run for run in _BLANK_LINES.finditer(data) if run.end() - run.start() >= _MANY_LINES)
    far = (run.end() for run in long_runs if data.count(b"\n", run.start(), run.end()) >= _MANY_LINES)
    return next(far, -1)


def _far_to_the_right(data: bytes) -> Iterator[tuple[int, int]]:
    spaces = data.translate(_TAB_IS_SPACE)
    position = spaces.find(_PROBE)
    while position >= 0:
        run = _BLANKS.match(spaces, position)
        begin = position if run is None else run.end()
        end = begin
        if begin - position >= _MANY_COLUMNS:
            line_end = data.find(b"\n", begin)
            end = len(data) if line_end < 0 else line_end
            if begin < end and not data[begin:end].isspace():
                yield begin, end
        position = spaces.find(_PROBE, max(begin, end))
