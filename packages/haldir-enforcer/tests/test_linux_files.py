# The class of the fixture is in conftest, which tests cannot import.
# ruff: noqa: ANN401

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest

from haldir_enforcer.events import Action, By, Class, Decision

WRITES: dict[str, Any] = {"filesystem": {"read": [], "write": ["out"]}}

TRY = """
import os, sys, ctypes
def attempt(do):
    try: do()
    except OSError as error: print("REFUSED", error.errno)
    else: print("DONE")
"""


def test_a_granted_file_is_read_and_recorded(skill: Any) -> None:
    outcome = skill.python("print(open('data.txt').read())")
    assert outcome.output.strip() == "data"
    assert outcome.ended.code == 0
    assert str(skill.root / "data.txt") in {event.path for event in outcome.of(Action.FS_READ, Decision.ALLOW)}
    assert not outcome.violations


@pytest.mark.parametrize(
    "way",
    [
        "open({secret!r})",
        "open('../outside/secret')",
        "open('/proc/self/root' + {secret!r})",
        "open('/proc/self/cwd/../outside/secret')",
        "open('/proc/thread-self/root' + {secret!r})",
        "open(f'/proc/{{os.getpid()}}/root' + {secret!r})",
        "open('//proc//self//root' + {secret!r})",
        "os.open('secret', os.O_RDONLY, dir_fd=os.open({outside!r}, os.O_PATH))",
        "open('/proc/self/fd/' + str(os.open({secret!r}, os.O_PATH)))",
        "open('/dev/fd/' + str(os.open({secret!r}, os.O_PATH)))",
        "(os.chdir({outside!r}), open('secret'))",
        "(os.symlink({secret!r}, 'out/link'), open('out/link'))",
        "(os.symlink('/proc/self/root' + {secret!r}, 'out/link'), open('out/link'))",
        "(os.symlink({outside!r}, 'out/folder'), open('out/folder/secret'))",
        "(os.link({secret!r}, 'out/hard'), open('out/hard'))",
        "os.listdir({outside!r})",
    ],
)
def test_no_detour_leads_to_a_secret(skill: Any, way: str) -> None:
    outside = skill.root.parent / "outside"
    call = way.format(secret=str(outside / "secret"), outside=str(outside))
    outcome = skill.python(f"{TRY}\nattempt(lambda: {call})", declared=WRITES)
    assert "REFUSED" in outcome.output
    assert "DONE" not in outcome.output
    if ("os.O_PATH" not in way and "chdir" not in way) or skill.namespaces.value == "never":
        assert outcome.violations


@pytest.mark.parametrize(
    "change",
    [
        "open('data.txt', 'w')",
        "open('data.txt', 'a')",
        "os.open('data.txt', os.O_RDWR)",
        "os.open('data.txt', os.O_RDONLY | os.O_TRUNC)",
        "open('new', 'w')",
        "os.unlink('data.txt')",
        "os.rename('data.txt', 'out/moved')",
        "os.rename('out', 'other')",
        "os.mkdir('new')",
        "os.symlink('data.txt', 'link')",
        "os.truncate('data.txt', 0)",
        "os.chmod('data.txt', 0o777)",
        "os.chmod('.', 0o777)",
        "os.fchmod(os.open('data.txt', os.O_RDONLY), 0o777)",
        "os.chown('data.txt', os.getuid(), os.getgid())",
        "os.fchown(os.open('data.txt', os.O_RDONLY), os.getuid(), os.getgid())",
        "os.utime('data.txt', (1, 1))",
        "os.utime(os.open('data.txt', os.O_RDONLY), (1, 1))",
        "os.setxattr('data.txt', 'user.x', b'1')",
        "os.mkfifo('pipe')",
        "os.mknod('node')",
        "os.open(f'/proc/self/fd/{os.open(\"data.txt\", os.O_RDONLY)}', os.O_WRONLY)",
        "open('out/../data.txt', 'w')",
        "(os.symlink('../data.txt', 'out/link'), open('out/link', 'w'))",
        "(os.symlink('../new', 'out/dangling'), open('out/dangling', 'w'))",
        "(os.symlink('..', 'out/up'), os.unlink('out/up/data.txt'))",
        "os.open('.', os.O_TMPFILE | os.O_WRONLY)",
    ],
)
def test_nothing_outside_of_the_write_grant_changes(skill: Any, change: str) -> None:
    before = (skill.root / "data.txt").stat()
    outcome = skill.python(f"{TRY}\nattempt(lambda: {change})", declared=WRITES)
    after = (skill.root / "data.txt").stat()
    assert "REFUSED" in outcome.output, outcome.output
    assert (skill.root / "data.txt").read_text() == "data\n"
    assert (before.st_mode, before.st_mtime, before.st_nlink) == (after.st_mode, after.st_mtime, after.st_nlink)
    assert sorted(path.name for path in skill.root.iterdir()) == ["data.txt", "out"]
    assert outcome.violations


