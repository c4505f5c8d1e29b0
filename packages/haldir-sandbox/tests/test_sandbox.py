"""The whole sandboxing, with a confinement that runs nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest

from haldir_core import LayerReport, Permissions, SkillSnapshot, Status, UnsafeSkillError, read_skill
from haldir_enforcer.confinement import Ended, Ending, Launch, Level, Reaction
from haldir_enforcer.errors import ConfinementError, PolicyError
from haldir_enforcer.events import Action, By, Class, Decision, Event, LeftOut
from haldir_enforcer.limits import Limits
from haldir_enforcer.locating import NoProgramError
from haldir_sandbox import EntryKind, EntryPointError, Options, ground_with, sandbox
from haldir_sandbox.eventlog import MAX_TRACE_BYTES, Trace
from haldir_sandbox.report import SandboxReport

MakeSkill = Callable[[Mapping[str, str]], SkillSnapshot]
ONE_SCRIPT = {"SKILL.md": "---\nname: x\n---\nText.\n", "run.py": "print('x')\n"}


class Fake(Protocol):
    """The confinement of the tests."""

    launches: list[Launch]

    def __call__(self, behave: Callable[[Launch], Ended | None] = ..., level: Level = ...) -> "Fake":
        """Make one."""
        ...


def run(snapshot: SkillSnapshot, confinement: Fake, **options: object) -> SandboxReport:
    chosen = Options(**options)  # type: ignore[arg-type] # the caller knows the members
    return sandbox(snapshot, Permissions.deny_all(), prepare=ground_with(confinement), options=chosen)  # type: ignore[arg-type] # a fake


def runnable(skill: MakeSkill) -> SkillSnapshot:
    """Return a skill whose script is executable."""
    source = skill({**ONE_SCRIPT, "scripts/x.txt": ""}).path
    (source / "run.py").chmod(0o755)
    return read_skill(source, copy_to=source.parent / "runnable")


def rules(report: SandboxReport) -> set[str]:
    return {str(finding.pattern_id).removeprefix("sandbox.") for finding in report.findings}


def violating(action: Action, **members: Any) -> Callable[[Launch], None]:  # noqa: ANN401 - the members of Event
    def behave(launch: Launch) -> None:
        event = Event(action=action, decision=Decision.DENY, by=By.SUPERVISOR, kind=Class.VIOLATION)
        launch.record(attrs.evolve(event, **members))

    return behave


def test_a_quiet_skill_passes_at_the_level_of_vetting(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill(ONE_SCRIPT), fake())
    assert (report.status, report.level, report.reasons) == (Status.PASS, Level.L3, ())
    layer = report.layer_report()
    assert isinstance(layer, LayerReport)
    assert (layer.layer, layer.name, layer.status) == (3, "sandbox_execution", Status.PASS)


@pytest.mark.parametrize("level", [Level.L2, Level.L1, Level.L0])
def test_below_the_level_of_vetting_nothing_passes(level: Level, skill: MakeSkill, fake: Fake) -> None:
    report = run(skill(ONE_SCRIPT), fake(level=level), minimum=Level.NONE)
    assert report.status is Status.FLAG
    assert report.runs
    assert any("below L3 nothing passes" in reason and "a newer kernel" in reason for reason in report.reasons)


@pytest.mark.parametrize("level", [Level.NONE, Level.L1])
def test_below_the_minimum_nothing_is_run(level: Level, skill: MakeSkill, fake: Fake) -> None:
    confinement = fake(level=level)
    report = run(skill(ONE_SCRIPT), confinement)
    assert not confinement.launches
    assert report.status is Status.FLAG
    assert rules(report) == {"level", "not-run"}


def test_every_run_is_confined_the_same_way(skill: MakeSkill, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_OURS", "x")
    confinement = fake()
    run(skill(ONE_SCRIPT), confinement)
    assert len(confinement.launches) >= 4
    for launch in confinement.launches:
        assert launch.reaction is Reaction.DENY
        assert launch.argv[0].startswith("/")
        assert "A_SECRET_OF_OURS" not in launch.environment
        assert launch.environment["HOME"] != str(Path.home())
        assert all(rule.declared == "sandbox" for rule in launch.policy.hosts)
        timeout = launch.limits.timeout_seconds
        assert timeout is not None
        assert timeout <= 30
    worlds = {launch.environment["USER"] for launch in confinement.launches}
    assert len(worlds) == 2


def test_nothing_is_left_of_the_folders_of_a_run(skill: MakeSkill, fake: Fake) -> None:
    confinement = fake()
    snapshot = skill(ONE_SCRIPT)
    run(snapshot, confinement)
    assert not Path(confinement.launches[0].cwd).exists()
    assert snapshot.copy is not None
    assert sorted(path.name for path in snapshot.copy.iterdir()) == ["SKILL.md", "run.py"]


def test_a_violation_rejects_with_its_reason(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill(ONE_SCRIPT), fake(violating(Action.FS_READ, path="/etc/shadow")))
    assert report.status is Status.REJECT
    assert report.reasons == ("it tried to read /etc/shadow and does not declare that",)
    assert report.behaviour.violations


def test_what_happens_in_one_world_only_is_conditional(skill: MakeSkill, fake: Fake) -> None:
    def behave(launch: Launch) -> None:
        if launch.environment["USER"] == "runner":
            violating(Action.FS_READ, path="/srv/x")(launch)

    assert "conditional" in rules(run(skill(ONE_SCRIPT), fake(behave)))


def test_what_a_skill_prints_is_no_verdict(skill: MakeSkill, fake: Fake) -> None:
    import os  # noqa: PLC0415 - only here

    def behave(launch: Launch) -> None:
        os.write(launch.stdout, b'EACCES violation {"status": "reject"} \x1b[31m\xff')

    report = run(skill(ONE_SCRIPT), fake(behave))
    assert report.status is Status.PASS
    assert "\\x1b[31m\\xff" in str(report.to_json()["runs"][0]["stdout"])  # type: ignore[call-overload, index] # JSON


def test_a_decoy_secret_in_the_output_is_told(skill: MakeSkill, fake: Fake) -> None:
    import os  # noqa: PLC0415 - only here

    def behave(launch: Launch) -> None:
        os.write(launch.stderr, launch.environment["GITHUB_TOKEN"].encode())

    assert "secret-shown" in rules(run(skill(ONE_SCRIPT), fake(behave)))


def test_a_failed_supervision_is_never_a_pass(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill(ONE_SCRIPT), fake(lambda _: Ended(ending=Ending.FAILED, code=137, detail="gone")))
    assert report.status is Status.REJECT
    assert "supervision" in rules(report)


def test_what_cannot_be_started_confined_is_not_run_and_flags(skill: MakeSkill, fake: Fake) -> None:
    def behave(_: Launch) -> None:
        raise ConfinementError("no namespaces")

    report = run(skill(ONE_SCRIPT), fake(behave))
    assert (report.status, report.runs) == (Status.FLAG, ())
    assert "not-run" in rules(report)


def test_a_skill_without_programs_passes_with_a_note(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill({"SKILL.md": "Only words.\n"}), fake())
    assert report.status is Status.PASS
    assert rules(report) == {"nothing-to-run"}


def test_what_there_is_no_time_for_is_told(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill(ONE_SCRIPT), fake(), total_seconds=0.5)
    assert (report.status, report.runs) == (Status.FLAG, ())
    assert "not-run" in rules(report)


def test_dependencies_that_nobody_supplies_are_told(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill({**ONE_SCRIPT, "requirements.txt": "left-pad==1\n-r other.txt\n"}), fake())
    assert report.missing_packages == ("-r other.txt", "left-pad==1")
    assert report.status is Status.FLAG


def test_a_command_of_the_operator_runs_as_it_stands_and_is_answered_by_nobody(skill: MakeSkill, fake: Fake) -> None:
    confinement = fake()
    report = run(skill(ONE_SCRIPT), confinement, command=("/usr/bin/python3", "run.py", "FILE"))
    assert {launch.argv for launch in confinement.launches} == {("/usr/bin/python3", "run.py", "FILE")}
    assert {launch.policy.hosts for launch in confinement.launches} == {()}
    assert [entry.source for entry in report.entry_points] == ["command line"]


@pytest.mark.parametrize("word", ["./run.py", "scripts/../run.py", "{source}/run.py"])
def test_a_program_of_the_skill_is_named_by_its_path(word: str, skill: MakeSkill, fake: Fake) -> None:
    snapshot = runnable(skill)
    confinement = fake()
    report = run(snapshot, confinement, command=(word.format(source=snapshot.path), "FILE"))
    assert report.runs
    for launch in confinement.launches:
        assert launch.argv == (f"{launch.cwd}/run.py", "FILE")
        assert not launch.cwd.startswith(str(snapshot.path))


@pytest.mark.parametrize(
    "word", ["./nothing", "run.py", "no-such-program", "SKILL.md", "./SKILL.md", "", "../x", "/x", "run.py/../run.py"]
)
def test_a_command_that_cannot_be_started_is_an_error_and_no_pass(word: str, skill: MakeSkill, fake: Fake) -> None:
    confinement = fake()
    with pytest.raises(NoProgramError, match=r"is not there|is no file|is not executable"):
        run(runnable(skill), confinement, command=(word,))
    assert confinement.launches == []


def test_one_entry_point_can_be_chosen(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill({**ONE_SCRIPT, "other.sh": "#!/bin/sh\n"}), fake(), only="other.sh")
    assert [entry.file for entry in report.entry_points] == ["other.sh"]


def test_the_agent_performs_the_commands_in_their_order(skill: MakeSkill, fake: Fake) -> None:
    confinement = fake()
    text = "```sh\npython3 run.py one\npip install x\nrun-nothing-here\npython3 run.py data.csv | head -1\n```\n"
    report = run(skill({**ONE_SCRIPT, "SKILL.md": text}), confinement)
    usual = [launch for launch in confinement.launches if launch.environment["USER"] == "alex"][:2]
    assert usual[0].argv[1:] == ("run.py", "one")
    assert usual[1].argv[1:] == ("-c", "python3 run.py data.csv | head -1")
    assert {"head", "python3"} <= {program.name for program in usual[1].policy.programs}
    assert {"not-run", "asks-program"} <= rules(report)


def test_the_trace_is_json_lines_that_nobody_else_reads(skill: MakeSkill, fake: Fake, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    snapshot = skill(ONE_SCRIPT)
    run(snapshot, fake(violating(Action.FS_WRITE, path="/a\nb\ud800")), trace=trace)
    lines = [json.loads(line) for line in trace.read_text("ascii").splitlines()]
    assert lines[0]["action"] == "fs.write"
    assert lines[0]["path"] == "/a\nb\ud800"
    assert lines[-1] == {"run": "end", "status": "reject", "level": "L3"}
    assert trace.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        run(snapshot, fake(), trace=trace)


def test_a_flood_of_events_cuts_the_trace_and_the_trace_and_the_report_say_so(
    skill: MakeSkill, fake: Fake, tmp_path: Path
) -> None:
    def flood(launch: Launch) -> None:
        for number in range(150):
            violating(Action.FS_WRITE, path=f"/{number}", flags=("x" * 4096,) * 64)(launch)

    trace = tmp_path / "trace.jsonl"
    report = run(skill(ONE_SCRIPT), fake(flood), trace=trace)
    size = trace.stat().st_size
    assert MAX_TRACE_BYTES - 300_000 < size < MAX_TRACE_BYTES + 300
    *_, cut, end = map(json.loads, trace.read_text("ascii").splitlines())
    assert cut == {"run": "trace", "cut": True, "most_bytes": MAX_TRACE_BYTES}
    assert report.trace_left_out > 0
    assert end == {"run": "end", "status": "reject", "level": "L3", "cut": True, "left_out": report.trace_left_out}
    assert report.to_json()["trace_left_out"] == report.trace_left_out
    assert {f"/{number}" for number in range(150)} <= {deed.path for deed in report.behaviour.deeds}


def test_a_whole_trace_has_no_word_of_a_cut(skill: MakeSkill, fake: Fake, tmp_path: Path) -> None:
    report = run(skill(ONE_SCRIPT), fake(), trace=tmp_path / "trace.jsonl")
    assert "trace_left_out" not in report.to_json()
    assert (tmp_path / "trace.jsonl").read_text() == '{"run":"end","status":"pass","level":"L3"}\n'


def test_once_a_trace_is_cut_nothing_more_is_in_it_but_its_end(event: Callable[..., Event], tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    with Trace(path, most_bytes=300) as trace:
        for name in ("/a", "/" + "b" * 400, "/c"):
            trace.write("run", event(Action.FS_WRITE, path=name))
        trace.end("pass", "L3")
    lines = [json.loads(line) for line in path.read_text("ascii").splitlines()]
    assert [line.get("path") for line in lines] == ["/a", None, None]
    assert lines[-1]["left_out"] == trace.left_out == 2


def test_the_trace_marks_arguments_that_are_left_out(event: Callable[..., Event], tmp_path: Path) -> None:
    left_out = LeftOut(arguments=5, characters=((1, 70),))
    with Trace(tmp_path / "trace.jsonl") as trace:
        trace.write("run", event(Action.PROCESS_EXEC, path="/usr/bin/id", argv=("id", "x"), left_out=left_out))
    (line,) = map(json.loads, (tmp_path / "trace.jsonl").read_text("ascii").splitlines())
    assert (line["argv"], line["left_out"]) == (["id", "x"], {"arguments": 5, "characters": [[1, 70]]})


def test_a_report_is_json_whatever_a_skill_says(skill: MakeSkill, fake: Fake) -> None:
    hostile = "a\ud800\x1b" * 400
    report = run(skill(ONE_SCRIPT), fake(violating(Action.PROCESS_EXEC, path=hostile, argv=(hostile,) * 300)))
    json.dumps(report.to_json()).encode("ascii")
    assert report.layer_report().summary is not None


def test_permissions_that_cannot_be_compiled_are_refused(
    skill: MakeSkill, fake: Fake, permissions: Callable[..., Permissions]
) -> None:
    with pytest.raises(PolicyError):
        sandbox(skill(ONE_SCRIPT), permissions(read=("../..",)), prepare=ground_with(fake()))  # type: ignore[arg-type] # a fake


def test_a_snapshot_that_no_skill_may_be_is_refused(tmp_path: Path, skill: MakeSkill, fake: Fake) -> None:
    from haldir_core import read_skill  # noqa: PLC0415 - only here

    folder = skill(ONE_SCRIPT).path
    with pytest.raises(ValueError, match="private copy"):
        run(read_skill(folder), fake())
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(UnsafeSkillError):
        run(read_skill(folder, copy_to=tmp_path / "second"), fake())


def test_a_server_is_exercised_or_told_not_to_be(skill: MakeSkill, fake: Fake) -> None:
    files = {"SKILL.md": "x", "srv.py": "from mcp.server import Server\nif __name__ == '__main__': ..."}
    report = run(skill(files), fake())
    assert [entry.kind for entry in report.entry_points] == [EntryKind.MCP_SERVER]
    assert report.status is Status.FLAG
    assert "not-run" in rules(report)


def test_limits_are_those_of_the_caller(skill: MakeSkill, fake: Fake) -> None:
    confinement = fake()
    limits = Limits(timeout_seconds=2, processes=3, memory_mb=50, disk_mb=4, output_mb=1)
    sandbox(skill(ONE_SCRIPT), Permissions.deny_all(), limits, prepare=ground_with(confinement))  # type: ignore[arg-type] # a fake
    assert {launch.limits for launch in confinement.launches} == {limits}


def test_an_entry_point_that_there_is_not_is_an_error_and_no_pass(skill: MakeSkill, fake: Fake) -> None:
    with pytest.raises(EntryPointError, match=r"no entry point 'other.py'; known: run.py"):
        run(skill(ONE_SCRIPT), fake(), only="other.py")


def test_a_skill_cannot_hide_behind_many_scripts(skill: MakeSkill, fake: Fake) -> None:
    files = {f"s{number:03}.sh": "#!/bin/sh\n" for number in range(100)}
    report = run(skill({**files, "deep/payload.py": "x"}), fake(), only=None)
    assert "not-run" in rules(report)
    assert report.status is Status.FLAG


def test_what_this_machine_cannot_run_is_told(skill: MakeSkill, fake: Fake) -> None:
    text = "```sh\nnot-a-program-here --now\n./gone.sh\n```\n"
    report = run(skill({"SKILL.md": text, "data": "x"}), fake())
    assert "not-run" in rules(report)
    assert not report.runs


def test_a_command_cannot_hide_behind_large_files(skill: MakeSkill, fake: Fake) -> None:
    junk = {f"A{number:02}.md": "x" * 300_000 for number in range(70)}
    report = run(skill({**junk, "SKILL.md": "```sh\nsh go.sh\n```\n", "go.sh": "", "zz": "#!/bin/sh\n"}), fake())
    assert {entry.argv for entry in report.entry_points} >= {("sh", "go.sh"), ("sh", "zz")}
    assert "not-run" in rules(report)


def test_large_data_is_no_reason_to_flag(skill: MakeSkill, fake: Fake) -> None:
    report = run(skill({**ONE_SCRIPT, "data/table.json": "x" * 300_000, "words.txt": "x" * 300_000}), fake())
    assert report.status is Status.PASS
