"""What stands within the paragraphs of a Markdown document: code spans, links, images and tags."""

import re

from haldir_scanner._documents._markup import RUNNABLE, Markup
from haldir_scanner._text import Region, Span

# A tag only counts if it ends before the next one begins.
_TOKEN = re.compile(rb"\\[!-~]|`++|\]\(|!\[|<(?=[A-Za-z][^<>]*+>)")
_IMAGE = re.compile(rb"!\[([^\[\]]*+)\]")
_TARGET = re.compile(
    rb"\]\(\s*+(?:<([^<>\n]*+)>|([^\s()<>]*+(?:\([^\s()]*+\)[^\s()<>]*+)*+))"
    rb"(?:\s++(\"[^\"]*+\"|'[^']*+'|\([^()]*+\)))?+\s*+\)"
)
_PARAGRAPH_END = re.compile(rb"\n[ \t>]*+\r?\n")
_LONGEST_RUN = 16
_CODE_ENDS = [re.compile(rb"(?<!`)`{%d}(?!`)" % length) for length in range(_LONGEST_RUN + 1)]
# A megabyte that a person has written has a tenth of this.
_MOST_TOKENS = 100_000


class Inline:
    """The spans that have been found so far in the paragraphs of one text.

    Attributes:
        found: the spans, in order.
    """

    def __init__(self, data: bytes) -> None:
        self.found: list[Span] = []
        self._data = data
        self._markup = Markup(data)
        self._tokens_left = _MOST_TOKENS
        self._paragraph_end = 0
        # By the length of a run of backticks: up to where no such run stands.
        self._none_before = [0] * (_LONGEST_RUN + 1)

    def scan(self, begin: int, end: int) -> int:
        """Where the next paragraph may begin: at ``end``, or behind a hidden element that ends later."""
        position = begin
        while position < end:
            if self._tokens_left <= 0:
                # Nobody writes like that; what was not taken apart counts as unseen.
                self.found.append(Span(position, end, Region.HIDDEN, RUNNABLE))
                return end
            token = _TOKEN.search(self._data, position, end)
            if token is None:
                return end
            self._tokens_left -= 1
            position = self._after(token, end)
        return position

    def _after(self, token: re.Match[bytes], end: int) -> int:
        match token[0][:1]:
            case b"\\":
                return token.end()
            case b"`":
                return self._code(token, end)
            case b"!":
                return self._image(token.start(), end)
            case b"]":
                return self._link(token.start(), end)
        spans, position = self._markup.at(token.start(), end)
        self.found.extend(spans)
        return position

    def _code(self, opening: re.Match[bytes], end: int) -> int:
        begin, position = opening.span()
        length = position - begin
        if length > _LONGEST_RUN or position < self._none_before[length]:
            return position
        if position >= self._paragraph_end:
            blank = _PARAGRAPH_END.search(self._data, position)
            self._paragraph_end = len(self._data) if blank is None else blank.start()
        limit = min(end, self._paragraph_end)
        closing = _CODE_ENDS[length].search(self._data, position, limit)
        if closing is None:
            self._none_before[length] = limit
            return position
        self.found.append(Span(begin, closing.end(), Region.CODE, RUNNABLE))
        return closing.end()

    def _image(self, begin: int, end: int) -> int:
        image = _IMAGE.match(self._data, begin, end)
        if image is None:
            return begin + 2
        if image[1].strip():
            self.found.append(Span(*image.span(1), Region.HIDDEN))
        return image.end() - 1

    def _link(self, begin: int, end: int) -> int:
        link = _TARGET.match(self._data, begin, end)
        if link is None:
            return begin + 2
        for number, region in ((1, Region.LINK), (2, Region.LINK), (3, Region.HIDDEN)):
            if link[number]:
                self.found.append(Span(*link.span(number), region))
        return link.end()
