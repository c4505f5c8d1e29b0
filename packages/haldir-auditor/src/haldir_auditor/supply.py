"""What a skill takes from elsewhere: the records that manifests, lock files and prose are read into."""

from datetime import datetime
from enum import StrEnum

from attrs import frozen


class Ecosystem(StrEnum):
    """Where a package comes from, in the words of OSV."""

    PYPI = "PyPI"
    NPM = "npm"
    CARGO = "crates.io"
    GO = "Go"
    CONDA = "conda"
    SYSTEM = "system"  # apt, brew, gem, images and the like: counted and shown, in no vulnerability data


class Scope(StrEnum):
    """What a dependency is wanted for."""

    RUN = "run"
    DEVELOPMENT = "development"
    OPTIONAL = "optional"
    PEER = "peer"
    BUILD = "build"
    OVERRIDE = "override"
    CONSTRAINT = "constraint"
    BUNDLED = "bundled"
    SCRIPT = "script"  # a PEP 723 block
    INSTALLED = "installed"  # by a command in prose or code, at run time


class Origin(StrEnum):
    """How a dependency is fetched."""

    INDEX = "index"
    GIT = "git"
    URL = "url"
    FILE = "file"
    WORKSPACE = "workspace"


@frozen
class Place:
    """Where something is written: a path relative to the skill, a line from 1 (0 for the whole file)."""

    path: str
    line: int = 0


IMAGE = "image"
"""The manager of an image of a container, whichever program fetches it."""

ACTION = "action"
"""The manager of an action that a workflow uses."""


@frozen
class Dependency:
    """What a manifest, a script or a command asks for.

    ``name`` is normalised as its ecosystem says (PEP 503; npm as written); ``range`` is as written, empty for
    "anything"; ``version`` is set if exactly one version fits; ``locator`` is the URL, repository or path of an origin
    that is no index; ``alias`` is the name under which an npm alias is used; ``index`` the index that the line or file
    itself names; ``manager`` is the program that fetches what has no ecosystem of its own: apt-get, gem, or ``IMAGE``
    for an image of a container and ``ACTION`` for a step of a workflow; ``is_data`` says that the command stands in
    plain data, which nothing runs by itself.
    """

    ecosystem: Ecosystem
    name: str
    range: str
    place: Place
    scope: Scope = Scope.RUN
    origin: Origin = Origin.INDEX
    version: str | None = None
    locator: str | None = None
    hashes: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    marker: str | None = None
    alias: str | None = None
    index: str | None = None
    manager: str = ""
    is_data: bool = False


@frozen
class Hook:
    """A command that runs by itself when a package is installed."""

    event: str
    command: str
    place: Place


INSECURE = "insecure"
"""The kind of a problem that is about transport, not about reading."""


@frozen
class Problem:
    """What could not be read: ``kind`` is unparsable, opaque, too-large, missing-include or outside.

    One kind is read very well: insecure says that certificates are not looked at.
    """

    kind: str
    message: str
    place: Place


@frozen
class Manifest:
    """One file that declares dependencies.

    ``format`` is e.g. package.json, requirements.txt, pyproject.toml, pep723, Dockerfile; ``indexes`` are all that it
    names (the first is the main one, if ``main_index_replaced``); ``dynamic`` says that code decides about a part of it
    (setup.py); ``exclude_newer`` is that of ``[tool.uv]``; ``constraints`` are the
    paths of the files that a requirements file names with ``-c``.
    """

    path: str
    format: str
    ecosystem: Ecosystem
    dependencies: tuple[Dependency, ...] = ()
    hooks: tuple[Hook, ...] = ()
    indexes: tuple[str, ...] = ()
    main_index_replaced: bool = False
    hashes_required: bool = False
    dynamic: bool = False
    exclude_newer: str | None = None
    package_name: str | None = None
    constraints: tuple[str, ...] = ()


@frozen
class Locked:
    """One package of a lock file.

    ``key`` is unique in its lock file; ``needs`` are the keys that it needs; ``depth`` counts from 1 for what the
    project itself asks for (shortest way), None if the format does not say; ``resolved`` is the URL that the file is
    fetched from.
    """

    ecosystem: Ecosystem
    name: str
    version: str
    key: str
    place: Place
    origin: Origin = Origin.INDEX
    resolved: str | None = None
    index: str | None = None
    hashes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    depth: int | None = None
    development: bool = False
    optional: bool = False
    install_script: bool = False
    source_only: bool = False
    uploaded: datetime | None = None
    yanked: bool = False
    attested: bool = False
    alias: str | None = None


@frozen
class Root:
    """What a lock file says that a manifest asked for: the basis of the comparison with the manifest."""

    name: str
    range: str
    scope: Scope = Scope.RUN


@frozen
class Lock:
    """One lock file.  ``roots`` is None if the format does not record them; ``manifest`` is the path that it locks."""

    path: str
    format: str
    ecosystem: Ecosystem
    packages: tuple[Locked, ...] = ()
    roots: tuple[Root, ...] | None = None
    manifest: str | None = None
    indexes: tuple[str, ...] = ()
    opaque: bool = False

    @property
    def depth(self) -> int:
        """Return the greatest depth of a package; 0 if there is none or the format does not say."""
        return max((package.depth or 0 for package in self.packages), default=0)


@frozen
class Supply:
    """All that was found in one skill.  ``indexes`` are those of .npmrc, pip.conf, uv.toml and the like."""

    manifests: tuple[Manifest, ...] = ()
    locks: tuple[Lock, ...] = ()
    installs: tuple[Dependency, ...] = ()
    mentions: tuple[Dependency, ...] = ()  # named in prose without a command that installs them
    indexes: tuple[tuple[Ecosystem, str], ...] = ()
    problems: tuple[Problem, ...] = ()
