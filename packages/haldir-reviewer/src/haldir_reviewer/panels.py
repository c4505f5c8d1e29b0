"""The models of a configuration, opened for one review."""

from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve, frozen

from haldir_core.canonical import JsonObject
from haldir_reviewer._providers.cached import CachedModel
from haldir_reviewer._providers.connected import ConnectedModel, Offer
from haldir_reviewer._providers.interface import Surroundings, Transport
from haldir_reviewer._providers.secret import MissingError, Secret, read_key_file, read_variable
from haldir_reviewer.budget import Budget, Purse
from haldir_reviewer.cache import AnswerCache
from haldir_reviewer.cassette import Cassette, Recorder, begin_cassette
from haldir_reviewer.configuration import Provider
from haldir_reviewer.ledger import Ledger
from haldir_reviewer.model import Model

__all__ = ["Means", "Panel", "Surroundings", "open_panel", "record_panel", "replay_panel"]


@frozen(kw_only=True)
class Means:
    """What the models of a review are given.

    ``environment`` holds the keys; ``name_one`` gives a new random name; without ``ledger`` nothing is booked, and
    without ``cache`` nothing is kept.
    """

    environment: Mapping[str, str]
    surroundings: Surroundings
    name_one: Callable[[], str]
    budget: Budget
    ledger: Ledger | None = None
    cache: AnswerCache | None = None


@frozen(kw_only=True)
class Panel:
    """The models that can be asked, in order; why others cannot, by their names; and the money of this review.

    ``is_recorded`` says that the answers are recordings: nobody was asked.
    """

    models: tuple[Model, ...]
    missing: Mapping[str, str]
    purse: Purse
    max_input_characters: int
    is_recorded: bool = False


def open_panel(providers: tuple[Provider, ...], means: Means) -> Panel:
    """Return the models of ``providers``; one whose key or certificates are missing is left out, and named."""
    return _open(providers, means, _transport)


def record_panel(providers: tuple[Provider, ...], means: Means, cassette: Path, seed: bytes) -> Panel:
    """Return the same as `open_panel`, with all answers written to a new cassette.

    Raises: CassetteError if it cannot be made.
    """
    begin_cassette(cassette, seed)

    def record(provider: Provider, means: Means) -> Transport:
        return Recorder(_transport(provider, means), provider.name, cassette)

    return _open(providers, _without_cache(means), record)


def replay_panel(providers: tuple[Provider, ...], means: Means, cassette: Cassette) -> Panel:
    """Return models that give the answers of a cassette: they need no key, ask nobody and cost nothing."""

    def play(provider: Provider, _: Means) -> Transport:
        return cassette.player(provider.name)

    means = evolve(_without_cache(means), ledger=None, budget=Budget(currency=means.budget.currency))
    return evolve(_open(providers, means, play), is_recorded=True)


def _open(providers: tuple[Provider, ...], means: Means, connect: Callable[[Provider, Means], Transport]) -> Panel:
    purse = Purse(means.budget, means.ledger, means.surroundings.now, means.name_one)
    models: list[Model] = []
    missing: dict[str, str] = {}
    for provider in providers:
        try:
            transport = connect(provider, means)
        except MissingError as error:
            missing[provider.name] = str(error)
        else:
            models.append(_model(provider, transport, purse, means.cache))
    return Panel(
        models=tuple(models),
        missing=missing,
        purse=purse,
        max_input_characters=min((provider.max_input_characters for provider in providers), default=0),
    )


def _model(provider: Provider, transport: Transport, purse: Purse, cache: AnswerCache | None) -> Model:
    offer = Offer(
        name=provider.name,
        model=provider.model,
        prices=provider.prices,
        max_input_characters=provider.max_input_characters,
        max_answer_bytes=provider.patience.max_answer_bytes,
    )
    model = ConnectedModel(offer, provider.protocol, transport, purse)
    return model if cache is None else CachedModel(model, _settings(provider), cache)


def _transport(provider: Provider, means: Means) -> Transport:
    """Return the way to a provider's server.

    Raises: MissingError
    """
    from haldir_reviewer._providers.transport import HttpTransport, Server, read_certificates  # noqa: PLC0415 - aiohttp takes 200 ms

    name, before = provider.protocol.key_header()
    server = Server(
        base_url=provider.base_url,
        headers={**provider.protocol.fixed_headers(), **provider.headers},
        key=_key(provider, means.environment),
        key_header=(name, before) if provider.key_header is None else (provider.key_header, ""),
        tls=True if provider.ca_file is None else read_certificates(provider.ca_file),
    )
    return HttpTransport(server, provider.patience, means.surroundings)


def _key(provider: Provider, environment: Mapping[str, str]) -> Secret | None:
    if provider.key_env is not None:
        return read_variable(provider.key_env, environment)
    return None if provider.key_file is None else read_key_file(provider.key_file)


def _settings(provider: Provider) -> JsonObject:
    """Return what of the configuration an answer depends on."""
    protocol = provider.protocol
    return {
        "kind": provider.kind.value,
        "base_url": provider.base_url,
        "structured": protocol.structure.value,
        "omit": sorted(protocol.omit),
        "parameters": protocol.parameters,
    }


def _without_cache(means: Means) -> Means:
    return evolve(means, cache=None)
