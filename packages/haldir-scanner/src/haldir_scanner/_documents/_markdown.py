"""Which stretch of a Markdown or HTML document is what.

Own scanners in linear time, not a parser of CommonMark: what is asked is not how a page looks but what of it is code,
what its readers do not see, and what it points to.  The tests compare the code blocks with those of markdown-it.
"""

import html
import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from haldir_scanner._documents._markdown_blocks import blocks, padded
from haldir_scanner._documents._markdown_inline import Inline
from haldir_scanner._documents._markup import RUNNABLE, Markup, comment_end, hiding_classes
from haldir_scanner._text import Region, Span

_LONE_RETURN = re.compile(rb"\r(?!\n)")
_HTML_TOKEN = re.compile(rb"<(?=!--|[A-Za-z][^<>]*+>)")
_MOST_TAGS = 100_000
_PATH = re.compile(rb"[\w./@~%-]++")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}:")
# Suffixes of domain names in prose, which look like those of files.
_DOMAIN_SUFFIXES = frozenset({".ai", ".app", ".com", ".dev", ".example", ".io", ".net", ".org"})
_ABBREVIATIONS = frozenset({"e.g", "i.e"})
_LONGEST_PATH = 512


@lru_cache(maxsize=1)  # the instructions of a skill are asked for several times
def spans(data: bytes) -> tuple[Span, ...]:
    """The stretches of a Markdown document that are no prose: byte offsets, in order, without overlaps."""
    text = _LONE_RETURN.sub(b"\n", data) if b"\r" in data else data
    inline = Inline(text)
    position = 0
    for block in blocks(text):
        if block.begin < position:
            continue  # it lies in a hidden element, or that ends in it
        position = inline.scan(position, block.begin)
        if position <= block.begin:
            inline.found.append(block)
            position = block.end
    inline.scan(position, len(text))
    return tuple(_hidden(inline.found, padded(text)))


def spans_html(data: bytes) -> tuple[Span, ...]:
    """The stretches of an HTML or SVG document that are no visible text: in order, without overlaps."""
    markup = Markup(data)
    markup.hiding_classes = _hiding_classes(data)
    found: list[Span] = []
    position = 0
    while (token := _HTML_TOKEN.search(data, position)) is not None:
        if len(found) >= _MOST_TAGS:
            return (*found, Span(token.start(), len(data), Region.HIDDEN, RUNNABLE))
        if data.startswith(b"<!--", token.start()):
            # Source: WHATWG HTML, "eof-in-comment": the rest of the page is the comment.
            position = comment_end(data, token.start()) or len(data)
            found.append(Span(token.start(), position, Region.COMMENT, RUNNABLE))
            continue
        here, position = markup.at(token.start(), len(data))
        found.extend(here)
    return tuple(_hidden(found, padded(data)))


def references(data: bytes) -> frozenset[str]:
    """The relative paths that a document names: targets of links, ``@imports``, and words that look like a file.

    Paths are normalised (``./a/../b`` is ``b``) and relative to the folder of the document.
    """
    words = {word.decode("utf-8", "replace").strip("@").rstrip(".-") for word in set(_PATH.findall(data))}
    targets = {_target(data[span.begin : span.end]) for span in spans(data) if span.region is Region.LINK}
    named = {word for word in words if _is_path(word)}
    linked = {target for target in targets if target and not _SCHEME.match(target)}
    return frozenset(
        posixpath.normpath(path)
        for path in named | linked
        if len(path) <= _LONGEST_PATH and path[:1] not in {"/", "~", "#"}
    )


def _hidden(found: Sequence[Span], stretches: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The spans, and as hidden what lies between them in one of the stretches."""
    remaining = iter(stretches)
    stretch = next(remaining, None)
    position = 0
    for span in found:
        while stretch is not None and stretch[0] < span.begin:
            begin, end = max(stretch[0], position), min(stretch[1], span.begin)
            if begin < end:
                yield Span(begin, end, Region.HIDDEN, RUNNABLE)
            if stretch[1] > span.end:
                break
            stretch = next(remaining, None)
        yield span
        position = span.end
    while stretch is not None:
        if max(stretch[0], position) < stretch[1]:
            yield Span(max(stretch[0], position), stretch[1], Region.HIDDEN, RUNNABLE)
        stretch = next(remaining, None)


def _hiding_classes(data: bytes) -> frozenset[str]:
    lowered = data.lower()
    sheets: list[bytes] = []
    begin = lowered.find(b"<style")
    while begin >= 0:
        end = lowered.find(b"</style", begin)
        if end < 0:
            break
        sheets.append(data[begin:end])
        begin = lowered.find(b"<style", end)
    return hiding_classes(b"\n".join(sheets)) if sheets else frozenset()


def _target(link: bytes) -> str:
    plain = _PERCENT.sub(lambda escape: bytes.fromhex(escape[1].decode("ascii")), link)
    return html.unescape(plain.decode("utf-8", "replace")).partition("#")[0].partition("?")[0].strip()


def _is_path(word: str) -> bool:
    suffix = posixpath.splitext(word)[1]
    if _SUFFIX.fullmatch(suffix) is None or suffix.lower() in _DOMAIN_SUFFIXES:
        return False
    return not word.startswith(("/", "-", "~")) and "%" not in word and word not in _ABBREVIATIONS
