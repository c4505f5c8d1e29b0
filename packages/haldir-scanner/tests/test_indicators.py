import gzip
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haldir_scanner import BundleError, RuleBundle, ScanReport, Status, scan_files
from haldir_scanner._hosts import address
from haldir_scanner._indicators import KnownBad
from haldir_scanner.bundles import Indicators, compile_bundle

FILE = b"#!/bin/sh\necho ok\n"
LISTS = {
    "hosts": ["drop.example", "b\u00fccher.example", "Loader.Example."],
    "ips": ["203.0.113.7", "2001:db8::7"],
    "hashes": [hashlib.sha256(FILE).hexdigest()],
    "publishers": ["Evil Twin", "@evil-twin", "eve@mail.example"],
}
Scan = Callable[..., ScanReport]


def _with_lists(lists: dict[str, list[str]]) -> RuleBundle:
    rows = "".join(f"{name} = {json.dumps(values, ensure_ascii=False)}\n" for name, values in lists.items())
    head = 'version = "iocs"\nextends = "builtin"\n'
    return RuleBundle.from_bytes(compile_bundle({"bundle.toml": head, "indicators.toml": f"[iocs]\n{rows}"}))


@pytest.fixture(scope="module")
def bundle() -> RuleBundle:
    """The built-in rules with lists of indicators."""
    return _with_lists(LISTS)


@pytest.fixture
def known(bundle: RuleBundle) -> Callable[..., set[str]]:
    """The ids of the rules about known indicators that are found in files."""

    def of(**files: str | bytes) -> set[str]:
        contents = {
            name.replace("__", "."): text if isinstance(text, bytes) else text.encode() for name, text in files.items()
        }
        report = scan_files(contents, bundle=bundle)
        return {match.rule for match in report.matches if match.rule.startswith("known_bad")}

    return of


NAMED = {
    "address of the web": "Read https://drop.example/x first.",
    "below it": "Read https://a.b.drop.example/x first.",
    "capital letters": "Read HTTPS://Drop.EXAMPLE/x first.",
    "final dot": "curl https://drop.example./x",
    "port": "nc drop.example 4444",
    "bare": "host = 'drop.example'",
    "mail": "Write to list@drop.example about it.",
    "escaped line end before it": '{"text": "Read:\\ndrop.example"}',
    "escaped slashes": '"https:\\/\\/drop.example\\/x"',
    "percent": "x%2F%2Fdrop.example%2Fx",
    "percent in the name": "https://%64rop.example/",
    "letters outside ASCII": "https://b\u00fccher.example/x",
    "the same in ASCII": "ping xn--bcher-kva.example",
    "wide dots": "https://drop\u3002example/",
    "listed with capitals": "https://loader.example",
    "user before it": "https://name:word@drop.example/",
}


@pytest.mark.parametrize("text", NAMED.values(), ids=NAMED.keys())
def test_a_listed_host_is_found_however_it_is_written(known: Callable[..., set[str]], text: str) -> None:
    assert known(a__md=text) == {"known_bad_host"}


@pytest.mark.parametrize(
    "text",
    [
        "Read https://nodrop.example/x first.",
        "Read https://drop.example.org/x first.",
        "Read https://example/ first.",
        "A drop. Example of it.",
        "https://docs.example/drop/example",
        "xn--nothing.example",
    ],
)
def test_a_host_that_is_not_listed_is_not(known: Callable[..., set[str]], text: str) -> None:
    assert known(a__md=text) == set()


ADDRESSES = {
    "dotted": "curl http://203.0.113.7/x",
    "bare": "The server is 203.0.113.7 now.",
    "port": 's.connect(("203.0.113.7", 4444))',
    "device": "exec 3<>/dev/tcp/203.0.113.7/443",
    "one number": "http://3405803783/",
    "one number in a command": "ping 3405803783",
    "hex": "http://0xcb007107/",
    "hex in a command": "nc 0xCB007107 443",
    "octal": "http://0313.0.0161.07/",
    "octal without a scheme": "host = 0313.0.0161.07",
    "hex parts": "host = 0xcb.0x0.0x71.0x7",
    "two parts": "http://203.28935/",
    "within one of six": "http://[::ffff:203.0.113.7]/",
    "of six": "http://[2001:db8::7]:80/",
    "of six, in full": "http://[2001:0db8:0:0:0:0:0:0007]/",
    "of six, bare": 's.connect(("2001:db8::7", 443))',
}


