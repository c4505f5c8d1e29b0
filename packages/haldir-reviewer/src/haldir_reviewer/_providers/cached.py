"""A model whose answers are kept, so that the same question is not paid for twice."""

from attrs import define

from haldir_core.canonical import JsonObject
from haldir_core.digest import sha256
from haldir_reviewer._providers.connected import ConnectedModel
from haldir_reviewer._providers.openai import plain
from haldir_reviewer.cache import AnswerCache, CacheKey
from haldir_reviewer.model import Reply, Request


@define
class CachedModel:
    """Asks another model only what it was not asked before, with the same settings, in the same words."""

    _model: ConnectedModel
    _settings: JsonObject
    _cache: AnswerCache

    @property
    def name(self) -> str:
        """The name under which it is configured."""
        return self._model.name

    @property
    def max_input_characters(self) -> int:
        """The most characters of instructions and material together that are sent."""
        return self._model.max_input_characters

    async def ask(self, request: Request) -> Reply:
        """Return the answer; one that was kept has cost nothing.

        Raises:
            ProviderError: if there is none that can be used.
        """
        key = self._key(request)
        kept = None if key is None else self._cache.find(key)
        if kept is not None:
            reply = _to_reply(kept)
            if reply is not None:
                return reply
        reply = await self._model.ask(request)
        if key is not None:
            self._cache.keep(key, {"model": reply.model, "value": plain(reply.value)})
        return reply

    def _key(self, request: Request) -> CacheKey | None:
        """Return all that the answer depends on; None if the question is no text, which the model will refuse."""
        try:
            material, instructions = request.user.encode(), request.system.encode()
        except UnicodeEncodeError:
            return None
        parameters: JsonObject = {
            "settings": self._settings,
            "name": request.name,
            "max_output_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        return CacheKey(
            content=str(sha256(material)),
            prompt_version=str(sha256(instructions)),  # the words themselves: no number that somebody must raise
            model=self._model.offer.model,
            parameters=parameters,
            schema=plain(request.schema),
        )


def _to_reply(kept: JsonObject) -> Reply | None:
    model, value = kept.get("model"), kept.get("value")
    return Reply(value, model) if isinstance(model, str) and isinstance(value, dict) else None
