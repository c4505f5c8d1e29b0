"""The whole vetting of a skill in one call.

Today one layer runs: the static scan.  From Python::

    from datetime import UTC, datetime
    from haldir_pipeline import vet_folder

    report = vet_folder("my-skill", clock=lambda: datetime.now(UTC))
    print(report.overall_status, [finding.message for finding in report.layers[0].findings])
"""

from haldir_pipeline.vetting import PIPELINE_VERSION, vet, vet_folder

__all__ = ["PIPELINE_VERSION", "vet", "vet_folder"]
