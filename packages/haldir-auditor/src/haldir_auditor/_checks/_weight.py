"""How much it matters that something is not pinned."""

from haldir_auditor.issues import Severity
from haldir_auditor.supply import ACTION, IMAGE, Dependency, Ecosystem, Origin, Scope

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

CONDA_BASE = frozenset({"nodejs", "pip", "python", "setuptools", "wheel"})
"""What an environment of conda begins with, as an image of a container does with its system."""

PIP_BASE = frozenset({"pip", "setuptools", "wheel"})
"""What installs packages of Python: scripts often bring it up to date before they install anything."""

SYSTEM_MANAGERS = frozenset(
    {"", "apk", "apt-get", "brew", "choco", "dnf", "pacman", "scoop", "snap", "winget", "zypper"}
)
"""Those whose packages somebody looks after: a distribution, or the keeper of a catalogue."""

OFFICIAL_IMAGES = frozenset(
    {
        "almalinux", "alpine", "amazoncorretto", "amazonlinux", "archlinux", "bash", "buildpack-deps", "busybox",
        "caddy", "cassandra", "centos", "clojure", "composer", "couchdb", "dart", "debian", "docker",
        "eclipse-mosquitto", "eclipse-temurin", "elasticsearch", "elixir", "erlang", "fedora", "gcc", "golang",
        "gradle", "groovy", "haproxy", "haskell", "httpd", "influxdb", "julia", "kibana", "logstash", "mariadb",
        "maven", "memcached",
        "mongo", "mysql", "nats", "neo4j", "nginx", "node", "openjdk", "oraclelinux", "perl", "php", "postgres",
        "pypy", "python", "r-base", "rabbitmq", "redis", "registry", "rockylinux", "ruby", "rust", "solr", "swift",
        "tomcat", "traefik", "ubuntu", "valkey", "vault", "wordpress", "zookeeper",
    }
)  # fmt: skip
"""Images that the makers of the registry itself look after.  Source: Docker documentation, "Docker Official Images"."""

_OFFICIAL_ACTIONS = ("actions/", "github/")
_MOVING_TAGS = frozenset({"", "latest"})


def is_system(dependency: Dependency) -> bool:
    """Whether it is a package of an operating system, or of a catalogue that is looked after like one."""
    return dependency.ecosystem is Ecosystem.SYSTEM and dependency.manager in SYSTEM_MANAGERS


def is_base(dependency: Dependency) -> bool:
    """Whether it is what installs packages of Python, brought up to date by a command from the usual index."""
    is_plain = dependency.origin is Origin.INDEX and dependency.index is None
    is_pip = dependency.ecosystem is Ecosystem.PYPI and dependency.name in PIP_BASE
    return is_pip and is_plain and dependency.scope is Scope.INSTALLED


def outside_weight(dependency: Dependency) -> Severity:
    """The severity of what has no ecosystem of its own: low for systems, official images and official actions."""
    if is_system(dependency):
        return Severity.LOW
    if dependency.manager == IMAGE:
        is_official = dependency.name in OFFICIAL_IMAGES and dependency.range not in _MOVING_TAGS
        return Severity.LOW if is_official or dependency.version else Severity.MEDIUM
    if dependency.manager == ACTION:
        is_official = dependency.name.startswith(_OFFICIAL_ACTIONS) and dependency.range[:1] in tuple("v0123456789")
        return Severity.LOW if is_official or dependency.version else Severity.MEDIUM
    return Severity.MEDIUM


def weight(dependency: Dependency, usual: Severity) -> Severity:
    """The severity of something that is not pinned: less where it does not reach those who use the skill."""
    if dependency.ecosystem is Ecosystem.SYSTEM:
        return outside_weight(dependency)
    if is_base(dependency):
        return Severity.LOW
    if dependency.ecosystem is Ecosystem.CONDA and dependency.name in CONDA_BASE and dependency.index is None:
        return Severity.LOW
    if dependency.scope is Scope.BUILD:
        return Severity.LOW if dependency.name in BUILD_BACKENDS else Severity.MEDIUM
    if dependency.scope in {Scope.DEVELOPMENT, Scope.PEER}:
        return min(usual, Severity.MEDIUM, key=lambda severity: severity.rank)
    return usual
