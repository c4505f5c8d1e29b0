"""Packages that prose names without a command: what an agent will install if it is asked to use them."""

import re
import sys
from collections.abc import Iterator
from itertools import islice

from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor._installs.programs import ALIASES, PROGRAMS
from haldir_auditor.supply import Dependency, Ecosystem, Scope


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SPAN = re.compile(r"`([^`\n]{1,100})`")
_KIND = r"(?:packages?|librar(?:y|ies)|dependenc(?:y|ies)|modules? from (?:npm|PyPI)|SDKs?|gems?|crates?)"
_LANGUAGE = r"(?:python|pypi|pip|npm|node(?:\.?js)?|javascript|typescript|js|rust|third-party|external|open[- ]source)"
_BEFORE = re.compile(rf"\b{_KIND}\b(?:[\s:*_,(]|called|named|such as|like|e\.g\.|are|is){{0,12}}$", re.IGNORECASE)
_AFTER = re.compile(rf"[*_]{{0,2}}\s+(?:{_LANGUAGE}\s+)?{_KIND}\b", re.IGNORECASE)
_JOINED = re.compile(r"(?:\s|,|/|&|\+|and|or|then){1,6}", re.IGNORECASE)
_NAME = re.compile(
    r"(@[\w.-]{1,100}/[\w.-]{1,100}|[A-Za-z0-9][\w.-]{0,100})(?:\[[\w,-]{0,60}\])?"
    r"(?P<range>(?:[=<>~!^]=?|@)[\w.*+-]{1,40})?"
)
_FILE = re.compile(
    r".*\.(?:py|js|ts|mjs|cjs|json|md|txt|toml|ya?ml|sh|rs|go|lock|cfg|ini|html?|css|csv|xml|pdf|env|exe)",
    re.IGNORECASE,
)
_NPM = re.compile(r"\b(?:npm|node(?:\.?js)?|javascript|typescript|yarn|pnpm|bun)\b", re.IGNORECASE)
_PYTHON = re.compile(r"\b(?:python|pip|pypi|uv|conda)\b", re.IGNORECASE)
_CRATE = re.compile(r"\b(?:crates?|cargo|rust)\b", re.IGNORECASE)
_BUILT_IN = _set(
    "assert buffer child_process cluster console crypto dns events fs http http2 https module net os path "
    "perf_hooks process querystring readline repl stream string_decoder timers tls tty url util v8 vm "
    "worker_threads zlib"
)
_MAX = 2_000  # of one file


def mentions_in(document: Document) -> Iterator[Dependency]:
    """Yield each package that the prose names, once."""
    text = document.text
    seen: set[tuple[Ecosystem, str]] = set()
    spans = list(islice(_SPAN.finditer(text), _MAX))
    named = [_is_named(text, span) for span in spans]
    for step in (1, -1):  # a list has its noun before the first or after the last name
        for index in range(len(spans))[::step]:
            neighbour = index - step
            if not named[index] and 0 <= neighbour < len(spans) and named[neighbour]:
                first, second = sorted((index, neighbour))
                named[index] = bool(_JOINED.fullmatch(text[spans[first].end() : spans[second].start()][:20]))
    usual = _most(text[:100_000]) or Ecosystem.PYPI
    for span, is_named in zip(spans, named, strict=True):
        found = _mentioned(document, span, usual) if is_named else None
        if found and (found.ecosystem, found.name) not in seen:
            seen.add((found.ecosystem, found.name))
            yield found


def _is_named(text: str, span: re.Match[str]) -> bool:
    before, after = text[max(0, span.start() - 60) : span.start()], text[span.end() : span.end() + 50]
    return bool(_AFTER.match(after) or _BEFORE.search(before.rpartition("\n\n")[2].rpartition("`")[2]))


def _mentioned(document: Document, span: re.Match[str], usual: Ecosystem) -> Dependency | None:
    found = _NAME.fullmatch(span[1].strip())
    if not found or _FILE.fullmatch(found[1]):
        return None
    ecosystem = _ecosystem(span, found[1]) or usual
    name = str(canonicalize_name(found[1])) if ecosystem is Ecosystem.PYPI else found[1]
    if found[1].lower() in {*PROGRAMS, *ALIASES}:
        return None
    if ecosystem is Ecosystem.PYPI and found[1].partition(".")[0] in sys.stdlib_module_names:
        return None
    if ecosystem is Ecosystem.NPM and found[1] in _BUILT_IN:
        return None
    return Dependency(ecosystem, name, found["range"] or "", document.place(document.line_at(span.start())), Scope.RUN)


def _ecosystem(span: re.Match[str], name: str) -> Ecosystem | None:
    """Return where the name belongs: by its form, else by the words of its line."""
    if name.startswith("@"):
        return Ecosystem.NPM
    before = span.string[max(0, span.start() - 200) : span.start()].rpartition("\n")[2]
    after = span.string[span.end() : span.end() + 200].partition("\n")[0]
    return _most(f"{before} {after}")


def _most(words: str) -> Ecosystem | None:
    """Return the ecosystem that the words speak of most, None if of none."""
    counts = {
        Ecosystem.PYPI: len(_PYTHON.findall(words)),
        Ecosystem.NPM: len(_NPM.findall(words)),
        Ecosystem.CARGO: len(_CRATE.findall(words)),
    }
    return max(counts, key=lambda key: counts[key]) if any(counts.values()) else None
