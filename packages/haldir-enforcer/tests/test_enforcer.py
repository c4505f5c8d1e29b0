import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from haldir_core.permissions import Permissions
from haldir_enforcer import Enforcer, Level, Limits, Outcome, PolicyError, Reaction, RefusedError, StagedSkill, stage
from haldir_enforcer.confinement import Ending, Launch, Running, Standing, Truth
from haldir_enforcer.errors import ConfinementError
from haldir_enforcer.events import Action, By
from haldir_enforcer.locating import started
from haldir_enforcer.session import Streams

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these runs are confined by Linux")

ORDINARY_USER = 65534

Make = Callable[..., StagedSkill]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Stage a skill that declares something and has some files."""
    staged: list[StagedSkill] = []

    def call(declared: Mapping[str, Any] | None = None, **files: str) -> StagedSkill:
        folder = tmp_path / f"skill{len(staged)}"
        (folder / ".vault").mkdir(parents=True)
        document = {"schema_version": "1.0", "declared": declared or {}}
        (folder / ".vault" / "permissions.json").write_text(json.dumps(document))
        (folder / "SKILL.md").write_text("Say how the weather is.\n")
        for name, text in files.items():
            path = folder / name.replace("__", ".")
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        staged.append(stage(folder))
        return staged[-1]

    yield call
    for skill in staged:
        skill.remove()


@pytest.fixture(scope="module")
def enforcer() -> Enforcer:
    return Enforcer(limits=Limits(timeout_seconds=60))


@define
class Simulated:
    """A confinement that reaches a level, and starts nothing."""

    level: Level
    name: str = "simulated"
    asked: int = 0
    started: list[Launch] = field(factory=list)

    def standing(self) -> Standing:
        """Return what it pretends."""
        self.asked += 1
        by = By.NONE if self.level is Level.NONE else By.KERNEL
        names = ("fs_read", "fs_write", "net", "exec", "processes", "memory", "disk", "env")
        truth = Truth(**dict.fromkeys(names, by))
        return Standing(backend=self.name, level=self.level, enforced=truth, missing=("a newer kernel",))

    def start(self, launch: Launch) -> Running:
        """Raise an error."""
        self.started.append(launch)
        raise ConfinementError("it starts nothing")


def test_a_program_runs_in_the_copy_and_its_output_and_code_come_back(enforcer: Enforcer, make: Make) -> None:
    skill = make(main__py="import os, sys; print(os.getcwd(), sys.argv[1:]); sys.exit(7)")
    outcome = enforcer.run(skill, ["python3", "main.py", "a b", "ä", ""])
    assert (outcome.ended.ending, outcome.ended.code, outcome.is_clean) == (Ending.EXITED, 7, True)
    assert outcome.stdout.decode() == f"{skill.folder} ['a b', 'ä', '']\n"
    assert (outcome.verified, outcome.skill, outcome.written) == (False, "skill0", ())


def test_a_violation_kills_the_program_and_is_reported(enforcer: Enforcer, make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("SECRET")
    code = f"try: print(open({str(tmp_path / 'secret')!r}).read())\nfinally: print('still there')"
    outcome = enforcer.run(make(main__py=code), ["python3", "main.py"])
    assert (outcome.ended.ending, outcome.violation_count, outcome.stdout) == (Ending.VIOLATION, 1, b"")
    assert [(event.action, event.path) for event in outcome.violations] == [(Action.FS_READ, str(tmp_path / "secret"))]
    assert not outcome.is_clean


def test_a_program_that_is_only_denied_goes_on(make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    code = f"try: open({str(tmp_path / 'secret')!r})\nexcept OSError: print('denied')"
    denying = Enforcer(reaction=Reaction.DENY, limits=Limits(timeout_seconds=60))
    outcome = denying.run(make(main__py=code), ["python3", "main.py"])
    assert (outcome.ended.ending, outcome.ended.code, outcome.stdout) == (Ending.EXITED, 0, b"denied\n")
    assert (outcome.violation_count, outcome.is_clean) == (1, False)


def test_the_level_comes_with_who_holds_what(enforcer: Enforcer, make: Make) -> None:
    outcome = enforcer.run(make(), ["true"])
    assert outcome.standing == enforcer.standing()
    assert outcome.standing.level.rank >= Level.L2.rank
    assert outcome.standing.enforced.fs_read is By.KERNEL


def test_without_namespaces_the_level_is_lower_and_says_so(make: Make) -> None:
    from haldir_enforcer._linux import LinuxConfinement, Namespaces  # noqa: PLC0415 - Linux alone has it

    lower = [LinuxConfinement(Namespaces.NEVER)]
    outcome = Enforcer(confinements=lower).run(make(), ["true"])
    assert (outcome.standing.level, outcome.ended.code) == (Level.L2, 0)
    with pytest.raises(RefusedError, match="reaches level L2 and L3 is required: namespaces"):
        Enforcer(confinements=lower, require=Level.L3).run(make(), ["true"])


@pytest.mark.parametrize("level", [Level.NONE, Level.L0, Level.L1])
def test_below_the_level_that_is_required_nothing_is_started(make: Make, level: Level) -> None:
    simulated = Simulated(level)
    with pytest.raises(RefusedError, match="a newer kernel") as raised:
        Enforcer(confinements=[simulated]).run(make(), ["true"])
    assert simulated.started == []
    assert raised.value.standing == simulated.standing()


def test_not_even_the_lowest_requirement_lets_a_program_run_unconfined(make: Make) -> None:
    simulated = Simulated(Level.NONE)
    with pytest.raises(RefusedError, match="level none"):
        Enforcer(confinements=[simulated], require=Level.L0).run(make(), ["true"])
    assert simulated.started == []


def test_the_strongest_of_several_is_used_and_examined_once(make: Make) -> None:
    weak, strong = Simulated(Level.L2), Simulated(Level.L4)
    enforcer = Enforcer(confinements=[weak, strong])
    for _ in range(2):
        with pytest.raises(ConfinementError, match="starts nothing"):
            enforcer.run(make(), ["true"])
    assert (len(weak.started), len(strong.started)) == (0, 2)
    assert (weak.asked, strong.asked) == (1, 1)


def test_with_no_confinement_at_all_nothing_is_run(make: Make) -> None:
    with pytest.raises(RefusedError, match="no way to confine"):
        Enforcer(confinements=[]).run(make(), ["true"])


@pytest.mark.parametrize("argv", [[], [""]], ids=["none", "empty"])
def test_without_a_program_nothing_is_run(enforcer: Enforcer, make: Make, argv: list[str]) -> None:
    with pytest.raises(RefusedError, match="no program"):
        enforcer.run(make(), argv)


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["NUL", "half"])
def test_what_no_program_could_receive_is_refused(enforcer: Enforcer, make: Make, text: str) -> None:
    for argv, environment in ((["true", text], {}), ([text], {}), (["true"], {"A": text}), (["true"], {text: "a"})):
        with pytest.raises(RefusedError, match="no program could receive it"):
            enforcer.run(make(), argv, environment=environment)


@pytest.mark.parametrize("name", ["", "A=B"])
def test_a_wrong_name_of_a_variable_is_refused(enforcer: Enforcer, make: Make, name: str) -> None:
    with pytest.raises(RefusedError, match="no name of a variable"):
        enforcer.run(make(), ["true"], environment={name: "x"})


def test_arguments_that_are_no_text_arrive_as_they_are(enforcer: Enforcer, make: Make) -> None:
    outcome = enforcer.run(make(), ["printf", "%s", "\udcff\n\x1b[31m"])
    assert outcome.stdout == b"\xff\n\x1b[31m"


def test_arguments_that_are_too_long_for_the_kernel_are_refused_in_words(enforcer: Enforcer, make: Make) -> None:
    with pytest.raises(ConfinementError, match="was not started"):
        enforcer.run(make(), ["true", "x" * 200_000])


def test_a_missing_program_is_refused_with_the_folders(enforcer: Enforcer, make: Make) -> None:
    with pytest.raises(RefusedError, match="'no-such-program' is not there: it is looked for in /"):
        enforcer.run(make(), ["no-such-program"])


@pytest.mark.parametrize("name", ["./nothing", "/nothing/at/all", "/", "scripts/"])
def test_a_path_to_no_file_is_refused(enforcer: Enforcer, make: Make, name: str) -> None:
    with pytest.raises(RefusedError, match="is no file"):
        enforcer.run(make(), [name])


def test_a_file_that_is_not_executable_is_refused_with_advice(enforcer: Enforcer, make: Make) -> None:
    with pytest.raises(RefusedError, match="name its interpreter"):
        enforcer.run(make(main__py="print()"), ["./main.py"])


def test_a_script_whose_interpreter_is_missing_is_refused(enforcer: Enforcer, make: Make) -> None:
    with pytest.raises(ConfinementError):
        enforcer.run(make(main="#!/no/such/interpreter\n"), ["./main"])


def test_a_relative_path_is_one_in_the_copy(enforcer: Enforcer, make: Make) -> None:
    outcome = enforcer.run(make(main="#!/bin/sh\necho rain $1\n"), ["./main", "today"])
    assert (outcome.stdout, outcome.stderr, outcome.violations) == (b"rain today\n", b"", ())


@pytest.mark.parametrize(
    ("first", "flag"),
    [
        ("#!/usr/bin/env python3", 0),
        ("#! /usr/bin/env  python3 ", 0),
        ("#!/usr/bin/env -S python3 -I", 1),
        ("#!/usr/bin/env -Spython3 -X utf8 -I", 1),
    ],
)
def test_a_script_that_asks_env_for_its_interpreter_is_given_to_it(
    enforcer: Enforcer, make: Make, first: str, flag: int
) -> None:
    script = f"{first}\nimport sys\nprint(sys.argv[1:], sys.flags.isolated)\n"
    outcome = enforcer.run(make(main=script), ["./main", "a b"])
    assert (outcome.stdout.decode(), outcome.violations) == (f"['a b'] {flag}\n", ())


@pytest.mark.parametrize(
    "first",
    [
        "#!/usr/bin/env -S A=B python3",
        "#!/usr/bin/env -S 'python3'",
        "#!/usr/bin/env -S python3 ${HOME}",
        "#!/usr/bin/env -i python3",
        "#!/usr/bin/env no-such-interpreter",
        "#!/usr/bin/env",
        "#!/tmp/env python3",
        "echo",
        "",
    ],
)
def test_what_else_a_first_line_asks_for_stays_as_it_is(make: Make, first: str) -> None:
    program = str(make(main=f"{first}\n").folder / "main")
    assert started(program, ["x"], ["/usr/bin"]) == (program, "x")


def test_the_interpreter_of_the_first_program_is_no_grant_for_another(enforcer: Enforcer, make: Make) -> None:
    script = "#!/usr/bin/env sh\n/usr/bin/python3 -c 'print(1)'\n"
    outcome = enforcer.run(make(main=script), ["./main"])
    assert (outcome.stdout, outcome.ended.ending) == (b"", Ending.VIOLATION)
    assert outcome.violations[0].action is Action.PROCESS_EXEC


def test_an_absolute_path_into_the_skill_means_its_copy(enforcer: Enforcer, make: Make) -> None:
    skill = make(main="#!/bin/sh\necho rain\n")
    (skill.source / "main").write_text("#!/bin/sh\necho changed after it was verified\n")
    outcome = enforcer.run(skill, [str(skill.source / "main")])
    assert (outcome.stdout, outcome.stderr, outcome.violations) == (b"rain\n", b"", ())


def test_a_bare_name_is_never_a_file_of_the_skill_but_the_advice_knows_it(enforcer: Enforcer, make: Make) -> None:
    with pytest.raises(RefusedError, match=r"the skill has a file of this name: say \./main"):
        enforcer.run(make(main="#!/bin/sh\n"), ["main"])


def test_the_callers_path_does_not_choose_the_program(
    enforcer: Enforcer, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "true"
    planted.write_text("#!/bin/sh\nexit 9\n")
    planted.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert enforcer.run(make(), ["true"]).ended.code == 0
    assert Enforcer(search_path=[str(tmp_path)]).run(make(), ["true"]).ended.code == 9


def test_a_program_sees_few_variables_and_those_it_is_given(
    enforcer: Enforcer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "SECRET")
    monkeypatch.setenv("LD_PRELOAD_", "x")
    monkeypatch.setenv("LANG", "C.UTF-8")
    skill = make()
    outcome = enforcer.run(skill, ["env"], environment={"CITY": "Ypres"})
    seen = dict(line.split("=", 1) for line in outcome.stdout.decode().splitlines())
    assert seen.keys() <= {"CITY", "HOME", "PATH", "PWD", *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE"), *_TERMINAL}
    assert (seen["CITY"], seen["LANG"], seen["PWD"]) == ("Ypres", "C.UTF-8", str(skill.folder))


_TERMINAL = ("NO_COLOR", "TERM", "TZ")


def test_what_is_written_in_the_skill_is_listed_and_discarded(enforcer: Enforcer, make: Make) -> None:
    skill = make({"filesystem": {"write": ["out", "notes/today.txt"]}})
    code = "open('out/a','w').write('1'); open('notes/today.txt','w').write('2'); print(open('out/a').read())"
    outcome = enforcer.run(skill, ["python3", "-c", code])
    assert (outcome.stdout, outcome.written) == (b"1\n", ("notes/today.txt", "out/a"))
    assert sorted(path.name for path in skill.source.iterdir()) == [".vault", "SKILL.md"]


def test_the_skill_cannot_change_itself_where_it_declared_nothing(enforcer: Enforcer, make: Make) -> None:
    outcome = enforcer.run(make(), ["python3", "-c", "open('SKILL.md', 'a')"])
    assert (outcome.ended.ending, outcome.violations[0].action) == (Ending.VIOLATION, Action.FS_WRITE)


def test_a_module_beside_the_program_is_loaded_and_its_cache_is_no_violation(enforcer: Enforcer, make: Make) -> None:
    outcome = enforcer.run(make(main__py="import other", other__py="print('rain')"), ["python3", "main.py"])
    assert (outcome.stdout, outcome.violations) == (b"rain\n", ())


def test_permissions_that_cannot_be_held_are_refused(enforcer: Enforcer, make: Make) -> None:
    with pytest.raises(PolicyError, match=r"filesystem\.read"):
        enforcer.run(make({"filesystem": {"read": ["a\x1b[2Jb"]}}), ["true"])
    with pytest.raises(PolicyError, match="network"):
        enforcer.run(make({"network": ["http://[::1"]}), ["true"])


def test_the_policy_can_be_seen_before_anything_runs(enforcer: Enforcer, make: Make) -> None:
    skill = make({"exec": ["sh"], "filesystem": {"write": ["out"]}})
    policy = enforcer.policy(skill, ["python3", "main.py"])
    assert policy.root == skill.folder
    assert any(profile.startswith("python:") for profile in policy.profiles)
    assert [program.name for program in policy.programs if program.source == "declared"] == ["sh"]


def test_a_home_folder_that_is_not_known_is_refused_not_guessed(make: Make) -> None:
    with pytest.raises(PolicyError, match="home"):
        Enforcer(home=Path("~")).run(make(), ["true"])


def test_limits_end_the_run(make: Make) -> None:
    enforcer = Enforcer(limits=Limits(timeout_seconds=0.2))
    outcome = enforcer.run(make(), ["sleep", "60"])
    assert (outcome.ended.ending, [event.action for event in outcome.violations]) == (
        Ending.LIMIT,
        [Action.LIMIT_TIME],
    )


def test_a_wildcard_host_gives_the_program_a_proxy_that_ends_with_it(enforcer: Enforcer, make: Make) -> None:
    skill = make({"network": ["*.weather.example"]})
    outcome = enforcer.run(skill, ["env"])
    seen = dict(line.split("=", 1) for line in outcome.stdout.decode().splitlines())
    assert seen["HTTPS_PROXY"] == seen["http_proxy"]
    assert seen["HTTPS_PROXY"].startswith("http://127.")
    assert enforcer.run(make(), ["env"]).stdout.count(b"PROXY") == 0


def test_one_enforcer_runs_one_skill_many_times(enforcer: Enforcer, make: Make) -> None:
    skill = make({"filesystem": {"write": ["out"]}})
    runs = [enforcer.run(skill, ["sh", "-c", f"echo {number} > out/{number}"]) for number in range(3)]
    assert [run.written for run in runs] == [("out/0",), ("out/1",), ("out/2",)]
    assert len({run.run for run in runs}) == 3


def test_no_descriptor_and_no_thread_is_left_of_many_runs(enforcer: Enforcer, make: Make) -> None:
    skill = make()
    enforcer.run(skill, ["true"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        enforcer.run(skill, ["cat"], streams=Streams(input=b"x"))
        with pytest.raises(RefusedError):
            enforcer.run(skill, ["no-such-program"])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_is_served_in_the_same_way(make: Make) -> None:
    Enforcer().run(make(), ["true"])  # so that all is loaded: the user may not be able to read it
    folder = tempfile.mkdtemp(prefix="haldir-test-")
    os.chown(folder, ORDINARY_USER, ORDINARY_USER)
    try:
        seen = _as_ordinary_user(lambda: _ordinary(Path(folder)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert isinstance(seen, list), seen
    assert [(ending, output) for _, ending, output in seen] == [("exited", "rain\n"), ("violation", "")]
    assert all(Level(level).rank >= Level.L2.rank for level, _, _ in seen)


def _ordinary(folder: Path) -> list[tuple[str, str, str]]:
    tempfile.tempdir = str(folder)
    skill = folder / "skill"
    skill.mkdir()
    (skill / "main.py").write_text("print('rain')")
    (folder / "secret").write_text("SECRET")
    enforcer = Enforcer(home=folder, limits=Limits(timeout_seconds=60))
    with stage(skill) as staged:
        assert staged.permissions == Permissions.deny_all()
        commands = (["python3", "main.py"], ["cat", str(folder / "secret")])
        return [_short(enforcer.run(staged, command)) for command in commands]


def _short(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.standing.level.value, outcome.ended.ending.value, outcome.stdout.decode()


def _as_ordinary_user(function: Callable[[], Any]) -> Any:  # noqa: ANN401 - a JSON value
    from haldir_enforcer._linux import _kernel  # noqa: PLC0415 - Linux alone has it

    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setresgid(*[ORDINARY_USER] * 3)
            os.setresuid(*[ORDINARY_USER] * 3)
            _kernel.prctl(_kernel.PR_SET_DUMPABLE, 1)  # as after a log-in, so that /proc/self is the user's own
            os.write(writing, json.dumps(function()).encode())
        except BaseException as error:  # noqa: BLE001 - it is told to the test
            os.write(writing, json.dumps(repr(error)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    return json.loads(data)
