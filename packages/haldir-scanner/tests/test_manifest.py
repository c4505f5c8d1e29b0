import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner._configuration._manifest import examine
from haldir_scanner._configuration._mistakable import NODE, PYTHON, Names

MOST_SECONDS = 10  # of processor time: what is quadratic takes minutes for a megabyte; speed is for benchmarks
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _rules(path: str, text: str) -> set[str]:
    return {found.rule for found in examine(path, text.encode())}


def _lock(*addresses: str) -> str:
    usual = [f"https://npm.example/{number}.tgz" for number in range(12)]
    return json.dumps({"packages": {address: {"resolved": address} for address in (*usual, *addresses)}})


def _script(dependencies: str) -> str:
    return f"#!/usr/bin/env python3\n# /// script\n# dependencies = {dependencies}\n# ///\nprint(1)\n"


@pytest.mark.parametrize(
    ("path", "text", "rules"),
    [
        ("package.json", '{"dependencies": {"yaml": "*"}}', {"manifest_unpinned_deps"}),
        ("package.json", '{"devDependencies": {"yaml": 2}}', {"manifest_unpinned_deps"}),
        ("package.json", '{"dependencies": {"tool": "git+https://git.example/tool.git"}}', {"manifest_git_url_dep"}),
        ("package.json", '{"dependencies": {"tool": "https://files.example/tool.tgz"}}', {"manifest_protocol_dep"}),
        ("package.json", '{"dependencies": {"node-gyp": "10.0.0"}}', {"manifest_native_addon"}),
        ("package.json", '{"gypfile": true}', {"manifest_native_addon"}),
        ("package.json", '{"dependencies": {"expres": "1.0.0"}}', {"manifest_typosquat"}),
        ("package.json", '{"dependencies": {', {"manifest_unreadable"}),
        ("package.json", "[" * 100_000, {"manifest_unreadable"}),
        ("package-lock.json", _lock("https://other.example/a.tgz"), {"lock_foreign_host"}),
        ("package-lock.json", _lock("http://npm.example/a.tgz"), {"lock_plaintext"}),
        ("npm-shrinkwrap.json", "{", {"manifest_unreadable"}),
        ("requirements.txt", "reqeusts==2.0", {"python_typosquat"}),
        ("requirements-dev.txt", "python_dateutils==2.0", {"python_typosquat"}),
        ("requirements/base.txt", "Panads>=2 ; python_version > '3'", {"python_typosquat"}),
        ("constraints.txt", "beautifulsoup5==1", {"python_typosquat"}),
        ("requirements.txt", "tool", {"requirement_unpinned"}),
        ("requirements.txt", "tool[all] ; python_version > '3'", {"requirement_unpinned"}),
        ("requirements.txt", "git+https://git.example/tool.git@main", {"python_direct_dependency"}),
        ("requirements.txt", "-e git+https://git.example/tool.git#egg=tool", {"python_direct_dependency"}),
        ("requirements.txt", "tool @ https://files.example/tool.whl", {"python_direct_dependency"}),
        ("requirements.txt", "-e ../tool", {"dependency_outside_skill"}),
        ("requirements.txt", "tool @ file:///opt/tool", {"dependency_outside_skill"}),
        ("requirements.txt", "--index-url=https://packages.example/simple", {"package_index_redirect"}),
        ("requirements.txt", "-f https://packages.example/", {"package_index_redirect"}),
        ("requirements.txt", "--trusted-host packages.example", {"package_tls_disabled"}),
        ("requirements.txt", "a==1\n" * 3_000 + "reqeusts==2.0", {"python_typosquat"}),
        ("pyproject.toml", "[project]\ndependencies = ['nunpy>=1']", {"python_typosquat"}),
        ("pyproject.toml", "[project.optional-dependencies]\nx = ['nunpy>=1']", {"python_typosquat"}),
        ("pyproject.toml", "[dependency-groups]\nx = ['nunpy>=1', {include-group = 'y'}]", {"python_typosquat"}),
        ("pyproject.toml", "[build-system]\nrequires = ['setuptolls>=1']", {"python_typosquat"}),
        ("pyproject.toml", "[tool.poetry.dependencies]\npython = '*'\ntool = '*'", {"requirement_unpinned"}),
        ("pyproject.toml", "[tool.poetry.group.dev.dependencies]\nnunpy = '^1'", {"python_typosquat"}),
        ("pyproject.toml", "[tool.uv.sources]\nx = {git = 'https://git.example/x'}", {"python_direct_dependency"}),
        ("pyproject.toml", "[[tool.uv.index]]\nurl = 'https://packages.example'", {"package_index_redirect"}),
        ("pyproject.toml", "[[tool.poetry.source]]\nurl = 'https://packages.example'", {"package_index_redirect"}),
        ("Pipfile", "[packages]\nnunpy = '==1'\n", {"python_typosquat"}),
        (
            "Pipfile",
            "[[source]]\nurl = 'https://a.example'\n[[source]]\nurl = 'https://b.example'",
            {"package_index_redirect"},
        ),
        ("Pipfile", "[", {"manifest_unreadable"}),
        ("run.py", _script("['reqeusts==1']"), {"python_typosquat"}),
    ],
)
def test_dependencies_that_deserve_a_look_are_found(path: str, text: str, rules: set[str]) -> None:
    assert _rules(path, text) == rules


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("package.json", '{"dependencies": {"got": "1.0.0", "tap": "1.0.0", "preact": "1.0.0", "express": "1.0.0"}}'),
        ("package.json", '{"dependencies": {"tool": "file:./vendor/tool"}, "size": ' + "1" * 5_000 + "}"),
        ("package.json", "null"),
        ("package-lock.json", _lock()),
        (
            "package-lock.json",
            '{"packages": {"a": {"resolved": "https://a.example/a"}, "b": {"resolved": "https://b.example/b"}}}',
        ),
        ("package-lock.json", '{"packages": []}'),
        (
            "requirements.txt",
            "# reqeusts\n-r other.txt\n--pre\nrequests==2.0 --hash=sha256:00\nattr==1\npsycopg>=3\nPyYAML~=6.0\n",
        ),
        ("requirements.txt", f"tool @ git+https://git.example/tool@{COMMIT}\n-e .\n./vendor/tool\n"),
        (
            "pyproject.toml",
            "[project]\nname = 'x'\ndependencies = ['requests>=2', 'pandas==2']\n[tool.uv.sources]\nx = {path = './x'}",
        ),
        ("pyproject.toml", "["),
        ("Pipfile", "[[source]]\nurl = 'https://a.example'\n[packages]\nrequests = '==2'\n"),
        ("run.py", _script("['requests']")),
        ("run.py", "# /// script\n# dependencies = [\n"),
        ("run.py", "# /// script\n# x = [\n# ///\n"),
        ("notes.txt", "reqeusts"),
        ("SKILL.md", "git+https://git.example/tool.git"),
    ],
)
def test_ordinary_dependencies_have_no_finding(path: str, text: str) -> None:
    assert _rules(path, text) == set()


