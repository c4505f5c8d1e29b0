"""A review, opened as a configuration says: its models, its money, and where its random bytes come from."""

import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from haldir_reviewer._draw import SEED_BYTES
from haldir_reviewer._tables import ConfigurationError
from haldir_reviewer.cache import AnswerCache
from haldir_reviewer.cassette import Cassette
from haldir_reviewer.configuration import ReviewConfiguration
from haldir_reviewer.ledger import Ledger
from haldir_reviewer.panels import Means, Panel, Surroundings, open_panel, record_panel, replay_panel
from haldir_reviewer.settings import DEFAULT_SETTINGS, Settings

if TYPE_CHECKING:
    from haldir_core import SkillSnapshot

_SMALLEST_CHUNK = 1000
_CHARACTERS_PER_BYTE = 4
"""Marks and escapes make a question longer than the piece of the skill in it, and the instructions come on top."""

Randomness = Callable[[int], bytes]
"""Gives as many random bytes as it is asked for, like ``secrets.token_bytes``."""


@frozen(kw_only=True)
class OpenedReview:
    """The models of a review, its settings, and its random bytes."""

    panel: Panel
    settings: Settings
    _seed_of: Callable[["SkillSnapshot"], bytes] = field(repr=False)

    def randomness(self, snapshot: "SkillSnapshot") -> Randomness:
        """Return what `haldir_reviewer.review` takes its random bytes from.

        With a cache they follow from a secret of this cache and the content: the same skill is asked about in the same
        words, so that answers are found again, and its author still cannot know them.
        """
        return lambda count: self._seed_of(snapshot)[:count]


@frozen(kw_only=True)
class Machine:
    """What a review needs of the machine: the keys, the date, and chance.

    ``state`` is the folder for the ledger and the cache where the configuration names none; without it there are none.
    """

    environment: Mapping[str, str] = field(repr=False)
    now: Callable[[], datetime]
    randomness: Randomness
    state: Path | None = None


def open_review(configuration: ReviewConfiguration, machine: Machine) -> OpenedReview:
    """Return the models of the panel, live or recorded as the configuration says.

    Raises:
        ConfigurationError: if a budget for a day or a month has no ledger to count by.
        ProviderError: if a cassette or the cache cannot be used.
    """
    means, settings = _means(configuration, machine), _settings(configuration)
    if configuration.replay is not None:
        cassette = Cassette.read(configuration.replay)
        panel = replay_panel(configuration.panel, means, cassette)
        return OpenedReview(panel=panel, settings=settings, seed_of=lambda _: cassette.seed)
    seed = machine.randomness(SEED_BYTES)
    if configuration.record is not None:
        panel = record_panel(configuration.panel, means, configuration.record, seed)
        return OpenedReview(panel=panel, settings=settings, seed_of=lambda _: seed)
    panel = open_panel(configuration.panel, means)
    if means.cache is None:
        return OpenedReview(panel=panel, settings=settings, seed_of=lambda _: seed)
    secret = means.cache.secret(seed)
    return OpenedReview(panel=panel, settings=settings, seed_of=lambda skill: _seed(secret, skill))


def _settings(configuration: ReviewConfiguration) -> Settings:
    """Return the limits of the review, with pieces of the skill that the smallest model takes."""
    least = min((provider.max_input_characters for provider in configuration.panel), default=0)
    return evolve(
        DEFAULT_SETTINGS,
        chunk_bytes=max(_SMALLEST_CHUNK, min(DEFAULT_SETTINGS.chunk_bytes, least // _CHARACTERS_PER_BYTE)),
        deadline_seconds=configuration.deadline_seconds,
        max_output_tokens=configuration.max_output_tokens,
    )


def _means(configuration: ReviewConfiguration, machine: Machine) -> Means:
    import asyncio  # noqa: PLC0415 - only who asks somebody needs it
    import random  # noqa: PLC0415 - as above
    import time  # noqa: PLC0415 - as above

    ledger = _place(configuration.ledger, machine.state, "review-ledger")
    cache = _place(configuration.cache, machine.state, "review-cache")
    budget = configuration.budget
    if ledger is None and (budget.per_day, budget.per_month) != (None, None):
        raise ConfigurationError("a budget for a day or a month needs a ledger: set ledger to a folder")
    return Means(
        environment=machine.environment,
        surroundings=Surroundings(
            now=machine.now, monotonic=time.monotonic, sleep=asyncio.sleep, draw=random.SystemRandom().random
        ),
        name_one=lambda: secrets.token_hex(16),
        budget=budget,
        ledger=None if ledger is None else Ledger(ledger),
        cache=None if cache is None else AnswerCache(cache),
    )


def _place(configured: Path | None, state: Path | None, name: str) -> Path | None:
    return configured if configured is not None or state is None else state / name


def _seed(secret: bytes, snapshot: "SkillSnapshot") -> bytes:
    whole = hmac.new(secret, digestmod="sha256")
    for path, digest in snapshot.files.items():
        whole.update(path.encode("utf-8", "surrogateescape") + b"\0" + digest.encode() + b"\0")
    return whole.digest()
