"""Path patterns: ``*``, ``?`` and ``[...]`` within a segment, ``**`` as a segment for any number of them."""

import re

_STANDS_FOR_OTHERS = frozenset("*?[")
_CLASS = re.compile(r"\[(!?)(\]?[^\]/]*)\]")
_SPECIAL = re.compile(r"[*?\[]")
_POSIX_SPECIAL = re.compile(r"[.^$*?+()\[\]{}|\\]")
_CLASS_SPECIAL = re.compile(r"[\\\[\]^&~|]")
_ESCAPED = r"\\\g<0>"
_ANY = "[^/]*"


def has_glob(text: str) -> bool:
    """Whether ``text`` holds a character that stands for others."""
    return not _STANDS_FOR_OTHERS.isdisjoint(text)


def escape(path: str) -> str:
    """Return the pattern that stands for ``path`` alone."""
    return _SPECIAL.sub(r"[\g<0>]", path)


def split(pattern: str) -> tuple[str, str]:
    """Return the literal folders that ``pattern`` begins with, and the rest; one of them may be empty."""
    segments = pattern.split("/")
    literal = next((at for at, segment in enumerate(segments) if has_glob(segment)), len(segments))
    return "/".join(segments[:literal]), "/".join(segments[literal:])


def problem(pattern: str) -> str | None:
    """Return what is wrong with the pattern characters of ``pattern``, or None."""
    for segment in pattern.split("/"):
        if "**" in segment and segment != "**":
            return f"{segment!r} mixes ** with other characters; ** stands alone between slashes"
        if "[" in _CLASS.sub("", segment):
            return f"{segment!r} has a [ without its ]; write [[] for the character itself"
        for negated, members in _CLASS.findall(segment):
            try:
                slash = re.match(f"[{_CLASS_SPECIAL.sub(_ESCAPED, members)}]", "/")
            except re.error:
                return f"{segment!r} has a character class that says nothing, such as [z-a]"
            if slash and not negated:
                return f"{segment!r} has a character class that holds the slash"
    return None


def regex_of(pattern: str) -> str:
    """Return the regular expression of ``pattern``, for a match over the whole path.

    ``/**`` at the end also stands for the folder itself.  No character but ``**`` stands for a slash.
    The groups between two stars are atomic (the leftmost place is as good as any other), so that no pattern
    takes more than a time in proportion to its length times that of the path.
    """
    segments: list[str] = []
    for segment in pattern.split("/"):
        if segment != "**" or segments[-1:] != ["**"]:
            segments.append(segment)
    tail = ""
    if segments[-1] == "**":
        segments.pop()
        if not segments:
            return ".*"
        tail = "(?:/.*)?"
    groups: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            groups.append([])
        else:
            groups[-1].append(_segment_regex(segment))
    regex = "".join(f"{part}/" for part in groups[0]) if len(groups) > 1 else "/".join(groups[0])
    for middle in groups[1:-1]:
        regex += "(?>(?:[^/]*/)*?" + "".join(f"{part}/" for part in middle) + ")"
    if len(groups) > 1:
        regex += "(?:[^/]*/)*" + "/".join(groups[-1])
    return regex + tail


def _segment_regex(segment: str) -> str:
    """Return the expression of one segment; what stands between two stars is found at its leftmost place."""
    pieces: list[str] = [""]
    at = 0
    while at < len(segment):
        char = segment[at]
        match = _CLASS.match(segment, at) if char == "[" else None
        if char == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
        else:
            pieces[-1] += _class_regex(match) if match else "[^/]" if char == "?" else re.escape(char)
        at = match.end() if match else at + 1
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>{_ANY}?{piece})" for piece in pieces[1:-1])
    return f"{pieces[0]}{middle}{_ANY}{pieces[-1]}(?=/|\\Z)"


def _class_regex(match: "re.Match[str]") -> str:
    negated, members = match.groups()
    return f"(?!/)[{'^' if negated else ''}{_CLASS_SPECIAL.sub(_ESCAPED, members)}]"


def posix_regex_of(pattern: str) -> str:
    """Return the extended regular expression of POSIX for ``pattern``, without anchors."""
    segments = pattern.split("/")
    tail = ""
    if segments[-1] == "**":
        segments.pop()
        tail = "(/.*)?" if segments else ".*"
    parts = ["([^/]*/)*" if segment == "**" else _posix_segment(segment) + "/" for segment in segments]
    return "".join(parts).removesuffix("/") + tail


def _posix_segment(segment: str) -> str:
    parts: list[str] = []
    at = 0
    while at < len(segment):
        match = _CLASS.match(segment, at)
        if match:
            negated, members = match.groups()
            if len(members) == 1 and not negated:
                parts.append(_POSIX_SPECIAL.sub(r"\\\g<0>", members))
                at = match.end()
                continue
            first = "]" if "]" in members else ""
            parts.append(f"[{'^' if negated else ''}{first}{'/' if negated else ''}{members.replace(']', '')}]")
        else:
            char = segment[at]
            parts.append({"*": _ANY, "?": "[^/]"}.get(char) or _POSIX_SPECIAL.sub(r"\\\g<0>", char))
        at = match.end() if match else at + 1
    return "".join(parts)
