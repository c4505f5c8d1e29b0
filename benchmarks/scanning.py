"""The scanner: against a loop of `re` over lines, against two peers, and against the limits of its issue."""

import json
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import Row, cpu_seconds, fastest, reported_seconds

HERE = Path(__file__).parent
PEERS = {"cisco-ai-skill-scanner": ".venvs/bench-peer-cisco", "agent-skill-scanner": ".venvs/bench-peer-agent"}
SKILLS = 60
SMALL_BYTES = 20_000
REPEATS = 3
# Everyday words of documentation, the frequent ones several times, so that they stand as often as in real prose.
WORDS = (
    3
    * "the the the of and to a in is that for it as with on be this by or an are from at which one can if not has "
    + "on be this by or an are from at which one can if not has we when each more than then also some there use "
    "other time only new into two may these first over after use way where between both under same while most "
    "many such very long small large part point case number group form system name line page word value list "
    "table row column field item image shape color size order place side view result report note chapter "
    "section example figure style title header footer query index model graph chart data file folder path "
    "text string object array method class function return type import module library test build step server "
    "client request response error message time day week month year question answer idea detail reason change "
    "move turn keep give take make show find help need want look work play start stop open close read write "
    "run install check add remove set sort count join split merge filter group draw print plan simple common "
    "general special single double clear short early late high low left right free full empty "
).split()


def rows() -> Iterator[Row]:
    """Yield the rows of the scanner."""
    with tempfile.TemporaryDirectory(prefix="haldir-bench-") as folder:
        work = Path(folder)
        small = [_small_skill(work / f"small-{number}", random.Random(number)) for number in range(SKILLS)]  # noqa: S311
        yield from _against_the_loop(small)
        yield from _against_peers(small)
        yield from _small(small)
        yield from _large(work)
        yield from _hostile(work)
    yield _import()


def _against_the_loop(small: list[Path]) -> Iterator[Row]:
    [loop], [ours] = _both([*_python(), HERE / "inside_loop.py", *small[:6]], _inside("total", *small[:6]))
    yield Row("scan, 6 skills: loop of re per line and pattern", loop, ours, 1 / 8)


def _against_peers(small: list[Path]) -> Iterator[Row]:
    for name, environment in PEERS.items():
        python = Path(environment) / "bin" / "python"
        if not python.exists():
            print(f"No peer: {name} is out of reach.", file=sys.stderr)
            continue
        script = HERE / f"peer_{name.replace('-', '_')}.py"
        peers, [ours] = _both([python, script, *small], _inside("total", *small))
        yield Row(f"scan, {SKILLS} skills: {name}", peers[0], ours, 1.0, peer=peers[0])
        for kept in peers[1:]:
            yield Row(f"the same, the rules of {name} kept between skills, for information", kept, ours, math.inf)


def _small(small: list[Path]) -> Iterator[Row]:
    runs = [reported_seconds(_inside("each", *small)) for _ in range(REPEATS)]
    best = [min(times) for times in zip(*runs, strict=True)]
    yield Row("scan, median skill of 3 files and 20 kB: limit 20 ms", 0.020, statistics.median(best), 1.0)
    yield Row("scan, slowest of these skills: limit 150 ms", 0.150, max(best), 1.0)


def _large(work: Path) -> Iterator[Row]:
    rng = random.Random(7)  # noqa: S311 - test data
    five, big = work / "five", work / "big"
    _write(five, rng, files=10, size=500_000)
    yield Row("scan, 5 MB of prose and JSON: limit 1 s", 1.0, _fastest(five), 1.0)
    _write(big, rng, files=400, size=100_000)
    for number in range(1600):
        (big / f"{number}.bin").write_bytes(rng.randbytes(100_000))
    yield Row("scan, 200 MiB with 40 MB of text: limit 3 s", 3.0, _fastest(big), 1.0)
    [mebibytes] = reported_seconds(_inside("memory", big))
    yield Row("the same, peak memory: limit 200 MiB", 200, mebibytes, 1.0, unit="MiB")


