"""The programs that the parts of a skill make together, and that no file of it holds.

Fences that share variables, scripts that read another file in, modules that import one, files that a command joins.
They are examined like files of the skill; what the parts showed already is not told again.
"""

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from attrs import frozen

from haldir_scanner._file import spans_of
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Region
from haldir_scanner._unpack import Member

Content = Callable[[str], bytes | None]
"""The content of a file of the skill, by its path; None if there is none."""

MAX_BYTES = 64 << 10
"""Of one program that is put together; what is larger hides nothing in how it is split."""

_INSTRUCTIONS = "SKILL.md"
_MAX_PROGRAMS = 20
_MAX_PARTS = 40
_MARKDOWN = frozenset({FileType.MARKDOWN})
_FENCE = re.compile(rb"\A[ \t>]{0,40}(?:`{3,}|~{3,})[^\n]*\n")
_FENCE_END = re.compile(rb"\n?[ \t>]{0,40}(?:`{3,}|~{3,})[ \t\r]*\n?\Z")
_QUOTE = re.compile(rb"(?:^[ \t]{0,3}>[^\n]*(?:\n|\Z))+", re.MULTILINE)
_QUOTED_CODE = re.compile(rb"^[ \t]{0,3}>[ \t>]{0,20}(?:[-*+\d.)]{1,4}[ \t]+)?(?:```|~~~|    [ \t]*\S)", re.MULTILINE)
_MARKS = re.compile(rb"^[ \t]{0,3}(?:>[ ]?){1,20}", re.MULTILINE)
# What a program does that is worth following into another part of it.
_EFFECT = re.compile(
    rb"curl|wget|urlopen|requests|httpx|aiohttp|socket|https?[:.'\"]|fetch|subprocess|os\.system|child_process|exec|eval"
    rb"|getattr|\$\{?\w+\}? -|\"\$\w|\|\s*\$"
)


# What makes several files of a program worth reading as one: something that is worth sending, and a way to send it.
_SOURCE = re.compile(
    rb"environ|getenv|process\.env|expanduser|homedir|home\(\)|HOME|~/|\.ssh|\.aws|id_rsa|credential|secret|passw|wallet|cookie"
    rb"|getattr|fromCharCode|chr\(|b64decode|fromhex|atob"
)
_SENDING = re.compile(
    rb"urlopen|requests\.|httpx|aiohttp|socket|fetch\(|axios|https?\.(?:request|get)|curl|wget|exec\(|eval\("
)


@frozen
class _Language:
    """How a language gives a value a name, and how it reads another file.

    Attributes:
        suffix: of the file that the program would be.
        names: what an assignment or a definition begins with; the name is the first group that took part.
        loads: a line that reads another file in; its group ``path`` says which.
    """

    suffix: str
    names: re.Pattern[bytes]
    loads: re.Pattern[bytes]


