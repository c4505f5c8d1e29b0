"""How a vetting is to be done: a frozen record, read from ``haldir.toml`` or JSON, with nothing unknown in it."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import cast

from attrs import asdict, field, fields, frozen

from haldir_core import MalformedError, Timestamp
from haldir_core.canonical import JsonObject, JsonValue, canonical_bytes
from haldir_core.digest import Digest, sha256
from haldir_core.report import MAX_NOTE, utf16_length
from haldir_pipeline._tables import ConfigurationError, Reader, Readers, choice, number, read_table, text, texts
from haldir_pipeline.audit_options import AuditOptions
from haldir_pipeline.outcomes import Carried, LayerName, State, carried_json
from haldir_pipeline.profiles import Demand, ProfileName, Tier

MAX_SECONDS = 86_400
MAX_PATH = 4096


class Order(StrEnum):
    """In which order the layers run."""

    FAIL_FAST = "fail-fast"
    """One after the other; the first rejection or error ends the vetting."""
    EVERYTHING = "everything"
    """All of them, side by side where they do not need the same processor."""


class ScanPolicy(StrEnum):
    """How easily the scanner flags or rejects."""

    STRICT = "strict"
    BALANCED = "balanced"
    QUIET = "quiet"


class IsolationLevel(StrEnum):
    """The level of isolation below which the sandbox gives no answer."""

    L3 = "L3"
    L4 = "L4"
    L5 = "L5"


@frozen(kw_only=True)
class Budgets:
    """How long the layers may take.  Spec: vetting-1.0, section 4.

    Attributes:
        scan_seconds: of processor time for each megabyte begun.
        audit_seconds: the same.
        sandbox_seconds: on the clock of the wall, for all runs together.
        review_seconds: on the clock of the wall, for all answers together.
        floor_seconds: what every layer has at least, and what one of the wall may take on top.
        total_seconds: on the clock of the wall; after them no further layer is begun.
    """

    scan_seconds: float = 1
    audit_seconds: float = 15
    sandbox_seconds: float = 90
    review_seconds: float = 30
    floor_seconds: float = 10
    total_seconds: float = 600


@frozen(kw_only=True)
class Configuration:
    """How a vetting is to be done.

    Attributes:
        profile: what is demanded.
        tier: of the publisher; only for the profile ``registry``.
        carried: full results of an earlier version, which an update may carry where the tier allows it.
        skip: layers that are left out.  One that is required cannot be.
        order: of the layers.
        budgets: of the layers.
        policy: of the scanner.
        level: of isolation, which the sandbox needs.
        audit: the table ``[audit]``.
        review: the table ``[review]``; without providers nothing is reviewed.
        publisher_note: becomes part of the report.
        folder: from which relative paths in the tables count.
    """

    profile: ProfileName = ProfileName.LOCAL
    tier: Tier = Tier.UNVERIFIED
    carried: tuple[Carried, ...] = ()
    skip: frozenset[LayerName] = frozenset()
    order: Order = Order.FAIL_FAST
    budgets: Budgets = Budgets()
    policy: ScanPolicy = ScanPolicy.BALANCED
    level: IsolationLevel = IsolationLevel.L3
    audit: AuditOptions = field(factory=AuditOptions)
    review: Mapping[str, JsonValue] = field(factory=dict)
    publisher_note: str | None = None
    folder: str = "."

    def __attrs_post_init__(self) -> None:
        refused = sorted(self.skip & Demand.of(self.profile, self.tier).required)
        if refused:
            raise ConfigurationError(
                f"the layer {refused[0]} cannot be skipped: the profile {self.profile} requires it"
            )
        if self.profile is ProfileName.REGISTRY and "replay" in self.review:
            raise ConfigurationError("review: replay: the profile registry takes no recorded answers")
        if utf16_length(self.publisher_note or "") > MAX_NOTE:
            raise ConfigurationError(f"publisher_note is longer than {MAX_NOTE} UTF-16 units")

    @classmethod
    def from_json(cls, value: JsonValue, where: str = "configuration") -> "Configuration":
        """Return the configuration that a table of ``haldir.toml`` or `to_json` describes; ``where`` names it.

        Raises: ConfigurationError naming what is unknown or wrong, with the nearest valid name.
        """
        members = read_table(value, _READERS, where)
        tables = {name: members.pop(name, {}) for name in ("scan", "sandbox", "publisher")}
        budgets = Budgets(**members.pop("budgets", {}))
        for inner in tables.values():
            members |= inner
        made = cls(**members, budgets=budgets)
        made.refuse_unusable_review(where)
        return made

    def refuse_unusable_review(self, where: str) -> None:
        """Return if the table ``[review]`` can be used; without one there is nothing to look at.

        Raises: ConfigurationError
        """
        if not self.review:
            return
        from haldir_reviewer import configuration  # noqa: PLC0415 - only who has models needs it

        try:
            configuration.read_configuration(self.review, folder=Path(self.folder), where=f"{where}: review")
        except configuration.ConfigurationError as error:
            raise ConfigurationError(str(error)) from error

    def to_json(self) -> JsonObject:
        """Return the configuration as a JSON value, in the form of ``haldir.toml``."""
        value: dict[str, JsonValue] = {
            "profile": self.profile.value,
            "skip": sorted(layer.value for layer in self.skip),
            "order": self.order.value,
            "budgets": cast("JsonObject", asdict(self.budgets)),
            "scan": {"policy": self.policy.value},
            "sandbox": {"level": self.level.value},
            "publisher": {"tier": self.tier.value, "carried": [carried_json(carried) for carried in self.carried]},
            "audit": self.audit.to_json(),
            "review": dict(self.review),
            "folder": self.folder,
        }
        return value if self.publisher_note is None else {**value, "publisher_note": self.publisher_note}

    @property
    def digest(self) -> Digest:
        """The digest of the canonical form, without what a place or a publisher adds."""
        apart = {"folder", "publisher_note"}
        return sha256(canonical_bytes({name: value for name, value in self.to_json().items() if name not in apart}))


def _layers(value: JsonValue, where: str) -> frozenset[LayerName]:
    return frozenset(cast("LayerName", choice(LayerName)(name, where)) for name in texts(value, where))


def _table(value: JsonValue, where: str) -> JsonObject:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a table")
    try:
        canonical_bytes(value)
    except MalformedError as error:  # TOML has dates and infinities
        raise ConfigurationError(f"{where} holds what JSON has no form for: {error.reason}") from error
    return value


def _nested(readers: Readers) -> Reader:
    return lambda value, where: read_table(value, readers, where)


def _carried(value: JsonValue, where: str) -> tuple[Carried, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f"{where} must be a list")
    members = [read_table(item, _CARRIED, where) for item in value]
    if any(len(one) < len(_CARRIED) for one in members):
        raise ConfigurationError(f"{where}: every item needs {', '.join(_CARRIED)}")
    return tuple(Carried(**one) for one in members)


def _moment(value: JsonValue, where: str) -> Timestamp:
    try:
        return Timestamp.parse(str(value))
    except ValueError as error:
        raise ConfigurationError(f"{where} {error}") from error


_CARRIED: Readers = {"layer": choice(LayerName), "state": choice(State), "moment": _moment, "content": text(100)}
_SECONDS = number(0, MAX_SECONDS)
_READERS: Readers = {
    "profile": choice(ProfileName),
    "skip": _layers,
    "order": choice(Order),
    "publisher_note": text(MAX_NOTE),
    "folder": text(MAX_PATH),
    "budgets": _nested({attribute.name: _SECONDS for attribute in fields(Budgets)}),
    "scan": _nested({"policy": choice(ScanPolicy)}),
    "sandbox": _nested({"level": choice(IsolationLevel)}),
    "publisher": _nested({"tier": choice(Tier), "carried": _carried}),
    "audit": AuditOptions.from_json,
    "review": _table,
}
