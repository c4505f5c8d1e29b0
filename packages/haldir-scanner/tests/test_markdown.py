import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from haldir_scanner._documents._markdown import references, spans, spans_html
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Region, Span

MEGABYTE = 1 << 20
MOST_SECONDS = 10  # of processor time: what is quadratic takes minutes for a megabyte; speed is for benchmarks
CODE, COMMENT, HIDDEN, LINK = Region.CODE, Region.COMMENT, Region.HIDDEN, Region.LINK

Stretches = list[tuple[str, str]]


def _stretches(data: bytes, found: Sequence[Span]) -> Stretches:
    return [(span.region.value, data[span.begin : span.end].decode("utf-8", "replace")) for span in found]


def _of(text: str) -> Stretches:
    return _stretches(text.encode(), spans(text.encode()))


def _of_html(text: str) -> Stretches:
    return _stretches(text.encode(), spans_html(text.encode()))


def _regions_of(word: bytes, data: bytes, found: Sequence[Span]) -> set[Region]:
    begin = data.index(word)
    return {span.region for span in found if span.begin <= begin and begin + len(word) <= span.end} or {Region.PROSE}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("head", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_each_part_of_a_document_has_its_region(line_end: str, head: str) -> None:
    lines = ["---", "name: x", "---", "prose1 `span1`", "", "```sh", "code1", "```", "<!-- comment1 -->", "prose2"]
    data = (head + line_end.join(lines)).encode()
    found = spans(data)
    expected = {
        b"name: x": Region.FRONT_MATTER,
        b"prose1": Region.PROSE,
        b"span1": CODE,
        b"code1": CODE,
        b"comment1": COMMENT,
        b"prose2": Region.PROSE,
    }
    assert {word: _regions_of(word, data, found) for word in expected} == {
        word: {region} for word, region in expected.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "prose",
        "a * b _ c",
        "[ ] task",
        "1 < 2 and 3 > 2",
        "see [1]",
        "\\`no code\\`",
        "`never closed",
        "a ``b` c",
        "---\nx",
    ],
)
def test_prose_is_covered_by_no_span(text: str) -> None:
    assert _of(text) == []


@pytest.mark.parametrize(
    ("information", "types"),
    [
        ("bash", {FileType.SHELL}),
        ("console", {FileType.SHELL}),
        ("Python", {FileType.PYTHON}),
        ("{.python .numberLines}", {FileType.PYTHON}),
        ("ts title=a", {FileType.JAVASCRIPT}),
        ("yaml", {FileType.YAML}),
        ("text", {FileType.SHELL, FileType.TEXT}),
        ("", {FileType.SHELL, FileType.PYTHON, FileType.JAVASCRIPT}),
        ("no-such-language", {FileType.SHELL, FileType.PYTHON, FileType.JAVASCRIPT}),
    ],
)
def test_a_fence_has_the_types_of_its_language(information: str, types: set[FileType]) -> None:
    (span,) = spans(f"~~~ {information}\nx\n~~~\n".encode())
    assert span.region is CODE
    assert span.types == types


@pytest.mark.parametrize(
    ("text", "code", "prose"),
    [
        ("````\n```\ninside\n````\noutside", "inside", "outside"),
        ("```\n~~~\ninside\n```\noutside", "inside", "outside"),
        ("- item\n  ```\n  inside\n  ```\n  outside", "inside", "outside"),
        ("1. ```sh\n   inside\n   ```\n\noutside", "inside", "outside"),
        ("> ```\n> inside\n> ```\n> outside", "inside", "outside"),
        ("> ```\n> inside\noutside", "inside", "outside"),
        ("- ```\n  inside\n\noutside", "inside", "outside"),
        ("```\ninside, and never closed", "inside", ""),
        ("text\n\n    inside\n\noutside", "inside", "outside"),
        ("\tinside\n", "inside", ""),
        ("- item\n\n    outside", "", "outside"),
        ("`` inside ` still `` outside", "still", "outside"),
        ("a `in\nside` outside", "side", "outside"),
        ("a `in\n\noutside` b", "", "outside"),
        ("<pre>inside</pre> outside", "inside", "outside"),
        ("<script>inside</script> outside", "inside", "outside"),
        ("``` a`b\noutside\n", "", "outside"),
    ],
)
def test_code_ends_where_a_renderer_ends_it(text: str, code: str, prose: str) -> None:
    data = text.encode() if not text.startswith("\t") else b"\n" + text.encode()
    found = spans(data)
    assert not code or _regions_of(code.encode(), data, found) == {CODE}
    assert not prose or _regions_of(prose.encode(), data, found) == {Region.PROSE}


