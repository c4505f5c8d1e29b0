"""What a layer keeps of a report that is too long to be kept whole."""

from haldir_pipeline._layers.sandbox import MAX_DEEDS, _telling


def test_a_violation_after_a_flood_of_other_deeds_is_among_what_is_kept() -> None:
    deeds = [{"class": "declared", "target": f"/{number}"} for number in range(MAX_DEEDS + 50)]
    ambient, violation = {"class": "ambient", "target": "/lib"}, {"class": "violation", "target": "disk"}
    told = _telling([ambient, *deeds, violation])
    assert told[0] == violation
    assert told[1:] == deeds
    assert _telling([ambient, *deeds[:10], violation]) == [*deeds[:10], violation]
