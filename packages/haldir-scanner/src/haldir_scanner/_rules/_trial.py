"""What a bundle has to show before it is published: its own examples, rules that differ, and speed."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from attrs import evolve, frozen

from haldir_scanner._engine import best_backend, check_patterns, open_engine
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._rules._authoring import failures, found_in
from haldir_scanner._rules._bundle import RuleBundle
from haldir_scanner._rules._rule import Fixture, Rule
from haldir_scanner._text import Region, Text

MAX_SECONDS_PER_RULE = 0.05
"""Of processor time, for the search of one rule in the benign sample of a megabyte."""

_SAMPLE_BYTES = 256 * 1024
_PER_RULE = 201  # matches that are looked for in one file, as in a scan with the default limits


def problems(bundle: RuleBundle, clock: Callable[[], float]) -> Iterator[str]:
    """What is wrong with the rules of a bundle, a sentence each: examples, rules that are alike, and speed.

    ``clock`` gives seconds of processor time.

    Raises: BundleError if a pattern is refused, or an example cannot be read.
    """
    check_patterns(bundle, clock)
    yield from failures(bundle)
    yield from _alike(_found_by_rule(bundle))
    yield from _slow(bundle, clock)


def _found_by_rule(bundle: RuleBundle) -> Mapping[str, frozenset[Fixture]]:
    """The examples of all rules in which each rule is found."""
    examples = {fixture for rule in bundle.rules for fixture in (*rule.match, *rule.no_match)}
    found: dict[str, set[Fixture]] = {rule.id: set() for rule in bundle.rules}
    for fixture in examples:
        for name in found_in(fixture, bundle) & found.keys():
            found[name].add(fixture)
    return {name: frozenset(fixtures) for name, fixtures in found.items()}


def _alike(found: Mapping[str, frozenset[Fixture]]) -> Iterator[str]:
    rules: dict[frozenset[Fixture], list[str]] = defaultdict(list)
    for name, fixtures in found.items():
        if fixtures:
            rules[fixtures].append(name)
    for names in rules.values():
        if len(names) > 1:
            yield f"{names[0]}: is found in the same examples as {', '.join(names[1:])}; show what sets them apart"


def _slow(bundle: RuleBundle, clock: Callable[[], float]) -> Iterator[str]:
    sample = benign_sample()
    for rule in bundle.rules:
        if rule.matcher is None:
            continue
        seconds = _seconds(rule, bundle, sample, clock)
        if seconds > MAX_SECONDS_PER_RULE:
            yield (
                f"{rule.id}: takes {seconds:.2f} seconds for a megabyte of harmless text, "
                f"the limit is {MAX_SECONDS_PER_RULE}; make its patterns begin with something rare"
            )


def _seconds(rule: Rule, bundle: RuleBundle, sample: tuple[Text, ...], clock: Callable[[], float]) -> float:
    alone = evolve(bundle, rules=(rule,), signals=(), digest=f"{bundle.digest} {rule.id}")
    engine = open_engine(alone, best_backend(), store=_NOWHERE)
    engine.search(evolve(sample[0], data=sample[0].data[:1024]), per_rule=_PER_RULE)  # compiles what is compiled on use
    started = clock()
    for text in sample:
        engine.search(text, per_rule=_PER_RULE)
    return clock() - started


def benign_sample() -> tuple[Text, ...]:
    """A megabyte of harmless text, the same every time: prose, Python, shell and JSON."""
    chance = random.Random(20_261_122)  # noqa: S311 - a sample, no secret

    def choose(words: str) -> str:
        return chance.choice(words.split())

    texts = []
    for file_type, region, line in _KINDS:
        lines, size = [], 0
        while size < _SAMPLE_BYTES:
            lines.append(line(choose))
            size += len(lines[-1]) + 1
        data = "\n".join(lines).encode()
        texts.append(Text(path=f"sample.{file_type.value}", data=data, types=frozenset({file_type}), region=region))
    return tuple(texts)


_Choose = Callable[[str], str]
_WORDS = (
    "the a this each table report chart weather column user file request answer model token environment key value "
    "install run read write open send fetch update list summary script command example please often again before "
    "after when if you should will not and or of to in for with from by on is are was has have"
)
_NAMES = "data rows path result config client session items total name value index"
_CALLS = "load parse print open read_text join split sorted len json.loads requests.get run"


def _prose(choose: _Choose) -> str:
    return " ".join(choose(_WORDS) for _ in range(14)).capitalize() + "."


def _python(choose: _Choose) -> str:
    return f"    {choose(_NAMES)} = {choose(_CALLS)}({choose(_NAMES)}, {choose(_NAMES)}['{choose(_WORDS)}'])"


def _shell(choose: _Choose) -> str:
    return f'python3 {choose(_NAMES)}.py --{choose(_WORDS)} "${choose(_NAMES).upper()}" | sort > {choose(_NAMES)}.txt'


def _json(choose: _Choose) -> str:
    return f'  "{choose(_NAMES)}": {{"{choose(_WORDS)}": "{choose(_WORDS)} {choose(_WORDS)}", "id": 20261122}},'


_KINDS: tuple[tuple[FileType, Region, Callable[[_Choose], str]], ...] = (
    (FileType.MARKDOWN, Region.PROSE, _prose),
    (FileType.PYTHON, Region.CODE, _python),
    (FileType.SHELL, Region.CODE, _shell),
    (FileType.JSON, Region.DATA, _json),
)


@frozen
class _Nowhere:
    """A store that keeps nothing: what is tried once is not needed again."""

    def load(self, key: str) -> None:
        """Nothing."""

    def save(self, key: str, data: bytes) -> None:
        """Nothing."""


_NOWHERE = _Nowhere()
