"""Which reader a file is for, by its path."""

import re
from collections.abc import Callable

from haldir_auditor._document import Document
from haldir_auditor._locks.bun_lock import read_bun_binary, read_bun_lock
from haldir_auditor._locks.cargo_lock import read_cargo_lock
from haldir_auditor._locks.go_sum import read_go_sum
from haldir_auditor._locks.package_lock import read_package_lock
from haldir_auditor._locks.pdm_lock import read_pdm_lock
from haldir_auditor._locks.pipfile_lock import read_pipfile_lock
from haldir_auditor._locks.pnpm_lock import read_pnpm_lock
from haldir_auditor._locks.poetry_lock import read_poetry_lock
from haldir_auditor._locks.pylock import read_pylock
from haldir_auditor._locks.uv_lock import read_uv_lock
from haldir_auditor._locks.yarn_lock import read_yarn_lock
from haldir_auditor._manifests.cargo_toml import read_cargo_toml
from haldir_auditor._manifests.catalogs import read_pnpm_workspace
from haldir_auditor._manifests.dist_info import read_dist_info
from haldir_auditor._manifests.dockerfile import read_dockerfile
from haldir_auditor._manifests.environment_yml import read_environment
from haldir_auditor._manifests.go_mod import read_go_mod
from haldir_auditor._manifests.package_json import read_installed_package_json, read_package_json
from haldir_auditor._manifests.pipfile import read_pipfile
from haldir_auditor._manifests.pyproject import read_pyproject
from haldir_auditor._manifests.requirements import read_requirements
from haldir_auditor._manifests.settings import (
    read_bunfig,
    read_cargo_config,
    read_npmrc,
    read_pip_conf,
    read_pnpmfile,
    read_pypirc,
    read_yarnrc,
    read_yarnrc_yml,
)
from haldir_auditor._manifests.setup_cfg import read_setup_cfg
from haldir_auditor._manifests.setup_py import read_setup_py
from haldir_auditor._manifests.uv_settings import read_uv_toml
from haldir_auditor.supply import Supply

Reader = Callable[[Document], Supply]

MAX_LOCK_BYTES = 20_000_000
MAX_MANIFEST_BYTES = 2_000_000

_BELOW_INSTALLED = re.compile(r"(?:^|/)(?:node_modules|site-packages|dist-packages|bower_components)/")

