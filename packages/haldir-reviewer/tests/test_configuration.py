import contextlib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_reviewer._providers import anthropic, openai
from haldir_reviewer._providers.retrying import Patience
from haldir_reviewer.budget import Budget
from haldir_reviewer.configuration import ConfigurationError, Kind, ReviewConfiguration, read_configuration
from haldir_reviewer.costs import Prices, to_micros, to_text

KEY = "sk-live-0123456789abcdef"
MINIMAL = {"kind": "openai", "model": "small", "base_url": "https://models.example/v1"}


def read(**first: Any) -> ReviewConfiguration:  # noqa: ANN401 - whatever a configuration holds
    return read_configuration({"providers": {"first": {**MINIMAL, **first}}}, folder=Path("conf"))


def test_a_provider_needs_a_kind_a_model_and_a_place() -> None:
    [provider] = read().panel
    assert (provider.name, provider.kind, provider.model) == ("first", Kind.OPENAI, "small")
    assert provider.base_url == "https://models.example/v1"
    assert (provider.patience, provider.prices, provider.key_env) == (Patience(), None, None)


def test_a_full_configuration_is_read() -> None:
    text = """
        panel = ["second", "first"]
        ledger = "ledger"
        [budget]
        currency = "EUR"
        per_review = "0.50"
        per_day = 20
        per_month = 300.25
        [providers.first]
        kind = "openai"
        model = "small"
        base_url = "https://models.example/v1/"
        key_env = "FIRST_KEY"
        headers = { X-Title = "skills" }
        prices = { input = "0.15", cached_input = 0.075, output = 0.6 }
        structured = "json_object"
        length_field = "max_completion_tokens"
        omit = ["temperature"]
        parameters = { reasoning_effort = "low" }
        try_seconds = 20
        deadline_seconds = 60.5
        tries = 2
        concurrency = 8
        max_answer_bytes = 100000
        max_input_characters = 50000
        [providers.second]
        kind = "anthropic"
        model = "other"
        base_url = "https://messages.example"
        key_file = "second.key"
        ca_file = "/etc/ca.pem"
        prompt_caching = true
        prices = { input = 3, cached_input = 0.3, cache_write = 3.75, output = 15 }
    """
    configuration = read_configuration(tomllib.loads(text), folder=Path("conf"))
    second, first = configuration.panel
    assert configuration.ledger == Path("conf/ledger")
    assert configuration.budget == Budget(currency="EUR", per_review=500_000, per_day=20_000_000, per_month=300_250_000)
    assert first.prices == Prices(input=150_000, output=600_000, cached_input=75_000, cache_write=150_000)
    assert second.prices == Prices(input=3_000_000, output=15_000_000, cached_input=300_000, cache_write=3_750_000)
    assert first.protocol == openai.OpenAI(
        model="small",
        structure=openai.Structure.JSON_OBJECT,
        length_field="max_completion_tokens",
        omit=frozenset({"temperature"}),
        parameters={"reasoning_effort": "low"},
    )
    assert second.protocol == anthropic.Anthropic(model="other")
    assert first.patience == Patience(
        try_seconds=20, deadline_seconds=60.5, tries=2, concurrency=8, max_answer_bytes=100_000
    )
    assert (second.key_file, second.ca_file) == (Path("conf/second.key"), Path("/etc/ca.pem"))
    assert (first.headers, first.max_input_characters) == ({"X-Title": "skills"}, 50_000)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown name": ({"modle": "x"}, "did you mean model"),
    "unknown name of another kind": ({"prompt_caching": True}, "kind openai"),
    "unknown kind": ({"kind": "gemini"}, "openai, anthropic"),
    "no model": ({"model": ""}, "model must be a text"),
    "model of a wrong type": ({"model": 4}, "model must be a text"),
    "model with control characters": ({"model": "a\n"}, "model must be a text"),
    "http": ({"base_url": "http://models.example/v1"}, "must begin with https://"),
    "ftp": ({"base_url": "ftp://models.example/v1"}, "must begin with https://"),
    "no scheme": ({"base_url": "models.example"}, "base_url must be"),
    "no host": ({"base_url": "https:///v1"}, "base_url must be"),
    "query": ({"base_url": "https://models.example/v1?a=b"}, "without a query"),
    "bad port": ({"base_url": "https://models.example:99999/"}, "is no URL"),
    "bad brackets": ({"base_url": "https://[::1/"}, "is no URL"),
    "loopback by another name": ({"base_url": "http://localhost.example/"}, "must begin with https://"),
    "loopback in a private network": ({"base_url": "http://10.0.0.1/"}, "must begin with https://"),
    "spaces": ({"base_url": "https://models .example/"}, "base_url must be"),
    "too long a wait": ({"try_seconds": 10**6}, "try_seconds must be a number from 0.1 to 3600"),
    "no wait": ({"try_seconds": 0}, "try_seconds must be a number"),
    "NaN": ({"deadline_seconds": float("nan")}, "deadline_seconds must be a number"),
    "true as number": ({"tries": True}, "tries must be a whole number"),
    "fraction of tries": ({"tries": 1.5}, "tries must be a whole number"),
    "no places": ({"concurrency": 0}, "concurrency must be a whole number from 1"),
    "flag as text": ({"allow_http": "no"}, "allow_http must be true or false"),
    "omit the model": ({"omit": ["model"]}, "may hold seed and temperature only"),
    "omit as text": ({"omit": "seed"}, "omit must be a list"),
    "parameters that are ours": ({"parameters": {"messages": []}}, "may not hold 'messages'"),
    "parameters that stream": ({"parameters": {"stream": True}}, "may not hold 'stream'"),
    "parameters of odd names": ({"parameters": {"a b": True}}, "may not hold 'a b'"),
    "parameters with a date": ({"parameters": {"a": tomllib.loads("a = 2026-01-01")["a"]}}, "what JSON does not have"),
    "deep parameters": ({"parameters": {"a": [[[[[[[[[[]]]]]]]]]]}}, "nested too deeply"),
    "unknown structure": ({"structured": "tool"}, "json_schema, json_object, text"),
    "unknown length": ({"length_field": "n"}, "max_completion_tokens"),
    "price of a wrong type": ({"prices": {"input": "cheap", "output": 1}}, "amount of money"),
    "negative price": ({"prices": {"input": -1, "output": 1}}, "from 0"),
    "infinite price": ({"prices": {"input": "inf", "output": 1}}, "from 0"),
    "too exact a price": ({"prices": {"input": "0.0000001", "output": 1}}, "six decimals"),
    "half a price": ({"prices": {"input": 1}}, "must have input and output"),
    "unknown price": ({"prices": {"input": 1, "ouput": 1}}, "did you mean output"),
    "header that is ours": ({"headers": {"Content-Type": "x"}}, "may not hold 'Content-Type'"),
    "header of two lines": ({"headers": {"X-A": "a\r\nB: c"}}, "must have a text"),
    "header of an odd name": ({"headers": {"X A": "a"}}, "may not hold 'X A'"),
    "header of a wrong type": ({"headers": {"X-A": 1}}, "must have a text"),
    "two places of the key": ({"key_env": "A_KEY", "key_file": "key"}, "cannot be had together"),
    "key header of two lines": ({"key_header": "a: b"}, "name of a header"),
    "nobody's home": ({"key_file": "~nobody-has-this-name/key"}, "home folder of nobody"),
}


