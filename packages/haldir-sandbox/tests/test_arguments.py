"""Sample arguments from the text of a program."""

import pytest

from haldir_sandbox.arguments import MAX_LISTS, sample_arguments
from haldir_sandbox.samples import Samples


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p.add_argument('table')\np.add_argument('--deep', action='store_true')", ("sample.csv", "--deep")),
        ("p.add_argument('-n', '--count', type=int, required=True)", ("--count", "3")),
        ("p.add_argument('mode', choices=['fast', 'slow'])", ("fast",)),
        ("p.add_argument('--version', action='version')\np.add_argument('when_date')", ("2026-01-15",)),
        ("# Usage: tool.sh <config.yaml> --out=FILE", ("sample.yaml", "--out", "sample.txt")),
        ("print('usage: tool [--fast] INPUT')", ("sample.txt",)),
        ("import sys\nprint(sys.argv[1], sys.argv[2])", ("sample.txt", "sample")),
        ("console.log(process.argv[2])", ("sample.txt",)),
        ('echo "$1"', ("sample.txt",)),
        ("@click.argument('city')", ("Berlin",)),
        ("sub.add_parser('show')", ("show",)),
        ("nothing is said", ("sample.txt",)),
    ],
)
def test_the_first_list_fits_what_the_text_says(text: str, expected: tuple[str, ...], samples: Samples) -> None:
    first = sample_arguments(text, samples)[0]
    assert tuple(word.rpartition("/")[2] for word in first) == expected


def test_an_address_never_resolves(samples: Samples) -> None:
    assert samples.value("url") == "http://sample.example/page"


def test_a_program_that_speaks_of_json_is_given_json(samples: Samples) -> None:
    assert samples.suited("reads json, prints json").value("FILE").endswith("sample.json")


@pytest.mark.parametrize("text", ["add_argument('" * 5000, "usage: " + "[" * 50_000, "$1" * 50_000, "sys.argv[" * 9999])
def test_no_text_makes_more_than_a_few_lists(text: str, samples: Samples) -> None:
    lists = sample_arguments(text, samples)
    assert len(lists) <= MAX_LISTS
    assert all(len(words) <= 20 for words in lists)
