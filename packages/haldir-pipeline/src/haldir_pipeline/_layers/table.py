"""The layers that a configuration describes."""

from pathlib import Path

from haldir_pipeline._layers.audit import Audit
from haldir_pipeline._layers.interface import Layer
from haldir_pipeline._layers.review import Review
from haldir_pipeline._layers.sandbox import Sandbox
from haldir_pipeline._layers.scan import Scan
from haldir_pipeline.configuration import Configuration


def make_layers(configuration: Configuration, state: Path | None = None) -> tuple[Layer, ...]:
    """Return all four layers; whether they can run shows when they are to.  ``state`` is for ledger and cache."""
    return (
        Scan(configuration.policy),
        Audit(configuration.audit, configuration.folder),
        Sandbox(configuration.level),
        Review(configuration.review, configuration.folder, state),
    )