# By name, in lower case: some file systems do not tell the cases apart.
LOCKS: dict[str, Reader] = {
    "bun.lock": read_bun_lock,
    "bun.lockb": read_bun_binary,
    "cargo.lock": read_cargo_lock,
    "go.sum": read_go_sum,
    "npm-shrinkwrap.json": read_package_lock,
    "package-lock.json": read_package_lock,
    "pdm.lock": read_pdm_lock,
    "pipfile.lock": read_pipfile_lock,
    "pnpm-lock.yaml": read_pnpm_lock,
    "poetry.lock": read_poetry_lock,
    "uv.lock": read_uv_lock,
    "yarn.lock": read_yarn_lock,
}
MANIFESTS: dict[str, Reader] = {
    "cargo.toml": read_cargo_toml,
    "go.mod": read_go_mod,
    "go.work": read_go_mod,
    "package.json": read_package_json,
    "pipfile": read_pipfile,
    "pnpm-workspace.yaml": read_pnpm_workspace,
    "pyproject.toml": read_pyproject,
    "setup.cfg": read_setup_cfg,
    "setup.py": read_setup_py,
}
SETTINGS: dict[str, Reader] = {
    ".npmrc": read_npmrc,
    ".pnpmfile.cjs": read_pnpmfile,
    ".pnpmfile.mjs": read_pnpmfile,
    ".pypirc": read_pypirc,
    ".yarnrc": read_yarnrc,
    ".yarnrc.yml": read_yarnrc_yml,
    "bunfig.toml": read_bunfig,
    "pip.conf": read_pip_conf,
    "pip.ini": read_pip_conf,
    "uv.toml": read_uv_toml,
}
_LOCK_PATTERNS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (re.compile(r"(?:^|.*/)[^/]+\.pyw?\.lock", re.IGNORECASE), read_uv_lock),
    (re.compile(r"(?:^|.*/)pylock(?:\.[^./]+)?\.toml", re.IGNORECASE), read_pylock),
)
_REQUIREMENTS = re.compile(
    r"(?:^|.*/)(?:(?:[^/]*[-_.])?(?:requirements?|reqs?|constraints?)(?:[-_.][^/]*)?"
    r"|(?:requirements?|reqs?|constraints?)/[^/]*)\.(?:txt|in|pip)|(?:^|.*/)(?:requirements|constraints)",
    re.IGNORECASE,
)
_DOCKERFILE = re.compile(
    r"(?:^|.*/)(?:(?:Docker|Container)file(?:\.[^/]+)?|[^/]+\.(?:docker|container)file)", re.IGNORECASE
)
_ENVIRONMENT = re.compile(r"(?:^|.*/)(?:[^/]*[-_.])?(?:environment|conda|env)(?:[-_.][^/]*)?\.ya?ml", re.IGNORECASE)
_DIST_INFO = re.compile(r"(?:^|/)[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO)$")
_MANIFEST_PATTERNS: tuple[tuple[re.Pattern[str], Reader], ...] = (
    (_REQUIREMENTS, read_requirements),
    (_DOCKERFILE, read_dockerfile),
    (_ENVIRONMENT, read_environment),
    (re.compile(r"(?:^|.*/)\.cargo/config(?:\.toml)?", re.IGNORECASE), read_cargo_config),
)

# Files that declare or lock dependencies in ways that nothing here reads: a finding, not silence.
_OPAQUE = re.compile(
    r"(?:^|.*/)(?:Gemfile(?:\.lock)?|gems\.rb|composer\.(?:json|lock)|pom\.xml|build\.gradle(?:\.kts)?|build\.sbt"
    r"|[^/]+\.(?:csproj|fsproj|vbproj|gemspec|podspec|cabal)|packages\.config|mix\.(?:exs|lock)|pubspec\.(?:yaml|lock)"
    r"|Package\.(?:swift|resolved)|Podfile(?:\.lock)?|deno\.(?:jsonc?|lock)|(?:[^/]*[-_.])?conda-lock\.ya?ml"
    r"|pixi\.(?:toml|lock)|conanfile\.(?:txt|py)|vcpkg\.json|renv\.lock|package\.(?:json5|yaml)|Brewfile|rebar\.config|flake\.(?:nix|lock))",
    re.IGNORECASE,
)


def is_installed(path: str) -> bool:
    """Say whether a file belongs to a package that was installed into the skill."""
    return bool(_BELOW_INSTALLED.search(path))


def is_opaque(path: str) -> bool:
    """Say whether a file declares dependencies that cannot be read."""
    return bool(_OPAQUE.fullmatch(path)) and not is_installed(path)


def lock_reader(path: str) -> Reader | None:
    """Return the reader of a lock file; those of installed packages lock nothing."""
    if is_installed(path):
        return None
    by_name = LOCKS.get(path.rpartition("/")[2].lower())
    return by_name or next((reader for pattern, reader in _LOCK_PATTERNS if pattern.fullmatch(path)), None)


def manifest_reader(path: str) -> Reader | None:
    """Return the reader of a manifest, or of settings."""
    name = path.rpartition("/")[2].lower()
    if _DIST_INFO.search(path):
        return read_dist_info
    if is_installed(path):
        return read_installed_package_json if name == "package.json" else None
    by_name = MANIFESTS.get(name) or SETTINGS.get(name)
    return by_name or next((reader for pattern, reader in _MANIFEST_PATTERNS if pattern.fullmatch(path)), None)
