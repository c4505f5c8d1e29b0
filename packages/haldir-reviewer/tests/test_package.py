import subprocess
import sys

import haldir_reviewer


def test_what_is_exported_is_there_and_sorted() -> None:
    assert haldir_reviewer.__all__ == sorted(haldir_reviewer.__all__, key=lambda name: (not name.isupper(), name))
    for name in haldir_reviewer.__all__:
        assert getattr(haldir_reviewer, name) is not None
        assert name in dir(haldir_reviewer)


def test_the_import_is_cheap() -> None:
    heavy = "aiohttp", "asyncio", "cryptography", "ssl", "haldir_core"
    code = f"import sys, haldir_reviewer; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
