"""Declared path patterns: read, checked, and tied to real folders."""

# Paths are texts here, as in the policy: a Path would rewrite them.
# ruff: noqa: PTH114, PTH115, PTH208

import os
import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from attrs import frozen

from haldir_enforcer._policy.globs import escape, problem, split
from haldir_enforcer._policy.matching import Matcher
from haldir_enforcer._policy.records import DECLARED, PathRule
from haldir_enforcer._policy.text import quoted, visible
from haldir_enforcer.errors import PolicyError

MAX_PATH_BYTES = 4096  # linux/limits.h: PATH_MAX
MAX_SEGMENT_BYTES = 255  # linux/limits.h: NAME_MAX
MAX_ENTRIES = 1024
"""Entries of one list; a list that nobody can read is no declaration."""

Resolve = Callable[[str], str]
"""Returns the real path of a path of which the last parts need not exist."""

# texts, so that a run that declares no path does not wait for their compilation; `re` keeps what it has compiled
_FLAG = r"\s-{1,2}[^\s-]"
_VARIABLE = r"\$[A-Za-z_{(]|%[A-Za-z_]+%"
_URL = r"[A-Za-z][A-Za-z0-9+.-]*:(?:/|$)"
_PROCESS = r"/proc(?:/(?:\d|thread-self|kcore|kmem|kpage|\[|\*|\?)|$)"
_KERNEL_FOLDERS = ("/proc", "/sys", "/dev")
_WRITABLE_DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/shm"})  # noqa: S108 - named, not used
_SELF = "/proc/self"
_MOST_STEPS = 1000
"""Names and links that a path is followed along; the kernel gives up sooner."""


class Access(StrEnum):
    """What a path rule grants; the value is the name of its list in permissions.json."""

    READ = "read"
    WRITE = "write"


@frozen(kw_only=True)
class Place:
    """Where patterns are resolved: the skill's folder and the home folder, both real."""

    root: str
    home: str
    resolve: Resolve


def literal_rule(path: str, source: str, resolve: Resolve) -> PathRule:
    """Return the rule for an absolute path with everything below it.

    ``/proc/self`` stays as it is: it is another folder for each process that asks.
    """
    real = path if is_in(path, _SELF) else resolve(path)
    return PathRule(pattern=_below(real), parent=Path(real), exact=True, source=source)


def glob_rule(literal: str, rest: str, source: str, resolve: Resolve) -> PathRule:
    """Return the rule for the pattern ``rest`` below the absolute folder ``literal``, which is made real."""
    if rest in {"", "**", "**/*"}:
        return literal_rule(literal, source, resolve)
    parent = literal if is_in(literal, _SELF) else resolve(literal)
    return PathRule(pattern=f"{escape(parent).rstrip('/')}/{rest}", parent=Path(parent), exact=False, source=source)


def path_rule(entry: str, access: Access, place: Place, matcher: Matcher, notes: list[str]) -> PathRule:
    """Return the rule that an entry of ``filesystem.read`` or ``filesystem.write`` declares.

    ``matcher`` knows the guarded places.  Raises: PolicyError naming the entry and what to write instead.
    """
    where = f"filesystem.{access}: {quoted(entry)}"
    _check_text(entry, where)
    literal, rest = _absolute(entry, place)
    _check_kernel(literal, rest, access, where)
    rule = glob_rule(literal, rest, DECLARED, place.resolve)
    parent = str(rule.parent)
    if not entry.startswith(("/", "~")) and not is_in(parent, place.root):
        raise PolicyError(f"{where} leads out of the skill's folder by a link; name the other place itself")
    _check_guarded((literal, parent), access, place, matcher, where)
    if parent != literal and not is_in(literal, _SELF):
        notes.append(f"{where} leads by a link to {quoted(parent)}, and grants that")
    if access is Access.WRITE:
        rule = _writable(rule, place, where)
    else:
        _note_wide(parent, place, where, notes)
    if rule.exact and holds_guarded(parent, place, matcher, access):
        rule = PathRule(pattern=rule.pattern, parent=rule.parent, exact=False, source=rule.source)
    return rule


def links_on(entry: str, place: Place) -> Iterator[str]:
    """Yield every link on the way that an entry of ``filesystem`` leads, by its real path."""
    literal, _ = _absolute(entry, place)
    real, waiting = "", literal.split("/")[1:]
    for _ in range(_MOST_STEPS):
        if not waiting:
            return
        name = waiting.pop(0)
        path = os.path.normpath(f"{real}/{name}")
        if not os.path.islink(path):
            real = path.rstrip("/")
            continue
        yield path
        target = os.readlink(path)
        real = "" if target.startswith("/") else real
        waiting = [*(part for part in target.split("/") if part), *waiting]


