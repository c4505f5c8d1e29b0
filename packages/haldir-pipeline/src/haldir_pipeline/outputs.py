"""A vetting in the forms that others read.

From Python::

    from pathlib import Path
    from haldir_pipeline.outputs import to_html

    Path("report.html").write_bytes(to_html(vetting))
"""

from haldir_pipeline._outputs.openvex import to_openvex
from haldir_pipeline._outputs.page import to_html
from haldir_pipeline._outputs.receipt import to_receipt
from haldir_pipeline._outputs.svr import to_svr

__all__ = ["to_html", "to_openvex", "to_receipt", "to_svr"]
