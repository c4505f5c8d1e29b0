"""One HTML page about a vetting, complete in itself: no script, nothing from elsewhere."""

from haldir_pipeline._outputs.page.frame import to_html

__all__ = ["to_html"]
