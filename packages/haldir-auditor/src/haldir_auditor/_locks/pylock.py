"""pylock.toml: the lock file of PEP 751, as ``packaging`` checks it."""

from collections.abc import Iterator, Mapping, Sequence

from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel, Pylock, PylockValidationError

from haldir_auditor._document import Document
from haldir_auditor._locks.artifacts import Artifacts, by_name, package_lines, read_time, standing_out, usual_host
from haldir_auditor._locks.graph import depths, tops
from haldir_auditor._locks.pypi_family import manifest_beside
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.tomls import read_lock_toml
from haldir_auditor.supply import Ecosystem, Lock, Locked, Origin, Supply

FORMAT = "pylock.toml"
_TIME = "upload-time"


def read_pylock(document: Document) -> Supply:
    """Return the lock.  Raises: UnreadableError if it is not what PEP 751 says."""
    content = read_lock_toml(document.text)
    _set_times(content)
    try:
        lock = Pylock.from_dict(content)
    except PylockValidationError as error:
        raise UnreadableError(f"no lock file by PEP 751: {error}") from error
    keys = [f"{package.name} {package.version or index}" for index, package in enumerate(lock.packages)]
    named = by_name((package.name, key) for package, key in zip(lock.packages, keys, strict=True))
    needs = {
        key: tuple(dict.fromkeys(_needs(package, named))) for package, key in zip(lock.packages, keys, strict=True)
    }
    # Who needs what is optional; without it nothing is known about the depth.
    known = any(package.dependencies is not None for package in lock.packages)
    depth = depths(needs, tops(needs)) if known else {}
    artifacts = [_artifacts(package) for package in lock.packages]
    usual = usual_host(artifacts)
    lines = package_lines(document)
    packages = tuple(
        _locked(document, package, files, usual, (key, needs[key], depth.get(key), next(lines, 0)))
        for package, files, key in zip(lock.packages, artifacts, keys, strict=True)
    )
    indexes = tuple(dict.fromkeys(package.index for package in lock.packages if package.index))
    found = Lock(document.path, FORMAT, Ecosystem.PYPI, packages, None, manifest_beside(document), indexes)
    return Supply(locks=(found,))


def _set_times(content: Mapping[str, object]) -> None:
    """Turn the times that were read as strings into what ``packaging`` expects."""
    packages = content.get("packages")
    for package in packages if isinstance(packages, list) else []:
        if not isinstance(package, dict):
            continue
        wheels = package.get("wheels")
        rows = [package.get("sdist"), package.get("archive"), *(wheels if isinstance(wheels, list) else [])]
        for row in rows:
            if isinstance(row, dict) and (time := read_time(row.get(_TIME))):
                row[_TIME] = time


def _needs(package: Package, named: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for wanted in package.dependencies or ():
        name, version = wanted.get("name"), wanted.get("version")
        keys = named.get(name, ()) if isinstance(name, str) else ()
        exact = f"{name} {version}"
        yield from (exact,) if exact in keys else keys


def _artifacts(package: Package) -> Artifacts:
    files: Sequence[PackageSdist | PackageWheel | PackageArchive] = [
        file for file in (package.sdist, package.archive, *(package.wheels or ())) if file is not None
    ]
    times = [time for file in files if (time := read_time(file.upload_time))]
    return Artifacts(
        tuple(file.url for file in files if file.url),
        tuple(f"{name}:{value}" for file in files for name, value in file.hashes.items()),
        max(times, default=None),
        source_only=package.sdist is not None and not package.wheels,
    )


def _locked(
    document: Document,
    package: Package,
    files: Artifacts,
    usual: str,
    place: tuple[str, tuple[str, ...], int | None, int],
) -> Locked:
    key, needs, depth, line = place
    origin, locator = _source(package)
    return Locked(
        Ecosystem.PYPI,
        package.name,
        str(package.version or ""),
        key,
        document.place(line),
        origin=origin,
        resolved=locator or standing_out(files, usual, package.name, str(package.version or "")),
        index=package.index,
        hashes=files.hashes,
        needs=needs,
        depth=depth,
        source_only=files.source_only,
        uploaded=files.uploaded,
        attested=bool(package.attestation_identities),
    )


def _source(package: Package) -> tuple[Origin, str | None]:
    if package.vcs:
        return Origin.GIT, f"{package.vcs.url or package.vcs.path}#{package.vcs.commit_id}"
    if package.directory:
        return Origin.FILE, package.directory.path
    if package.archive:
        return (Origin.URL if package.archive.url else Origin.FILE), package.archive.url or package.archive.path
    return Origin.INDEX, None
