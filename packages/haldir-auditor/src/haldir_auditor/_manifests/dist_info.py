"""The metadata of Python packages that were installed into the skill."""

import re

from packaging.utils import canonicalize_name

from haldir_auditor._document import Document
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Scope, Supply

FORMAT = "site-packages"

_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def read_dist_info(document: Document) -> Supply:
    """Return the package that is there, as bundled; what it needs was decided by whoever put it there.

    Raises: UnreadableError if it is no text.
    """
    head = document.text.partition("\n\n")[0]
    fields = {found[1]: found[2] for found in _FIELD.finditer(head)}
    if len(fields) < 2:
        document.problem("the metadata have no name and version")
        return Supply()
    name, version = str(canonicalize_name(fields["Name"])), fields["Version"]
    package = Dependency(Ecosystem.PYPI, name, f"=={version}", document.place(1), Scope.BUNDLED, version=version)
    return Supply(manifests=(Manifest(document.path, FORMAT, Ecosystem.PYPI, (package,), package_name=name),))
