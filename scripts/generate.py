"""Write what is derived: the tables of verification checks, the bundle of rules, the pages about rules and audits.

Usage: generate.py [--check]; with --check nothing is written, and the exit code is 1 if a file is out of date.
"""

import json
import sys
from pathlib import Path

from audit_pages import check_files
from limit_pages import limit_files
from rule_pages import rule_files, superfluous_pages

from haldir_core import CHECKS

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- checks:begin -->", "<!-- checks:end -->"


def main() -> int:
    """Bring the derived files up to date, or say which are not."""
    derived = _derived()
    stale = [path for path, data in derived.items() if not path.exists() or path.read_bytes() != data]
    superfluous = superfluous_pages(derived)
    if "--check" in sys.argv[1:]:
        for path in (*stale, *superfluous):
            print(f"{path.relative_to(ROOT)} is out of date: run scripts/generate.py", file=sys.stderr)
        return min(len(stale) + len(superfluous), 1)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(derived[path])
        print(f"wrote {path.relative_to(ROOT)}")
    for path in superfluous:
        path.unlink()
        print(f"removed {path.relative_to(ROOT)}")
    return 0


def _derived() -> dict[Path, bytes]:
    spec = ROOT / "spec" / "asaf-1.0.md"
    before, _, rest = spec.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    checks = {
        ROOT / "spec" / "checks.json": _checks_json(),
        spec: f"{before}{BEGIN}\n{_checks_table()}{END}{after}",
        ROOT / "docs" / "reference" / "checks.md": f"{_PAGE}{_checks_table()}",
    }
    return {path: text.encode() for path, text in checks.items()} | rule_files() | limit_files() | check_files()


def _checks_json() -> str:
    rows = [
        {"number": check.number, "codes": [code.value for code in check.codes], "title": check.title}
        for check in CHECKS
    ]
    return json.dumps({"checks": rows}, indent=2) + "\n"


def _checks_table() -> str:
    rows = [f"| {check.number} | {check.title} | {_codes(check.codes)} |" for check in CHECKS]
    return "\n".join(["| # | What must hold | Reported otherwise |", "|---|---|---|", *rows]) + "\n"


def _codes(codes: tuple[str, ...]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


_PAGE = """# The 25 checks

`haldir verify` and `haldir_core.verify` run these checks in order and stop at the first that fails. Its number is
`failedCheck` in the verdict. The format is described in `spec/asaf-1.0.md`; this page is made by `scripts/generate.py`
from the table that the verifier loops over.

"""


if __name__ == "__main__":
    sys.exit(main())
