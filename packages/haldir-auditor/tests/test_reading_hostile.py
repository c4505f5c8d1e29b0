import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haldir_auditor._readers import LOCKS, MANIFESTS, SETTINGS
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_loose_json
from haldir_auditor._syntax.tomls import read_lock_toml
from haldir_auditor.reading import read_supply

DATA = Path(__file__).parent / "data" / "locks"
OTHERS = (
    "requirements.txt",
    "environment.yml",
    "Dockerfile",
    "pylock.toml",
    "run.py",
    "SKILL.md",
    "a.ipynb",
    "a.py.lock",
    "tool",
)
PATHS = st.sampled_from([*LOCKS, *MANIFESTS, *SETTINGS, *OTHERS])

WORDS = st.sampled_from(
    [
        "dependencies",
        "devDependencies",
        "packages",
        "package",
        "name",
        "version",
        "lockfileVersion",
        "resolved",
        "integrity",
        "requires",
        "link",
        "source",
        "registry",
        "git",
        "url",
        "path",
        "project",
        "tool",
        "uv",
        "poetry",
        "sources",
        "index",
        "scripts",
        "install",
        "overrides",
        "importers",
        "snapshots",
        "specifier",
        "resolution",
        "wheels",
        "sdist",
        "hash",
        "upload-time",
        "files",
        "metadata",
        "groups",
        "optional",
        "extras",
        "workspaces",
        "a",
        "b",
        "1.0.0",
        "^1",
        "*",
        "npm:a@1",
        "file:../a",
        "node_modules/a",
        "node_modules/a/node_modules/b",
        ".",
        "sha512-x",
        "https://h.example/a",
        "3",
        "1",
    ]
)
VALUES = st.recursive(
    WORDS
    | st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=20,
)


@given(PATHS, st.binary(max_size=300))
def test_no_bytes_crash_a_reader(path: str, data: bytes) -> None:
    read_supply({path: data, f"a/{path}": data})


@given(PATHS, st.text(max_size=300))
def test_no_text_crashes_a_reader(path: str, text: str) -> None:
    read_supply({path: text.encode("utf-8", "surrogatepass")})


@given(
    st.sampled_from(["package.json", "package-lock.json", "Pipfile.lock", "bun.lock", "pnpm-lock.yaml", "yarn.lock"]),
    VALUES,
)
def test_no_shape_crashes_a_reader_of_json_or_yaml(path: str, value: object) -> None:
    read_supply({path: json.dumps(value).encode()})
    versioned = {
        "lockfileVersion": 1,
        "_meta": {},
        "__metadata": {},
        "packages": value,
        "dependencies": value,
        "default": value,
    }
    for version in (1, 2, 3, "9.0", "5.4"):
        read_supply({path: json.dumps({**versioned, "lockfileVersion": version, "importers": value}).encode()})


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return '""' if value is None else json.dumps(value)


@settings(max_examples=200)
@given(
    st.sampled_from(
        ["pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock", "Cargo.toml", "Cargo.lock", "Pipfile", "pylock.toml"]
    ),
    st.dictionaries(st.sampled_from(["project", "tool", "package", "metadata", "dependencies", "manifest"]), VALUES),
)
def test_no_shape_crashes_a_reader_of_toml(path: str, value: dict[str, object]) -> None:
    for version in ("", "version = 1\n", 'lock-version = "1.0"\ncreated-by = "x"\n'):
        text = version + "".join(f"{key} = {_toml(item)}\n" for key, item in value.items() if key != "version")
        read_supply({path: text.encode("utf-8", "surrogatepass")})


@given(st.sampled_from(sorted(DATA.iterdir())), st.data())
def test_no_change_of_a_real_lock_crashes_its_reader(file: Path, data: st.DataObject) -> None:
    content = file.read_bytes()
    name = {"package": "package-lock.json", "pnpm": "pnpm-lock.yaml", "yarn": "yarn.lock"}.get(
        file.name.split("-")[0], file.name
    )
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 60)))
    read_supply({name: content[:start] + data.draw(st.binary(max_size=5)) + content[end:]})


PIECES = st.sampled_from(
    [
        "\n",
        " a = 2\n",
        "# x\n",
        "[[a.b]]\n",
        "[[a]]\n",
        "[a.b]\n",
        "[a]\n",
        "]\n",
        "a = 1\n",
        "b = {c = 1}\n",
        "c = [\n",
        "d.e = 1\n",
        "f = 1e5\n",
        "i = inf\n",
        "k = true\n",
        "l = [1, 2,]\n",
        "n = 1_0\n",
        "t = 2024-01-01T00:00:00Z\n",
        "u = { time = 2024-01-01T00:00:00Z }\n",
        "x = 'y'\n",
        "{ a = 1 },\n",
        '    "x,]",\n',
        "    1,\n",
        '"q" = 1\n',
        'a = "x, b = c"\n',
        'b = { c = "d", e = 1 }\n',
        'm = """\nx = 1\n"""\n',
        's = "\\""\n',
        's = "\\u00e9"\n',
        'v = "{w = 1}"\n',
        'z = [{ a = "b" }, { a = "c" }]\n',
    ]
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=8))
def test_the_fast_way_of_toml_says_what_the_slow_one_says(pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = read_lock_toml(text)

    assert json.loads(json.dumps(found, default=_time)) == json.loads(json.dumps(expected, default=_time))


def _time(value: object) -> str:
    return str(value).replace(" ", "T").replace("+00:00", "Z")


@given(VALUES)
def test_json_without_comments_is_read_alike_by_the_loose_way(value: object) -> None:
    assert read_loose_json(json.dumps(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1, // x, }\n}', {"a": 1}),
        ('{"a": [1, /* , ] */ 2,],}', {"a": [1, 2]}),
        ('{"a": "// no, ]", "b": "\\",]"}', {"a": "// no, ]", "b": '",]'}),
        ('{"a": 1, // x\n}', {"a": 1}),
    ],
)
def test_comments_and_last_commas_are_left_out_and_strings_are_not_touched(text: str, expected: object) -> None:
    assert read_loose_json(text) == expected


@pytest.mark.parametrize("text", ["[1 2]", "[1,,2]", "{", '{"a": /* 1}', "[NaN]", "[" * 100_000])
def test_what_is_no_json_even_so_is_an_error(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_loose_json(text)


@pytest.mark.parametrize("unit", ['"a\\', "/*", ", ", ",/* */", '"', "//", ",\n", "/*/"], ids=ascii)
def test_loose_json_is_read_in_linear_time(unit: str) -> None:
    with pytest.raises(UnreadableError):
        read_loose_json("[" + unit * (400_000 // len(unit)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, /* one */ "b": [1, 2,], // two\n}', {"a": 1, "b": [1, 2]}),
        ('{"url": "https://a.example/*b*/,]", }', {"url": "https://a.example/*b*/,]"}),
        ('["\\"//", /**/ 1 /***/ , /* , */ ]', ['"//', 1]),
    ],
    ids=["comments", "in a string", "odd comments"],
)
def test_loose_json_has_comments_and_last_commas(text: str, value: object) -> None:
    assert read_loose_json(text) == value


def test_a_comment_without_an_end_is_no_comment() -> None:
    with pytest.raises(UnreadableError):
        read_loose_json('{"a": 1} /* and so on')