def test_a_finding_has_its_place() -> None:
    (found,) = examine("requirements.txt", "# \U0001f600\n  reqeusts==1\n".encode())
    assert (found.place.line, found.place.column, found.place.excerpt) == (2, 2, "reqeusts==1")
    (found,) = examine("package.json", b'{"dependencies": {\n  "expres": "1.0.0"\n}}')
    assert (found.place.line, found.place.column) == (2, 2)


@pytest.mark.parametrize("names", [NODE, PYTHON], ids=["node", "python"])
def test_no_popular_or_real_name_is_mistaken_for_another(names: Names) -> None:
    assert not any(map(names.is_mistakable, names.popular | names.real))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reqests", True),
        ("requestss", True),
        ("requesta", True),
        ("erquests", True),
        ("request", True),
        ("requests2x", False),
        ("flask-login", False),
        ("rich", False),
        ("x" * 101, False),
    ],
)
def test_one_slip_is_a_letter_more_less_other_or_exchanged(name: str, *, expected: bool) -> None:
    assert PYTHON.is_mistakable(name) is expected


PATHS = ["package.json", "package-lock.json", "requirements.txt", "pyproject.toml", "Pipfile", "run.py"]
_PIECES = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            '"dependencies"',
            ":",
            '"a"',
            ",",
            "\n",
            " ",
            "a",
            "=",
            "'",
            "git+",
            "https://",
            "@",
            "-e ",
            "../",
        ),
        *(
            '"packages"',
            '"resolved"',
            "[project]\n",
            "dependencies",
            "null",
            "1",
            "# /// script\n",
            "# ///\n",
            "# ",
            "[[source]]\n",
        ),
    ]
)


@pytest.mark.parametrize("path", PATHS)
@given(data=st.one_of(st.binary(), st.lists(_PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode())))
def test_any_bytes_are_examined(path: str, data: bytes) -> None:
    list(examine(path, data))


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", PATHS)
def test_a_hostile_megabyte_takes_no_longer_than_an_honest_one(path: str) -> None:
    many = "".join(f'"{number:05}": "*",' for number in range(60_000))
    slips = "'reqeusts'," * 20_000
    wholes = [f'{{"dependencies": {{{many} "a": "1"}}}}', f"[project]\ndependencies = [{slips}]"]
    units = ("a.", "[", "{", "a@", "reqeusts\n", "-e ", "a=", "# /// script\n", " ", "git+", "[a", "a.b=1\n")
    for text in (*wholes, *(unit * ((1 << 20) // len(unit)) for unit in units)):
        begin = time.process_time()
        list(examine(path, text.encode()))
        assert time.process_time() - begin < MOST_SECONDS
