"""What the URL of an archive says about the package inside."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_SOURCE = re.compile(r"(?P<stem>.+?)(?:\.tar\.(?:gz|bz2|xz)|\.zip|\.tgz)", re.IGNORECASE)
_MAX_FILE = 400
_WHEEL = ".whl"


def file_of(url: str) -> str:
    """The last part of the path of a URL, without escapes."""
    return unquote(re.split(r"[?#]", url, maxsplit=1)[0].rpartition("/")[2])[:_MAX_FILE]


def other_python(url: str, name: str, version: str) -> str | None:
    """The file that a URL names, if that is an archive of another Python package, or of another version.

    Source: the file name conventions of wheels and of source distributions (Python Packaging User Guide).
    """
    file = file_of(url)
    if file.lower().endswith(_WHEEL):
        stem = file[: -len(_WHEEL)]
        distribution, _, rest = stem.partition("-")
        splits = [(distribution, rest.partition("-")[0])]
    elif source := _SOURCE.fullmatch(file):
        stem = source["stem"]
        splits = list(_splits(stem))
    else:
        return None
    wanted = canonicalize_name(name)
    if any(canonicalize_name(left) == wanted and _is_same(right, version) for left, right in splits):
        return None
    if any(_version(right) is not None for _, right in splits):
        return stem
    return None if f"{canonicalize_name(stem)}-".startswith(f"{wanted}-") else stem


def _splits(stem: str) -> Iterator[tuple[str, str]]:
    """Yield every way to read it as a name and a version; one without a hyphen may be a name alone."""
    yield stem, ""
    for hyphen in re.finditer("-", stem):
        yield stem[: hyphen.start()], stem[hyphen.end() :]


def _is_same(written: str, version: str) -> bool:
    if not version or not written or written.lower() == version.lower():
        return True
    left, right = _version(written), _version(version)
    return left is not None and right is not None and Version(left.public) == Version(right.public)


def _version(written: str) -> Version | None:
    try:
        return Version(written.replace("_", "+", 1)) if written else None
    except InvalidVersion:
        return None
