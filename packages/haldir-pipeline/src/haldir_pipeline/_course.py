"""The course of one vetting: the layers one after the other, or side by side, with events and what is kept."""

import threading
from collections.abc import Sequence

from attrs import define, field

from haldir_core import Timestamp
from haldir_core.canonical import JsonObject
from haldir_pipeline._layers.interface import Layer
from haldir_pipeline.configuration import Configuration
from haldir_pipeline.events import Event, EventKind, Tell
from haldir_pipeline.outcomes import LayerName, Outcome, State
from haldir_pipeline.result import PIPELINE_VERSION
from haldir_pipeline.resumption import Resumption, entry_key
from haldir_pipeline.running import Runner

Outcomes = dict[LayerName, Outcome]
_ENDING = frozenset({State.REJECT, State.ERROR})
_LANES = ((LayerName.SCAN, LayerName.AUDIT), (LayerName.REVIEW,), (LayerName.SANDBOX,))
"""What runs side by side: the first two need the processor all the time, the others mostly wait.

The last lane is that of the calling thread: a confined program ends when the thread that started it does.
"""


@define
class Course:
    """Runs layers, tells about them, and keeps what is finished; ``began`` becomes earlier with what is taken up."""

    runner: Runner
    configuration: Configuration
    tell: Tell
    resumption: Resumption | None
    began: Timestamp
    _keys: list[str] = field(init=False, factory=list)
    _lock: threading.RLock = field(init=False, factory=threading.RLock)

    def in_order(self, layers: Sequence[Layer]) -> Outcomes:
        """Return the outcomes; after a rejection or an error no further layer runs."""
        outcomes: Outcomes = {}
        ending = ""
        for layer in layers:
            outcomes[layer.name] = self._skipped(layer.name, ending) if ending else self._one(layer)
            if outcomes[layer.name].state in _ENDING:
                ending = f"not run, because the layer {layer.name} ended with {outcomes[layer.name].state}"
        return outcomes

    def side_by_side(self, layers: Sequence[Layer]) -> Outcomes:
        """Return the outcomes of all layers, whatever comes of the others."""
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - in order nothing of it is needed

        for layer in layers:  # what each needs is loaded before another thread may be in the middle of that
            self.runner.inputs(layer)
        *others, own = [[layer for layer in layers if layer.name in lane] for lane in _LANES]
        outcomes: Outcomes = {}
        with ThreadPoolExecutor(max_workers=len(others), thread_name_prefix="layer") as pool:
            running = [pool.submit(self._lane, lane) for lane in others]
            try:
                outcomes |= self._lane(own)
                for future in running:
                    outcomes |= future.result()
            except BaseException:  # Ctrl-C comes to this thread only
                self.runner.cancellation.cancel()
                raise
        return outcomes

    def say(self, kind: EventKind, layer: LayerName | None = None, word: str = "") -> None:
        """Tell that something has happened, one thread after the other."""
        with self._lock:
            moment = Timestamp.at(self.runner.meters.now())
            self.tell(Event(kind=kind, moment=moment, skill=self.runner.subject.name, layer=layer, word=word))

    def forget(self) -> None:
        """Remove what was kept: the vetting has ended."""
        if self.resumption is not None:
            self.resumption.forget(*self._keys)

    def _lane(self, layers: Sequence[Layer]) -> Outcomes:
        return {layer.name: self._one(layer) for layer in layers}

    def _one(self, layer: Layer) -> Outcome:
        refusal = self.runner.refusal()
        if refusal:
            return self._skipped(layer.name, refusal)
        self.say(EventKind.LAYER_STARTED, layer.name)
        outcome = self._kept_or_run(layer)
        kind = EventKind.LAYER_REUSED if outcome.is_reused else EventKind.LAYER_FINISHED
        self.say(kind, layer.name, outcome.state.value)
        return outcome

    def _kept_or_run(self, layer: Layer) -> Outcome:
        inputs = self.runner.inputs(layer)
        if isinstance(inputs, Outcome):
            return inputs
        if self.resumption is None:
            return self.runner.run(layer)
        key = self._key(layer, inputs)
        kept = self.resumption.find(key, self.runner.meters.now())
        if kept is not None and kept.outcome.layer is layer.name:
            with self._lock:
                self._keys.append(key)
                self.began = min(self.began, kept.began, key=lambda began: began.moment)
            return kept.outcome.as_reused()
        outcome = self.runner.run(layer)
        self.resumption.keep(key, outcome, self.began)
        with self._lock:
            self._keys.append(key)
        return outcome

    def _key(self, layer: Layer, inputs: JsonObject) -> str:
        subject = self.runner.subject
        return entry_key(
            {
                "pipeline": PIPELINE_VERSION,
                "layer": layer.name.value,
                "content": subject.content,
                "name": subject.name,
                "configuration": self.configuration.digest,
                "folder": self.configuration.folder,
                "inputs": inputs,
            }
        )

    def _skipped(self, name: LayerName, reason: str) -> Outcome:
        return Outcome(layer=name, state=State.SKIPPED, reason=reason)
