"""go.sum: the hashes of modules, also of some that are not used."""

import re
from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Ecosystem, Lock, Locked, Supply

FORMAT = "go.sum"
_LINE = re.compile(r"(\S{1,400}) (v\S{1,200}) (h\d:[A-Za-z0-9+/=]{1,100})")
_ONLY_MANIFEST = "/go.mod"


def read_go_sum(document: Document) -> Supply:
    """Return the lock, which does not say who needs what.  Raises: UnreadableError if it is of another form."""
    manifest = document.sibling("go.mod")
    lock = Lock(
        document.path,
        FORMAT,
        Ecosystem.GO,
        tuple(_packages(document)),
        None,
        manifest if manifest in document.files else None,
    )
    return Supply(locks=(lock,))


def _packages(document: Document) -> Iterator[Locked]:
    """Yield the modules whose content has a hash; for the others only the go.mod was looked at."""
    for number, line in enumerate(document.text.split("\n"), 1):
        if not line.strip():
            continue
        found = _LINE.fullmatch(line.strip())
        if not found:
            raise UnreadableError(f"{line[:80]!r} is no line of a go.sum", line=number)
        name, version, sum_ = found.groups()
        if not version.endswith(_ONLY_MANIFEST):
            yield Locked(Ecosystem.GO, name, version, f"{name} {version}", document.place(number), hashes=(sum_,))