@pytest.mark.parametrize(
    "move",
    [
        "os.chdir(outside)",
        "os.fchdir(os.open(outside, os.O_PATH))",
        "(os.chdir('out'), os.chdir(f'{outside}/../outside'))",
        "(thread := threading.Thread(target=lambda: os.chdir(outside)), thread.start(), thread.join())",
        "(thread := threading.Thread(target=lambda: (os.chdir(outside), os.stat('/'))), thread.start(), thread.join())",
    ],
)
def test_the_same_name_in_another_current_folder_is_another_file(lone_skill: Any, move: str) -> None:
    outside = lone_skill.root.parent / "outside"
    (outside / "data.txt").write_text("SECRET\n")
    outcome = lone_skill.python(
        f"{TRY}\nimport threading\noutside = {str(outside)!r}\nfor _ in range(3): open('data.txt').close()\n{move}\n"
        "attempt(lambda: open('data.txt').read())\nattempt(lambda: open('new', 'w'))"
    )
    assert outcome.output.split() == ["REFUSED", "13"] * 2
    assert {event.path for event in outcome.violations} == {str(outside / "data.txt"), str(outside / "new")}


def test_every_process_has_a_current_folder_of_its_own(skill: Any) -> None:
    outcome = skill.python(
        f"{TRY}\nopen('data.txt').close()\nif os.fork() == 0:\n    os.chdir('out')\n    open('mine', 'w').close()\n"
        "    os._exit(0)\nos.wait()\nopen('data.txt').close()\nos.chdir('out')\nprint(os.listdir())\nos.unlink('mine')",
        declared=WRITES,
    )
    assert outcome.output.strip() == "['mine']"
    assert not outcome.violations
    assert not list((skill.root / "out").iterdir())


def test_a_readable_file_is_not_linked_to_where_it_could_be_written(skill: Any) -> None:
    outcome = skill.python(f"{TRY}\nattempt(lambda: os.link('data.txt', 'out/hard'))", declared=WRITES)
    assert "REFUSED 18" in outcome.output  # as between two file systems: whoever wanted to save a copy makes one
    assert (skill.root / "data.txt").stat().st_nlink == 1
    (event,) = outcome.of(Action.FS_LINK)
    assert (event.decision, event.kind) == (Decision.DENY, Class.AMBIENT)


def test_everything_inside_of_the_write_grant_works(skill: Any) -> None:
    outcome = skill.python(
        """
import os, tempfile
os.umask(0o027)
os.chdir('out')
with open('a', 'w') as f: f.write('hello')
assert open('a').read() == 'hello'
with open('a', 'a') as f: f.write(' world')
with open('a', 'r+') as f: f.truncate(5)
os.mkdir('d'); os.mkdir('d/e')
os.rename('a', 'd/b')
os.link('d/b', 'd/c'); os.symlink('d/b', 's')
assert open('s').read() == 'hello' == open('d/c').read()
os.chmod('d/b', 0o600); os.utime('d/b', (5, 5)); os.truncate('d/c', 4)
assert os.stat('d/b').st_mtime != 0
os.mkfifo('p')
fd = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600); os.write(fd, b'x')
d = os.open('d', os.O_RDONLY)
os.rename('b', 'bb', src_dir_fd=d, dst_dir_fd=d)
os.unlink('c', dir_fd=d)
os.rmdir('d/e')
with open('s', 'w') as f: pass
try: open('s')
except FileNotFoundError: print('dangling')
os.replace('d/bb', 'a')
for name in ('s', 'p', 'd/b'): os.path.lexists(name) and os.unlink(name)
os.rmdir('d')
print(sorted(os.listdir('.')), oct(os.stat('a').st_mode), 'fine')
""",
        declared={"filesystem": {"read": ["out"], "write": ["out"]}},
    )
    assert "fine" in outcome.output, outcome.output
    assert not outcome.violations


