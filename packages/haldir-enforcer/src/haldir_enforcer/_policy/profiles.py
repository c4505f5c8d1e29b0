"""Built-in profiles: what interpreters and tools read of themselves.  Named in the policy, never added silently."""

# Paths are texts here, as in the policy: a Path would rewrite them.
# ruff: noqa: PTH113, PTH119, PTH120, PTH208

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from haldir_enforcer._policy.globs import escape, split
from haldir_enforcer._policy.paths import Place, Resolve, glob_rule, is_in
from haldir_enforcer._policy.programs import find, interpreters, program
from haldir_enforcer._policy.records import PathRule, Program
from haldir_enforcer._policy.text import quoted
from haldir_enforcer.errors import PolicyError

SKILL = "skill"
"""The profile of every policy: the skill reads its own folder, without ``.vault``."""


@frozen(kw_only=True)
class Profile:
    """Absolute path patterns and programs that a kind of program needs; what is not there grants nothing."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    """Names on the search path, or absolute paths."""
    own: Callable[[str, Resolve], tuple[str, ...]] | None = None
    """Returns what a program reads that belongs to the file it was started from."""


@frozen
class Grants:
    """What the profiles of a policy add to it."""

    read: tuple[PathRule, ...]
    write: tuple[PathRule, ...]
    programs: tuple[Program, ...]


def _python(executable: str, resolve: Resolve) -> tuple[str, ...]:
    """Return the library folders of a Python and of the virtual environment it was called through."""
    real = resolve(executable)
    folders = {os.path.dirname(executable), os.path.dirname(real), *_home_of_environment(executable)}
    wanted = [executable, real]
    for folder in sorted(folders):
        prefix = os.path.dirname(folder)
        wanted += [f"{folder}/pyvenv.cfg", f"{prefix}/pyvenv.cfg"]
        for library in ("lib", "lib64"):
            names = _names(f"{prefix}/{library}")
            wanted += [f"{prefix}/{library}/{name}" for name in names if re.fullmatch(r"(?:lib)?python3[\w.]*", name)]
        wanted += _libraries(prefix)
    version = re.match(r"python3\.\d+", os.path.basename(real))
    return (*wanted, f"/etc/{version.group()}") if version else tuple(wanted)


def _home_of_environment(executable: str) -> list[str]:
    """Return the folder of the interpreter that a virtual environment was made from (PEP 405)."""
    try:
        text = Path(executable).parent.parent.joinpath("pyvenv.cfg").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    match = re.search(r"^home\s*=\s*(/.*?)\s*$", text, re.MULTILINE)
    return [os.path.normpath(match[1])] if match else []


def _node(executable: str, resolve: Resolve) -> tuple[str, ...]:
    """Return the global packages of a Node."""
    real = resolve(executable)
    prefix = os.path.dirname(os.path.dirname(real))
    return (executable, real, f"{prefix}/lib/node_modules", f"{prefix}/etc/npmrc", *_libraries(prefix))


def _libraries(prefix: str) -> tuple[str, ...]:
    """Return what a build with a folder of its own brings along, such as its OpenSSL."""
    return () if prefix in {"/", "/usr", "/usr/local"} else (f"{escape(prefix)}/lib/*.so*",)


def _itself(executable: str, resolve: Resolve) -> tuple[str, ...]:
    """Return the program's own file."""
    return (executable, resolve(executable))


BASE = Profile(
    read=(
        # loader and shared libraries
        "/lib",
        "/lib32",
        "/lib64",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/libexec",
        "/usr/local/lib",
        "/etc/ld.so.cache",
        "/etc/ld.so.preload",
        "/etc/ld-musl-x86_64.path",
        "/etc/ld-musl-aarch64.path",
        # language, time, certificates, how names are looked up
        "/usr/share/locale",
        "/usr/share/i18n",
        "/etc/locale.alias",
        "/usr/share/zoneinfo",
        "/etc/localtime",
        "/etc/timezone",
        "/etc/ssl/openssl.cnf",
        "/etc/ssl/cert.pem",
        "/etc/ssl/certs",
        "/etc/pki/tls/certs",
        "/etc/pki/tls/openssl.cnf",
        "/etc/pki/ca-trust/extracted",
        "/etc/ca-certificates",
        "/usr/share/ca-certificates",
        "/usr/local/share/ca-certificates",
        "/etc/crypto-policies",
        "/usr/share/crypto-policies",
        "/etc/nsswitch.conf",
        "/etc/host.conf",
        "/etc/gai.conf",
        "/etc/protocols",
        "/etc/services",
        # devices that hold nothing
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        # the process itself, and the size of the machine
        "/proc/self/auxv",
        "/proc/self/cgroup",
        "/proc/self/cmdline",
        "/proc/self/comm",
        "/proc/self/exe",
        "/proc/self/fd",
        "/proc/self/limits",
        "/proc/self/maps",
        "/proc/self/smaps_rollup",
        "/proc/self/stat",
        "/proc/self/statm",
        "/proc/self/status",
        "/proc/self/task",
        "/proc/cpuinfo",
        "/proc/filesystems",
        "/proc/loadavg",
        "/proc/meminfo",
        "/proc/stat",
        "/proc/uptime",
        "/proc/version",
        "/proc/sys/kernel/cap_last_cap",
        "/proc/sys/kernel/ngroups_max",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/vm/overcommit_memory",
        "/sys/devices/system/cpu",
        "/sys/kernel/mm/transparent_hugepage",
        "/sys/fs/cgroup/**/cpu.max",
        "/sys/fs/cgroup/**/memory.*limit_in_bytes",
        "/sys/fs/cgroup/**/memory.high",
        "/sys/fs/cgroup/**/memory.max",
    ),
    write=("/dev/full", "/dev/null", "/dev/zero"),
)

