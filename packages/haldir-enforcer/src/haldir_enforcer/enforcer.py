"""Runs of a skill that are confined to its permissions, from start to report."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from haldir_enforcer.confinement import Confinement, Level, Reaction, Standing
from haldir_enforcer.errors import EnforcerError
from haldir_enforcer.limits import Limits
from haldir_enforcer.locating import NoProgramError, is_foreign_script, locate, started
from haldir_enforcer.outcome import Outcome
from haldir_enforcer.policy import Policy, compile_policy, detect_profiles, granting
from haldir_enforcer.session import Recording, Session, Streams
from haldir_enforcer.staging import StagedSkill

if TYPE_CHECKING:
    from datetime import datetime

SEARCH_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin", "/opt/homebrew/bin")
"""Where programs are looked for; the caller's PATH counts only if it says so."""

PASSED_ON = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TERM", "TZ")
"""Variables of the environment that a skill sees; all others may hold secrets."""


class RefusedError(EnforcerError):
    """The run was refused before anything of the skill was started.

    ``standing`` is what this machine reaches, where that is the reason.
    """

    def __init__(self, message: str, standing: Standing | None = None) -> None:
        """``message`` says why, and what to do."""
        super().__init__(message)
        self.standing = standing


def default_confinements() -> tuple[Confinement, ...]:
    """Return the ways to confine that this platform may have, best first."""
    found: tuple[Confinement, ...]
    if sys.platform == "linux":
        from haldir_enforcer._linux import LinuxConfinement  # noqa: PLC0415 - no other platform can import it

        found = (LinuxConfinement(),)
    else:
        from haldir_enforcer._backends.node import Node  # noqa: PLC0415 - as above
        from haldir_enforcer._backends.seatbelt import Seatbelt  # noqa: PLC0415 - as above

        found = (Seatbelt(), Node())
    return found


def _now() -> "datetime":
    from datetime import UTC, datetime  # noqa: PLC0415 - only a log and alerts ask for the time

    return datetime.now(UTC)