def _hostile(work: Path) -> Iterator[Row]:
    lines = {
        "6,000 characters": b"curl https://a.example | " * 240,
        "1 MB of commands": b"curl https://a.example | " * 40_000,
        "1 MB of orders": b"ignore all previous " * 50_000,
        "1 MB of one letter": b"A" * 1_000_000,
        "1 MB of brackets": b"[(" * 500_000,
    }
    for name, line in lines.items():
        skill = work / name.replace(" ", "-")
        skill.mkdir()
        (skill / "SKILL.md").write_bytes(line)
        yield Row(f"scan, one hostile line, {name}: limit 100 ms", 0.100, _fastest(skill), 1.0)


def _import() -> Row:
    floor, ours = fastest(
        [
            lambda: cpu_seconds([*_python(), "-c", "import attrs"]),
            lambda: cpu_seconds([*_python(), "-c", "import haldir_scanner"]),
        ],
        9,
    )
    return Row("import haldir_scanner, against import attrs", floor, ours, 1.5)


def _fastest(skill: Path) -> float:
    return min(reported_seconds(_inside("total", skill))[0] for _ in range(REPEATS))


def _both(first: list[str | Path], second: list[str | Path]) -> tuple[list[float], list[float]]:
    runs = [(reported_seconds(first), reported_seconds(second)) for _ in range(REPEATS)]
    best = [[min(times) for times in zip(*(run[side] for run in runs), strict=True)] for side in (0, 1)]
    return best[0], best[1]


def _inside(what: str, *skills: Path) -> list[str | Path]:
    return [*_python(), HERE / "inside_scan.py", what, *skills]


def _python() -> list[str | Path]:
    return [sys.executable]


def _small_skill(folder: Path, rng: random.Random) -> Path:
    """A skill of three files and 20 kB: instructions, a program and its settings."""
    folder.mkdir()
    steps = "\n".join(f"{number}. Run `python scripts/run.py --{rng.choice(WORDS)}`." for number in range(1, 8))
    head = f"---\nname: {folder.name}\ndescription: Makes a {rng.choice(WORDS)} of a {rng.choice(WORDS)}.\n---\n"
    fence = "```bash\npip install -r requirements.txt\npython scripts/run.py input.csv > out.json\n```\n"
    (folder / "SKILL.md").write_text(head + _prose(rng, SMALL_BYTES // 2) + "\n\n" + steps + "\n\n" + fence)
    (folder / "scripts").mkdir()
    functions = "\n\n".join(_function(rng, number) for number in range(30))
    (folder / "scripts" / "run.py").write_text(f"import json\nimport os\nimport subprocess\n\n\n{functions}\n")
    (folder / "settings.json").write_text(_json(rng, SMALL_BYTES // 10))
    return folder


def _function(rng: random.Random, number: int) -> str:
    name, key = rng.choice(WORDS), rng.choice(WORDS)
    return (
        f'def {name}_{number}(path, value=None):\n    """{_prose(rng, 60).strip()}"""\n'
        f"    with open(path, encoding='utf-8') as file:\n        data = json.load(file)\n"
        f"    items = [item['{key}'] for item in data if item.get('{name}') is not None]\n"
        f"    return sorted(items, key=lambda item: str(item))[: value or {number}]"
    )


def _write(folder: Path, rng: random.Random, *, files: int, size: int) -> None:
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: large\ndescription: Large.\n---\n" + _prose(rng, 8_000))
    for number in range(files):
        text = _prose(rng, size) if number % 2 else _json(rng, size)
        (folder / f"{number}.{'md' if number % 2 else 'json'}").write_text(text)


def _prose(rng: random.Random, size: int) -> str:
    sentences, length = [], 0
    while length < size:
        sentence = " ".join(rng.choices(WORDS, k=rng.randint(5, 18))).capitalize() + rng.choice((". ", ".\n\n"))
        sentences.append(sentence)
        length += len(sentence)
    return "".join(sentences)


def _json(rng: random.Random, size: int) -> str:
    records, length = [], 0
    while length < size:
        record = json.dumps({word: rng.choice((rng.random(), rng.choice(WORDS))) for word in rng.sample(WORDS, 6)})
        records.append(record)
        length += len(record) + 2
    return "[\n" + ",\n".join(records) + "\n]\n"
