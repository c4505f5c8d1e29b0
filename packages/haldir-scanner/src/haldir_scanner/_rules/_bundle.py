"""Bundles of rules: canonical JSON, read into frozen records once.  Spec: spec/rules-1.0.md."""

import hashlib
import hmac
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Self

from attrs import frozen

from haldir_scanner._errors import BundleError
from haldir_scanner._hosts import address, ascii_host
from haldir_scanner._rules._rule import Rule, Signal
from haldir_scanner._rules._rule_form import read_rule, read_signal
from haldir_scanner._rules._scoring import Scoring

SCHEMA = "haldir-rules/1"
ENGINE = 1
"""The version of the rules' language that this scanner speaks; a rule of a later one is left out and counted."""

MAX_BYTES = 8 * 1024 * 1024
MAX_RULES = 5_000


@frozen(kw_only=True)
class Indicators:
    """Known indicators of compromise, each in the one form in which it is looked up.

    Attributes:
        hosts: as ``ascii_host`` writes them; a host below one is one too.
        ips: as ``address`` writes them.
        hashes: SHA-256 of files, in lower-case hex.
        publishers: as ``publisher_form`` writes them.
    """

    hosts: frozenset[str] = frozenset()
    ips: frozenset[str] = frozenset()
    hashes: frozenset[str] = frozenset()
    publishers: frozenset[str] = frozenset()

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> Self:
        """The record of the member ``iocs`` of a bundle."""
        unknown = form.keys() - _FORMS.keys()
        if unknown:
            raise BundleError(f"iocs: unknown list {min(unknown)!r}; known are hosts, ips, hashes and publishers")
        return cls(**{name: frozenset(_indicators(name, values)) for name, values in form.items()})


