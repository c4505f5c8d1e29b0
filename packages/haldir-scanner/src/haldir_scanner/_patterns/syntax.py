"""Rules about JavaScript that a syntax tree decides best; here, the cases that a regex can decide honestly."""

from functools import partial

from haldir_scanner._filetypes import FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(
    Pattern,
    category=Category.OBFUSCATION,
    severity=Severity.CRITICAL,
    file_types=frozenset({FileType.JAVASCRIPT}),
    remediation="Call the function that is meant, by its name, with data that is no code.",
)
_EVALUATED = r"(?:[A-Za-z_$][\w$.\[\]]*\s*[,)+(]|await\b|\x60[^\x60\n]{0,200}\$\{|[\"'][^\"'\n]{0,200}[\"']\s*\+|\()"
_GLOBAL = r"\b(?:globalThis|window|global|self|process|module)"


PATTERNS = (
    _rule(
        id="ast_eval_non_literal",
        title="Text evaluated as code",
        message="eval runs a text that the program puts together: whoever controls the text controls the program.",
        regexes=(
            r"(?:\bfunction\s+|^|[^\w.$])eval\s*\(\s*" + _EVALUATED,
            _GLOBAL + r"\.eval\s*\(|\(\s*0\s*,\s*eval\s*\)\s*\(",
        ),
        exclusions=(r"^function\b",),
        matches=(
            ("a.js", "const x = eval(text);"),
            ("a.mjs", "(0, eval)(code)"),
            ("a.js", "  return eval(`f(${x})`);"),
        ),
        non_matches=(("a.js", "const x = math.eval(text);"), ("a.js", "function eval(text) {}")),
    ),
    _rule(
        id="ast_exec_non_literal",
        title="Command put together and run",
        message="A shell runs a command line that the program puts together: data can become commands.",
        category=Category.PRIVILEGE_ESCALATION,
        regexes=(
            r"(?:\bfunction\s+|^|[^\w.$]|\b(?:child_process|childProcess|cp)\.)exec(?:Sync)?\s*\(\s*"
            + _EVALUATED
            + r"(?:[^()\n]{0,80}\)?\s*\{)?",
        ),
        exclusions=(r"^function\b", r"^\W*exec[^()]*\([^()]*\)\s*\{$"),  # the second is the definition of a method
        matches=(
            ("a.js", "execSync(`git clone ${url}`);"),
            ("a.cjs", "cp.exec(command, done);"),
            ("a.ts", "  exec(command);"),
        ),
        non_matches=(
            ("a.js", "const hit = regex.exec(s);"),
            ("a.js", 'execSync("git status");'),
            ("a.js", "  exec(command) {"),
        ),
    ),
    _rule(
        id="ast_indirect_execution",
        severity=Severity.HIGH,
        title="Function called under a computed name",
        message="A function of the language itself is called under a name that is put together.",
        regexes=(
            _GLOBAL + r"\s*\[\s*(?:[\"'\x60](?:eval|Function|require|binding|constructor|mainModule)[\"'\x60]"
            r"|[\"'][\w]{0,20}[\"']\s*\+|[A-Za-z_$][\w$]*\s*\+|atob\(|\w+\.join\()",
            r"\[\s*[\"'\x60]constructor[\"'\x60]\s*\]\s*(?:\[\s*[\"'\x60]constructor[\"'\x60]\s*\]\s*)?\(",
            r"\.constructor\.constructor\s*\(",
        ),
        matches=(("a.js", 'globalThis["ev" + "al"](text);'), ("a.js", '[]["constructor"]["constructor"]("x")();')),
        non_matches=(("a.js", "handlers[name]();"), ("a.js", 'const p = window["name"];')),
    ),
    _rule(
        id="ast_dynamic_import",
        severity=Severity.HIGH,
        title="Code imported from an address",
        message="A module is imported from an address or from a text that is put together.",
        regexes=(
            (
                r"\bimport\s*\(\s*(?:[\"'\x60](?:https?:|data:|blob:)|atob\(|Buffer\.from\("
                r"|[\"'][^\"'\n]{0,80}[\"']\s*\+|process\.env\b)"
            ),
            r"\bfrom\s*[\"']https?://",
        ),
        matches=(
            ("a.mjs", 'await import("https://code.example/x.mjs");'),
            ("a.mjs", "await import(`data:text/javascript,${code}`);"),
        ),
        non_matches=(("a.mjs", "const module = await import(p);"), ("a.mjs", 'await import("./commands/list.mjs");')),
    ),
    _rule(
        id="ast_function_constructor",
        title="Function made from text",
        message="The Function constructor turns a text into code.",
        regexes=(
            r"\bnew\s+(?:Async|Generator)?Function\s*\(\s*[^)\s][^\n]{0,24}",
            r"(?:^|[=(,;:!?]\s*|\breturn\s+)Function\s*\(\s*[\"'\x60A-Za-z_$][^\n]{0,24}",
        ),
        exclusions=(r"Function\s*\(\s*[\"']return this;?[\"']\s*\)",),
        matches=(("a.js", 'const f = new Function("x", body);'), ("a.cjs", "const f = Function(text);")),
        non_matches=(("a.js", 'const root = Function("return this")();'), ("a.ts", "let f: Function;")),
    ),
)
