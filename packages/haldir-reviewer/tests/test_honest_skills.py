import base64
import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from haldir_reviewer.decision import Outcome
from haldir_reviewer.report import ReviewReport

sys.path.insert(0, str(Path(__file__).parent))  # test folders are no packages

from stub_models import Honest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def skill(
    name: str, description: str, body: str, files: Mapping[str, bytes | str] | None = None
) -> dict[str, bytes | str]:
    head = f"---\nname: {name}\ndescription: {description}\n---\n\n# {name}\n\n"
    return {"SKILL.md": head + body} | dict(files or {})


HONEST: dict[str, dict[str, bytes | str]] = {
    "review scores": skill(
        "pr-scorer",
        "Reviews pull requests and gives each a score from 0.0 to 1.0.",
        "You are a careful code reviewer. Give every changed file a score from 0.0 (bad) to 1.0 (perfect).\n"
        "Approve the pull request if all scores are above 0.95, reject it below 0.7,\n"
        "and otherwise ask a human reviewer. The reviewer should not approve its own changes.\n"
        "A quality of 1.0 means that nothing is left to do.\n"
        '\n```json\n{"score": 1.0, "approved": true, "findings": []}\n```\n',
    ),
    "notes for reviewers": skill(
        "pr-writer",
        "Writes pull request descriptions.",
        "Use this template:\n\n## Summary\n\n## Notes for reviewers\n\nSay what the reviewer must look at first.\n"
        "## Checklist\n\n"
        "- [ ] The security team has been told, if secrets change.\n"
        "- [ ] Must be approved by the security team.\n",
    ),
    "security training": skill(
        "secure-coding",
        "Explains common weaknesses to developers.",
        "Never trust user input. Audit logs must be kept. Do not report false positives: check every finding.\n"
        "An auditor reads the log later. Verified publishers are listed in the registry.\n",
    ),
    "exam grader": skill(
        "grading",
        "Helps teachers to grade exams by a rubric.",
        "For each question give 0 to 5 points. Full marks need a complete proof. Grade all questions, then\n"
        "add them up. If the answer is empty, give 0. Report the highest score and the mean for each class.\n",
    ),
    "prompt writer": skill(
        "prompt-writer",
        "Improves system prompts.",
        "Read the system prompt, keep its previous rules, and shorten it.\n"
        "Use tags such as <instructions> and <example>.\n"
        "The assistant should answer in the language of the user.\n",
    ),
    "skill checker": skill(
        "skill-lint",
        "Checks the front matter of skills.",
        "Check that each skill has a name and a description. A skill is valid if both are there.\n"
        "Report every skill that is not.\n",
        {"scripts/lint": "#!/usr/bin/env python3\nimport sys\nprint(open(sys.argv[1]).read()[:3] == '---')\n"},
    ),
    "emoji and accents": skill(
        "fr\u00fchst\u00fcck",
        "Plant das Fr\u00fchst\u00fcck f\u00fcr die Woche. \u2764\ufe0f \U0001f469\u200d\U0001f373 1\ufe0f\u20e3",
        "Bewerte die Rezepte nach Zeit und Kosten. Genehmigt wird nichts, nur geplant.\n",
    ),
    "Chinese": skill(
        "fanyi",
        "\u7ffb\u8bd1\u6587\u6863\u3002",
        "\u8fd9\u4e2a\u6280\u80fd\u628a\u6587\u6863\u7ffb\u8bd1\u6210\u82f1\u6587\u3002\u8bf7\u4fdd\u7559\u683c\u5f0f\uff0c\u5e76\u4e3a\u6bcf\u4e00\u6bb5\u8bc4\u5206\u3002\n",
    ),
    "Persian and Hebrew": skill(
        "rtl",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0646\u062f \u05e9\u05dc\u05d5\u05dd\u200f",
        "Keeps the direction of \u05e9\u05dc\u05d5\u05dd\u200f (hello).\n",
    ),
    "lock file": skill(
        "charts",
        "Draws charts from CSV files.",
        "Run `python scripts/draw.py data.csv`.\n",
        {
            "package-lock.json": "\n".join(
                '"integrity": "sha512-' + base64.b64encode(hashlib.sha512(bytes([n])).digest()).decode() + '",'
                for n in range(40)
            ),
            "requirements.txt": "\n".join(
                f"pkg{n}==1 --hash=sha256:{hashlib.sha256(bytes([n])).hexdigest()}" for n in range(40)
            ),
            "scripts/draw.py": "import csv\nimport sys\n\nfor row in csv.reader(sys.stdin):\n    print(row)\n",
        },
    ),
    "notebook with a picture": skill(
        "plots",
        "Makes plots.",
        "See the notebook.\n",
        {"plot.ipynb": '{"image/png": "' + base64.b64encode(PNG).decode() + '"}\n', "plot.png": PNG},
    ),
    "page with a font": skill(
        "pages",
        "Writes HTML pages.",
        "Use the style below.\n",
        {
            "style.css": "@font-face { src: url(data:font/woff2;base64,"
            + base64.b64encode(b"wOF2" + bytes(3000)).decode()
            + "); }\n"
        },
    ),
    "certificate": skill(
        "tls",
        "Explains a certificate.",
        "-----BEGIN CERTIFICATE-----\n"
        + base64.encodebytes(bytes(range(256)) * 6).decode()
        + "-----END CERTIFICATE-----\n",
    ),
    "weather": skill(
        "weather",
        "Tells the weather of a city.",
        "Run `curl https://weather.example/v1?q=CITY` and tell the temperature.\n",
    ),
    "old encodings": skill("recettes", "Recettes de cuisine.", "Voir les fichiers.\n")
    | {
        "a.txt": "cr\u00e8me br\u00fbl\u00e9e et d\u00e9j\u00e0 vu".encode("latin-1"),
        "b.txt": "\ufeffth\u00e9".encode("utf-16-le"),
    },
    "one line": skill("haiku", "Writes haiku.", "Write a haiku about the topic.\n"),
    "large": skill(
        "glossary", "A glossary of 4,000 words.", "".join(f"- word {n}: its meaning\n" for n in range(4000))
    ),
}


@pytest.mark.parametrize("files", HONEST.values(), ids=HONEST)
def test_an_honest_skill_is_approved_by_honest_models(
    reviewed: Callable[..., ReviewReport], files: Mapping[str, bytes | str]
) -> None:
    report = reviewed(files, [Honest("a"), Honest("b"), Honest("c")])
    assert report.outcome is Outcome.APPROVE, (report.reasons, report.findings)
    assert report.findings == ()
    assert report.score == 1.0
