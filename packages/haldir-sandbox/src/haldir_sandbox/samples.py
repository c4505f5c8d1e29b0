"""Sample values and files: what a program is given where it asks for something."""

import re
from pathlib import Path, PurePosixPath
from typing import Self

from attrs import evolve, frozen

FILES = {
    "sample.txt": "The quick brown fox.\nA second line of text;12.50\n",
    "sample.csv": "name,amount,date\nalpha,12.5,2026-01-15\nbeta,7,2026-02-01\n",
    "sample.json": '{"name": "sample", "items": [1, 2, 3], "nested": {"ok": true}}\n',
    "sample.md": "# Sample\n\nSome *text* with a [link](other.md).\n",
    "sample.yaml": "name: sample\nitems:\n  - 1\n  - 2\n",
    "sample.toml": '[tool]\nname = "sample"\n',
    "sample.xml": "<sample><item>1</item></sample>\n",
    "sample.html": "<!doctype html><title>Sample</title><p>Text</p>\n",
    "sample.py": "print('sample')\n",
    "sample.log": "2026-01-15 10:00:00 INFO started\n2026-01-15 10:00:01 ERROR failed\n",
}
"""The files that every run finds in its folder of samples."""

SAMPLE_URL = "http://sample.example/page"
"""Names below .example never resolve.  RFC 2606."""

_ALIASES = {".yml": ".yaml", ".htm": ".html", ".markdown": ".md", ".tsv": ".csv", ".jsonl": ".json"}
_WORDS: tuple[tuple[str, str], ...] = (
    (r"url|uri|endpoint|link|href|website|webhook", "url"),
    (r"csv|table|spreadsheet", "sample.csv"),
    (r"json", "sample.json"),
    (r"ya?ml|config", "sample.yaml"),
    (r"html", "sample.html"),
    (r"xml", "sample.xml"),
    (r"markdown|\bmd\b", "sample.md"),
    (r"out(put)?|dest(ination)?|target|save", "output"),
    (r"dir(ectory)?|folder|root|workspace", "folder"),
    (r"file(name)?|path|input|source|src|document", "sample.txt"),
    (r"date|day|since|until", "date"),
    (r"time|timestamp", "time"),
    (r"e?mail", "email"),
    (r"count|number|num|limit|size|max|min|port|seconds|timeout|year|month|id|index|page|n|k", "number"),
    (r"version", "version"),
    (r"city|location|place", "city"),
    (r"lang(uage)?|locale", "language"),
    (r"expression|formula|equation", "expression"),
)
_PATTERNS = tuple((re.compile(rf"(^|[^a-z])({words})([^a-z]|$)"), kind) for words, kind in _WORDS)
_VALUES = {
    "url": SAMPLE_URL,
    "date": "2026-01-15",
    "time": "2026-01-15T10:00:00Z",
    "email": "someone@sample.example",
    "number": "3",
    "version": "1.2.3",
    "city": "Berlin",
    "language": "en",
    "expression": "1 + 2",
}


@frozen
class Samples:
    """The sample values of one run, whose files are in ``folder`` and whose results may go to ``output``."""

    folder: Path
    output: Path
    usual: str = "sample.txt"
    """The file for what is only called a file."""

    def suited(self, text: str) -> Self:
        """Return samples for a program with this text: of what it mostly speaks, a plain file is."""
        lower = text.lower()
        counts = {name: len(re.findall(rf"\b{name[7:]}\b", lower)) for name in FILES}
        best = max(counts, key=lambda name: counts[name])
        return evolve(self, usual=best if counts[best] > 1 else "sample.txt")

    def plant(self) -> None:
        """The folders and files exist."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output.mkdir(parents=True, exist_ok=True)
        for name, text in FILES.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def value(self, name: str) -> str:
        """Return a text that fits something called ``name``."""
        suffix = PurePosixPath(name[:200]).suffix.lower()
        known = f"sample{_ALIASES.get(suffix, suffix)}"
        if known in FILES:
            return str(self.folder / known)
        plain = re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name[:200]).lower())
        kind = next((kind for pattern, kind in _PATTERNS if pattern.search(plain)), "text")
        if kind in FILES:
            return str(self.folder / (self.usual if kind == "sample.txt" else kind))
        if kind in {"output", "folder"}:
            return str(self.folder if kind == "folder" else self.output / "result.txt")
        return _VALUES.get(kind, "sample")
