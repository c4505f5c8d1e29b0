from collections.abc import Callable
from pathlib import Path

import pytest
from pip_requirements_parser import RequirementsFile  # type: ignore[import-untyped]

from haldir_auditor.supply import Dependency, Manifest, Origin, Scope, Supply

Read = Callable[[dict[str, str | bytes]], Supply]
Named = Callable[[Manifest, str], Dependency]

LINES = """\
# a comment
requests[socks,use]==2.31.0 ; python_version < "3.9"
numpy >= 1.2, < 3  # why
Django~=4.2
flask
pkg_a===1.0
black==23.*
six == 1.16.0 \\
    --hash=sha256:aaaa \\
    --hash sha256:bbbb
git+https://h.example/u/r.git@v1#egg=from-git
named @ https://h.example/named-1.0.tar.gz
urled @ git+ssh://git@h.example/u/urled.git
-e git+https://h.example/u/edit.git#egg=edit
https://h.example/some_wheel-1.0-py3-none-any.whl
zope.interface>=5; sys_platform == 'linux' and extra == "x"
"""


def test_a_requirement_says_all_that_is_written(manifest: Callable[..., Manifest], named: Named) -> None:
    found = manifest("requirements.txt", LINES)

    assert [each.name for each in found.dependencies] == [
        "requests",
        "numpy",
        "django",
        "flask",
        "pkg-a",
        "black",
        "six",
        "from-git",
        "named",
        "urled",
        "edit",
        "some-wheel",
        "zope-interface",
    ]
    requests = named(found, "requests")
    assert (requests.range, requests.version, requests.extras) == ("==2.31.0", "2.31.0", ("socks", "use"))
    assert requests.marker == 'python_version < "3.9"'
    assert named(found, "numpy").range == ">= 1.2, < 3"
    assert named(found, "black").version is None
    assert named(found, "six").hashes == ("sha256:aaaa", "sha256:bbbb")
    assert named(found, "six").place.line == 8
    assert {each.name: each.origin for each in found.dependencies if each.origin is not Origin.INDEX} == {
        "from-git": Origin.GIT,
        "named": Origin.URL,
        "urled": Origin.GIT,
        "edit": Origin.GIT,
        "some-wheel": Origin.URL,
    }
    assert found.hashes_required


def test_our_reading_is_that_of_pip(manifest: Callable[..., Manifest], tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(LINES)
    theirs = RequirementsFile.from_file(str(file))
    ours = manifest("requirements.txt", LINES).dependencies

    assert not theirs.invalid_lines
    assert [each.line_number for each in theirs.requirements] == [each.place.line for each in ours]
    for their, our in zip(theirs.requirements, ours, strict=True):
        if their.name and not their.name.endswith(".whl"):
            assert their.name.lower().replace("_", "-").replace(".", "-") == our.name
        assert sorted(their.extras or ()) == list(our.extras)
        assert tuple(their.hash_options or ()) == our.hashes
        assert (str(their.marker) if their.marker else None) == our.marker
        assert bool(their.link) == (our.locator is not None)


@pytest.mark.parametrize(
    ("line", "main", "others"),
    [
        ("--index-url https://i.example/simple", "https://i.example/simple", []),
        ("--index-url=https://i.example/simple", "https://i.example/simple", []),
        ("-i https://i.example/simple", "https://i.example/simple", []),
        ("-ihttps://i.example/simple", "https://i.example/simple", []),
        ("--pypi-url https://i.example/simple", "https://i.example/simple", []),
        ("--index https://i.example/simple", "https://i.example/simple", []),
        ("--extra-index-url https://e.example", None, ["https://e.example"]),
        ("--extra https://e.example", None, ["https://e.example"]),
        ("--find-links https://f.example", None, ["https://f.example"]),
        ("-f https://f.example --pre", None, ["https://f.example"]),
        ('--extra-index-url "https://e.example"', None, ["https://e.example"]),
        ("--extra-index-url \\\n https://e.example", None, ["https://e.example"]),
    ],
)
def test_an_index_is_found_however_its_option_is_written(
    manifest: Callable[..., Manifest], line: str, main: str | None, others: list[str]
) -> None:
    found = manifest("requirements.txt", f"{line}\na==1\n")

    assert list(found.indexes) == ([main] if main else []) + others
    assert found.main_index_replaced == (main is not None)
    assert [each.name for each in found.dependencies] == ["a"]


def test_included_files_are_read_whatever_their_names(read: Read) -> None:
    found = read(
        {
            "requirements.txt": "-r deep/base.list\n-c limits\n--requirement=other.txt",
            "deep/base.list": "a==1\n-r ../again.cfg2",
            "again.cfg2": "b\n-r deep/base.list",
            "limits": "c<3",
            "other.txt": "d",
        }
    )

    assert found.problems == ()
    assert {(m.path, d.name, d.scope) for m in found.manifests for d in m.dependencies} == {
        ("deep/base.list", "a", Scope.RUN),
        ("again.cfg2", "b", Scope.RUN),
        ("limits", "c", Scope.CONSTRAINT),
        ("other.txt", "d", Scope.RUN),
    }


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("../../base.txt", "outside"),
        ("/etc/base.txt", "outside"),
        ("~/base.txt", "outside"),
        ("https://h.example/base.txt", "outside"),
        ("file:///base.txt", "outside"),
        ("C:\\base.txt", "outside"),
        ("missing.txt", "missing-include"),
    ],
)
def test_an_included_file_that_is_not_read_is_a_problem(read: Read, target: str, kind: str) -> None:
    found = read({"a/requirements.txt": f"-r {target}"})

    assert [(problem.kind, problem.place.line) for problem in found.problems] == [(kind, 1)]