def test_a_new_file_has_the_mode_that_the_caller_asked_for(skill: Any) -> None:
    skill.python(
        "import os\nos.umask(0o027)\nos.close(os.open('out/a', os.O_CREAT | os.O_WRONLY, 0o666))", declared=WRITES
    )
    assert stat.S_IMODE((skill.root / "out" / "a").stat().st_mode) == 0o640


def test_a_pattern_is_held_exactly(skill: Any) -> None:
    (skill.root.parent / "outside" / "notes.md").write_text("notes\n")
    outside = skill.root.parent / "outside"
    outcome = skill.python(
        f"print(open('{outside}/notes.md').read())\n{TRY}\nattempt(lambda: open('{outside}/secret'))",
        declared={"filesystem": {"read": [f"{outside}/*.md"], "write": []}},
    )
    assert "notes" in outcome.output
    assert "REFUSED 13" in outcome.output
    allowed = [event for event in outcome.of(Action.FS_READ, Decision.ALLOW) if (event.path or "").endswith("notes.md")]
    assert [event.by for event in allowed] == [By.SUPERVISOR]


def test_agent_state_inside_of_a_write_grant_is_not_written(skill: Any) -> None:
    (skill.root / "out" / "AGENTS.md").write_text("agent\n")
    (skill.root / "out" / "keep").mkdir()
    (skill.root / "out" / "keep" / "AGENTS.md").write_text("agent\n")
    outcome = skill.python(
        f"""{TRY}
attempt(lambda: open('out/AGENTS.md', 'w'))
attempt(lambda: os.unlink('out/AGENTS.md'))
open('out/x', 'w').close()
attempt(lambda: os.rename('out/x', 'out/AGENTS.md'))
attempt(lambda: os.rename('out/keep', 'out/gone'))
attempt(lambda: os.link('out/x', 'out/keep/CLAUDE.md'))
""",
        declared=WRITES,
    )
    assert outcome.output.split() == ["REFUSED", "13"] * 5, outcome.output
    assert (skill.root / "out" / "keep" / "AGENTS.md").read_text() == "agent\n"


@pytest.mark.parametrize(
    "way",
    [
        "os.symlink('plain', 'out/.vscode')",
        "os.symlink('plain', 'out/.CONFIG')",
        "(os.symlink('plain', 'out/link'), os.rename('out/link', 'out/.github'))",
        "(os.symlink('plain', 'out/link'), os.link('out/link', 'out/.github', follow_symlinks=False))",
        "(os.makedirs('out/t/deep'), os.symlink('..', 'out/t/deep/share'), os.rename('out/t/deep', 'out/.local'))",
    ],
)
def test_no_link_puts_a_plain_file_where_an_agent_looks(skill: Any, way: str) -> None:
    (skill.root / "out" / "plain").mkdir(parents=True)
    outcome = skill.python(f"{TRY}\nopen('out/plain/mcp.json', 'w').close()\nattempt(lambda: {way})", declared=WRITES)
    assert outcome.output.split() == ["REFUSED", "13"], outcome.output
    assert outcome.violations


def test_links_of_other_names_are_made_and_renamed(skill: Any) -> None:
    (skill.root / "out").mkdir(exist_ok=True)
    outcome = skill.python(
        "import os\nos.mkdir('out/share')\nos.symlink('share', 'out/latest')\nos.rename('out/latest', 'out/current')\n"
        "os.mkdir('out/.vscode')\nopen('out/.vscode/settings.json', 'w').close()\nprint('DONE')",
        declared=WRITES,
    )
    assert (outcome.output.split(), list(outcome.violations)) == (["DONE"], [])


