"""A command that needs little of SchemaPin does not wait for the rest of it."""

import subprocess
import sys

import pytest

HEAVY = ("aiohttp", "asyncio", "cryptography", "dns", "sqlite3", "ssl")


def _loaded(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["haldir_sdk", "haldir_sdk.schemapin", "haldir_core.schemapin"])
def test_a_package_loads_nothing_when_it_is_imported(package: str) -> None:
    assert _loaded(f"import {package}").isdisjoint(HEAVY)


def test_the_help_of_the_commands_loads_nothing_that_they_need() -> None:
    loaded = _loaded("from haldir_cli.main import main; main(['schemapin', '--help'])")
    assert loaded.isdisjoint({*HEAVY, "haldir_sdk", "haldir_core.schemapin"})