def _check_text(entry: str, where: str) -> None:
    if not entry or entry != entry.strip():
        raise PolicyError(f"{where} is empty, or begins or ends with a space")
    if not visible(entry) or len(entry.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES:
        raise PolicyError(f"{where} holds control or invisible characters, or is longer than {MAX_PATH_BYTES} bytes")
    if entry.startswith("-") or re.search(_FLAG, entry):
        raise PolicyError(f"{where} looks like an option of a program; write ./ before a name that begins with a dash")
    if "\\" in entry or re.match(_URL, entry):
        raise PolicyError(f"{where} holds a backslash or a scheme; paths are written with / alone")
    if re.search(_VARIABLE, entry):
        raise PolicyError(
            f"{where} holds a variable, and none is replaced here; write the path, or ~/ for the home folder"
        )
    if entry.startswith("!") or "{" in entry:
        raise PolicyError(f"{where}: ! and {{}} have no meaning in a pattern; write one entry for each path")
    _check_segments(entry, where)


def _check_segments(entry: str, where: str) -> None:
    if entry.startswith("~") and not entry.startswith("~/") and entry != "~":
        raise PolicyError(f"{where} names the home folder of somebody; only ~/ is known")
    if trouble := problem(entry):
        raise PolicyError(f"{where}: {trouble}")
    segments = entry.split("/")
    if ".." in segments:
        raise PolicyError(f"{where} climbs with ..; name the folder itself")
    if any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        raise PolicyError(f"{where} holds a name longer than {MAX_SEGMENT_BYTES} bytes")


def _absolute(entry: str, place: Place) -> tuple[str, str]:
    """Return the absolute literal folder of ``entry`` and its rest, without empty segments and dots."""
    if entry.startswith("/"):
        base, path = "", entry
    elif entry.startswith("~"):
        base, path = place.home, entry[1:]
    else:
        base, path = place.root, entry
    literal, rest = split("/".join(segment for segment in path.split("/") if segment not in {"", "."}))
    return f"{base.rstrip('/')}/{literal}".rstrip("/") or "/", rest


def _check_kernel(literal: str, rest: str, access: Access, where: str) -> None:
    if re.match(_PROCESS, f"{literal.rstrip('/')}/{rest}".rstrip("/")) and not is_in(literal, _SELF):
        raise PolicyError(f"{where} holds other processes; name /proc/self or one file below /proc")
    if access is Access.READ or not any(is_in(literal, folder) for folder in _KERNEL_FOLDERS):
        return
    if not any(is_in(literal, device) for device in _WRITABLE_DEVICES):
        raise PolicyError(f"{where} is a device or a part of the kernel; nothing is written there but {_devices()}")


def _devices() -> str:
    return ", ".join(sorted(_WRITABLE_DEVICES))


def _check_guarded(names: tuple[str, str], access: Access, place: Place, matcher: Matcher, where: str) -> None:
    """A guarded place is reached by the name that is written, not by a link that leads there."""
    literal, parent = names
    guarded = matcher.secret_place(parent)
    if guarded and parent != literal and place.resolve(matcher.secret_place(literal) or "/") != guarded:
        raise PolicyError(f"{where} leads by a link to {quoted(guarded)}, which holds secrets; name that place itself")
    if access is Access.WRITE and (kept := matcher.kept_name(parent)):
        raise PolicyError(
            f"{where} lies in {quoted(kept)}, which is signed or holds the state of an agent; declare the capability "
            "memory_write or modify_system_prompt, or leave the entry out (.vault is never written)"
        )


def _writable(rule: PathRule, place: Place, where: str) -> PathRule:
    parent = str(rule.parent)
    if is_in(place.home, parent):
        raise PolicyError(
            f"{where} lets everything in {quoted(parent)} be written, start-up files among it; name a folder below it"
        )
    if os.path.lexists(parent):
        return rule
    # nothing is there that the kernel could be told of; a folder above it would grant more than was declared
    return PathRule(pattern=rule.pattern, parent=rule.parent, exact=False, source=rule.source)


def _note_wide(parent: str, place: Place, where: str, notes: list[str]) -> None:
    if is_in(place.home, parent):
        what = "the whole file system" if parent == "/" else "a whole home folder"
        notes.append(f"{where} lets {what} be read, but for the guarded places; name what is needed instead")


def holds_guarded(parent: str, place: Place, matcher: Matcher, access: Access) -> bool:
    """Whether something lies in ``parent`` now that a grant of ``parent`` does not reach."""
    if is_in(place.home, parent) or matcher.guards_below(parent):
        return True
    if access is Access.WRITE and is_in(place.root, parent) and parent != place.root:
        return True
    try:
        children = [f"{parent.rstrip('/')}/{name}" for name in os.listdir(parent)]
    except OSError:  # a file, or nothing
        return False
    names = [matcher.secret_place, *([matcher.kept_name] if access is Access.WRITE else [])]
    return any(find(child) == child for child in children for find in names)


def _below(path: str) -> str:
    return f"{escape(path).rstrip('/')}/**"


def is_in(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies below it, as texts."""
    return folder in {"/", path} or path.startswith(folder + "/")
