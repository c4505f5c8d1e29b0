from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import Summary, Timestamp
from haldir_pipeline import Carried, Demand, LayerName, Outcome, ProfileName, Result, State, Tier, decide, score
from haldir_pipeline.profiles import ALWAYS

MOMENT = Timestamp.parse("2026-01-31T12:00:00.000Z")
CONTENT = "sha256:" + "0" * 64
BAD = {State.REJECT, State.ERROR}
LOCAL = Demand.of(ProfileName.LOCAL, Tier.UNVERIFIED)
REGISTRY = Demand.of(ProfileName.REGISTRY, Tier.UNVERIFIED)

demands = st.builds(Demand.of, st.sampled_from(ProfileName), st.sampled_from(Tier))
summaries = st.builds(
    Summary,
    critical=st.integers(0, 12),
    high=st.integers(0, 12),
    medium=st.integers(0, 12),
    low=st.integers(0, 12),
)


def outcome(layer: LayerName, state: State, **members: object) -> Outcome:
    """Return an outcome; one that is carried carries a pass."""
    carried = Carried(layer=layer, state=State.PASS, moment=MOMENT, content=CONTENT)
    if state is State.CARRIED:
        members = {"carried": carried, **members}
    return Outcome(layer=layer, state=state, **members)  # type: ignore[arg-type] # of the tests


outcomes = st.tuples(
    *(
        st.builds(
            outcome,
            st.just(layer),
            st.sampled_from(State),
            summary=summaries,
            unchecked=st.sampled_from([(), ("no source",)]),
        )
        for layer in LayerName
    )
)


def of(**states: State) -> list[Outcome]:
    """Return outcomes that pass, but for those that are given."""
    return [outcome(layer, states.get(layer.value, State.PASS)) for layer in LayerName]


def _is_missing(one: Outcome, demand: Demand) -> bool:
    if one.state is State.CARRIED:
        return one.layer not in demand.may_carry
    return one.state is State.SKIPPED and one.layer in demand.required


@given(outcomes, demands)
def test_nothing_with_an_error_a_rejection_or_a_missing_layer_is_approved(
    every: tuple[Outcome, ...], demand: Demand
) -> None:
    result, reasons = decide(every, demand)
    states = {one.layer: one.state for one in every}
    missing = [layer for layer in demand.required if states[layer] is State.SKIPPED]
    if BAD & set(states.values()) or missing:
        assert result in {Result.REJECTED, Result.ERROR}
    assert (result is Result.APPROVED) == (not reasons)


@given(outcomes, demands)
def test_only_passes_and_what_may_be_missing_or_carried_is_approved(every: tuple[Outcome, ...], demand: Demand) -> None:
    if decide(every, demand)[0] is not Result.APPROVED:
        return
    for one in every:
        allowed = {State.PASS}
        if one.layer not in demand.required:
            allowed.add(State.SKIPPED)
        if one.layer in demand.may_carry:
            allowed.add(State.CARRIED)
        assert one.state in allowed
        assert not (one.unchecked and demand.profile.name is ProfileName.REGISTRY)


@given(st.lists(st.sampled_from([outcome(layer, state) for layer, state in product(LayerName, State)])), demands)
def test_layers_that_are_not_told_about_did_not_run(every: list[Outcome], demand: Demand) -> None:
    every = list({one.layer: one for one in every}.values())
    missing = demand.required - {one.layer for one in every}
    if missing:
        assert decide(every, demand)[0] in {Result.ERROR, Result.REJECTED}


@given(outcomes, demands)
def test_a_rejection_is_always_a_rejection(every: tuple[Outcome, ...], demand: Demand) -> None:
    rejects = any(one.state is State.REJECT for one in every)
    assert (decide(every, demand)[0] is Result.REJECTED) == rejects


@given(outcomes, demands, st.sampled_from(LayerName), st.sampled_from(State))
def test_a_worse_layer_never_makes_a_better_score(
    every: tuple[Outcome, ...], demand: Demand, layer: LayerName, worse: State
) -> None:
    order = list(State)
    index = list(LayerName).index(layer)
    if order.index(worse) < order.index(every[index].state) or _is_missing(every[index], demand):
        return  # what is missing although it is required is as bad as an error
    changed = [*every]
    changed[index] = outcome(layer, worse, summary=every[index].summary, unchecked=every[index].unchecked)
    before, after = (score(some, decide(some, demand)[0]) for some in (every, changed))
    assert after.thousandths <= before.thousandths