class Enforcer:
    """Starts skills confined.

    Quick start::

        with stage("skills/weather") as skill:
            outcome = Enforcer().run(skill, ["python3", "main.py"])
        print(outcome.ended, outcome.violations)
    """

    def __init__(  # noqa: PLR0913 - each is a choice of its own, and has a default
        self,
        *,
        confinements: Sequence[Confinement] | None = None,
        require: Level = Level.L2,
        reaction: Reaction = Reaction.KILL,
        limits: Limits | None = None,
        search_path: Sequence[str] = SEARCH_PATH,
        home: Path | None = None,
        clock: "Callable[[], datetime]" = _now,
    ) -> None:
        """Use the strongest of ``confinements`` for a program, and refuse to run below the level ``require``."""
        self._confinements = tuple(default_confinements() if confinements is None else confinements)
        self._require = require
        self._reaction = reaction
        self._limits = limits or Limits()
        self._search_path = tuple(folder for folder in search_path if os.path.isdir(folder))  # noqa: PTH112
        self._home = home or Path(os.path.expanduser("~"))  # noqa: PTH111 - without a home it stays ~, and is refused
        self._clock = clock
        self._best: tuple[Confinement, Standing] | None = None

    def standing(self) -> Standing:
        """Return what the strongest confinement here reaches, by its self-tests."""
        return self._strongest()[1]

    def policy(self, skill: StagedSkill, argv: Sequence[str]) -> Policy:
        """Return what the skill may do when ``argv`` is started.

        Raises: PolicyError if its permissions cannot be held here.
        """
        program = self._program(skill, argv[0])
        skill.make_places(skill.permissions.filesystem.write)
        profiles = detect_profiles(program, skill.permissions.exec, self._search_path)
        policy = compile_policy(
            skill.permissions, skill.folder, home=self._home, search_path=self._search_path, profiles=profiles
        )
        return granting(policy, "program", read=[Path(program)]) if is_foreign_script(program, policy) else policy

    def start(
        self,
        skill: StagedSkill,
        argv: Sequence[str],
        *,
        streams: Streams | None = None,
        environment: Mapping[str, str] | None = None,
        recording: Recording | None = None,
    ) -> "Session":
        """Start ``argv`` in the copy of ``skill`` and return the running session.

        A first word with a slash is a path in the skill, where the run begins, or absolute; another one is looked for
        in the search path.  What lies in the skill is taken from its copy.
        ``environment`` is added to the few variables that are passed on.

        Raises:
            RefusedError: if the level that is required is not reached, or the program is not there.
            PolicyError: if the permissions cannot be held.
            ConfinementError: if the confinement failed; nothing of the skill has run then.
            AuditLogError: if the audit log cannot be written.
        """
        _check_texts(argv, environment or {})
        confinement, standing = self._strongest()
        if standing.level.rank < self._require.rank:
            missing = "; ".join(standing.missing) or f"nothing stronger than {standing.backend} was found"
            raise RefusedError(
                f"this machine reaches level {standing.level.value} and {self._require.value} is required: {missing}",
                standing,
            )
        policy = self.policy(skill, argv)
        session = Session(skill, policy, standing, recording or Recording(), self._clock, self._limits)
        session.begin(
            self._serving(confinement, policy, session),
            started(self._program(skill, argv[0]), argv[1:], self._search_path),
            self._environment(skill, environment or {}, session),
            streams or Streams(),
            self._reaction,
        )
        return session

    def run(
        self,
        skill: StagedSkill,
        argv: Sequence[str],
        *,
        streams: Streams | None = None,
        environment: Mapping[str, str] | None = None,
        recording: Recording | None = None,
    ) -> Outcome:
        """Run ``argv`` to its end and return the outcome; see `start`."""
        session = self.start(skill, argv, streams=streams, environment=environment, recording=recording)
        return session.wait()

    async def run_async(
        self,
        skill: StagedSkill,
        argv: Sequence[str],
        *,
        streams: Streams | None = None,
        environment: Mapping[str, str] | None = None,
        recording: Recording | None = None,
    ) -> Outcome:
        """Run ``argv`` to its end without keeping the event loop waiting; a cancelled run is killed."""
        session = await self.start_async(skill, argv, streams=streams, environment=environment, recording=recording)
        return await session.wait_async()

    async def start_async(
        self,
        skill: StagedSkill,
        argv: Sequence[str],
        *,
        streams: Streams | None = None,
        environment: Mapping[str, str] | None = None,
        recording: Recording | None = None,
    ) -> "Session":
        """Start ``argv`` without keeping the event loop waiting; a cancelled start is killed; see `start`."""
        import asyncio  # noqa: PLC0415 - 7 ms that only somebody with an event loop pays

        starting = asyncio.ensure_future(
            asyncio.to_thread(
                lambda: self.start(skill, argv, streams=streams, environment=environment, recording=recording)
            )
        )
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):  # then nothing runs
                (await starting).stop()
            raise

    def _strongest(self) -> tuple[Confinement, Standing]:
        if self._best is None:
            found = [(confinement, confinement.standing()) for confinement in self._confinements]
            if not found:
                raise RefusedError("no way to confine a program was given")
            self._best = max(found, key=lambda pair: pair[1].level.rank)
        return self._best

    def _serving(self, confinement: Confinement, policy: Policy, session: "Session") -> Confinement:
        """The confinement, with a proxy beside it where hosts with a wildcard were declared."""
        if confinement.name != "linux" or not any(rule.host.startswith("*") for rule in policy.hosts):
            return confinement
        from haldir_enforcer._linux import Services  # noqa: PLC0415 - no other platform can import it

        return confinement.serving(Services(proxy=session.open_proxy()))  # type: ignore[attr-defined,no-any-return]

    def _program(self, skill: StagedSkill, name: str) -> str:
        try:
            return locate(name, skill.source, skill.folder, self._search_path)
        except NoProgramError as error:
            raise RefusedError(str(error)) from error

    def _environment(self, skill: StagedSkill, more: Mapping[str, str], session: "Session") -> dict[str, str]:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment |= {"PATH": os.pathsep.join(self._search_path), "HOME": str(self._home), "PWD": str(skill.folder)}
        return {**environment, **session.proxy_environment(), **more}


def _check_texts(argv: Sequence[str], environment: Mapping[str, str]) -> None:
    if not argv or not argv[0]:
        raise RefusedError("no program to run was named")
    for text in (*argv, *environment, *environment.values()):
        try:
            is_wrong = b"\0" in os.fsencode(text)
        except UnicodeEncodeError:
            is_wrong = True
        if is_wrong:
            raise RefusedError(f"{text!r:.200} can be no argument and no variable: no program could receive it")
    wrong = next((name for name in environment if not name or "=" in name), None)
    if wrong is not None:
        raise RefusedError(f"{wrong!r:.200} is no name of a variable")