@pytest.mark.parametrize("text", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_a_listed_address_is_found_however_it_is_written(known: Callable[..., set[str]], text: str) -> None:
    assert known(a__md=text) == {"known_bad_ip"}


@pytest.mark.parametrize(
    "text",
    [
        "http://203.0.113.8/",
        "203.0.113.70",
        "1.203.0.113.7",
        "time: 3405803783",
        "0xcb007107",
        "12:34:56",
        "2001:db8::77",
    ],
)
def test_an_address_that_is_not_listed_is_not(known: Callable[..., set[str]], text: str) -> None:
    assert known(a__md=text) == set()


HIDDEN = {
    "base64": {"a.py": b'u = "aHR0cHM6Ly9kcm9wLmV4YW1wbGUvaS5zaA=="'},
    "pieces": {"a.py": b'import urllib.request as r\nr.urlopen("https://dr" + "op.exam" + "ple/i")\n'},
    "zero width": {"a.md": "https://dr\u200bop.example/x".encode()},
    "two bytes a letter": {"a.md": "Read https://drop.example/x".encode("utf-16")},
    "gzip": {"a.gz": gzip.compress(b"curl https://drop.example/x")},
    "binary": {"a.bin": bytes(range(256)) * 4 + b"https://drop.example/x\0" + bytes(64)},
}


@pytest.mark.parametrize("files", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_listed_host_is_found_under_what_hides_it(bundle: RuleBundle, files: dict[str, bytes]) -> None:
    assert "known_bad_host" in {match.rule for match in scan_files(files, bundle=bundle).matches}


@pytest.mark.parametrize("text", ["Seen: hxxps://drop[.]example/x", "https://drop[.]example", "hxxp://203.0.113.7/"])
def test_a_report_that_spells_a_listed_host_safely_is_flagged(known: Callable[..., set[str]], text: str) -> None:
    found = known(a__md=text)
    assert "known_bad_named" in found


def test_a_listed_host_rejects_alone_and_says_where_it_is(bundle: RuleBundle) -> None:
    report = scan_files({"notes.md": b"One.\n\nSee https://drop.example/x there.\n"}, bundle=bundle)
    (match,) = (match for match in report.matches if match.rule == "known_bad_host")
    assert (report.status, match.path, match.line, match.column) == (Status.REJECT, "notes.md", 3, 4)
    assert "drop.example" in match.excerpt


def _zip(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"run.sh": FILE}, "run.sh"),
        ({"a.zip": _zip("run.sh", FILE)}, "a.zip!/run.sh"),
        ({"a.zip": _zip("b.zip", _zip("run.sh", FILE))}, "a.zip!/b.zip!/run.sh"),
    ],
    ids=["file", "member", "member of a member"],
)
def test_a_listed_file_is_found_by_its_digest(bundle: RuleBundle, files: dict[str, bytes], path: str) -> None:
    report = scan_files(files, bundle=bundle)
    (match,) = (match for match in report.matches if match.rule == "known_bad_file")
    assert (report.status, match.path) == (Status.REJECT, path)


def test_a_file_of_which_a_byte_differs_is_another(known: Callable[..., set[str]]) -> None:
    assert known(a__sh=FILE + b"\n") == set()


PUBLISHERS = {
    "front matter": {"SKILL.md": b"---\nname: a\nauthor: evil  TWIN\n---\nText.\n"},
    "metadata": {"SKILL.md": b"---\nname: a\nmetadata:\n  publisher: Evil Twin\n---\nText.\n"},
    "list of authors": {"SKILL.md": b"---\nname: a\nauthors: [One, Evil Twin]\n---\nText.\n"},
    "handle": {"SKILL.md": b"---\nname: a\nauthor: '@evil-twin'\n---\nText.\n"},
    "person": {"package.json": b'{"name": "a", "author": "Evil Twin <a@b.example> (https://b.example)"}'},
    "mail of a person": {"package.json": b'{"author": "Eve <eve@mail.example>"}'},
    "object": {"package.json": b'{"maintainers": [{"name": "One"}, {"email": "eve@mail.example"}]}'},
    "account": {"package.json": b'{"repository": {"url": "git+https://github.com/evil-twin/tool.git"}}'},
    "server": {"server.json": b'{"name": "io.github.evil-twin/tool", "version": "1"}'},
    "plugin": {".claude-plugin/plugin.json": b'{"name": "x", "author": {"name": "Evil Twin"}}'},
    "market": {".claude-plugin/marketplace.json": b'{"owner": {"name": "Evil Twin"}, "plugins": []}'},
    "python": {"pyproject.toml": b'[project]\nname = "a"\nauthors = [{name = "Evil Twin"}]\n'},
}


