"""The page about the scanner's limits, from the records that hold them and the rules that tell them."""

from collections.abc import Iterator
from pathlib import Path

from attrs import fields

from haldir_scanner import Limits
from haldir_scanner._code._javascript import examination as javascript
from haldir_scanner._code._python import examination as python
from haldir_scanner._code._shell import examination as shell
from haldir_scanner._decode import DecodeBudget
from haldir_scanner._documents import _front_matter
from haldir_scanner._unpack import UnpackBudget
from haldir_scanner._unpack._driver import MAX_DEPTH
from haldir_scanner.bundles import Effect, RuleBundle, compile_bundle

ROOT = Path(__file__).parents[1]
RULES = ROOT / "packages" / "haldir-scanner" / "src" / "haldir_scanner" / "rules"
PAGE = ROOT / "docs" / "reference" / "scanner-limits.md"

# Each limit that a caller can set, and the rules that tell that it was hit.
SETTABLE = {
    "max_files": ("limit_files",),
    "max_file_bytes": ("limit_file_bytes",),
    "max_total_bytes": ("limit_total_bytes",),
    "max_depth": ("limit_depth",),
    "max_matches_per_file": ("limit_matches",),
    "max_parsed_bytes": ("parsing_shortened",),
    "max_seconds": ("limit_time",),
}
FIXED = (
    ("bytes unpacked from all archives of a skill", UnpackBudget().max_total_bytes, "limit_archive_bytes"),
    ("bytes unpacked of one member", UnpackBudget().max_member_bytes, "limit_archive_member"),
    ("bytes unpacked of one compressed tar", UnpackBudget().max_stream_bytes, "limit_archive_bytes"),
    ("members of all archives", UnpackBudget().max_members, "limit_archive_members"),
    ("times its size that a member may grow, beyond a free MiB", UnpackBudget().max_ratio, "limit_archive_ratio"),
    ("archives around a file that is unpacked", MAX_DEPTH, "limit_archive_depth"),
    ("records of binary files (blocks, opcodes, cells)", UnpackBudget().max_steps, "limit_archive_steps"),
    ("bytes of all decoded layers", DecodeBudget().max_total_bytes, "limit_decoding"),
    ("bytes of one decoded layer", DecodeBudget().max_layer_bytes, "limit_decoding"),
    ("decoded layers", DecodeBudget().max_layers, "limit_decoding"),
    ("unknown XOR keys that are looked for", DecodeBudget().max_guesses, "limit_decoding"),
    ("bytes of one Python file whose data is followed", python.MAX_BYTES, "python_limit"),
    ("bytes of one JavaScript file whose data is followed", javascript.MAX_BYTES, "javascript_limit"),
    ("bytes of one shell script that is evaluated", shell.MAX_BYTES, "shell_limit"),
    ("bytes of a front matter", _front_matter.MAX_BYTES, "skill_front_matter_unreadable"),
    ("levels of a front matter", _front_matter.MAX_DEPTH, "skill_front_matter_unreadable"),
)
_EFFECTS = {Effect.FLAG: "flags", Effect.NOTE: "is noted", Effect.SCORE: "adds to the score"}


def limit_files() -> dict[Path, bytes]:
    """Return the content of the page.

    Raises: ValueError if a limit, or a rule about one, is on no line of it.
    """
    sources = {path.name: path.read_text("utf-8") for path in RULES.glob("*.toml")}
    bundle = RuleBundle.from_bytes(compile_bundle(sources))
    told = {rule for rules in SETTABLE.values() for rule in rules} | {rule for *_, rule in FIXED}
    missing = {rule.id for rule in bundle.rules if rule.decided_by == "limits"} - told
    missing |= {field.name for field in fields(Limits)} ^ SETTABLE.keys()
    if missing:
        raise ValueError(f"on no line of {PAGE.name}: {', '.join(sorted(missing))}")
    return {PAGE: "\n".join(_lines(bundle)).encode()}


