"""The tags of HTML and SVG, also inside Markdown: what they hide, what they run and what they point to."""

import html
import re
from collections.abc import Iterator
from functools import lru_cache

from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Region, Span

# What an agent might run if it stood there without a language.
RUNNABLE = frozenset({FileType.JAVASCRIPT, FileType.PYTHON, FileType.SHELL})
_SCRIPT = frozenset({FileType.JAVASCRIPT})

# Possessive throughout: one pass over the bytes up to the next angle bracket, whatever stands there.
_TAG = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9-]*+)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)>")
_TAG_NAME = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9-]*+)")
_AUTOLINK = re.compile(rb"<[A-Za-z][A-Za-z0-9+.-]{1,31}+:[^\s<>]*+>")
_ATTRIBUTE = re.compile(rb"(?<![\w:-])([A-Za-z][\w:-]*+)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'=<>`]++)))?+")
_COMMENT_END = re.compile(rb"--!?>")

# Source: WHATWG HTML, "Void elements".
_VOID = frozenset(b"area base br col embed hr img input link meta source track wbr".split())
_LINKS = frozenset(b"action background cite data formaction href ping poster src srcset xlink:href".split())
_UNSEEN_TEXT = frozenset(b"alt aria-description aria-label placeholder summary title".split())
_NEVER_SHOWN = frozenset(b"desc metadata noscript template".split())
_PROGRAMS = {b"code": RUNNABLE, b"pre": RUNNABLE, b"script": _SCRIPT}
_FIRST_CLOSES = {
    name: re.compile(rb"</" + name + rb"\s{0,100}(?:>|\Z)", re.IGNORECASE) for name in (*_NEVER_SHOWN, *_PROGRAMS)
}
_WHITE = r"(?:white|transparent|#f{3}(?:f{3}|f{5})?|rgba?\(\s*255\s*,\s*255\s*,\s*255|rgba\([^)]{0,40},\s*0?\.?0+\s*\))"
_HIDING_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|content-visibility\s*:\s*hidden"
    r"|font-size\s*:\s*(?:0|0?\.\d+px|1px)(?![.\d]*[1-9])|(?<![\w-])opacity\s*:\s*(?:0?\.0\d*|0(?![.\d]))"
    r"|(?<![\w-])(?:max-)?(?:width|height)\s*:\s*0(?![.\d]*[1-9])"
    r"|(?:text-indent|left|top|right|bottom)\s*:\s*-\d{4}|clip(?:-path)?\s*:\s*(?:rect\(\s*0|inset\(\s*(?:50|100)%)"
    r"|transform\s*:\s*scale\(\s*0\s*\)",
    re.IGNORECASE,
)
_WHITE_TEXT = re.compile(r"(?<![\w-])color\s*:\s*" + _WHITE, re.IGNORECASE)
_WHITE_VALUE = re.compile(_WHITE, re.IGNORECASE)
_ZERO = re.compile(r"\s*0*\.?0+(?:px|em|rem|pt|%)?\s*")
_HIDING_CLASS = re.compile(r"\.([\w-]{1,80})\s{0,4}\{([^{}]{0,400})\}")
_CSS_COMMENT = re.compile(r"/\*[^*]{0,200}\*/")