@pytest.mark.parametrize(
    "text",
    [
        '<span style="display:none">secret</span> seen',
        "<div style='visibility : hidden'><div>a</div>secret</div> seen",
        '<p style="font-size:0px">secret</p> seen',
        '<p style="font-size:1px">secret</p> seen',
        '<p style="opacity:0.0">secret</p> seen',
        '<p style="color:#FFFFFF">secret</p> seen',
        '<font color="white">secret</font> seen',
        '<div style="height:0;overflow:hidden">secret</div> seen',
        '<div style="position:absolute;left:-9999px">secret</div> seen',
        '<div style="display&#58;none">secret</div> seen',
        '<div style="display:/* x */none">secret</div> seen',
        "<div hidden>secret</div> seen",
        "<div\nclass='a'\nhidden>secret</div> seen",
        "<template>secret</template> seen",
        "<NOSCRIPT>secret</noscript> seen",
        "<div hidden>\n\n```sh\nsecret\n```\n</div> seen",
        '[text](https://a.example "secret") seen',
        "![secret](a.png) seen",
        "![secret][logo] seen",
        '<img src="a.png" alt="secret"> seen',
        "[//]: # (secret)\nseen",
        "[comment]: <> (secret)\nseen",
        "[nobody]: https://secret.example\nseen",
        "[name]: https://a.example 'secret'\n[name] seen",
        "seen" + "\n" * 250 + "secret",
        "seen" + "\n> \n" * 250 + "secret",
        "seen" + " " * 2_500 + "secret",
        "seen" + "\t" * 2_500 + "secret\nmore",
        "seen\n\fsecret",
    ],
)
def test_what_nobody_sees_is_hidden(text: str) -> None:
    data = text.encode()
    found = spans(data)
    assert _regions_of(b"secret", data, found) == {HIDDEN}
    assert _regions_of(b"seen", data, found) == {Region.PROSE}


@pytest.mark.parametrize(
    "text",
    [
        '<span style="color:white;background:#333">seen</span>',
        '<span style="font-size:0.9em">seen</span>',
        '<span style="opacity:0.5">seen</span>',
        '<div style="height:0.5em; line-height:0">seen</div>',
        '<td width="0" class="hidden-sm">seen</td>',
        "<details><summary>x</summary>seen</details>",
        "Copy the <template> here: seen",
        "[name]: https://a.example\n[name] seen",
        "[^1]: seen",
        "seen" + "\n" * 20 + "seen",
    ],
)
def test_what_is_shown_is_not_hidden(text: str) -> None:
    data = text.encode()
    assert HIDDEN not in _regions_of(b"seen", data, spans(data))


@pytest.mark.parametrize(
    "text",
    [
        "[a](target)",
        "[a]( <target> )",
        "[a](target 'title')",
        "![](target)",
        "[![alt](a.png)](target)",
        '<a href="target">a</a>',
        "<img src=target>",
        "[a]: target\n[a]",
    ],
)
def test_targets_are_links(text: str) -> None:
    assert ("link", "target") in _of(text)


def test_parentheses_belong_to_a_target() -> None:
    assert _of("[a](b(c)d)") == [("link", "b(c)d")]


def test_an_autolink_is_a_link() -> None:
    assert _of("<https://a.example/x>") == [("link", "https://a.example/x")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <!-- x --> b", [("comment", "<!-- x -->")]),
        ("<!--\n```\nx\n```\n--> b", [("comment", "<!--\n```\nx\n```\n-->")]),
        ("```\n<!-- x -->\n```", [("code", "```\n<!-- x -->\n```")]),
        ("`<!--` a `-->`", [("code", "`<!--`"), ("code", "`-->`")]),
        ("<!-- x", [("comment", "<!-- x")]),
        ("a <!-- b", []),
        ("<!--> b", [("comment", "<!-->")]),
        ("<!-- x --!> b", [("comment", "<!-- x --!>")]),
    ],
)
def test_comments_end_where_a_browser_ends_them(text: str, expected: Stretches) -> None:
    assert _of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>a<!-- x --></p>", [("comment", "<!-- x -->")]),
        ("<p>a<!-- x", [("comment", "<!-- x")]),
        ("<script>run()</script>", [("code", "run()")]),
        ("<p onclick='run()'>a</p>", [("code", "run()")]),
        ("<a href='javascript:run()'>a</a>", [("code", "javascript:run()")]),
        ("<style>.x{display:none}</style><p class='y x'>b</p>", [("hidden", "<p class='y x'>b</p>")]),
        ("<svg><desc>b</desc><text>c</text></svg>", [("hidden", "<desc>b</desc>")]),
        ("<svg><text opacity='0'>b</text></svg>", [("hidden", "<text opacity='0'>b</text>")]),
        ("<svg><text fill='white'>b</text></svg>", [("hidden", "<text fill='white'>b</text>")]),
        ("<br hidden>a", [("hidden", "<br hidden>")]),
        ("<style>.x{display:none}", []),
    ],
)
def test_a_page_has_hidden_parts_and_programs(text: str, expected: Stretches) -> None:
    assert _of_html(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run `python scripts/x.py --all`.", {"scripts/x.py"}),
        ("See [that](references/y.md#part) and [this](./a/../b.md).", {"references/y.md", "b.md"}),
        ("@docs/style.md\n", {"docs/style.md"}),
        ("Read the file notes.txt.", {"notes.txt"}),
        ("[a](my%20file.md)", {"my file.md"}),
        ("```\nnode ./run.js\n```", {"run.js"}),
        ("![](assets/logo)", {"assets/logo"}),
        ("[a](../other/SKILL.md)", {"../other/SKILL.md"}),
        ("https://a.example/x.sh and <https://a.example/y.sh> and /etc/x.conf and ~/y.txt", set()),
        ("[a](https://a.example/x.md) [b](#part) [c](mailto:a@b.example)", set()),
        ("version 1.2.3 or e.g. github.com", set()),
    ],
)
def test_the_files_that_a_document_names_are_known(text: str, expected: set[str]) -> None:
    assert references(text.encode()) == expected


