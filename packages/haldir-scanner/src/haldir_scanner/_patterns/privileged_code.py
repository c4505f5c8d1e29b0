"""Rules about program code that starts processes or changes what every object inherits."""

from functools import partial

from haldir_scanner._filetypes import CODE, FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(Pattern, category=Category.PRIVILEGE_ESCALATION, severity=Severity.HIGH)
_JSON_CODE = frozenset({FileType.JAVASCRIPT, FileType.JSON})


PATTERNS = (
    _rule(
        id="subprocess_python",
        title="Shell started (Python)",
        message="A command line is run by a shell, so that data can become commands.",
        remediation="Call the program with a list of arguments and without a shell.",
        file_types=frozenset({FileType.PYTHON}),
        regexes=(
            r"\bshell\s*=\s*(?:True|1)\b",
            r"\bos\.(?:system|popen|exec[lv]p?e?|spawn[lv]p?e?)\(",
            r"\b(?:subprocess\.get(?:status)?output|commands\.getoutput|pty\.spawn|asyncio\.create_subprocess_shell)\(",
            (
                r"\b(?:subprocess\.\w+|run|Popen|check_output)\(\s*\[\s*[\"'](?:/bin/)?(?:ba|z"
                r"|da)?sh[\"']\s*,\s*[\"']-\w*c"
            ),
            r"__import__\(\s*[\"'](?:os|subprocess|pty)[\"']\s*\)|getattr\(\s*(?:os|subprocess)\s*,",
        ),
        matches=(
            ("a.py", "subprocess.run(command, shell=True)"),
            ("tool", "#!/usr/bin/env python3\nimport os\nos.system('ls')\n"),
        ),
        non_matches=(("a.py", 'subprocess.run(["git", "log"], check=True)'),),
    ),
    _rule(
        id="eval_python",
        title="Text evaluated as code (Python)",
        message="A text that the program puts together is run: whoever controls the text controls the program.",
        remediation="Use ast.literal_eval for values, or a parser for the language that is meant.",
        file_types=frozenset({FileType.PYTHON}),
        regexes=(r"(?:\bdef\s+|^|[^\w.])(?:eval|exec)\(\s*(?:[A-Za-z_][\w.\[\]]*\s*[,)+(]|f[\"'])",),
        exclusions=(r"^def\b",),
        matches=(("a.py", "value = eval(expression)"), ("a.py", 'exec(f"import {name}")')),
        non_matches=(
            ("a.py", "value = ast.literal_eval(text)"),
            ("a.py", "model.eval()"),
            ("a.py", "def eval(text): ..."),
        ),
    ),
    _rule(
        id="child_process_node",
        title="Processes started (JavaScript)",
        message="The program starts other programs.",
        remediation="Do the work in the program itself, or declare which programs it starts.",
        file_types=frozenset({FileType.JAVASCRIPT}),
        regexes=(
            r"\b(?:require|import)\s*\(\s*[\"'\x60](?:node:)?child_process[\"'\x60]\s*\)",
            r"\bfrom\s*[\"'](?:node:)?child_process[\"']",
            r"\bprocess\.binding\(|\bBun\.spawn(?:Sync)?\(|\bDeno\.(?:run|Command)\(",
        ),
        matches=(
            ("a.mjs", 'import { execFile } from "node:child_process";'),
            ("a.cjs", "const { exec } = require('child_process');"),
        ),
        non_matches=(
            ("a.js", "const hit = pattern.exec(text);"),
            ("a.mjs", 'import { readFile } from "node:fs/promises";'),
        ),
    ),
    _rule(
        id="shell_exec_generic",
        title="Shell started",
        message="A command line is run by a shell, so that data can become commands.",
        remediation="Call the program with a list of arguments and without a shell.",
        file_types=CODE - {FileType.PYTHON, FileType.JAVASCRIPT, FileType.SHELL, FileType.DOCKERFILE},
        regexes=(
            r"\b(?:shell_exec|passthru|proc_open|pcntl_exec)\s*\(",
            r"\bsystem\s*\(?\s*[\"'$\x60]|\bqx\s*[{(/\[|]|\bIO\.popen\b|\bOpen3\.\w+\(\s*[\"']",
            r"\bexec\.Command(?:Context)?\([^\n]{0,40}[\"'](?:/bin/)?(?:ba|z)?sh[\"']\s*,\s*[\"']-c",
            r"\bCommand::new\(\s*\"(?:/bin/)?(?:ba|z)?sh\"\s*\)|\bCommand::new\(\s*\"(?:cmd|powershell)",
            r"(?i)\bInvoke-Expression\b|(?:^|[\s;|({])iex[\s(]|\bStart-Process\s+(?:cmd|powershell)",
            r"\bRuntime\.getRuntime\(\)\.exec\(|\bos\.execute\(|\bio\.popen\(|\bdo\s+shell\s+script\b",
        ),
        matches=(
            ("a.php", "<?php echo shell_exec($_GET['c']);"),
            ("a.ps1", "Invoke-Expression $text"),
            ("a.rb", 'system("ls #{folder}")'),
            ("a.pl", "my $list = qx(ls);"),
        ),
        non_matches=(("a.go", 'exec.Command("git", "log")'), ("a.rs", 'Command::new("git")')),
    ),
    _rule(
        id="prototype_pollution_proto",
        title="Prototype changed through __proto__",
        message="Writing to __proto__ changes every object of the program.",
        remediation="Use a Map, or objects without a prototype.",
        file_types=_JSON_CODE,
        regexes=(
            r"\[\s*[\"'\x60]__proto__[\"'\x60]\s*\](?:\.\w+|\[[^\]\n]{1,40}\])?\s*=[^=]",
            r"\.__proto__(?:\.\w+|\[[^\]\n]{1,40}\])?\s*=[^=]",
            r"[{,]\s*[\"']__proto__[\"']\s*:",
        ),
        matches=(("a.js", 'target["__proto__"].admin = true;'), ("a.json", '{"__proto__": {"admin": true}}')),
        non_matches=(("a.js", 'if (key === "__proto__") continue;'),),
    ),
    _rule(
        id="prototype_pollution_constructor",
        title="Prototype changed through the constructor",
        message="Writing to constructor.prototype changes every object of the program.",
        remediation="Use a Map, or objects without a prototype.",
        file_types=_JSON_CODE,
        regexes=(
            r"[\])\w]\.constructor\.prototype(?:\.\w+|\[[^\]\n]{1,40}\])\s*=[^=]",
            (
                r"\[\s*[\"'\x60]constructor[\"'\x60]\s*\]\s*\[\s*[\"'\x60]prototype[\"'\x60]\s*\](?:\.\w+"
                r"|\[[^\]\n]{1,40}\])?\s*=[^=]"
            ),
            r"[{,]\s*[\"']constructor[\"']\s*:\s*\{\s*[\"']prototype[\"']\s*:",
        ),
        matches=(
            ("a.ts", "value.constructor.prototype.admin = true;"),
            ("a.json", '{"constructor": {"prototype": {"a": 1}}}'),
        ),
        non_matches=(("a.js", "if (value.constructor.prototype === Base.prototype) {}"),),
    ),
)
