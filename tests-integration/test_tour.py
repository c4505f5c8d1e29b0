"""The tour of scripts/quickstart goes as it must, and says so where the kernel offers less."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[1]
TOUR = TREE / "examples" / "tour.py"
# Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h
SECCOMP = {"x86_64": 317, "aarch64": 277}[platform.machine()]
WITHOUT = {
    "namespaces": f"sys.path.insert(0, {str(TREE / 'tests-integration' / 'escapes')!r})\n"
    "from runners import refuse_namespaces\n"
    "refuse_namespaces()\n",
    "seccomp": f"""
import ctypes, struct
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, {SECCOMP}), (0x06, 0, 0, 0x00050026), (0x06, 0, 0, 0x7FFF0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
described = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(rows), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, described) == 0
""",
}


def _take(first: str, folder: Path) -> str:
    code = f"import runpy, sys\n{first}\nsys.argv = [{str(TOUR)!r}]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    environment = {**os.environ, "COLUMNS": "120", "TMPDIR": str(folder)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "Everything went as it must." in run.stdout
    return run.stdout


def test_it_shows_a_blocked_read_and_a_blocked_connection(tmp_path: Path) -> None:
    shown = _take("", tmp_path)
    for line in (
        "fs.read ~/letters/private.txt: deny",
        "net.connect 127.0.0.1:",
        "unchanged: 3 runs",
        "NOT VALID: 3 runs",
    ):
        assert line in shown
    assert "This machine reaches level" not in shown


@pytest.mark.parametrize(("lacking", "level", "runs"), [("namespaces", "L2", True), ("seccomp", "none", False)])
def test_where_the_kernel_offers_less_it_says_what_is_missing_and_shows_the_refusal(
    tmp_path: Path, lacking: str, level: str, *, runs: bool
) -> None:
    shown = _take(WITHOUT[lacking], tmp_path)
    assert "refused, nothing was run" in shown
    assert f"This machine reaches level {level}. Missing:" in shown
    assert ("fs.read ~/letters/private.txt: deny" in shown) == runs


def test_it_vets_by_all_layers_and_says_that_the_models_were_not_asked(tmp_path: Path) -> None:
    shown = _take("", tmp_path)
    for line in (
        "csv-profiler: APPROVED",
        "sandbox_execution: pass",
        "llm_audit: pass",
        "answers of the models are recordings",
    ):
        assert line in shown
    [page] = tmp_path.glob("haldir-report-*/csv-profiler.html")
    assert f"to open in a browser: {page}" in shown
    assert b"answers of the models are recordings" in page.read_bytes()