def publisher_form(name: str) -> str:
    """A name as it is compared: without differences of case, width and blanks, and without the @ of a handle."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split()).removeprefix("@")


@frozen(kw_only=True, eq=False)
class RuleBundle:
    """A versioned table of rules.

    Attributes:
        version: of the content, as its author counts.
        digest: SHA-256 of the canonical bytes, in lower-case hex.
        rules: that this scanner can decide.
        signals: capabilities that are no findings.
        scoring: how matches become a verdict.
        indicators: known indicators of compromise.
        rules_left_out: number of rules that need a later scanner.
    """

    version: str
    digest: str
    rules: tuple[Rule, ...]
    signals: tuple[Signal, ...]
    scoring: Scoring
    indicators: Indicators
    rules_left_out: int = 0

    @classmethod
    def from_bytes(cls, data: bytes, *, digest: str | None = None) -> Self:
        """The bundle that ``data`` holds.

        ``digest`` is the one that the caller trusts, from a signature that it has checked: SHA-256, lower-case hex.

        Raises: BundleError if ``data`` has another digest, is no canonical JSON, or no bundle that this scanner reads.
        """
        if len(data) > MAX_BYTES:
            raise BundleError(f"the bundle has {len(data)} bytes; the limit is {MAX_BYTES}")
        actual = hashlib.sha256(data).hexdigest()
        if digest is not None and not hmac.compare_digest(actual, digest):
            raise BundleError(f"the bundle has the digest {actual}, not {digest}; fetch it again")
        return cls.of(_parse(data), actual)

    @classmethod
    def of(cls, form: Mapping[str, Any], digest: str) -> Self:
        """The bundle of which ``form`` is the value, and ``digest`` that of its canonical bytes.

        Raises: BundleError if this scanner does not read it.
        """
        _check_versions(form)
        rows = [row for row in _rows(form, "rules") if _engine_of(row) <= ENGINE]
        rules = tuple(read_rule({name: value for name, value in row.items() if name != "engine"}) for row in rows)
        repeated = [name for name, count in Counter(rule.id for rule in rules).items() if count > 1]
        if repeated:
            raise BundleError(f"two rules have the id {repeated[0]}; rename one")
        return cls(
            version=form["version"],
            digest=digest,
            rules=rules,
            signals=tuple(read_signal(row) for row in _rows(form, "signals")),
            scoring=Scoring.of(form["scoring"]),
            indicators=Indicators.of(_table(form, "iocs")),
            rules_left_out=len(form["rules"]) - len(rows),
        )

    def rule(self, name: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == name), None)


def canonical(form: Mapping[str, Any]) -> bytes:
    """The canonical JSON of a bundle.

    Spec: RFC 8785, whose output for objects with ASCII names, texts, integers and booleans this is.
    """
    return json.dumps(form, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@cache
def builtin() -> RuleBundle:
    """The bundle that comes with this distribution."""
    # That its bytes are canonical is a test's business: they come with this code.
    data = builtin_bytes()
    return RuleBundle.of(json.loads(data), hashlib.sha256(data).hexdigest())


def builtin_bytes() -> bytes:
    """The canonical bytes of the bundle that comes with this distribution."""
    return files("haldir_scanner").joinpath("rules.json").read_bytes()


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        form = json.loads(data, parse_float=_refuse_number, parse_constant=_refuse_number)
        same = isinstance(form, dict) and canonical(form) == data
    except (ValueError, RecursionError) as error:
        raise BundleError(f"the bundle is no canonical JSON: {error}; build it with `haldir rules build`") from error
    if not same:
        raise BundleError("the bundle is no canonical JSON object; build it with `haldir rules build`")
    return dict(form)


def _refuse_number(text: str) -> None:
    raise ValueError(f"the number {text:.20} is no integer")


def _check_versions(form: Mapping[str, Any]) -> None:
    if form.get("schema") != SCHEMA:
        raise BundleError(f"the schema is {form.get('schema')!r:.80}; this scanner reads {SCHEMA!r}")
    known = {"schema", "version", "min_engine", "rules", "signals", "scoring", "iocs"}
    if form.keys() != known:
        raise BundleError(f"members missing or unknown: {', '.join(sorted(form.keys() ^ known))[:200]}")
    if not isinstance(form["version"], str) or not 0 < len(form["version"]) <= 64:
        raise BundleError("the version must be a text of 1 to 64 characters")
    if not _is_count(form["min_engine"]):
        raise BundleError("min_engine must be a positive integer")
    if form["min_engine"] > ENGINE:
        raise BundleError(f"the bundle needs engine {form['min_engine']}, this is {ENGINE}; update haldir-scanner")


def _engine_of(row: Mapping[str, Any]) -> int:
    engine = row.get("engine", 1)
    if not _is_count(engine):
        raise BundleError(f"rule {row.get('id')!r:.80}: engine must be a positive integer")
    return int(engine)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _rows(form: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    rows = form[name]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BundleError(f"{name} must be a list of objects")
    if len(rows) > MAX_RULES:
        raise BundleError(f"{name}: {len(rows)} entries; the limit is {MAX_RULES}")
    return rows


def _table(form: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not isinstance(form[name], dict):
        raise BundleError(f"{name} must be an object")
    return dict(form[name])


def _indicators(name: str, values: object) -> Iterable[str]:
    """The entries of a list in the form in which they are looked up; what could never be found is refused."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BundleError(f"iocs.{name} must be a list of texts")
    written = _FORMS[name]
    for value in values:
        form = written(value)
        if not form:
            raise BundleError(f"iocs.{name}: {value!r:.80} is none")
        yield form


def _host(value: str) -> str | None:
    """A host with a dot in it: a top-level domain as a whole is nobody's, and an address stands in another list."""
    host = ascii_host(value)
    return host if _HOST.fullmatch(host) is not None and address(host) is None else None


def _hash(value: str) -> str | None:
    return value if _SHA256.fullmatch(value) is not None else None


_HOST = re.compile(r"(?:[a-z0-9_-]{1,63}\.){1,126}[a-z0-9_-]{1,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMS: Mapping[str, Callable[[str], str | None]] = {
    "hosts": _host,
    "ips": address,
    "hashes": _hash,
    "publishers": publisher_form,
}
