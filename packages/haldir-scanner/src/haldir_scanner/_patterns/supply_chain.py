"""Rules about what a skill installs."""

from functools import partial

from haldir_scanner._filetypes import SHELL, FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(Pattern, category=Category.SUPPLY_CHAIN)
_PIP = (
    r"\b(?:pip[\d.]*|pipx|uv\s+pip|uv\s+tool)\s+install\s+(?:(?:-U|-q|--upgrade|--user|--quiet|--no-cache-dir"
    r"|--pre|--system)\s+)*"
)
_PACKAGE_END = r"(?:[\s\"'\x60)&;|]|$)"


PATTERNS = (
    _rule(
        id="unpinned_deps_pip",
        severity=Severity.MEDIUM,
        title="Python package without version",
        message="A Python package is installed in whatever version is newest on that day.",
        remediation="Write the version: name==1.2.3.",
        file_types=SHELL | {FileType.MARKDOWN, FileType.PYTHON},
        regexes=(_PIP + r"[\"']?[A-Za-z][\w.-]*(?:\[[\w,-]+\])?[\"']?" + _PACKAGE_END,),
        exclusions=(r"\s[\"']?(?:pip|setuptools|wheel)[\"']?" + _PACKAGE_END,),
        matches=(("a.sh", "pip install tabulate"), ("Dockerfile", "RUN pip3 install --no-cache-dir tabulate")),
        non_matches=(
            ("a.sh", "pip install tabulate==0.9.0"),
            ("a.sh", "pip install -r requirements.txt"),
            ("a.sh", "pip install --upgrade pip"),
        ),
    ),
    _rule(
        id="unpinned_deps_npm",
        severity=Severity.MEDIUM,
        title="npm package without version",
        message="An npm package is installed or run in whatever version is newest on that day.",
        remediation="Write the version: name@1.2.3.",
        file_types=SHELL | {FileType.MARKDOWN, FileType.JSON},
        regexes=(
            r"\b(?:npm\s+(?:install|i|add)|pnpm\s+(?:add|dlx)|yarn\s+(?:add|dlx)|bun\s+add)\s+(?:-\S+\s+)*"
            r"(?:@[\w.-]+/)?[A-Za-z][\w.-]*(?:@(?:latest|next))?" + _PACKAGE_END,
            r"\b(?:npx|bunx)\s+(?:-y|--yes)\s+(?:@[\w.-]+/)?[A-Za-z][\w.-]*(?:@(?:latest|next))?" + _PACKAGE_END,
            r"[\"']npx[\"']\s*,\s*[\"']args[\"']\s*:\s*\[\s*(?:[\"']-y[\"']\s*,\s*)?[\"'](?:@[\w.-]+/)?[A-Za-z][\w.-]*(?:@latest)?[\"']",
        ),
        matches=(("a.sh", "npm install -g left-pad"), ("SKILL.md", "Run `npx -y some-tool` first.")),
        non_matches=(("a.sh", "npm install left-pad@1.3.0"), ("SKILL.md", "Run `npm install` in the folder.")),
    ),
    _rule(
        id="pep723_unpinned",
        severity=Severity.MEDIUM,
        title="Inline dependency without version",
        message="A script's inline metadata names a package without its exact version.",
        remediation="Write the version: name==1.2.3.",
        file_types=frozenset({FileType.PYTHON}),
        regexes=(
            (
                r"^# /// script[ \t]*\r?$(?:\n#[^\n]*){0,40}?\n#[ \t]*(?:dependencies[ \t]*=[ \t]*\[)?[^\n]{0,200}?"
                r"[\"'][A-Za-z][\w.-]*(?:\[[\w,-]+\])?[ \t]*(?:[><~!][^\"'\n]*)?[\"'][ \t]*[,\]]"
            ),
        ),
        matches=(("a.py", '# /// script\n# dependencies = [\n#   "tabulate",\n# ]\n# ///\n'),),
        non_matches=(("a.py", '# /// script\n# dependencies = [\n#   "tabulate==0.9.0",\n# ]\n# ///\n'),),
    ),
    _rule(
        id="install_script_hook",
        severity=Severity.HIGH,
        title="Command run on installation",
        message="The package runs a command as soon as it is installed.",
        remediation="Remove the hook; let the user start what is needed.",
        file_types=frozenset({FileType.NPM_MANIFEST}),
        regexes=(r"\"(?:preinstall|install|postinstall)\"\s*:\s*\"[^\"\n]*[^\"\s]",),
        matches=(("package.json", '{"scripts": {"postinstall": "node setup.js"}}'),),
        non_matches=(
            ("package.json", '{"scripts": {"test": "node --test"}}'),
            ("docs.json", '{"install": "see README"}'),
        ),
    ),
    _rule(
        id="dynamic_require",
        severity=Severity.HIGH,
        title="Module chosen at run time",
        message="Which module is loaded is decided when the program runs.",
        remediation="Load modules by their literal names.",
        file_types=frozenset({FileType.JAVASCRIPT}),
        regexes=(
            r"\brequire\s*\(\s*(?:[A-Za-z_$][\w$.\[\]]*\s*[)+]|\x60[^\x60\n]*\$\{|[\"'][^\"'\n]*[\"']\s*\+|\w+\()",
            r"\bmodule\.(?:_load|constructor\._load)\(|\bmodule\.constructor\.prototype\._compile",
        ),
        exclusions=(r"^require\s*\(\s*(?:node:)?(?:path\.|resolve\(|__dirname)",),
        matches=(("a.js", "const plugin = require(name);"), ("a.cjs", 'require("child" + "_process")')),
        non_matches=(("a.js", 'const fs = require("node:fs");'), ("a.js", "const module = await import(p);")),
    ),
    _rule(
        id="registry_redirect",
        severity=Severity.HIGH,
        title="Packages from another registry",
        message="Packages are taken from a registry other than the public one, over an address that the skill chooses.",
        remediation="Use the registry that the user has set up.",
        file_types=SHELL | {FileType.MARKDOWN, FileType.INI, FileType.TOML, FileType.PYTHON},
        regexes=(
            r"\b(?:pip[\d.]*|uv)\b[^\n]*\s(?:--index-url|--extra-index-url|-i)[= ]\s*[\"']?http",
            r"\bnpm\b[^\n]*\s--registry[= ]\s*[\"']?http|\bnpm\s+config\s+set\s+registry\b",
            r"^\s*(?:@[\w-]+:)?(?:registry|extra-index-url|index-url)\s*=\s*http://",
            (
                r"\bpip[\d.]*\s+install\s+(?:-\S+\s+)*[\"']?(?:git\+)?https?://|\bnpm\s+(?:i"
                r"|install)\s+(?:-\S+\s+)*https?://"
            ),
        ),
        matches=(("a.sh", "pip install --index-url http://packages.example/simple tool==1.0"),),
        non_matches=(("a.sh", "pip install tool==1.0"),),
    ),
)
