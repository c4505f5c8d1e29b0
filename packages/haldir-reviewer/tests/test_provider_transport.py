import asyncio
import ipaddress
import json
import socket
import ssl
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_core.canonical import canonical_bytes
from haldir_reviewer.configuration import read_configuration
from haldir_reviewer.model import (
    ProviderError,
    RejectedRequestError,
    Reply,
    UnavailableError,
)
from haldir_reviewer.panels import open_panel

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages

from model_server import (
    GOOD,
    KEY,
    REQUEST,
    Clock,
    ModelServer,
    Script,
    ask,
    http,
    json_answer,
    means,
    message,
    provider,
    reset,
    silence,
)


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_key_that_the_provider_quotes_is_masked(status: int) -> None:
    error = {"error": {"message": f"Incorrect API key provided: {KEY}, or {KEY[:12]}***{KEY[-8:]}. See the docs."}}
    outcome = str(ask(http(status, json.dumps(error).encode()), tries=1).outcome)
    assert "Incorrect API key provided: ****" in outcome
    assert KEY[:8] not in outcome
    assert KEY[-8:] not in outcome


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 5}', b'{"error": {"message": []}}', b'{"a":' * 99])
def test_where_the_provider_does_not_say_what_is_wrong_nothing_is_quoted(body: bytes) -> None:
    assert str(ask(http(404, body)).outcome) == "provider first: status 404; check base_url and the name of the model"


@pytest.mark.parametrize("body", [b'{"error": "no such model"}', b'{"message": "no such model"}'])
def test_other_forms_of_errors_are_understood_too(body: bytes) -> None:
    assert "status 404: 'no such model'" in str(ask(http(404, body)).outcome)


def test_a_server_without_a_key_is_asked_without_one() -> None:
    async def run() -> ModelServer:
        async with ModelServer([http(404, b'{"error": "no such model"}')]) as server:
            table = {"kind": "openai", "model": "small", "base_url": server.url, "tries": 1}
            own = read_configuration({"providers": {"a": table}}, folder=Path()).panel
            with pytest.raises(RejectedRequestError, match="no such model"):
                await open_panel(own, means(Clock())).models[0].ask(REQUEST)
            return server

    assert "authorization" not in asyncio.run(run()).seen[0].headers


def test_what_the_provider_says_is_quoted_without_characters_that_a_terminal_acts_on() -> None:
    error = {"error": {"message": "no such model \x1b[31m\u202e"}}
    assert "no such model \\x1b[31m\\u202e" in str(ask(http(404, json.dumps(error).encode())).outcome)


def test_nobody_can_be_reached_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        outcome = ask(GOOD, base_url=f"http://127.0.0.1:{free.getsockname()[1]}").outcome
    assert type(outcome) is UnavailableError
    assert "cannot connect" in str(outcome)


def test_a_name_that_does_not_exist_is_unavailable() -> None:
    outcome = ask(GOOD, base_url="https://nowhere.invalid", tries=1, try_seconds=5).outcome
    assert type(outcome) is UnavailableError


def test_a_server_without_tls_behind_https_is_unavailable() -> None:
    async def run() -> ProviderError | None:
        async with ModelServer([GOOD]) as server:
            panel = open_panel(
                (provider(server.url.replace("http:", "https:"), tries=1, try_seconds=0.3),), means(Clock())
            )
            try:
                await panel.models[0].ask(REQUEST)
            except ProviderError as error:
                return error
            return None

    assert type(asyncio.run(run())) is UnavailableError


@settings(max_examples=30)
@given(
    begin=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 429 No\r\nContent-Type: application/json\r\n", GOOD[:60]]
    ),
    rest=st.binary(max_size=80),
)
def test_no_bytes_of_a_server_are_more_than_an_error(begin: bytes, rest: bytes) -> None:
    assert isinstance(ask(begin + rest, tries=1, try_seconds=0.1).outcome, ProviderError)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Write a certificate for loopback that signs itself, with its key, and return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


async def ask_over_tls(certificate: Path, **settings: str) -> tuple[Reply | ProviderError, int]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with ModelServer([GOOD], tls=context) as server:
        panel = open_panel((provider(server.url, **settings),), means(Clock()))
        try:
            return await panel.models[0].ask(REQUEST), panel.purse.spent_micros
        except ProviderError as error:
            return error, panel.purse.spent_micros


def test_a_server_whose_certificate_nobody_vouches_for_gets_no_key(certificate: Path) -> None:
    outcome, spent = asyncio.run(ask_over_tls(certificate))
    assert type(outcome) is UnavailableError
    assert "its certificate is not trusted" in str(outcome)
    assert spent == 0


def test_a_server_is_trusted_by_the_certificates_that_are_configured(certificate: Path) -> None:
    outcome, _ = asyncio.run(ask_over_tls(certificate, ca_file=str(certificate)))
    assert type(outcome) is Reply


def test_a_file_of_certificates_that_is_missing_is_told(tmp_path: Path) -> None:
    panel = open_panel((provider("https://models.example", ca_file=str(tmp_path / "none.pem")),), means(Clock()))
    assert panel.models == ()
    assert panel.missing["first"].startswith("cannot read the certificates in ")


def test_after_a_passing_failure_the_answer_is_taken() -> None:
    result = ask(http(503), reset, GOOD)
    assert result.outcome == Reply({"score": 1}, "small-1", result.outcome.usage)  # type: ignore[union-attr] # a reply
    assert len(result.server.seen) == 3


def test_pauses_double_and_are_drawn_by_chance() -> None:
    assert ask(http(500), tries=5, clock=Clock()).clock.slept == [0.5, 1.0, 2.0, 4.0]
    assert ask(http(500), tries=5, clock=Clock(drawn=0.25)).clock.slept == [0.125, 0.25, 0.5, 1.0]


