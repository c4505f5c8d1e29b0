import json
import tomllib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_core import Timestamp
from haldir_pipeline import (
    Carried,
    Configuration,
    ConfigurationError,
    LayerName,
    Order,
    ProfileName,
    ScanPolicy,
    State,
    Tier,
)
from haldir_pipeline.audit_options import AuditOptions, SkillType

WHOLE = """
profile = "registry"
skip = []
order = "everything"
publisher_note = "seen"
[budgets]
scan_seconds = 2
audit_seconds = 3.5
sandbox_seconds = 60
review_seconds = 45
floor_seconds = 5
total_seconds = 300
[scan]
policy = "strict"
[audit]
advisories = "advisories.sqlite"
osv_url = "https://osv.example"
npm_registry = "https://npm.example"
type = "mcp"
max_depth = 4
minimum_age_days = 7
indexes = ["packages.example"]
private_names = ["our-"]
ignore = "ignore.toml"
vex = "vex.json"
[sandbox]
level = "L4"
[publisher]
tier = "verified"
carried = [{ layer = "sandbox", state = "pass", moment = "2026-01-01T00:00:00.000Z", content = "sha256:00" }]
"""
MODELS = """
[review.providers.one]
kind = "openai"
model = "a"
base_url = "https://models.example/v1"
"""


def read(text: str) -> Configuration:
    return Configuration.from_json(tomllib.loads(text), "haldir.toml")


def test_nothing_given_is_the_default() -> None:
    assert read("") == Configuration()


def test_every_setting_is_read() -> None:
    made = read(WHOLE)
    assert (made.profile, made.order, made.policy, made.tier) == (
        ProfileName.REGISTRY,
        Order.EVERYTHING,
        ScanPolicy.STRICT,
        Tier.VERIFIED,
    )
    assert (made.budgets.audit_seconds, made.level, made.publisher_note) == (3.5, "L4", "seen")
    assert made.audit == AuditOptions(
        advisories="advisories.sqlite",
        osv_url="https://osv.example",
        npm_registry="https://npm.example",
        type=SkillType.MCP,
        max_depth=4,
        minimum_age_days=7,
        indexes=("packages.example",),
        private_names=("our-",),
        ignore="ignore.toml",
        vex="vex.json",
    )
    assert made.audit.minimum_age == timedelta(days=7)
    moment = Timestamp.parse("2026-01-01T00:00:00.000Z")
    assert made.carried == (Carried(layer=LayerName.SANDBOX, state=State.PASS, moment=moment, content="sha256:00"),)


@pytest.mark.parametrize("text", ["", WHOLE, MODELS, 'skip = ["review"]\nfolder = "x"'])
def test_a_configuration_survives_json(text: str) -> None:
    made = read(text)
    assert Configuration.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_the_digest_is_that_of_the_settings() -> None:
    assert read("").digest == Configuration().digest
    assert read('[scan]\npolicy = "strict"').digest != Configuration().digest


def test_neither_place_nor_note_changes_the_digest() -> None:
    assert read('publisher_note = "x"\nfolder = "y"').digest == Configuration().digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('profil = "local"', "'profil' is no setting; did you mean 'profile'?"),
        ("[budgets]\nscan_second = 1", "budgets: 'scan_second' is no setting; did you mean 'scan_seconds'?"),
        ("[budget]", "did you mean 'budgets'?"),
        ("[qqqq]", "there are profile, skip"),
        ('profile = "registrie"', "profile: 'registrie' is not valid; did you mean 'registry'?"),
        ('skip = ["scan"]', "the layer scan cannot be skipped"),
        ('skip = ["audit"]', "the layer audit cannot be skipped"),
        ('profile = "registry"\nskip = ["sandbox"]', "the profile registry requires it"),
        ('skip = ["sandboxx"]', "did you mean 'sandbox'?"),
        ('skip = "sandbox"', "must be a list of texts"),
        ("[budgets]\nscan_seconds = -1", "must be a number from 0 to 86400"),
        ("[budgets]\nscan_seconds = nan", "must be a number"),
        ("[budgets]\nscan_seconds = true", "must be a number"),
        ('[budgets]\nscan_seconds = "1"', "must be a number"),
        ("budgets = 7", "budgets must be a table"),
        ('[scan]\npolicy = "Strict"', "did you mean 'strict'?"),
        ('[sandbox]\nlevel = "L2"', "there are L3, L4, L5"),
        ("publisher_note = 7", "must be a text"),
        ("publisher_note = 2026-01-01", "must be a text"),
        ("profile = 2026-01-01", "is not valid"),
        ("[review]\nx = 2026-01-01", "JSON has no form"),
        ("[review]\nprovider = 1", "providers"),
        ('profile = "registry"\n[review]\nreplay = "x"', "takes no recorded answers"),
        ("[audit]\nadvisory = 'x'", "did you mean 'advisories'?"),
        ("[audit]\nindexes = [1]", "must be a list of texts"),
        ("[publisher]\ncarried = [{ layer = 'sandbox' }]", "every item needs layer, state, moment, content"),
        ("[publisher]\ncarried = [{ moment = 'today' }]", "must be a UTC time"),
    ],
)  # fmt: skip
def test_what_is_unknown_or_wrong_is_refused_with_the_nearest_name(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(text)
    assert words in str(refused.value)


def test_a_long_note_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="5000"):
        Configuration(publisher_note="\U0001f600" * 2501)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
tables = st.sampled_from(list(Configuration().to_json()))


@given(st.dictionaries(tables, json_values, max_size=3))
def test_no_value_breaks_the_reading(value: Any) -> None:  # noqa: ANN401 - any JSON value
    try:
        made = Configuration.from_json(value)
    except ConfigurationError:
        return
    assert Configuration.from_json(made.to_json()) == made
