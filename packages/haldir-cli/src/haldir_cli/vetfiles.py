"""The files that a vetting writes, each in its form."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from haldir_cli.files import refuse_special, replace_file
from haldir_cli.show import say
from haldir_core import UnreadableError
from haldir_core.canonical import canonical_bytes
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

    def refuse_impossible(self, skill: Path) -> None:
        """Return if all of them can be written, and none into the skill; before the work, not after it.

        Raises: UnreadableError
        """
        inside = skill.resolve()
        for path in self.wanted:
            if (path.parent.resolve() / path.name).is_relative_to(inside):
                raise UnreadableError(f"{path} lies in the skill, which is not to change: write it somewhere else")
            refuse_special(path)

    def write(self, vetting: Vetting) -> None:
        """Write all of them.  Where there is no report, that of an earlier run is taken away.

        Raises: UnreadableError if one cannot be written.
        """
        from haldir_pipeline.outputs import to_html, to_openvex, to_receipt, to_svr  # noqa: PLC0415 - when wanted

        forms: tuple[tuple[Path | None, Callable[[Vetting], bytes | None]], ...] = (
            (self.report, _report),
            (self.html, to_html),
            (self.svr, to_svr),
            (self.receipt, to_receipt),
            (self.openvex, to_openvex),
        )
        for path, form in forms:
            if path is not None:
                _write(path, form(vetting))


def _report(vetting: Vetting) -> bytes | None:
    """Return the report, and beside it what was vetted, so that it is signed for nothing else."""
    if vetting.report is None:
        return None
    return canonical_bytes({**vetting.report.to_json(), "vetting": {"skill": vetting.subject.to_json()}})


def _write(path: Path, data: bytes | None) -> None:
    if data is not None:
        replace_file(path, data, mode=0o644)
        return
    say(f"Nothing was written to {path}: this vetting has nothing for it")
    with contextlib.suppress(FileNotFoundError):  # so that nobody takes it for that of this run
        path.unlink()