def _lines(bundle: RuleBundle) -> Iterator[str]:
    yield _BEGIN
    yield from ("| limit | default | what it bounds | hit | then |", "|---|---|---|---|---|")
    meanings = _meanings()
    for name, rules in SETTABLE.items():
        value = getattr(Limits(), name)
        yield f"| `{name}` | {_written(value)} | {meanings[name]} | {' '.join(_link(bundle, rule) for rule in rules)} |"
    yield _FIXED
    yield from ("| limit | value | hit | then |", "|---|---|---|---|")
    for what, value, rule in FIXED:
        yield f"| {what} | {_written(value)} | {_link(bundle, rule)} |"
    yield _END


def _meanings() -> dict[str, str]:
    """What the docstring of the limits says about each."""
    text = (Limits.__doc__ or "").partition("Attributes:")[2]
    meanings: dict[str, str] = {}
    name = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        head, colon, rest = line.partition(": ")
        if colon and head in SETTABLE:
            name = head
            meanings[name] = rest.rstrip(".")
        else:
            meanings[name] = f"{meanings[name]} {line.rstrip('.')}"
    return meanings


def _link(bundle: RuleBundle, name: str) -> str:
    rule = bundle.rule(name)
    if rule is None:
        raise ValueError(f"no rule is called {name}")
    return f"[`{name}`](rules/{rule.category}.md#{name}) {_EFFECTS[rule.effect]} | {rule.message}"


def _written(value: float) -> str:
    if value and value % (1 << 20) == 0:
        return f"{int(value) >> 20} MiB"
    return f"{int(value):,}" if value == int(value) else f"{value:,g}"


_BEGIN = """# Limits of the scanner

What one scan looks at most, what happens beyond, and what the scanner does not find. The tables are made by
`scripts/generate.py` from the records that the scanner uses. Why there are limits: [0010](../decisions/0010-limits.md).

## Limits that a caller can set

`scan(path, limits=Limits(max_files=50_000))`, per skill:
"""

_FIXED = """
## Limits that are fixed

Per skill, unless a line says otherwise:
"""

_END = """
What flags can never pass, whatever else the skill holds. What is noted was searched and decoded all the same; only data
was not followed through it.

## What is left out without a finding

| what | why |
|---|---|
| `.vault/` directly below the scanned folder | `haldir verify` reads it; what `SKILL.md` names of it is scanned |
| former versions of files in `.git/objects` | nobody runs them without asking git; `git_history` notes it |
| layers of source maps, SVG images and escaped foreign text beyond 1 MiB | honest files are full of them |
| places of one rule in one file beyond a few thousand | the verdict is the same |
| digests of files beyond `max_file_bytes` | only the beginning is read; `limit_file_bytes` flags |

## What is not found

The scanner reads; it runs nothing, opens no connection, and knows no reputation but the lists of its bundle. It does
not find

- **what is not in the skill**: what an address serves today or tomorrow, what a package does, what a model is told by
  a tool's answer. That something is fetched and obeyed is a finding, not what it says;
- **plain harm in plain words**: a skill that does a bad thing well and openly, such as a migration that drops a table,
  when nothing in it differs from an honest one;
- **pictures and sound**: text in an image, orders in an audio file; only metadata, trailing data and embedded text are
  read;
- **encryption**: archives with a password and encrypted documents are reported, not opened;
- **native programs**: they are reported; of what they hold, only strings are searched;
- **other languages than English**: the core orders (ignore, conceal, send, call first) are known in eleven more
  languages, the finer ones are not;
- **data through places that no analysis follows**: databases, sockets to oneself, files whose names are computed from
  input, more than one process, reflection over names that are read at run time;
- **data in other languages**: it is followed through Python, JavaScript, TypeScript and shell; Ruby, Perl, PHP,
  PowerShell, Go and Rust are searched by patterns alone;
- **ciphers with a key that is elsewhere**: a XOR key of up to 16 bytes is guessed, AES is not.

A passed scan says that none of the known signs was seen. It is no proof that a skill is harmless.
"""
