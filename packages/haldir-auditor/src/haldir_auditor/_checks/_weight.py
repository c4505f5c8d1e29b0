"""How much it matters that something is not pinned."""

from haldir_auditor.issues import Severity
from haldir_auditor.supply import Dependency, Ecosystem, Scope

BUILD_BACKENDS = frozenset(
    {
        "cffi", "cython", "flit-core", "flit-scm", "hatch-fancy-pypi-readme", "hatch-nodejs-version",
        "hatch-requirements-txt", "hatch-vcs", "hatchling", "jupyter-packaging", "maturin", "meson-python", "nanobind",
        "ninja", "numpy", "oldest-supported-numpy", "pbr", "pdm-backend", "pdm-pep517", "poetry-core",
        "poetry-dynamic-versioning", "pybind11", "scikit-build", "scikit-build-core", "setuptools", "setuptools-rust",
        "setuptools-scm", "sip", "uv-build", "uv-dynamic-versioning", "versioneer", "versioningit", "wheel", "whey",
    }
)  # fmt: skip
"""Well-known packages that build others; no tool locks them, and hardly anybody pins them."""


def weight(dependency: Dependency, usual: Severity) -> Severity:
    """The severity of something that is not pinned: less where it does not reach those who use the skill."""
    if dependency.ecosystem is Ecosystem.SYSTEM:
        return Severity.LOW
    if dependency.scope is Scope.BUILD:
        return Severity.LOW if dependency.name in BUILD_BACKENDS else Severity.MEDIUM
    if dependency.scope in {Scope.DEVELOPMENT, Scope.PEER}:
        return min(usual, Severity.MEDIUM, key=lambda severity: severity.rank)
    return usual