def test_a_pause_is_never_longer_than_the_longest() -> None:
    assert max(ask(http(500), tries=12, deadline_seconds=7200).clock.slept) == 30.0


@pytest.mark.parametrize(
    ("header", "slept"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        ("0", 0.5),
        ("-5", 0.5),
        ("Sun, 22 Nov 2026 10:00:09 GMT", 9.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.5),
        ("Sun, 22 Nov 2026 11:00:08 +0100", 8.0),
        ("Sun, 22 Nov 2026 10:00:06 -0000", 6.0),
        ("soon", 0.5),
        ("nan", 0.5),
        ("1_0", 0.5),
        ("9" * 200, 0.5),
        ("Fri, 99 Foo 99999 99:99:99 GMT", 0.5),
        ("", 0.5),
    ],
)
def test_what_the_server_asks_to_wait_is_waited(header: str, slept: float) -> None:
    assert ask(http(429, Retry_After=header), GOOD).clock.slept == [slept]


def test_a_pause_in_milliseconds_is_understood() -> None:
    assert ask(http(429, Retry_After_Ms="2500", Retry_After="9"), GOOD).clock.slept == [2.5]


def test_where_the_pause_would_pass_the_deadline_nobody_waits() -> None:
    result = ask(http(429, Retry_After="3600"), GOOD)
    assert type(result.outcome) is UnavailableError
    assert (result.clock.slept, len(result.server.seen)) == ([], 1)
    assert "asks to wait 3600 seconds" in str(result.outcome)


def test_the_deadline_ends_what_the_number_of_tries_does_not() -> None:
    result = ask(http(500), tries=20, deadline_seconds=4)
    assert (result.clock.slept, len(result.server.seen)) == ([0.5, 1.0, 2.0], 4)


def test_no_more_requests_are_on_their_way_than_configured() -> None:
    async def slow(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)
        writer.write(GOOD)
        await writer.drain()

    async def run() -> int:
        async with ModelServer([slow]) as server:
            panel = open_panel((provider(server.url, concurrency=2, try_seconds=10),), means(Clock()))
            await asyncio.gather(*(panel.models[0].ask(REQUEST) for _ in range(8)))
            return server.most_at_once

    assert asyncio.run(run()) == 2


def test_a_model_can_be_asked_in_one_loop_after_another() -> None:
    asked = provider("http://127.0.0.1:1", concurrency=1, tries=1)
    model = open_panel((asked,), means(Clock())).models[0]

    async def run() -> int:
        outcomes = await asyncio.gather(*(model.ask(REQUEST) for _ in range(3)), return_exceptions=True)
        return sum(isinstance(outcome, UnavailableError) for outcome in outcomes)

    assert [asyncio.run(run()), asyncio.run(run())] == [3, 3]


def test_the_key_is_sent_where_the_protocol_has_it() -> None:
    headers = ask(GOOD).server.seen[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    seen = ask(json_answer(message({"score": 1})), kind="anthropic").server.seen[0]
    assert (seen.headers["x-api-key"], seen.headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "authorization" not in seen.headers


def test_the_key_is_sent_in_the_header_that_is_configured() -> None:
    headers = ask(GOOD, key_header="api-key").server.seen[0].headers
    assert headers["api-key"] == KEY
    assert "authorization" not in headers


def test_headers_of_the_configuration_are_sent_and_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    headers = ask(GOOD, headers={"X-Title": "skills"}).server.seen[0].headers
    assert headers["x-title"] == "skills"
    assert headers["accept-encoding"] == "identity"
    assert set(headers) == {
        "accept",
        "accept-encoding",
        "authorization",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-title",
    }


def test_the_path_is_put_behind_the_base_url() -> None:
    seen = ask(GOOD).server.seen[0]
    assert seen.path == "/chat/completions"
    assert ask(json_answer(message({})), kind="anthropic").server.seen[0].path == "/v1/messages"


def test_a_question_that_is_too_long_is_not_sent() -> None:
    result = ask(GOOD, max_input_characters=9)
    assert type(result.outcome) is RejectedRequestError
    assert result.server.seen == []
    assert type(ask(GOOD, max_input_characters=10).outcome) is Reply


def test_a_lone_surrogate_is_not_sent() -> None:
    async def run() -> None:
        panel = open_panel((provider("http://127.0.0.1:1"),), means(Clock()))
        with pytest.raises(RejectedRequestError, match="provider first: the request cannot be written as JSON"):
            await panel.models[0].ask(evolve(REQUEST, user="\ud800"))

    asyncio.run(run())


def test_an_answer_costs_what_its_tokens_cost() -> None:
    result = ask(GOOD)
    assert isinstance(result.outcome, Reply)
    assert (result.outcome.usage.cost_micros, result.spent) == (120, 120)


@pytest.mark.parametrize(
    ("scripts", "times"),
    [((http(401),), 0), ((http(429),), 0), ((silence,), 3), ((reset,), 3), ((http(200, b"{"),), 1), ((http(204),), 1)],
    ids=["refused", "too many", "silence", "reset", "no JSON", "no content"],
)
def test_what_may_have_been_billed_without_an_answer_is_counted_as_expected(
    scripts: tuple[Script, ...], times: int
) -> None:
    result = ask(*scripts, try_seconds=0.3 if silence in scripts else 30)
    expected = -(-len(canonical_bytes(result.server.seen[0].body)) // 2) + 2 * 100
    assert result.spent == times * expected


def test_a_lost_try_is_counted_beside_the_answer() -> None:
    lost = ask(reset, GOOD)
    assert lost.spent > ask(GOOD).spent == 120
