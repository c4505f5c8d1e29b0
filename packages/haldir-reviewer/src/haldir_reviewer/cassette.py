"""Answers of providers, recorded to be given again where there is no provider.

The first line of a cassette has its version and the seed of the review, from which follows all that is random in the
questions.  Then there is one JSON line for each question: the provider's name, the path, the body, and the answer as
text.  Keys travel in headers, which are not recorded.
"""

import contextlib
import os
from pathlib import Path

from attrs import define, frozen

from haldir_core.canonical import JsonObject, canonical_bytes, parse_object
from haldir_core.errors import MalformedError
from haldir_reviewer._providers.interface import Answer, Call, NoAnswer, Transport
from haldir_reviewer.model import ProviderError, UnavailableError
from haldir_reviewer.privatefiles import append_line, open_private

MAX_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 16 * 1024 * 1024

_VERSION = "1.0"
_MOST_SEED_BYTES = 64


class CassetteError(ProviderError):
    """A cassette cannot be read or written."""


@frozen
class Cassette:
    """The answers of a cassette, by the canonical JSON of their questions; ``path`` names it in errors."""

    path: Path
    seed: bytes
    answers: dict[bytes, str]

    @classmethod
    def read(cls, path: Path) -> "Cassette":
        """Return the cassette in a file.

        Raises: CassetteError if there is none.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            raise CassetteError(f"cannot read the cassette {path}: {_reason(error)}") from error
        if len(data) > MAX_BYTES:
            raise CassetteError(f"cannot read the cassette {path}: larger than {MAX_BYTES} bytes")
        first, *lines = data.split(b"\n")
        number, answers = 1, dict[bytes, str]()
        try:
            seed = _parse_first(first)
            for number, line in enumerate(lines, 2):  # noqa: B007 - the error names the line
                if line:
                    question, answer = _parse(line)
                    answers.setdefault(question, answer)
        except MalformedError as error:
            raise CassetteError(f"the cassette {path} is damaged in line {number}: {error.reason}") from error
        return cls(path, seed, answers)

    def player(self, provider: str) -> "Player":
        """Return the transport that gives the answers of a provider."""
        return Player(self, provider)


@define
class Player:
    """A transport that asks nobody."""

    _cassette: Cassette
    _provider: str

    async def post(self, call: Call) -> Answer | NoAnswer:
        """Return what was recorded as the answer to ``call``."""
        answer = self._cassette.answers.get(canonical_bytes(_question(self._provider, call)))
        if answer is None:
            place = self._cassette.path
            return NoAnswer(UnavailableError(f"the cassette {place} has no answer to this question: record it again"))
        return Answer(answer.encode())


def begin_cassette(path: Path, seed: bytes) -> None:
    """Make an empty cassette (0600) for a review with this seed.

    Raises: CassetteError if that is impossible, or there is a file already.
    """
    line = canonical_bytes({"cassette": _VERSION, "seed": seed.hex()}) + b"\n"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(line)
    except (OSError, ValueError) as error:
        raise CassetteError(f"cannot make the cassette {path}: {_reason(error)}") from error


@define
class Recorder:
    """A transport that writes down what another one brings."""

    _transport: Transport
    _provider: str
    _path: Path

    async def post(self, call: Call) -> Answer | NoAnswer:
        """Return what the other transport brings; an answer is appended to the cassette."""
        outcome = await self._transport.post(call)
        if isinstance(outcome, Answer):
            self._write(call, outcome)
        return outcome

    def _write(self, call: Call, answer: Answer) -> None:
        try:
            text = answer.body.decode()
        except UnicodeDecodeError:
            return  # no answer that can be read; it will be refused where it goes
        line = canonical_bytes({**_question(self._provider, call), "answer": text})
        try:
            with open_private(self._path) as descriptor:
                append_line(descriptor, line)
        except OSError as error:
            raise CassetteError(f"cannot write the cassette {self._path}: {_reason(error)}") from error


def _question(provider: str, call: Call) -> JsonObject:
    return {"provider": provider, "path": call.path, "body": call.body}


def _parse_first(line: bytes) -> bytes:
    members = parse_object(line, "cassette", max_bytes=MAX_LINE_BYTES)
    seed = members.get("seed")
    if members.get("cassette") != _VERSION or not isinstance(seed, str) or len(seed) > 2 * _MOST_SEED_BYTES:
        raise MalformedError("cassette", f"it is not the beginning of a cassette of version {_VERSION}")
    with contextlib.suppress(ValueError):
        return bytes.fromhex(seed)
    raise MalformedError("cassette", "the seed is not hexadecimal")


def _parse(line: bytes) -> tuple[bytes, str]:
    members = parse_object(line, "cassette", max_bytes=MAX_LINE_BYTES)
    answer = members.pop("answer", None)
    if set(members) != {"provider", "path", "body"} or not isinstance(answer, str):
        raise MalformedError("cassette", "it is no question with its answer")
    return canonical_bytes(members), answer


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