_MACOS = Profile(
    read=(
        "/System/Library",
        "/System/Volumes/Preboot/Cryptexes/OS",
        "/private/etc/localtime",
        "/private/etc/ssl",
        "/private/var/db/dyld",
        "/private/var/db/timezone",
        "/Library/Apple/System/Library",
        "/opt/homebrew/lib",
        "/opt/homebrew/opt",
    ),
)

_GIT_PROGRAMS = tuple(
    f"{folder}/git{name}"
    for folder in ("/usr/lib/git-core", "/usr/libexec/git-core")
    for name in ("", "-merge-octopus", "-merge-one-file", "-merge-resolve", "-remote-http", "-submodule")
)

PROFILES: Mapping[str, Profile] = {
    "base": BASE,
    "macos": _MACOS,
    "python": Profile(own=_python),
    "node": Profile(read=("/usr/share/nodejs", "/usr/share/node_modules"), own=_node),
    "sh": Profile(read=("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"), own=_itself),
    "git": Profile(
        read=("/usr/share/git-core", "/etc/gitconfig", "/etc/gitattributes"),
        programs=("git", "sh", *_GIT_PROGRAMS),
        own=_itself,
    ),
    "perl": Profile(read=("/etc/perl", "/usr/share/perl", "/usr/share/perl5"), own=_itself),
    "ruby": Profile(read=("/usr/share/rubygems-integration", "/var/lib/gems"), own=_itself),
}
"""Every profile by name.  In a policy it stands as NAME, or as NAME:PATH with the file of the interpreter."""

_KINDS = (
    ("python", re.compile(r"python(?:3(?:\.\d+)?)?|pypy3?(?:\.\d+)?")),
    ("node", re.compile(r"node(?:js)?(?:-?\d+)?")),
    ("sh", re.compile(r"(?:ba|da|z|k|mk|a|ya)?sh|busybox")),
    ("git", re.compile(r"git(?:-[a-z-]+)?")),
    ("perl", re.compile(r"perl[\d.]*")),
    ("ruby", re.compile(r"ruby[\d.]*")),
)


def detect_profiles(
    argv0: str, exec_names: Sequence[str], search_path: Sequence[str], resolve: Resolve = os.path.realpath
) -> tuple[str, ...]:
    """Return the profiles for starting ``argv0`` (absolute) and the declared programs, those of the system first.

    Scripts are followed to their interpreters.  What is not installed, or of no known kind, needs ``base`` alone.
    """
    found: dict[str, None] = dict.fromkeys(("base", "macos") if sys.platform == "darwin" else ("base",))
    for name in (argv0, *exec_names):
        path = name if name.startswith("/") else find(name, search_path) if "/" not in name else None
        if path is None:
            continue
        started = [path, *(real for _, real in interpreters(resolve(path), search_path, resolve))]
        for executable in started:
            kind = _kind(executable, resolve)
            if kind:
                found[f"{kind}:{executable}"] = None
    return tuple(found)


def profile_grants(names: Sequence[str], search_path: Sequence[str], place: Place) -> Grants:
    """Return what the named profiles add; nothing that an interpreter of the skill's own says about itself is believed.

    Raises: PolicyError for a profile that is not known, or whose interpreter is not there.
    """
    resolve = place.resolve
    read: dict[PathRule, None] = {}
    write: dict[PathRule, None] = {}
    granted: dict[Path, Program] = {}
    for name in names:
        kind, _, executable = name.partition(":")
        profile = PROFILES.get(kind)
        if profile is None or (executable and not os.path.isfile(executable)):
            raise PolicyError(
                f"profile {quoted(name)} is not known, or its program is not there; known: {', '.join(PROFILES)}"
            )
        own = executable or find({"python": "python3"}.get(kind, kind), search_path)
        patterns = (*profile.read, *(_own(profile, own, place) if own else ()))
        rules = [_rule(pattern, kind, resolve) for pattern in patterns]
        read.update(dict.fromkeys(rule for rule in rules if not is_in(place.home, str(rule.parent))))
        write.update(dict.fromkeys(_rule(pattern, kind, resolve) for pattern in profile.write))
        for tool in profile.programs:
            path = find(os.path.basename(tool), [os.path.dirname(tool)] if tool.startswith("/") else search_path)
            if path:
                granted.setdefault(Path(resolve(path)), program(os.path.basename(tool), resolve(path), kind))
    return Grants(tuple(read), tuple(write), tuple(granted.values()))


def _own(profile: Profile, executable: str, place: Place) -> tuple[str, ...]:
    """Return what a program reads that belongs to its file.

    A virtual environment inside the skill (its links, its pyvenv.cfg) could point anywhere.
    """
    if is_in(executable, place.root):
        executable = place.resolve(executable)
    if profile.own is None or is_in(executable, place.root):
        return ()
    return profile.own(executable, place.resolve)


def _kind(executable: str, resolve: Resolve) -> str | None:
    for name in (os.path.basename(executable), os.path.basename(resolve(executable))):
        for kind, pattern in _KINDS:
            if pattern.fullmatch(name):
                return kind
    return None


def _rule(pattern: str, source: str, resolve: Resolve) -> PathRule:
    literal, rest = split(pattern)
    return glob_rule(literal, rest, source, resolve)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
