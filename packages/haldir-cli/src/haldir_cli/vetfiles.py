"""The files that a vetting writes, each in its form."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_cli.files import refuse_special, replace_file
from haldir_cli.show import say
from haldir_pipeline import Vetting

if TYPE_CHECKING:
    from collections.abc import Callable


@frozen(kw_only=True)
class Files:
    """What is to be written where; None for what is not wanted."""

    report: Path | None = None
    html: Path | None = None
    svr: Path | None = None
    receipt: Path | None = None
    openvex: Path | None = None

    @property
    def wanted(self) -> tuple[Path, ...]:
        """The files that are to be written."""
        return tuple(
            path for path in (self.report, self.html, self.svr, self.receipt, self.openvex) if path is not None
        )

    def refuse_special(self) -> None:
        """Return if all of them can be written; before the work, not after it.

        Raises: UnreadableError
        """
        for path in self.wanted:
            refuse_special(path)

    def write(self, vetting: Vetting) -> None:
        """Write all of them.  Where there is no report, that of an earlier run is taken away.

        Raises: UnreadableError if one cannot be written.
        """
        from haldir_pipeline.outputs import to_html, to_openvex, to_receipt, to_svr  # noqa: PLC0415 - when wanted

        forms: tuple[tuple[Path | None, Callable[[Vetting], bytes | None]], ...] = (
            (self.report, lambda one: None if one.report is None else one.report.to_bytes()),
            (self.html, to_html),
            (self.svr, to_svr),
            (self.receipt, to_receipt),
            (self.openvex, to_openvex),
        )
        for path, form in forms:
            if path is not None:
                _write(path, form(vetting))


def _write(path: Path, data: bytes | None) -> None:
    if data is not None:
        replace_file(path, data, mode=0o644)
        return
    say(f"Nothing was written to {path}: this vetting has nothing for it")
    with contextlib.suppress(FileNotFoundError):  # so that nobody takes it for that of this run
        path.unlink()