@pytest.mark.parametrize(
    "path",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements_test.in",
        "dev-requirements.txt",
        "requirements/base.txt",
        "a/b/reqs.txt",
        "constraints.txt",
        "Requirements.TXT",
        ".hidden/requirements.pip",
        "my.requirements.txt",
    ],
)
def test_a_requirements_file_is_known_by_its_name(read: Read, path: str) -> None:
    assert [m.format for m in read({path: "a==1"}).manifests] == ["requirements.txt"]


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("requirements.txt", Scope.RUN),
        ("requirements-dev.txt", Scope.DEVELOPMENT),
        ("test-requirements.txt", Scope.DEVELOPMENT),
        ("constraints.txt", Scope.CONSTRAINT),
    ],
)
def test_the_name_of_a_requirements_file_says_what_it_is_for(read: Read, path: str, scope: Scope) -> None:
    assert read({path: "a"}).manifests[0].dependencies[0].scope is scope


@pytest.mark.parametrize(
    "data",
    [
        "a==1\n".encode("utf-16"),
        b"\xef\xbb\xbfa==1\r\n",
        "a==1".encode("utf-32"),
        b"# -*- coding: latin-1 -*-\n# \xe9\na==1",
        b"# x\ra==1\r",
    ],
    ids=["utf-16", "bom", "utf-32", "latin-1", "old mac"],
)
def test_a_requirements_file_may_have_any_encoding_that_pip_reads(read: Read, data: bytes) -> None:
    found = read({"requirements.txt": data})

    assert [each.name for each in found.manifests[0].dependencies] == ["a"]
    assert not found.problems


def test_a_line_hidden_behind_a_rare_line_end_is_found_as_pip_finds_it(manifest: Callable[..., Manifest]) -> None:
    found = manifest("requirements.txt", "# nothing here\u2028hidden==1\n# nor here\x0cthere")

    assert [each.name for each in found.dependencies] == ["hidden", "there"]


@pytest.mark.parametrize(
    "line", ["a b c", "==1", "a>=", "--no-such-option", "-Z", 'a --hash="', "a" * 5000, "-r", "a @ "]
)
def test_a_line_that_cannot_be_read_is_a_problem_with_its_line(read: Read, line: str) -> None:
    found = read({"requirements.txt": f"fine==1\n{line}\nalso==1"})

    assert {problem.place.line for problem in found.problems} == {2}
    assert [each.name for each in found.manifests[0].dependencies][-1] == "also"


def test_bytes_that_are_no_text_are_a_problem(read: Read) -> None:
    assert [problem.kind for problem in read({"requirements.txt": b"a==1\n\xff\xfe\xff"}).problems] == ["unparsable"]
    assert read({"requirements.txt": b"a\0b"}).problems