@pytest.mark.parametrize(
    "way",
    [
        "(os.rmdir('out'), os.symlink('elsewhere', 'out'))",
        "os.symlink('elsewhere', 'out/read')",
        "(os.symlink('elsewhere', 'out/link'), os.rename('out/link', 'out/read'))",
        "(os.mkdir('out/tree'), os.symlink('x', 'out/tree/file'), os.rename('out/tree', 'out/deep'))",
    ],
)
def test_no_link_leads_the_grants_of_the_next_run_elsewhere(skill: Any, way: str) -> None:
    outcome = skill.python(
        f"{TRY}\nattempt(lambda: {way})",
        declared={"filesystem": {"read": ["out/read", "out/deep/file"], "write": ["out"]}},
    )
    assert outcome.output.split() in (["REFUSED", "13"], ["REFUSED", "30"]), (
        outcome.output
    )  # or it is a place of a mount
    assert not (skill.root / "out").is_symlink()


def test_the_program_has_the_umask_of_its_caller(skill: Any) -> None:
    before = os.umask(0o027)
    try:
        outcome = skill.python(
            "import os\nopen('out/file', 'w').close()\nos.mkdir('out/folder')\n"
            "print(oct(os.stat('out/file').st_mode), oct(os.stat('out/folder').st_mode), oct(os.umask(0)))",
            declared=WRITES,
        )
    finally:
        os.umask(before)
    assert outcome.output.split() == ["0o100640", "0o40750", "0o27"], outcome.output


def test_a_semaphore_with_a_name_of_its_own_is_refused_and_no_violation(skill: Any) -> None:
    code = "attempt(lambda: os.open('/dev/shm/sem.application', os.O_RDWR | os.O_CREAT | os.O_EXCL))"
    outcome = skill.python(f"{TRY}\nimport os\n{code}", declared=WRITES)
    assert outcome.output.split() == ["REFUSED", "13"], outcome.output
    assert not outcome.violations


def test_a_path_at_a_bad_address_is_refused_as_by_the_kernel(skill: Any) -> None:
    outcome = skill.python(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "for address in (None, ctypes.c_void_p(8), ctypes.c_void_p(2**64 - 4096)):\n"
        "    print(libc.open(address, 0), ctypes.get_errno(), libc.execve(address, None, None), ctypes.get_errno())\n"
        "print(libc.unlink(None), libc.connect(0, None, 16), open('data.txt').read())",
        declared=WRITES,
    )
    assert outcome.output.split() == ["-1", "14"] * 6 + ["-1", "-1", "data"], outcome.output
    assert outcome.ended.code == 0


def test_a_folder_whose_files_cannot_be_seen_is_not_renamed(skill: Any) -> None:
    (skill.root / "out" / ".local" / "share" / "keyrings").mkdir(parents=True)
    outcome = skill.python(
        f"{TRY}\nos.chmod('out/.local/share', 0o300)\nattempt(lambda: os.rename('out/.local', 'out/plain'))",
        declared=WRITES,
    )
    assert outcome.output.split() == ["REFUSED", "13"], outcome.output


def test_the_vault_is_not_read(skill: Any) -> None:
    (skill.root / ".vault").mkdir()
    (skill.root / ".vault" / "attestation.json").write_text("{}")
    outcome = skill.python(f"{TRY}\nattempt(lambda: open('.vault/attestation.json'))\nprint(open('data.txt').read())")
    assert "REFUSED 13" in outcome.output
    assert "data" in outcome.output


def test_the_environment_of_the_outside_is_not_read(skill: Any) -> None:
    outcome = skill.python(
        f"""{TRY}
attempt(lambda: open('/proc/{os.getpid()}/environ'))
attempt(lambda: open('/proc/1/environ'))
attempt(lambda: open(f'/proc/{{os.getppid()}}/environ'))
attempt(lambda: open('/proc/self/mem'))
print(len(open('/proc/self/environ').read()) > 0)
"""
    )
    assert outcome.output.count("REFUSED") == 4, outcome.output
    assert "True" in outcome.output


