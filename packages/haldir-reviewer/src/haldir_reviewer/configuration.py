"""Which models review, and how they are reached: the table ``[review]`` of a configuration.

Quick start::

    import tomllib
    from pathlib import Path
    from haldir_reviewer.configuration import read_configuration

    table = tomllib.loads(Path("haldir.toml").read_text())["review"]
    print([provider.name for provider in read_configuration(table, folder=Path()).panel])
"""

import ipaddress
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen

from haldir_core.canonical import JsonObject
from haldir_reviewer._providers import anthropic, openai
from haldir_reviewer._providers.retrying import Patience
from haldir_reviewer._tables import ConfigurationError, Table, hint, is_secret_name
from haldir_reviewer.budget import Budget
from haldir_reviewer.costs import Prices
from haldir_reviewer.settings import DEFAULT_SETTINGS

__all__ = ["ConfigurationError", "Kind", "Provider", "ReviewConfiguration", "read_configuration"]

MAX_PROVIDERS = 20

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_MEMBER = re.compile(r"[a-z][a-z0-9_]{0,63}")
_URL = re.compile(r"[\x21-\x7e]+")
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")  # RFC 1123 2.1, and underscores as some networks have
_KEY_VALUE = re.compile(r"(?i)\A(?:bearer|basic|token)\s|\Ask-")
_OUR_HEADERS = frozenset(
    {"accept-encoding", "connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding"}
)
_OUR_MEMBERS = frozenset(
    {
        "best_of",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "output_config",
        "response_format",
        "stream",
        "system",
        "tool_choice",
        "tools",
    }
)
"""Members of a body that ``parameters`` may not set, because answers are read by them."""

_REVIEW = (
    "providers",
    "panel",
    "budget",
    "deadline_seconds",
    "max_output_tokens",
    "ledger",
    "cache",
    "record",
    "replay",
)
_BUDGET = ("currency", "per_review", "per_day", "per_month")
_PRICES = ("input", "output", "cached_input", "cache_write")
_COMMON = (
    "kind",
    "model",
    "base_url",
    "headers",
    "key_env",
    "key_file",
    "key_header",
    "prices",
    "try_seconds",
    "deadline_seconds",
    "tries",
    "concurrency",
    "max_answer_bytes",
    "max_input_characters",
    "structured",
    "allow_http",
    "ca_file",
    "omit",
    "parameters",
)