_LANGUAGES: Mapping[FileType, _Language] = {
    FileType.SHELL: _Language(
        ".sh",
        re.compile(rb"(?:^|[;&\s])(?:([A-Za-z_]\w{0,40})=|([A-Za-z_]\w{0,40})\s?\(\)\s?\{)", re.MULTILINE),
        re.compile(
            rb"^[ \t]*(?:\.|source)[ \t]+[\"']?(?:[^\n;|&]{0,80}/)?(?P<path>[\w.-]{1,80})[\"']?[ \t;]*$", re.MULTILINE
        ),
    ),
    FileType.PYTHON: _Language(
        ".py",
        re.compile(rb"^(?:([A-Za-z_]\w{0,40})\s{0,4}=[^=]|(?:async )?def ([A-Za-z_]\w{0,40})\()", re.MULTILINE),
        re.compile(
            rb"^[ \t]*(?:from \.{0,2}(?P<path>\w{1,60}) import (?P<taken>[\w, *]{1,300})"
            rb"|import (?P<whole>\w{1,60})(?: as (?P<name>\w{1,60}))?)[ \t]*$",
            re.MULTILINE,
        ),
    ),
    FileType.JAVASCRIPT: _Language(
        ".js",
        re.compile(rb"^(?:const|let|var|function\*?)\s+([A-Za-z_$][\w$]{0,40})", re.MULTILINE),
        re.compile(
            rb"^[ \t]*(?:(?:const|let|var)\s+(?P<bound>[\w$]{1,60}|\{[^{}\n]{1,200}\})\s*=\s*"
            rb"require\(\s*[\"']\./(?P<path>[\w./-]{1,80})[\"']\s*\)"
            rb"|import\s+(?P<named>\{[^{}\n]{1,200}\})\s+from\s+[\"']\./(?P<source>[\w./-]{1,80})[\"'])[ \t]*;?[ \t]*$",
            re.MULTILINE,
        ),
    ),
}
_BY_SUFFIX = {
    **dict.fromkeys((".sh", ".bash", ".zsh"), FileType.SHELL),
    ".py": FileType.PYTHON,
    **dict.fromkeys((".js", ".mjs", ".cjs", ".ts"), FileType.JAVASCRIPT),
}
# It begins with a literal, so that the search for it is one for bytes.
_JOINS = re.compile(
    rb"cat(?<=\bcat)[ \t]+(?P<files>[\w./*?-]{1,80}(?:[ \t]+[\w./*?-]{1,80}){0,20})[ \t]*"
    rb"(?:\|[ \t]*(?:sudo[ \t]+)?(?P<shell>(?:ba|z|da|k)?sh|python3?|node)\b|>[ \t]*(?P<out>[\w./-]{1,80})\b)"
)
_INTERPRETERS = {b"python": ".py", b"python3": ".py", b"node": ".js"}
_VAULT = re.compile(rb"\.vault/[\w./-]{1,120}\w")
# Spec: asaf-1.0, section 3: documents, which are read by who verifies them.
_DOCUMENT = re.compile(r"\.vault/(?:[\w-]+\.json|sigs?/.*|signatures/.*)")


def assembled(instructions: bytes | None, sizes: Mapping[str, int], content: Content) -> Iterator[Member]:
    """The programs, at most twenty, each as if it were a file inside of the one that puts it together.

    ``instructions`` is the content of SKILL.md; ``sizes`` the bytes of each file of the skill, by its path.
    """
    small = [path for path, size in sizes.items() if size <= MAX_BYTES]
    for count, member in enumerate(_all(instructions, small, content), 1):
        if len(member.data) <= MAX_BYTES:
            yield member
        if count == _MAX_PROGRAMS:
            return


def _all(instructions: bytes | None, paths: Sequence[str], content: Content) -> Iterator[Member]:
    if instructions is not None:
        yield from _from_fences(instructions)
        yield from _from_quotes(instructions)
        yield from _from_commands(_INSTRUCTIONS, instructions, paths, content)
        yield from _from_vault(instructions, content)
    scripts = [path for path in paths if posixpath.splitext(path)[1].lower() in _BY_SUFFIX]
    for path in scripts[:_MAX_PARTS]:
        data = content(path)
        if data is not None:
            yield from _with_loaded(path, data, paths, content)


def _from_fences(text: bytes) -> Iterator[Member]:
    """The fences of one language in which one uses what another has named."""
    if text.count(b"```") + text.count(b"~~~") < 4:
        return
    parts: dict[FileType, list[bytes]] = {}
    for span in spans_of(text, _MARKDOWN):
        fence = text[span.begin : span.end]
        opening = _FENCE.match(fence)
        if span.region is Region.CODE and opening is not None and len(span.types) == 1:
            body = _FENCE_END.sub(b"", fence[opening.end() :])
            parts.setdefault(next(iter(span.types)), []).append(body)
    for file_type, bodies in parts.items():
        language = _LANGUAGES.get(file_type)
        program = b"\n".join(bodies[:_MAX_PARTS])
        if language is not None and _EFFECT.search(program) is not None and _share_names(bodies[:_MAX_PARTS], language):
            yield Member(f"{_INSTRUCTIONS}!/fences{language.suffix}", program + b"\n")


def _from_quotes(text: bytes) -> Iterator[Member]:
    """What stands in quotes, without their marks, if there is code in one."""
    if b">" in text and _QUOTED_CODE.search(text) is not None:
        quotes = b"\n".join(_MARKS.sub(b"", quote[0]) for quote in _QUOTE.finditer(text))
        yield Member(f"{_INSTRUCTIONS}!/quotes.md", quotes)


def _share_names(bodies: Sequence[bytes], language: _Language) -> bool:
    """Whether a body uses a name that an earlier one has given, and that it does not give itself."""
    given: set[bytes] = set()
    for body in bodies:
        own = {
            name for names in language.names.findall(body) for name in ([names] if isinstance(names, bytes) else names)
        }
        words = set(re.findall(rb"[A-Za-z_]\w*", body))
        if words & given - own:
            return True
        given |= own - {b""}
    return False