@pytest.mark.parametrize(("settings", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**settings)
    assert "review.providers.first" in str(caught.value)
    assert words in str(caught.value)


LITERALS: dict[str, dict[str, Any]] = {
    "key": {"key": KEY},
    "api_key": {"api_key": KEY},
    "apiKey": {"apiKey": KEY},
    "token": {"token": KEY},
    "authorization": {"Authorization": f"Bearer {KEY}"},
    "password": {"password": KEY},
    "in key_env": {"key_env": KEY},
    "in key_header": {"key_header": f"Bearer {KEY}"},
    "in a header": {"headers": {"Authorization": f"Bearer {KEY}"}},
    "in a header for keys": {"headers": {"X-Api-Key": KEY}},
    "in a header by its value": {"headers": {"X-Custom": KEY}},
    "in the URL": {"base_url": f"https://user:{KEY}@models.example/v1"},
    "in a parameter": {"parameters": {"api_key": KEY}},
    "deep in a parameter": {"parameters": {"extra": [{"auth_token": KEY}]}},
}


@pytest.mark.parametrize("settings", LITERALS.values(), ids=LITERALS)
def test_a_key_in_the_configuration_is_refused_and_not_shown(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**settings)
    assert KEY not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/v1", "http://localhost:11434/v1", "http://[::1]:1/v1"], ids=["v4", "name", "v6"]
)
def test_loopback_needs_no_tls(url: str) -> None:
    assert read(base_url=url).panel[0].base_url == url