@given(outcomes, demands, st.sampled_from(LayerName), summaries)
def test_more_findings_never_make_a_better_score(
    every: tuple[Outcome, ...], demand: Demand, layer: LayerName, more: Summary
) -> None:
    index = list(LayerName).index(layer)
    old = every[index]
    known = old.summary
    together = Summary(
        critical=known.critical + more.critical,
        high=known.high + more.high,
        medium=known.medium + more.medium,
        low=known.low + more.low,
    )
    changed = [*every]
    changed[index] = outcome(layer, old.state, summary=together, unchecked=old.unchecked)
    result = decide(every, demand)[0]
    assert score(changed, result).thousandths <= score(every, result).thousandths


@given(outcomes, demands)
def test_the_score_lies_between_zero_and_one_and_says_how_it_came_about(
    every: tuple[Outcome, ...], demand: Demand
) -> None:
    made = score(every, decide(every, demand)[0])
    whole = sum(part.contribution for part in made.parts)
    assert 0 <= made.thousandths <= 1000
    assert made.thousandths == min([whole, *(ceiling.most for ceiling in made.ceilings)])


@given(outcomes, demands)
def test_an_approved_skill_has_a_better_score_than_any_other_result_may_have(
    every: tuple[Outcome, ...], demand: Demand
) -> None:
    result = decide(every, demand)[0]
    if result is not Result.APPROVED:
        assert score(every, result).thousandths < 700


@pytest.mark.parametrize("layer", LayerName)
@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State.FLAG, Result.AMBER),
        (State.INCONCLUSIVE, Result.AMBER),
        (State.REJECT, Result.REJECTED),
        (State.ERROR, Result.ERROR),
    ],
)
def test_each_layer_can_decide(layer: LayerName, state: State, expected: Result) -> None:
    for demand in (LOCAL, REGISTRY):
        assert decide(of(**{layer.value: state}), demand)[0] is expected


def test_all_layers_together_approve() -> None:
    assert decide(of(), REGISTRY) == (Result.APPROVED, ())
    assert score(of(), Result.APPROVED).text == "1.000"


def test_without_sandbox_and_review_a_local_vetting_approves_with_a_lower_score() -> None:
    some = of(sandbox=State.SKIPPED, review=State.SKIPPED)
    assert decide(some, LOCAL)[0] is Result.APPROVED
    assert score(some, Result.APPROVED).thousandths == 300 + 250 + 125 + 100


@pytest.mark.parametrize("layer", [LayerName.SANDBOX, LayerName.REVIEW])
def test_the_registry_demands_every_layer(layer: LayerName) -> None:
    result, reasons = decide(of(**{layer.value: State.SKIPPED}), REGISTRY)
    assert result is Result.ERROR
    assert "required by the profile registry" in reasons[0].text


@pytest.mark.parametrize("layer", sorted(ALWAYS))
@pytest.mark.parametrize("tier", Tier)
def test_scan_and_audit_are_never_carried(layer: LayerName, tier: Tier) -> None:
    assert decide(of(**{layer.value: State.CARRIED}), Demand.of(ProfileName.REGISTRY, tier))[0] is Result.ERROR


def test_what_a_tier_may_carry_is_approved_with_a_ceiling() -> None:
    some = of(sandbox=State.CARRIED)
    verified = Demand.of(ProfileName.REGISTRY, Tier.VERIFIED)
    assert decide(some, verified)[0] is Result.APPROVED
    assert score(some, Result.APPROVED).thousandths == 300 + 250 + 137 + 200
    assert decide(some, REGISTRY)[0] is Result.ERROR


def test_a_carried_flag_is_no_pass() -> None:
    carried = Carried(layer=LayerName.SANDBOX, state=State.FLAG, moment=MOMENT, content=CONTENT)
    some = of()
    some[2] = outcome(LayerName.SANDBOX, State.CARRIED, carried=carried)
    assert decide(some, Demand.of(ProfileName.REGISTRY, Tier.TRUSTED))[0] is Result.ERROR


def test_without_vulnerability_data_a_local_vetting_approves_and_a_registry_asks_a_person() -> None:
    some = of()
    some[1] = outcome(LayerName.AUDIT, State.PASS, unchecked=("no source",))
    assert decide(some, LOCAL)[0] is Result.APPROVED
    assert score(some, Result.APPROVED).thousandths == 750
    assert decide(some, REGISTRY)[0] is Result.AMBER


def test_a_rejection_outranks_an_error_and_both_are_told() -> None:
    result, reasons = decide(of(scan=State.ERROR, review=State.REJECT), LOCAL)
    assert result is Result.REJECTED
    assert [reason.result for reason in reasons] == [Result.REJECTED, Result.ERROR]


def test_layers_that_a_rejection_kept_from_running_are_no_reasons() -> None:
    reasons = decide(of(scan=State.REJECT, audit=State.SKIPPED), LOCAL)[1]
    assert [reason.layer for reason in reasons] == [LayerName.SCAN]
