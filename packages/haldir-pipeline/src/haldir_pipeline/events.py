"""What a vetting tells while it goes on."""

from collections.abc import Callable
from enum import StrEnum

from attrs import frozen

from haldir_core import Timestamp
from haldir_core.canonical import JsonObject
from haldir_pipeline.outcomes import LayerName


class EventKind(StrEnum):
    """What has happened."""

    VETTING_STARTED = "vetting-started"
    LAYER_STARTED = "layer-started"
    LAYER_REUSED = "layer-reused"
    LAYER_FINISHED = "layer-finished"
    VETTING_FINISHED = "vetting-finished"


@frozen(kw_only=True)
class Event:
    """One thing that has happened; ``word`` is the state of a layer or the result, once there is one."""

    kind: EventKind
    moment: Timestamp
    skill: str
    layer: LayerName | None = None
    word: str = ""

    def to_json(self) -> JsonObject:
        """Return the event as a JSON value."""
        return {
            "kind": self.kind.value,
            "moment": self.moment.text,
            "skill": self.skill,
            "layer": None if self.layer is None else self.layer.value,
            "word": self.word,
        }


Tell = Callable[[Event], None]
"""Called for each event, from one thread at a time; must not raise."""


def tell_nobody(_event: Event) -> None:
    """Nobody listens."""