def _from_commands(path: str, text: bytes, paths: Sequence[str], content: Content) -> Iterator[Member]:
    """The files that a command joins, to hand them to an interpreter or to run what comes out."""
    for join in islice(_JOINS.finditer(text), _MAX_PROGRAMS):
        suffix = _INTERPRETERS.get(join["shell"] or b"", ".sh")
        if join["out"] is not None:
            suffix = posixpath.splitext(join["out"].decode())[1]
            if suffix not in _BY_SUFFIX:
                continue
        wanted = [posixpath.normpath(name.decode()) for name in join["files"].split()]
        names = [name for pattern in wanted for name in sorted(fnmatch.filter(paths, pattern))]
        if names:
            parts = [content(name) or b"" for name in names[:_MAX_PARTS]]
            yield Member(f"{path}!/joined{suffix}", b"".join(parts))


def _from_vault(text: bytes, content: Content) -> Iterator[Member]:
    """The files of the folder of signatures that the instructions name, and that are no documents."""
    for name in sorted({name.decode() for name in _VAULT.findall(text)}):
        data = None if _DOCUMENT.fullmatch(name) else content(name)
        if data is not None:
            yield Member(name, data)


def _with_loaded(path: str, data: bytes, paths: Sequence[str], content: Content) -> Iterator[Member]:
    """The program at ``path`` with the shipped files that it reads in, in their places."""
    language = _LANGUAGES[_BY_SUFFIX[posixpath.splitext(path)[1].lower()]]
    texts: dict[int, bytes] = {}
    modules: set[bytes] = set()
    for load in islice(language.loads.finditer(data), _MAX_PARTS):
        groups = load.groupdict()
        name = next((groups[key] for key in ("path", "whole", "source") if groups.get(key)), b"").decode()
        found = _shipped(name, posixpath.dirname(path), language.suffix, paths)
        text = None if found is None or found == path else content(found)
        if text is not None:
            texts[load.start()] = _in_place(text, groups)
            modules |= {groups[key] for key in ("name", "whole") if groups.get(key)}
    if not texts:
        return
    is_worth = language.suffix == ".sh" or _act_together([data, *texts.values()])
    if not is_worth or _EFFECT.search(b"\n".join([data, *texts.values()])) is None:
        return
    program = language.loads.sub(lambda load: texts.get(load.start(), load[0]), data)
    for module in modules:
        program = re.sub(rb"\b" + re.escape(module) + rb"\.(?=\w)", b"", program)
    yield Member(f"{path}!/loaded{language.suffix}", program)


def _act_together(parts: Sequence[bytes]) -> bool:
    """Whether one part holds what is worth sending, and another one sends."""
    reading = {number for number, part in enumerate(parts) if _SOURCE.search(part) is not None}
    sending = {number for number, part in enumerate(parts) if _SENDING.search(part) is not None}
    return bool(reading and sending) and len(reading | sending) > 1


def _shipped(name: str, folder: str, suffix: str, paths: Sequence[str]) -> str | None:
    """The file of the skill that a program in ``folder`` reads in by that name."""
    ending = name if posixpath.splitext(name)[1] else f"{name}{suffix}"
    beside = posixpath.normpath(posixpath.join(folder, ending))
    if beside in paths:
        return beside
    alike = [path for path in paths if path.endswith(f"/{ending}")]
    return alike[0] if len(alike) == 1 else None


def _in_place(text: bytes, groups: Mapping[str, bytes | None]) -> bytes:
    """A file that is read in, and the names under which the reader knows what it holds."""
    bound = groups.get("bound") or groups.get("named")
    if bound is not None:
        exports = re.sub(rb"\b(?:module\.)?exports\s*=", b"const $exports =", text)
        exports = re.sub(rb"^export\s+(?:default\s+)?", b"", exports, flags=re.MULTILINE)
        if b"const $exports =" in exports:
            return exports + b"\nconst " + bound + b" = $exports;\n"
        return exports
    aliases = [part.split(b" as ") for part in (groups.get("taken") or b"").split(b",") if b" as " in part]
    return text + b"\n" + b"".join(new.strip() + b" = " + old.strip() + b"\n" for old, new in aliases)
