"""The vetting: one snapshot goes through every layer and comes out as a report."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from haldir_core import (
    ErrorCode,
    LayerReport,
    Problem,
    SkillSnapshot,
    Status,
    Timestamp,
    UnsafeSkillError,
    VettingReport,
    read_skill,
)
from haldir_core.signals import signals_held
from haldir_pipeline.layers import LAYERS, Layer

PIPELINE_VERSION = "0.1.0"
"""Written into every report; it changes when the same skill may get another report."""


def vet_folder(
    path: str | os.PathLike[str], *, clock: Callable[[], datetime], publisher_note: str | None = None
) -> VettingReport:
    """Vet the skill folder at ``path``; nothing is written to it, and nothing of it is executed.

    The folder is read once, into a private copy that is gone afterwards: what is vetted cannot change
    meanwhile.

    Raises:
        UnreadableError: if the folder cannot be read.
        UnsafeSkillError: if it holds what no skill may hold.
    """
    folder = Path(tempfile.mkdtemp(prefix="haldir-vet-"))
    try:
        # Under its own name, which is to be that in its front matter.
        copy = folder / (Path(os.path.realpath(path)).name or "skill")
        return vet(read_skill(path, copy_to=copy), clock=clock, publisher_note=publisher_note)
    finally:
        with signals_held():
            shutil.rmtree(folder, ignore_errors=True)


def vet(
    snapshot: SkillSnapshot,
    *,
    clock: Callable[[], datetime],
    publisher_note: str | None = None,
    layers: Sequence[Layer] = LAYERS,
) -> VettingReport:
    """Vet a snapshot that has a private copy; ``clock`` dates the report and times the layers.

    Raises:
        UnsafeSkillError: if the snapshot holds what no skill may hold.
        ValueError: if the snapshot has no copy, or the note is longer than the format allows.
    """
    snapshot.refuse_problems()
    if snapshot.vault_extras:  # it is neither signed nor scanned
        raise UnsafeSkillError(
            [
                Problem(ErrorCode.EXTRA_FILES, f"{path} is no document of a .vault", path)
                for path in snapshot.vault_extras
            ]
        )
    if snapshot.copy is None:
        raise ValueError("vetting needs the private copy of the skill: read it with copy_to")
    started = clock()
    reports = tuple(layer.run(snapshot.copy, number, clock) for number, layer in enumerate(layers, 1))
    return VettingReport(
        vetting_timestamp=Timestamp.at(started),
        pipeline_version=PIPELINE_VERSION,
        layers=reports,
        overall_status=worst(reports),
        publisher_note=publisher_note,
    )


def worst(reports: Sequence[LayerReport]) -> Status:
    """Return the worst status among ``reports``."""
    order = list(Status)
    return max((report.status for report in reports), key=order.index)
