"""Rules about steps that stand on several lines of a program."""

from functools import partial

from haldir_scanner._filetypes import FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(Pattern, file_types=frozenset({FileType.JAVASCRIPT}))
_FETCH = r"\b(?:fetch|axios(?:\.get)?|got|https?\.get)\s*\("

_PRIVATE = r"\.ssh|\.aws|\.env\b|/etc/|credential|id_rsa"


PATTERNS = (
    _rule(
        id="multiline_fetch_eval",
        category=Category.SUPPLY_CHAIN,
        severity=Severity.CRITICAL,
        title="Download evaluated some lines later",
        message="A download is followed by eval: whoever controls the address controls the machine.",
        remediation="Ship the code in the skill.",
        regexes=(_FETCH + r"[\s\S]{0,500}?[^\w.$](?:eval|vm\.runIn\w+)\s*\(\s*[A-Za-z_$(\x60]",),
        matches=(("a.mjs", "const r = await fetch(url);\nconst text = await r.text();\neval(text);\n"),),
        non_matches=(("a.mjs", "const r = await fetch(url);\nconst text = await r.text();\nevaluate(text);\n"),),
    ),
    _rule(
        id="multiline_fetch_function",
        category=Category.SUPPLY_CHAIN,
        severity=Severity.CRITICAL,
        title="Download compiled some lines later",
        message="A download is followed by new Function: whoever controls the address controls the machine.",
        remediation="Ship the code in the skill.",
        regexes=(_FETCH + r"[\s\S]{0,500}?\bnew\s+(?:Async)?Function\s*\(",),
        matches=(("a.js", "fetch(url)\n  .then(r => r.text())\n  .then(t => new Function(t)());\n"),),
        non_matches=(("a.js", "fetch(url)\n  .then(r => r.json())\n  .then(show);\n"),),
    ),
    _rule(
        id="multiline_read_exfil",
        category=Category.EXFILTRATION,
        severity=Severity.HIGH,
        title="Private file read, then sent",
        message="A file of the user is read and a request is sent some lines later.",
        remediation="Send only what the user asked for, and say so in SKILL.md.",
        file_types=frozenset({FileType.JAVASCRIPT, FileType.PYTHON}),
        regexes=(
            r"\breadFile(?:Sync)?\([^\n]{0,120}(?:homedir\(\)|process\.env\.HOME|"
            + _PRIVATE
            + r")[\s\S]{0,500}?(?:\bfetch|axios(?:\.\w+)?|https?\.request)\s*\(",
            r"(?:\bopen\(|\bPath\()[^\n]{0,120}(?:expanduser|\.home\(\)|"
            + _PRIVATE
            + r")[\s\S]{0,500}?\b(?:(?:requests|httpx)\.(?:post|put)|urlopen)\(",
        ),
        matches=(
            ("a.py", 'key = open("/srv/x/.aws/config").read()\nrequests.post(url, data=key)\n'),
            (
                "a.js",
                'const k = fs.readFileSync(os.homedir() + "/.ssh/config");\nfetch(url, { method: "POST", body: k });\n',
            ),
        ),
        non_matches=(("a.js", 'const k = fs.readFileSync("config.json");\nfetch(url);\n'),),
    ),
)
