"""Package URLs: the names that SBOM and VEX documents give to packages.

Spec: https://github.com/package-url/purl-spec, as of its types pypi, npm, cargo, golang, conda and generic.
"""

from attrs import frozen

from haldir_auditor.supply import Ecosystem

_TYPES = {
    Ecosystem.PYPI: "pypi",
    Ecosystem.NPM: "npm",
    Ecosystem.CARGO: "cargo",
    Ecosystem.GO: "golang",
    Ecosystem.CONDA: "conda",
    Ecosystem.SYSTEM: "generic",
}
_ECOSYSTEMS = {word: ecosystem for ecosystem, word in _TYPES.items()}
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:")


@frozen
class PackageUrl:
    """A package, and one version of it or any."""

    ecosystem: Ecosystem
    name: str
    version: str | None = None

    def covers(self, ecosystem: Ecosystem, name: str, version: str | None) -> bool:
        """Whether it names this package, in this version or in any."""
        return (self.ecosystem, self.name) == (ecosystem, name) and self.version in {None, version}


def to_purl(ecosystem: Ecosystem, name: str, version: str | None) -> str:
    """The package URL of one version of a package."""
    path = "/".join(_encoded(part) for part in name.split("/") if part)
    return f"pkg:{_TYPES[ecosystem]}/{path}{f'@{_encoded(version)}' if version else ''}"


def parse_purl(text: str) -> PackageUrl | None:
    """What a package URL names; None if it is none, or of a kind of package that is not audited."""
    if not text.startswith("pkg:"):
        return None
    path = text[4:].lstrip("/").partition("#")[0].partition("?")[0]
    kind, _, rest = path.partition("/")
    ecosystem = _ECOSYSTEMS.get(kind.lower())
    head, _, version = rest.rpartition("@") if "@" in rest.lstrip("@") and not _is_scope(rest) else (rest, "", "")
    name = _decoded(head)
    if ecosystem is None or not name or (name.startswith("@") and "/" not in name):
        return None
    normal = name.lower().replace("_", "-").replace(".", "-") if ecosystem is Ecosystem.PYPI else name
    return PackageUrl(ecosystem, normal, _decoded(version) or None)


def _is_scope(rest: str) -> bool:
    """Whether the only @ is that of an npm scope, which some tools do not encode."""
    return rest.startswith("@") and rest.count("@") == 1


def _encoded(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode("utf-8", "backslashreplace"))


def _decoded(text: str) -> str:
    parts = text.encode("utf-8", "backslashreplace").split(b"%")
    decoded = parts[0]
    for part in parts[1:]:
        try:
            decoded += bytes.fromhex(part[:2].decode("ascii")) + part[2:]
        except ValueError:
            decoded += b"%" + part
    return decoded.decode("utf-8", "backslashreplace")
