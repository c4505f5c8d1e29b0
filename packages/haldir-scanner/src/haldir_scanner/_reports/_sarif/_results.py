"""Matches as SARIF results."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field

from haldir_scanner._reports._fingerprint import digest, fingerprint
from haldir_scanner._reports._report import Match
from haldir_scanner._reports._sarif._rules import level_of
from haldir_scanner._reports._suppression import Suppression
from haldir_scanner._text import Place

ROOT = "%SRCROOT%"

_MEMBER = "!/"
_SKILL_FILE = "SKILL.md"
# RFC 3986 2.3, and the slash between folders.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_HASH_DIGITS = 16


@define
class Results:
    """Makes results, and counts how often each line was met, because a fingerprint is to be there only once.

    Attributes:
        root: the folder to which addresses are relative.
        index: the number of each rule in the list of rules.
    """

    root: Path
    index: Mapping[str, int]
    _met: Counter[str] = field(init=False, factory=Counter)

    def of(self, match: Match, base: Path, entry: Suppression | None) -> dict[str, Any]:
        """The result for a match; ``base`` is the folder to which its path is relative."""
        form: dict[str, Any] = {
            "ruleId": match.rule,
            "ruleIndex": self.index[match.rule],
            "level": level_of(match.definition),
            "message": {"text": _message(match)},
            "locations": [self._location(match, base)],
            "partialFingerprints": {
                "primaryLocationLineHash": self._line_hash(match, base),
                "haldirFinding/v1": fingerprint(match),
            },
            "suppressions": [] if entry is None else [_suppression(entry)],
            "properties": _properties(match),
        }
        if match.flow:
            steps = [
                {"location": self._step(number, place, match.path, base)} for number, place in enumerate(match.flow, 1)
            ]
            form["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
        return form

    def _location(self, match: Match, base: Path) -> dict[str, Any]:
        units = _units(match.context[slice(*match.caret)]) if not match.chain else 1
        location = self._place(match.path, match.line, match.column, units, base)
        if _MEMBER in match.path:
            location["logicalLocations"] = [{"fullyQualifiedName": match.path, "kind": "member"}]
        return location

    def _step(self, number: int, place: Place, path: str, base: Path) -> dict[str, Any]:
        location = self._place(path, place.line, place.column, _units(place.excerpt), base)
        location["message"] = {"text": f"Step {number}: {_plain(place.excerpt)}"}
        return location

    def _place(self, path: str, line: int, column: int, units: int, base: Path) -> dict[str, Any]:
        """A location; what lies in an archive, and what is about a file as such, is at the file's beginning."""
        file, member, _ = path.partition(_MEMBER)
        if member or not line:
            line, column, units = 1, 0, 0
        region = {
            "startLine": line,
            "startColumn": column + 1,
            "endLine": line,
            "endColumn": column + 1 + max(units, 1),
        }
        return {"physicalLocation": {"artifactLocation": self._artifact(base / file), "region": region}}

    def _artifact(self, file: Path) -> dict[str, Any]:
        """The address of a file; a match about a whole skill is shown in the file that describes the skill."""
        file = file / _SKILL_FILE if file.is_dir() else file
        if file.is_relative_to(self.root):
            return {"uri": _encoded(file.relative_to(self.root).as_posix()), "uriBaseId": ROOT}
        return {"uri": f"file://{_encoded(file.as_posix())}"}

    def _line_hash(self, match: Match, base: Path) -> str:
        """What the line is recognised by, in GitHub's form: a digest and how often it was met in the file."""
        line = digest(" ".join(match.context.split()))[:_HASH_DIGITS]
        key = f"{match.rule}\0{base}\0{match.path}\0{line}"
        self._met[key] += 1
        return f"{line}:{self._met[key]}"


def _message(match: Match) -> str:
    detail = f" ({match.detail})" if match.detail else ""
    decoded = f" Decoded from {', '.join(match.chain)}." if match.chain else ""
    return f"{match.message}{_plain(detail)}{_plain(decoded)}"


def _plain(text: str) -> str:
    """A text of the scanned files that no reader takes for a link.  Spec: SARIF 3.11.6."""
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


def _properties(match: Match) -> dict[str, Any]:
    form: dict[str, Any] = {"confidence": match.definition.confidence.value, "excerpt": match.excerpt}
    if match.chain:
        form["chain"] = list(match.chain)
    if match.region is not None:
        form["region"] = match.region.value
    return form


def _suppression(entry: Suppression) -> dict[str, Any]:
    return {
        "kind": "external",
        "status": "accepted",
        "justification": entry.reason,
        "properties": {"expires": entry.expires.isoformat()},
    }


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _encoded(path: str) -> str:
    """A path as part of an address.  Spec: RFC 3986 2.1."""
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in path.encode("utf-8", "surrogateescape"))
