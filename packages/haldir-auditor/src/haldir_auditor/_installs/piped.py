"""Programs that are fetched by URL and run at once: ``curl ... | sh`` and its like."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._installs.words import shell_words
from haldir_auditor.supply import Dependency, Ecosystem, Origin, Place, Scope

_ONLY_SHELLS = r"(?:ba|z|da|k|fi|a)?sh|pwsh|powershell|iex|Invoke-Expression"
_LANGUAGES = r"python[\d.]*|node|deno|bun|perl|ruby|php"
_SHELLS = rf"{_ONLY_SHELLS}|{_LANGUAGES}"
_GROUP = r"(?:[({][^(){}\n]{0,200}?[\s;&|({/])?"  # ( cd x && sh )
_INTO = re.compile(
    rf"\|&?\s*(?:sudo\s+(?:-\S+\s+){{0,5}})?(?:env\s+(?:\S+=\S*\s+){{0,5}})?(?:/[\w/]{{1,40}}/)?"
    # With a program of its own, such as python -m json.tool, what comes through the pipe is data.
    rf"(?:{_GROUP}(?:{_ONLY_SHELLS})(?![\w./-])|(?:{_LANGUAGES})(?![\w./-])(?=[ \t]*(?:-(?![\w-])|[;&|)\"'`\n\\]|$)))",
    re.IGNORECASE | re.MULTILINE,
)
_INSIDE = re.compile(
    rf"(?:(?<![\w-])(?:{_SHELLS}|eval|source|exec)\b|(?<=\s)\.)[ \t]+(?:-\w+[ \t]+(?:[\w.-]+[ \t]+(?=<))?){{0,4}}"
    r"(?:<{1,3}[ \t]*)?[\"']?(?:\$\(|<\(|`|\()",
    re.IGNORECASE,
)
_FETCH = re.compile(
    r"(?<![\w-])(?:curl|wget|fetch|aria2c|iwr|irm|Invoke-WebRequest|Invoke-RestMethod|DownloadString|urlopen|http)\b",
    re.IGNORECASE,
)
_SAVING = re.compile(r"(?<![\w-])(?:curl|wget)(?=[ \t])")
_URL = re.compile(r"(?:https?|ftp)://[^\s\"'`)|;<>\\]{1,500}", re.IGNORECASE)
_BARE_URL = re.compile(r"(?<=\s)(?:[\w-]{1,63}\.){1,8}[a-z]{2,20}/[^\s\"'`)|;<>\\]{0,300}")  # curl get.example.com/x
# Behind an interpreter, or where a command begins; anywhere else the file is data.
_RUNS = (
    rf"(?:\b(?:{_SHELLS}|source|exec|sudo|time|nohup)\s+(?:-\w+\s+)*|\bchmod\s+\S+\s+"
    r"|(?:^|[;&|({\n]|\b(?:then|do|else)\b)[ \t]*(?:[$>%][ \t]+)?(?:[A-Z_]+=\S*[ \t]+)*(?:\.[ \t]+)?)"
)
_NAMED_BY_URL = re.compile(r"-[a-zA-Z]*O[a-zA-Z]*|--remote-name")
_END = re.compile(r"&&|;|\n")
_REACH = 600


def piped_in(document: Document, text: str, limit: int) -> Iterator[Dependency]:
    """Yield what is fetched and run; ``text`` has the length and the lines of the document's."""
    seen: set[tuple[str, int]] = set()
    for start, url in (*_into(text, limit), *_inside(text, limit), *_saved(text, limit)):
        line = document.line_at(start)
        if (url, line) not in seen:
            seen.add((url, line))
            yield fetched(url, document.place(line))


def fetched(url: str, place: Place) -> Dependency:
    """Return what is fetched from a URL and run."""
    name = url.partition("://")[2] or url
    return Dependency(Ecosystem.SYSTEM, name, "", place, Scope.INSTALLED, origin=Origin.URL, locator=url)


def _url_in(words: str) -> str | None:
    found = _URL.search(words) or _BARE_URL.search(words)
    return found[0].rstrip(".,") if found else None


def _into(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """Yield what is piped into an interpreter."""
    for count, pipe in enumerate(_INTO.finditer(text)):
        if count >= limit:
            return
        before = text[max(0, pipe.start() - _REACH) : pipe.start()]
        start = max((end.end() for end in _END.finditer(before)), default=0)
        fetch = _FETCH.search(before, start)
        if fetch and (url := _url_in(before[fetch.end() - 1 :])):
            yield pipe.start(), url


def _inside(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """Yield what an interpreter gets by substitution: ``sh -c "$(curl ...)"``."""
    for count, opening in enumerate(_INSIDE.finditer(text)):
        if count >= limit:
            return
        after = text[opening.end() : opening.end() + _REACH].partition("\n")[0]
        fetch = _FETCH.search(after)
        if fetch and (url := _url_in(after[fetch.end() - 1 :])):
            yield opening.start(), url


def _saved(text: str, limit: int) -> Iterator[tuple[int, str]]:
    """Yield what is saved, and run from the file in the lines behind."""
    for count, fetch in enumerate(_SAVING.finditer(text)):
        if count >= limit:
            return
        command = shell_words(text, fetch.end(), len(text))
        url = next((word for word in command.words if _URL.fullmatch(word)), None)
        if url is None:
            continue
        name = _file_of(fetch[0], command.words, url)
        after = text[command.end : command.end + _REACH]
        if name and re.search(rf"{_RUNS}(?:\./)?{re.escape(name)}\b", after):
            yield fetch.start(), url


def _file_of(program: str, words: tuple[str, ...], url: str) -> str:
    """Return the file that is written; empty for none, as curl prints what it is not told to keep."""
    for option, value in zip(words, (*words[1:], ""), strict=True):
        if option in {"-o", "--output", "-O", "--output-document"} and not value.startswith(("-", "http")):
            return value.removeprefix("./")
    if program == "curl" and not any(map(_NAMED_BY_URL.fullmatch, words)):
        return ""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2] if "/" in url.partition("://")[2] else ""