def test_bytes_that_are_no_text_have_spans_all_the_same() -> None:
    data = b"\xff\xfe `a\xff` \xc3 <!-- \x80 -->"
    assert [data[span.begin : span.end] for span in spans(data)] == [b"`a\xff`", b"<!-- \x80 -->"]


_PIECES = st.sampled_from(
    [
        *("`", "``", "```", "~~~", "\n", "\n\n", "\r\n", "\r", "-", "1.", ">", "#", "[", "]", "(", ")", "![", "]("),
        *(
            "]:",
            "[a]:",
            "[a]",
            "<!--",
            "-->",
            "<p",
            "<p>",
            "</p>",
            " hidden",
            " style='display:none'",
            "<",
            ">",
            "<div",
        ),
        *("</div>", "<script>", "</script>", "<template>", "\\", "---\n", "+++\n", '"', "'", "a.md", "x", "\t", "\f"),
        *("\x00", "\u00e9", ":", " ", "    ", " " * 2_100, "\n" * 210),
    ]
)


@given(st.one_of(st.binary(), st.lists(_PIECES, max_size=60).map(lambda pieces: "".join(pieces).encode())))
def test_spans_are_ordered_disjoint_and_inside_the_data(data: bytes) -> None:
    for found in (spans(data), spans_html(data)):
        position = 0
        for span in found:
            assert position <= span.begin < span.end <= len(data)
            position = span.end
    assert all(isinstance(path, str) for path in references(data))


@given(st.lists(st.sampled_from(["```", "````", "~~~", "a", "", "  b", "```sh", "``` x"]), max_size=20))
def test_fences_end_where_markdown_it_ends_them(lines: list[str]) -> None:
    text = "\n".join(lines)
    theirs = {
        number
        for token in MarkdownIt("commonmark").parse(text)
        if token.type == "fence" and token.map is not None
        for number in range(*token.map)
    }
    data = text.encode()
    blocks = [span for span in spans(data) if data.startswith((b"```", b"~~~"), span.begin)]
    blocks = [span for span in blocks if span.begin == 0 or data[span.begin - 1 : span.begin] == b"\n"]
    mine = {
        number
        for span in blocks
        for number in range(data.count(b"\n", 0, span.begin), data.count(b"\n", 0, max(span.end - 1, span.begin)) + 1)
    }
    assert {number for number in theirs if lines[number]} == {number for number in mine if lines[number]}


HOSTILE = [
    *("[", "![", "](", "`", "`a", "``a`b```", "```\n", "~~~~\n", "> ", "- ", "> ```\n\n", "- ```\n\n", "<a ", "<a>"),
    *("<a href=x>", "<p hidden>", "<p hidden>x</p>", "<!--", "<!-- -->", "`<!--", "\\a", " ", "\t", "\n", "a\n\n"),
    *("    a\n\n", "[a]: b\n", "[a]: b (", "[//]: # (x)\n", "[a]", "*_", "\r", "\f", "&nbsp;\n", "<template>"),
    *("<script>", "<style>", '<a "', '](a "', "](a (", " " * 63 + "a", "1. ", "---\n", "a.", "<pre>"),
]


@pytest.mark.exhaustive
@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_a_hostile_megabyte_takes_no_longer_than_an_honest_one(unit: str) -> None:
    data = (unit * (MEGABYTE // len(unit) + 1))[:MEGABYTE].encode()
    for read in (spans, spans_html, references):
        begin = time.process_time()
        read(data)
        assert time.process_time() - begin < MOST_SECONDS


def test_runs_of_all_lengths_take_no_longer() -> None:
    fences = b"\n".join(b"> " + b"~" * length for length in range(1_400, 2, -1))
    runs = b"a".join(b"`" * length for length in range(1_400, 2, -1))
    tags = b"".join(b"<a%d hidden>" % number for number in range(60_000))
    begin = time.process_time()
    for data in (fences, runs, tags):
        spans(data)
    assert time.process_time() - begin < MOST_SECONDS


def test_what_is_too_dense_to_be_taken_apart_counts_as_hidden() -> None:
    data = b"`a` " * 150_000 + b"the end"
    assert _regions_of(b"the end", data, spans(data)) == {HIDDEN}