def test_http_elsewhere_can_be_permitted() -> None:
    assert read(base_url="http://gpu.example:8000/v1", allow_http=True).panel[0].base_url.startswith("http:")


REVIEWS: dict[str, tuple[Any, str]] = {
    "no table": ([], "review must be a table"),
    "unknown name": ({"provider": {}}, "did you mean providers"),
    "unknown name of a budget": ({"budget": {"per_dya": 1}}, "did you mean per_day"),
    "unknown currency": ({"budget": {"currency": "dollar"}}, "three capitals"),
    "budget of a wrong type": ({"budget": 5}, "review.budget must be a table"),
    "unknown provider in the panel": ({"panel": ["frist"], "providers": {"first": MINIMAL}}, "did you mean first"),
    "no provider for the panel": ({"panel": ["first"]}, "there is none"),
    "panel of a wrong type": ({"panel": "first"}, "panel must be a list"),
    "name with spaces": ({"providers": {"a b": MINIMAL}}, "is no name"),
    "provider of a wrong type": ({"providers": {"first": 1}}, "review.providers.first must be a table"),
    "providers of a wrong type": ({"providers": []}, "providers must be a table"),
    "one model under two names": ({"providers": {"a": MINIMAL, "b": MINIMAL}}, "the same model of the same server"),
    "record and replay": ({"record": "a", "replay": "b"}, "cannot be had together"),
    "budget without prices": ({"budget": {"per_day": 1}, "providers": {"a": MINIMAL}}, "a budget needs prices"),
}


@pytest.mark.parametrize(("table", "words"), REVIEWS.values(), ids=REVIEWS)
def test_what_is_wrong_with_the_whole_is_told(table: object, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_configuration(table, folder=Path())


def test_anthropic_with_prices_needs_the_price_of_the_cache() -> None:
    table = {"kind": "anthropic", "model": "m", "base_url": "https://m.example", "prices": {"input": 1, "output": 1}}
    with pytest.raises(ConfigurationError, match="cache_write"):
        read_configuration({"providers": {"a": table}}, folder=Path())
    for more in ({"prompt_caching": False}, {"prices": {"input": 0, "output": 0}}):
        assert read_configuration({"providers": {"a": {**table, **more}}}, folder=Path()).panel[0].prices


def test_providers_are_chosen_by_name_in_the_order_that_is_asked_for() -> None:
    tables = {name: {**MINIMAL, "model": name} for name in ("a", "b", "c")}
    configuration = read_configuration({"providers": tables}, folder=Path())
    assert [provider.name for provider in configuration.panel] == ["a", "b", "c"]
    assert [provider.name for provider in configuration.choose(("c", "a", "c"))] == ["c", "a"]
    with pytest.raises(ConfigurationError, match="no provider is called 'd'"):
        configuration.choose(("d",))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*MINIMAL, "headers", "prices", "omit", "parameters", "x"]), inner, max_size=5
            )
        ),
        max_leaves=8,
    )
)
def test_no_value_crashes_the_reader(value: object) -> None:
    for table in (value, {"providers": {"first": value}}, {"budget": value}):
        with contextlib.suppress(ConfigurationError):
            read_configuration(table, folder=Path())


@given(st.text(max_size=40))
def test_no_text_as_place_crashes_the_reader(text: str) -> None:
    with contextlib.suppress(ConfigurationError):
        read(base_url=f"https://{text}")


@given(st.integers(0, 10**15))
def test_money_keeps_its_value_as_text(micros: int) -> None:
    assert to_micros(to_text(micros)) == micros


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "0.00"), (1, "0.000001"), (1_500_000, "1.50"), (312_000, "0.312")], ids=str
)
def test_money_is_written_with_two_decimals_at_least(amount: int, text: str) -> None:
    assert to_text(amount) == text


def test_money_may_be_a_decimal() -> None:
    assert to_micros(Decimal("0.10")) == 100_000