class Markup:
    """The tags of one text.

    Attributes:
        hiding_classes: names of classes that a style sheet of the text makes invisible.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.hiding_classes: frozenset[str] = frozenset()
        self._never_closed_again: set[bytes] = set()

    def at(self, position: int, limit: int) -> tuple[tuple[Span, ...], int]:
        """The spans of the tag (or of its element, if that is hidden or a program) at ``position``, and where to go on.

        ``limit``: where the tag itself must have ended; a hidden element may end after it.
        """
        autolink = _AUTOLINK.match(self._data, position, limit)
        if autolink is not None:
            return (Span(position + 1, autolink.end() - 1, Region.LINK),), autolink.end()
        tag = _TAG.match(self._data, position, limit)
        if tag is None:
            return (), position + 1
        closing, name, attributes = tag.groups()
        name = name.lower()
        if closing or (not attributes and name not in _NEVER_SHOWN and name not in _PROGRAMS):
            return (), tag.end()
        return self._element(tag, name)

    def _element(self, tag: re.Match[bytes], name: bytes) -> tuple[tuple[Span, ...], int]:
        end = tag.end()
        is_single = name in _VOID or tag[3].endswith(b"/")
        if name in _NEVER_SHOWN or name in _PROGRAMS:
            close = None if is_single else self._first_close(name, end)
            if close is None:
                return tuple(_attribute_spans(tag)), end
            if name in _PROGRAMS:
                body = Span(end, close[0], Region.CODE, _PROGRAMS[name])
                return (*_attribute_spans(tag), *([body] if body.begin < body.end else [])), close[0]
            return (Span(tag.start(), close[1], Region.HIDDEN, RUNNABLE),), close[1]
        if tag[3] and _is_hidden(name, tag[3], self.hiding_classes):
            close = None if is_single else self._close(name, end)
            # What is opened and never closed hides the rest of the page.
            stop = end if is_single else len(self._data) if close is None else close[1]
            return (Span(tag.start(), stop, Region.HIDDEN, RUNNABLE),), stop
        return tuple(_attribute_spans(tag)), end

    def _first_close(self, name: bytes, begin: int) -> tuple[int, int] | None:
        """Begin and end of the first closing tag of that name: what is in between is no markup, or never shown."""
        if name in self._never_closed_again:
            return None
        close = _FIRST_CLOSES[name].search(self._data, begin)
        if close is None:
            self._never_closed_again.add(name)
        return None if close is None else close.span()

    def _close(self, name: bytes, begin: int) -> tuple[int, int] | None:
        """Begin and end of the closing tag that belongs to an element whose content begins at ``begin``."""
        depth = 1
        for tag in _TAG_NAME.finditer(self._data, begin):
            if tag[2].lower() == name:
                depth += -1 if tag[1] else 1
                if depth == 0:
                    end = self._data.find(b">", tag.end())
                    return tag.start(), len(self._data) if end < 0 else end + 1
        return None


def comment_end(data: bytes, begin: int) -> int | None:
    """The end of the comment that begins at ``begin``; None if it is never closed."""
    # Source: WHATWG HTML, "abrupt-closing-of-empty-comment": <!--> and <!---> are complete.
    for abrupt in (b"<!-->", b"<!--->"):
        if data.startswith(abrupt, begin):
            return begin + len(abrupt)
    end = _COMMENT_END.search(data, begin + 4)
    return None if end is None else end.end()


def hiding_classes(style_sheet: bytes) -> frozenset[str]:
    """The names of the classes that a style sheet makes invisible."""
    rules = _HIDING_CLASS.findall(style_sheet.decode("utf-8", "replace"))
    return frozenset(name for name, body in rules if _hides(body))


def _attribute_spans(tag: re.Match[bytes]) -> Iterator[Span]:
    for attribute in _ATTRIBUTE.finditer(tag[3]):
        value = attribute.lastindex or 1
        if value == 1 or attribute.start(value) == attribute.end(value):
            continue
        name = attribute[1].lower()
        begin, end = tag.start(3) + attribute.start(value), tag.start(3) + attribute.end(value)
        if name in _LINKS:
            is_program = attribute[value].lstrip()[:11].lower() == b"javascript:"
            yield Span(begin, end, Region.CODE, _SCRIPT) if is_program else Span(begin, end, Region.LINK)
        elif name in _UNSEEN_TEXT or name.startswith(b"data-"):
            yield Span(begin, end, Region.HIDDEN)
        elif name.startswith(b"on"):
            yield Span(begin, end, Region.CODE, _SCRIPT)


@lru_cache(maxsize=256)
def _is_hidden(name: bytes, attributes: bytes, classes: frozenset[str]) -> bool:
    values = {
        (attribute[1].lower().decode("ascii", "replace")): html.unescape(
            attribute[attribute.lastindex or 1].decode("utf-8", "replace") if (attribute.lastindex or 1) > 1 else ""
        )
        for attribute in _ATTRIBUTE.finditer(attributes)
    }
    if "hidden" in values or _hides(values.get("style", "")):
        return True
    if classes and not classes.isdisjoint(values.get("class", "").split()):
        return True
    return _is_hidden_by_attribute(name, values)


def _is_hidden_by_attribute(name: bytes, values: dict[str, str]) -> bool:
    """Whether attributes of their own, as SVG and old HTML have them, make an element invisible."""
    if values.get("display") == "none" or values.get("visibility") in {"hidden", "collapse"}:
        return True
    if any(_ZERO.fullmatch(values.get(size, "1")) for size in ("opacity", "fill-opacity", "font-size")):
        return True
    if name in {b"div", b"iframe", b"marquee", b"table"} and _ZERO.fullmatch(values.get("height", "1")):
        return True
    colour = {b"font": "color", b"text": "fill", b"tspan": "fill"}.get(name)
    return colour is not None and _WHITE_VALUE.fullmatch(values.get(colour, "").strip()) is not None


def _hides(style: str) -> bool:
    plain = _CSS_COMMENT.sub("", style)
    if _HIDING_STYLE.search(plain):
        return True
    # White text on a ground of its own is a button or a badge.
    return "background" not in plain and _WHITE_TEXT.search(plain) is not None