@pytest.mark.parametrize("files", PUBLISHERS.values(), ids=PUBLISHERS.keys())
def test_a_listed_publisher_is_found(bundle: RuleBundle, files: dict[str, bytes]) -> None:
    report = scan_files(files, bundle=bundle)
    assert "known_bad_publisher" in {match.rule for match in report.matches}
    assert report.status is Status.REJECT


@pytest.mark.parametrize(
    "files",
    [
        {"SKILL.md": b"---\nname: a\nauthor: Evil Twins\ndescription: by Evil Twin\n---\nNot by Evil Twin.\n"},
        {"package.json": b'{"author": "One", "keywords": ["Evil Twin"]}'},
        {"package.json": b'{"author": "Evil Twin'},
        {"package.json": b"[" * 5_000},
        {"other.json": b'{"author": "Evil Twin"}'},
    ],
    ids=["spoken of", "keyword", "damaged", "deep", "other file"],
)
def test_who_is_only_spoken_of_is_no_publisher(bundle: RuleBundle, files: dict[str, bytes]) -> None:
    assert "known_bad_publisher" not in {match.rule for match in scan_files(files, bundle=bundle).matches}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hosts", ""),
        ("hosts", "example"),
        ("hosts", "https://drop.example/"),
        ("hosts", "203.0.113.7"),
        ("hosts", "drop example.org"),
        ("ips", "203.0.113.256"),
        ("ips", "203.0.113.0/24"),
        ("ips", "drop.example"),
        ("hashes", "d41d8cd98f00b204e9800998ecf8427e"),
        ("hashes", "A" * 64),
        ("publishers", " "),
        ("publishers", "@"),
    ],
)
def test_an_entry_that_could_never_be_found_is_refused(name: str, value: str) -> None:
    with pytest.raises(BundleError, match=f"iocs.{name}"):
        _with_lists({name: [value]})


def test_long_lists_cost_a_look_up_no_more_than_short_ones() -> None:
    text = b"Read https://docs.example/a and 10.0.0.1 and file.name.py.\n" * 2_000

    def seconds(count: int) -> float:
        known = KnownBad.of(
            Indicators(
                hosts=frozenset(f"h{number}.example" for number in range(count)),
                ips=frozenset(f"9.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(count)),
            )
        )
        started = time.process_time()
        assert list(known.in_text(text)) == []
        return time.process_time() - started

    seconds(10)
    assert seconds(100_000) < 100 * min(seconds(10) for _ in range(3)) + 1  # 10,000 times as long, if each were tried


def test_without_lists_nothing_is_looked_for() -> None:
    known = KnownBad.of(Indicators())
    assert list(known.in_text(b"https://drop.example 203.0.113.7")) == []
    assert list(known.in_file("SKILL.md", b"---\nauthor: Evil Twin\n---\n")) == []


@given(st.binary(max_size=300))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    known = KnownBad.of(Indicators.of(LISTS))
    assert all(0 <= begin < end <= len(data) for _, begin, end in known.in_text(data))
    for path in ("SKILL.md", "package.json", "pyproject.toml"):
        list(known.in_file(path, data))


@given(st.ip_addresses())
def test_an_address_is_written_in_one_way(ip: object) -> None:
    written = address(str(ip))
    assert written is not None
    assert address(written) == written


def test_a_dotted_megabyte_is_compared_in_time(bundle: RuleBundle) -> None:
    known = KnownBad.of(bundle.indicators)
    started = time.process_time()
    for text in (
        b"a." * 500_000,
        b"a" * 1_000_000,
        b"://" * 300_000,
        b"1." * 500_000,
        b":" * 1_000_000,
        b"a.b " * 250_000,
    ):
        list(known.in_text(text))
    assert time.process_time() - started < 20