@pytest.mark.parametrize(
    "way", ["open({outside!r} + '/new', 'w')", "os.mkdir({outside!r} + '/new')", "os.unlink({outside!r} + '/secret')"]
)
def test_what_is_tried_on_hidden_folders_is_a_violation_too(skill: Any, way: str) -> None:
    outside = skill.root.parent / "outside"
    outcome = skill.python(f"{TRY}\nattempt(lambda: {way.format(outside=str(outside))})", declared=WRITES)
    assert "REFUSED" in outcome.output
    assert outcome.violations
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_names_outside_are_hidden_where_there_are_namespaces(skill: Any) -> None:
    outside = skill.root.parent / "outside"
    outcome = skill.python(f"import os\nprint(os.path.exists('{outside}/secret'), os.path.exists('/etc/shadow'))")
    assert outcome.output.split() == (["False"] * 2 if skill.namespaces.value == "required" else ["True"] * 2)


def test_inherited_descriptors_are_closed(skill: Any, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "outside" / "secret", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        outcome = skill.python(f"{TRY}\nattempt(lambda: os.read({descriptor}, 10))\nprint(os.listdir('/proc/self/fd'))")
    finally:
        os.close(descriptor)
    assert "REFUSED 9" in outcome.output
    assert "['0', '1', '2', '3']" in outcome.output


def test_made_up_files_show_nobody_else(skill: Any) -> None:
    outcome = skill.python(
        "print(open('/etc/passwd').read(), open('/etc/hosts').read(), open('/etc/resolv.conf').read())"
    )
    assert "skill:x" in outcome.output or "root:x:0" in outcome.output
    assert "daemon" not in outcome.output
    assert "use-vc" in outcome.output


def test_a_pipe_is_opened_again_through_its_number(skill: Any) -> None:
    outcome = skill.python(
        "import os\nr, w = os.pipe()\nos.write(w, b'through')\nprint(open(f'/dev/fd/{r}', 'rb', 0).read(7))"
    )
    assert "through" in outcome.output
    assert not outcome.violations


def test_a_writer_that_races_the_check_gains_nothing(skill: Any) -> None:
    secret = str(skill.root.parent / "outside" / "secret")
    outcome = skill.python(
        f"""
import ctypes, threading, os, time
libc = ctypes.CDLL(None, use_errno=True)
good, bad = b'data.txt'.ljust(200, b'\\0'), {secret!r}.encode().ljust(200, b'\\0')
path = ctypes.create_string_buffer(good, 201)
stop = False
def rewrite():
    while not stop:
        ctypes.memmove(path, bad, 200); ctypes.memmove(path, good, 200)
thread = threading.Thread(target=rewrite); thread.start()
end = time.monotonic() + 1.5
won = 0
while time.monotonic() < end:
    fd = libc.open(path, 0)
    if fd >= 0:
        won += b'SECRET' in os.read(fd, 100)
        os.close(fd)
stop = True; thread.join()
print('won', won)
"""
    )
    assert "won 0" in outcome.output, outcome.output


def test_no_file_lends_its_owners_rights(skill: Any) -> None:
    outcome = skill.python(
        f"""{TRY}
os.close(os.open('out/a', os.O_CREAT | os.O_WRONLY, 0o6755))
attempt(lambda: os.chmod('out/a', 0o4755))
attempt(lambda: os.fchmod(os.open('out/a', os.O_WRONLY), 0o2755))
attempt(lambda: os.mknod('out/n', 0o6755))
""",
        declared=WRITES,
    )
    assert outcome.output.split()[:4] == ["REFUSED", "1", "REFUSED", "1"]
    for path in (skill.root / "out").iterdir():
        assert not path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)


def test_a_skill_in_shared_memory_is_read_there(skill: Any) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="haldir-test-") as folder:
        root = Path(folder, "skill")
        root.mkdir()
        (root / "data.txt").write_text("from shared memory\n")
        Path(folder, "beside").write_text("SECRET\n")
        code = "print(open('data.txt').read())\ntry: print(open('../beside').read())\nexcept OSError: print('REFUSED')"
        outcome = type(skill)(root, skill.namespaces).python(code)
    assert outcome.output.split("\n")[0::2] == ["from shared memory", "REFUSED"]
