"""Which layers run, and what stands for those that do not."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from haldir_pipeline._layers.interface import Layer
from haldir_pipeline.configuration import Configuration
from haldir_pipeline.outcomes import LayerName, Outcome, State
from haldir_pipeline.profiles import CARRIED_DAYS, Demand


@frozen
class Plan:
    """The layers that run, in order, and the outcomes of those that do not."""

    run: tuple[Layer, ...]
    settled: Mapping[LayerName, Outcome]


def make_plan(layers: Sequence[Layer], configuration: Configuration, demand: Demand, now: datetime) -> Plan:
    """Return what is to be done."""
    known = {layer.name: layer for layer in layers}
    settled = {}
    for name in LayerName:
        outcome = _settled(name, known, configuration, demand, now)
        if outcome is not None:
            settled[name] = outcome
    return Plan(tuple(known[name] for name in LayerName if name not in settled), settled)


def _settled(
    name: LayerName,
    known: Mapping[LayerName, Layer],
    configuration: Configuration,
    demand: Demand,
    now: datetime,
) -> Outcome | None:
    if name in configuration.skip:
        return Outcome(layer=name, state=State.SKIPPED, reason="left out, as the configuration says")
    if name not in known:
        return Outcome(layer=name, state=State.SKIPPED, reason="there is no such layer in this vetting")
    for carried in configuration.carried:
        age = now - carried.moment.moment
        is_good = carried.state is State.PASS and timedelta() <= age <= timedelta(days=CARRIED_DAYS)
        if carried.layer is name and name in demand.may_carry and is_good:
            reason = f"carried from an earlier version, vetted {carried.moment.text}"
            return Outcome(layer=name, state=State.CARRIED, reason=reason, carried=carried)
    return None
