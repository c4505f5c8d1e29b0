"""From declared permissions to a policy."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from haldir_enforcer._policy.guarded import behind_links, never_read, never_written
from haldir_enforcer._policy.hosts import host_rules
from haldir_enforcer._policy.matching import Matcher
from haldir_enforcer._policy.paths import (
    MAX_ENTRIES,
    Access,
    Place,
    Resolve,
    holds_guarded,
    links_on,
    literal_rule,
    path_rule,
)
from haldir_enforcer._policy.profiles import SKILL, profile_grants
from haldir_enforcer._policy.programs import check_search_path, programs
from haldir_enforcer._policy.records import PathRule, Policy, Program
from haldir_enforcer._policy.text import quoted
from haldir_enforcer.errors import PolicyError

if TYPE_CHECKING:
    from haldir_core.permissions import Permissions

_KNOWN_MEMBERS = frozenset({"$schema", "declared", "schema_version"})


def compile_policy(
    permissions: "Permissions",
    root: Path,
    *,
    home: Path,
    search_path: Sequence[str],
    profiles: Sequence[str] = (),
    resolve: Resolve = os.path.realpath,
) -> Policy:
    """Return what a skill in the folder ``root`` may do on this machine.

    Relative paths are below ``root``, ``~/`` is ``home``, programs are looked for in the folders of ``search_path``.
    ``profiles`` (see ``detect_profiles``) add what interpreters read of themselves; none is added that is not named.
    ``resolve`` returns real paths.  The skill reads its own folder, and writes there only what it declares.

    Raises:
        PolicyError: if an entry is malformed, contradicts another, or asks for what cannot be held; it names the entry.
    """
    place = Place(
        root=_folder(root, "the skill's folder", resolve),
        home=_folder(home, "the home folder", resolve),
        resolve=resolve,
    )
    folders = check_search_path(search_path)
    capabilities = permissions.agent_capabilities
    secrets, kept = (
        behind_links(patterns, place.home, resolve) for patterns in (never_read(), never_written(capabilities))
    )
    matcher = Matcher(Path(place.root), (), (), secrets, kept)
    notes = _unknown(permissions)
    granted = profile_grants(profiles, folders, place)
    own = literal_rule(place.root, SKILL, resolve)
    own = evolve(own, exact=not holds_guarded(place.root, place, matcher, Access.READ))
    write = _rules(permissions.filesystem.write, Access.WRITE, place, matcher, notes)
    declared = programs(_limited(permissions.exec, "exec"), place, folders, notes)
    _refuse_rewritable(declared, write)
    _refuse_own_links(permissions, place, write)
    network = permissions.network
    return Policy(
        root=Path(place.root),
        read=_unique((own, *_rules(permissions.filesystem.read, Access.READ, place, matcher, notes), *granted.read)),
        write=_unique((*write, *granted.write)),
        hosts=host_rules(network if isinstance(network, str) else _limited(network, "network"), notes),
        programs=tuple({program.path: program for program in (*granted.programs, *declared)}.values()),
        capabilities=capabilities,
        never_write=kept,
        never_read=secrets,
        profiles=(SKILL, *dict.fromkeys(profiles)),
        notes=tuple(notes),
    )


def granting(policy: Policy, source: str, *, read: Sequence[Path] = (), write: Sequence[Path] = ()) -> Policy:
    """Return ``policy`` with real folders of the runtime's own added under the name ``source``.

    For what the runtime itself made and discards: a temporary folder, a scratch layer.  The name is listed among the
    profiles.
    """
    return evolve(
        policy,
        read=_unique((*policy.read, *(literal_rule(str(path), source, os.path.realpath) for path in read))),
        write=_unique((*policy.write, *(literal_rule(str(path), source, os.path.realpath) for path in write))),
        profiles=tuple(dict.fromkeys((*policy.profiles, source))),
    )


def _folder(path: Path, what: str, resolve: Resolve) -> str:
    if not path.is_absolute():
        raise PolicyError(f"{what} {quoted(str(path))} is no absolute path")
    real = resolve(str(path))
    if real == "/":
        raise PolicyError(f"{what} is the whole file system; give the skill a folder of its own")
    return real


def _unknown(permissions: "Permissions") -> list[str]:
    members = [name for name in permissions.document if name not in _KNOWN_MEMBERS]
    unknown = (*members, *permissions.unknown_members())
    return [f"{quoted(name)} is no permission of version 1.0: it is kept, and grants nothing" for name in unknown]


def _rules(
    entries: Sequence[str], access: Access, place: Place, matcher: Matcher, notes: list[str]
) -> tuple[PathRule, ...]:
    rules = [path_rule(entry, access, place, matcher, notes) for entry in _limited(entries, f"filesystem.{access}")]
    notes.extend(
        f"filesystem.{access}: {quoted(rule.pattern)} is held by the supervisor; the kernel knows whole folders only"
        for rule in rules
        if not rule.exact
    )
    return tuple(rules)


def _limited(entries: Sequence[str], where: str) -> Sequence[str]:
    if len(entries) > MAX_ENTRIES:
        raise PolicyError(
            f"{where} has {len(entries)} entries, more than {MAX_ENTRIES}; declare folders instead of files"
        )
    return entries


def _refuse_rewritable(declared: Sequence[Program], write: Sequence[PathRule]) -> None:
    """A program that the skill may rewrite is any program."""
    writing = Matcher(Path("/"), (), write, (), ())
    for program in declared:
        rule = writing.writing(str(program.path))
        if rule is not None:
            raise PolicyError(
                f"exec: {quoted(program.name)} and filesystem.write: {quoted(rule.pattern)} contradict each other: "
                "the skill could replace the program; leave one of them out"
            )


def _refuse_own_links(permissions: "Permissions", place: Place, write: Sequence[PathRule]) -> None:
    """A link that the skill may have made in an earlier run leads to no grant."""
    writing = Matcher(Path(place.root), (), write, (), ())
    entries = permissions.filesystem
    for access, names in ((Access.READ, entries.read), (Access.WRITE, entries.write)):
        for name in names:
            link = next((link for link in links_on(name, place) if writing.writing(link) is not None), None)
            if link is not None:
                raise PolicyError(
                    f"filesystem.{access}: {quoted(name)} leads by the link {quoted(link)}, which lies where the skill "
                    "may write, so that it could lead anywhere; name the other place itself, or remove the link"
                )


def _unique(rules: Sequence[PathRule]) -> tuple[PathRule, ...]:
    """Return the rules without those that an earlier one repeats."""
    return tuple({(rule.pattern, rule.parent): rule for rule in reversed(rules)}.values())[::-1]