class Kind(StrEnum):
    """The protocol of a provider."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


_KNOWN = {Kind.OPENAI: (*_COMMON, "length_field"), Kind.ANTHROPIC: (*_COMMON, "prompt_caching")}


@frozen(kw_only=True)
class Provider:
    """One configured model.  There is no key in it, only the place of one."""

    name: str
    kind: Kind
    protocol: openai.OpenAI | anthropic.Anthropic
    base_url: str
    headers: Mapping[str, str] = field(factory=dict)
    key_env: str | None = None
    key_file: Path | None = None
    key_header: str | None = None
    ca_file: Path | None = None
    prices: Prices | None = None
    patience: Patience = field(factory=Patience)
    max_input_characters: int = 200_000

    @property
    def model(self) -> str:
        """The name of the model at the provider."""
        return self.protocol.model


@frozen(kw_only=True)
class ReviewConfiguration:
    """Who reviews, at what cost, and where is kept what.

    ``panel`` are the models that are asked, in this order: the first two always, the third to settle a difference.
    ``deadline_seconds`` are for the whole review, ``max_output_tokens`` for one answer.  ``record`` and ``replay`` are
    cassettes.  A path that is None is the caller's to choose.
    """

    providers: tuple[Provider, ...]
    panel: tuple[Provider, ...]
    budget: Budget = field(factory=Budget)
    deadline_seconds: float = DEFAULT_SETTINGS.deadline_seconds
    max_output_tokens: int = DEFAULT_SETTINGS.max_output_tokens
    ledger: Path | None = None
    cache: Path | None = None
    record: Path | None = None
    replay: Path | None = None

    def choose(self, names: tuple[str, ...]) -> tuple[Provider, ...]:
        """Return the providers of these names.

        Raises: ConfigurationError if there is none of a name, two are the same model of the same server, or one has
            no prices although there is a budget.
        """
        by_name = {provider.name: provider for provider in self.providers}
        for name in names:
            if name not in by_name:
                raise ConfigurationError(f"no provider is called {name!r:.80}; {hint(name, by_name)}")
        chosen = tuple(by_name[name] for name in dict.fromkeys(names))
        _refuse_twins(chosen)
        _refuse_unpriced(chosen, self.budget)
        return chosen


def read_configuration(value: object, *, folder: Path, where: str = "review") -> ReviewConfiguration:
    """Return what the table ``[review]`` says; paths in it count from ``folder``.

    Raises: ConfigurationError saying what is wrong, and where.
    """
    table = Table.of(value, where, _REVIEW)
    providers = _providers(table, folder)
    budget = _budget(table)
    listed = table.texts("panel")
    every = ReviewConfiguration(providers=providers, panel=(), budget=budget)
    panel = every.choose(tuple(provider.name for provider in providers) if listed is None else tuple(listed))
    paths = {name: _path(table, name, folder) for name in ("ledger", "cache", "record", "replay")}
    if paths["record"] and paths["replay"]:
        raise table.wrong("record", "and replay cannot be had together")
    return ReviewConfiguration(
        providers=providers,
        panel=panel,
        budget=budget,
        deadline_seconds=table.number("deadline_seconds", DEFAULT_SETTINGS.deadline_seconds, least=1, most=86_400),
        max_output_tokens=table.count("max_output_tokens", DEFAULT_SETTINGS.max_output_tokens, most=200_000),
        **paths,
    )


def _providers(table: Table, folder: Path) -> tuple[Provider, ...]:
    value = table.values.get("providers", {})
    if not isinstance(value, Mapping) or len(value) > MAX_PROVIDERS:
        raise table.wrong("providers", f"must be a table of up to {MAX_PROVIDERS} tables")
    return tuple(_provider(str(name), inner, f"{table.where}.providers", folder) for name, inner in value.items())


def _provider(name: str, value: object, where: str, folder: Path) -> Provider:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{where}: {name!r:.80} is no name: use lower-case letters, digits, '.', '_' and '-'")
    place = f"{where}.{name}"
    kind = Table.of(value, place, {*_KNOWN[Kind.OPENAI], *_KNOWN[Kind.ANTHROPIC]}).choice("kind", Kind)
    table = Table.of(value, f"{place} (kind {kind})", _KNOWN[kind])
    protocol = _openai(table) if kind is Kind.OPENAI else _anthropic(table)
    return Provider(
        name=name,
        kind=kind,
        protocol=protocol,
        base_url=_base_url(table),
        headers=_headers(table),
        key_env=_key_env(table),
        key_file=_path(table, "key_file", folder),
        key_header=_key_header(table),
        ca_file=_path(table, "ca_file", folder),
        prices=_prices(table, protocol),
        patience=_patience(table),
        max_input_characters=table.count("max_input_characters", 200_000, most=10_000_000),
    )


def _openai(table: Table) -> openai.OpenAI:
    length_field = table.text("length_field", "max_tokens")
    if length_field not in {"max_tokens", "max_completion_tokens"}:
        raise table.wrong("length_field", "must be max_tokens or max_completion_tokens")
    return openai.OpenAI(
        model=table.text("model"),
        structure=table.choice("structured", openai.Structure, openai.Structure.JSON_SCHEMA),
        length_field=length_field,
        omit=_omit(table),
        parameters=_parameters(table),
    )


def _anthropic(table: Table) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        model=table.text("model"),
        structure=table.choice("structured", anthropic.Structure, anthropic.Structure.TOOL),
        caches_prompts=table.flag("prompt_caching", default=True),
        omit=_omit(table),
        parameters=_parameters(table),
    )


def _omit(table: Table) -> frozenset[str]:
    names = frozenset(table.texts("omit") or ())
    if not names <= {"seed", "temperature"}:
        raise table.wrong("omit", "may hold seed and temperature only")
    return names


def _parameters(table: Table) -> JsonObject:
    parameters = table.json("parameters")
    for name in parameters:
        if name in _OUR_MEMBERS or not _MEMBER.fullmatch(name):
            raise table.wrong("parameters", f"may not hold {name!r:.80}: it is set by what is asked")
    return parameters


def _base_url(table: Table) -> str:
    text = table.text("base_url")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise table.wrong("base_url", "is no URL") from error
    if parts.username is not None or parts.password is not None:
        raise table.wrong("base_url", "holds a user name or key: name its variable as key_env, or its file as key_file")
    if parts.query or parts.fragment or not host or not _URL.fullmatch(text):
        raise table.wrong("base_url", "must be scheme, host and path, without a query")
    if not _HOST.fullmatch(host) and ":" not in host:
        raise table.wrong("base_url", "must have the name of a host, or its address")
    may_be_plain = table.flag("allow_http", default=False) or _is_loopback(host)
    if parts.scheme == "http" and not may_be_plain:
        raise table.wrong("base_url", "must begin with https://; allow_http = true permits http in a network you trust")
    if parts.scheme not in {"http", "https"}:
        raise table.wrong("base_url", "must begin with https://")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _headers(table: Table) -> Mapping[str, str]:
    value = table.values.get("headers", {})
    if not isinstance(value, Mapping) or len(value) > 20:
        raise table.wrong("headers", "must be a table of up to 20 texts")
    headers: dict[str, str] = {}
    for name, text in value.items():
        if not isinstance(name, str) or not _HEADER.fullmatch(name) or name.lower() in _OUR_HEADERS:
            raise table.wrong("headers", f"may not hold {str(name)!r:.80}")
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or len(text) > 1000:
            raise table.wrong("headers", f"must have a text of up to 1000 ASCII characters as {name}")
        if is_secret_name(name) or _KEY_VALUE.search(text):
            raise table.wrong("headers", f"may hold no key, and {name} is one: use key_env or key_file, and key_header")
        headers[name] = text
    return headers


def _key_env(table: Table) -> str | None:
    name = table.optional_text("key_env")
    if name is not None and not _VARIABLE.fullmatch(name):
        raise table.wrong("key_env", "must be the name of an environment variable in capitals, not the key itself")
    if name is not None and "key_file" in table.values:
        raise table.wrong("key_env", "and key_file cannot be had together")
    return name


def _key_header(table: Table) -> str | None:
    name = table.optional_text("key_header")
    if name is not None and (not _HEADER.fullmatch(name) or name.lower() in _OUR_HEADERS):
        raise table.wrong("key_header", "must be the name of a header, not the key itself")
    return name


def _prices(table: Table, protocol: openai.OpenAI | anthropic.Anthropic) -> Prices | None:
    if "prices" not in table.values:
        return None
    prices = Table.of(table.values["prices"], f"{table.where}: prices", _PRICES)
    sent, received = prices.money("input"), prices.money("output")
    if sent is None or received is None:
        raise table.wrong("prices", "must have input and output: the price of a million tokens of each")
    written = prices.money("cache_write")
    if written is None and sent and isinstance(protocol, anthropic.Anthropic) and protocol.caches_prompts:
        raise table.wrong("prices", "must have cache_write too, the price of a million tokens put into the cache")
    return Prices(
        input=sent,
        output=received,
        cached_input=prices.money("cached_input", sent) or 0,
        cache_write=sent if written is None else written,
    )


def _patience(table: Table) -> Patience:
    standard = Patience()
    return Patience(
        try_seconds=table.number("try_seconds", standard.try_seconds, least=0.1, most=3600),
        deadline_seconds=table.number("deadline_seconds", standard.deadline_seconds, least=0.1, most=7200),
        tries=table.count("tries", standard.tries, most=20),
        concurrency=table.count("concurrency", standard.concurrency, most=100),
        max_answer_bytes=table.count("max_answer_bytes", standard.max_answer_bytes, most=8 * 1024 * 1024),
    )


def _budget(table: Table) -> Budget:
    budget = Table.of(table.values.get("budget", {}), f"{table.where}.budget", _BUDGET)
    currency = budget.text("currency", "USD")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise budget.wrong("currency", "must be three capitals, such as USD (ISO 4217)")
    return Budget(
        currency=currency,
        per_review=budget.money("per_review"),
        per_day=budget.money("per_day"),
        per_month=budget.money("per_month"),
    )


def _path(table: Table, name: str, folder: Path) -> Path | None:
    text = table.optional_text(name)
    try:
        return None if text is None else folder / Path(text).expanduser()
    except RuntimeError as error:
        raise table.wrong(name, "begins with the home folder of nobody") from error


def _refuse_unpriced(panel: tuple[Provider, ...], budget: Budget) -> None:
    for provider in panel:
        if budget.has_limit and provider.prices is None:
            raise ConfigurationError(
                f"the provider {provider.name}: a budget needs prices: add them, with 0 where nothing is paid"
            )


def _refuse_twins(panel: tuple[Provider, ...]) -> None:
    """Return if no two are one model, which would agree with itself.

    Raises: ConfigurationError otherwise.
    """
    seen: dict[tuple[str, str], str] = {}
    for provider in panel:
        same = seen.setdefault((provider.base_url.lower(), provider.model), provider.name)
        if same != provider.name:
            raise ConfigurationError(
                f"the providers {same} and {provider.name} are the same model of the same server: two reviews by one "
                "model count as one; name another model"
            )
