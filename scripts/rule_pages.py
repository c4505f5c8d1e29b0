"""The pages about the scanner's rules, and the bundle itself, from their sources in TOML."""

import json
from collections.abc import Iterator
from pathlib import Path

from haldir_scanner.bundles import Category, Effect, Fixture, Rule, RuleBundle, compile_bundle

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "packages" / "haldir-scanner" / "src" / "haldir_scanner"
PAGES = ROOT / "docs" / "reference" / "rules"

PEER_RULES = {
    "exfiltration": """
        env_harvest_python env_harvest_node env_harvest_shell env_harvest_generic fs_enumerate_python fs_enumerate_node
        data_exfil_python data_exfil_node data_exfil_curl context_leakage_env context_leakage_memory
    """,
    "privilege escalation": """
        sudo_escalation credential_access_ssh credential_access_cloud credential_access_package
        credential_access_keychain sudoers_modification allowed_tools_excessive docker_socket proc_access
        subprocess_python child_process_node shell_exec_generic prototype_pollution_proto
        prototype_pollution_constructor
    """,
    "supply chain": """
        unpinned_deps_pip unpinned_deps_npm script_fetch_curl script_fetch_python script_fetch_node script_fetch_https
        obfuscated_exec_python obfuscated_exec_node base64_pipe hex_decode_exec pep723_unpinned install_script_hook
        dynamic_require
    """,
    "prompt injection": """
        instruction_override instruction_override_new persona_override hidden_text_unicode exfil_command_send
        exfil_command_encode safety_bypass prompt_leak indirect_injection tool_force hidden_text_html
    """,
    "persistence": """
        memory_poison memory_poison_redirect reverse_shell_tcp reverse_shell_nc nohup_background cron_persistence
        startup_persistence reverse_shell_python
    """,
    "campaign indicator": """
        paste_service password_archive url_shortener ip_literal telegram_webhook discord_webhook password_archive_open
        fake_prerequisite
    """,
    "credential exposure": """
        aws_access_key aws_secret_key openai_key stripe_key github_token private_key_pem slack_token jwt_token
        connection_string jwt_secret generic_api_key password_in_code gcp_service_account
    """,
    "obfuscation": """
        base64_api_key string_concat_secret hex_escape_secret char_code_obfuscation template_literal_concat rot13_caesar
        unicode_escape eval_exec_obfuscation split_reverse_join
    """,
    "multi-line": "multiline_fetch_eval multiline_fetch_function multiline_read_exfil",
    "package.json": """
        manifest_unpinned_deps manifest_git_url_dep manifest_protocol_dep manifest_native_addon manifest_typosquat
    """,
    "syntax tree": """
        ast_eval_non_literal ast_exec_non_literal ast_indirect_execution ast_dynamic_import ast_function_constructor
    """,
    "joined characters": "hidden_text_unicode_contextual",
}
"""The ids of the rules of the TypeScript scanner, by its groups."""

_EFFECTS = {
    Effect.REJECT: "rejects by itself",
    Effect.FLAG: "flags by itself",
    Effect.SCORE: "adds to the score",
    Effect.NOTE: "is listed and never changes the verdict",
}
MANY_TYPES = 12
_TITLES = {Category.CAMPAIGN_INDICATOR: "Campaign indicators", Category.TOOL_POISONING: "MCP tool poisoning"}


def rule_files() -> dict[Path, bytes]:
    """Return the content of every file that is made from the rules."""
    sources = {path.name: path.read_text("utf-8") for path in (PACKAGE / "rules").glob("*.toml")}
    compiled = compile_bundle(sources)
    bundle = RuleBundle.from_bytes(compiled)
    pages = {PAGES / f"{category}.md": _page(category, _of(category, bundle)) for category in _categories(bundle)}
    pages |= {PAGES / "index.md": _index(bundle), PAGES.parent / "peer-rules.md": _peer_rules(bundle)}
    return {PACKAGE / "rules.json": compiled} | {path: text.encode() for path, text in pages.items()}


def superfluous_pages(wanted: dict[Path, bytes]) -> list[Path]:
    """Return the pages of rules that are there no more."""
    return sorted(path for path in PAGES.glob("*.md") if path not in wanted)


def _categories(bundle: RuleBundle) -> list[Category]:
    used = {rule.category for rule in bundle.rules}
    return [category for category in Category if category in used]


def _of(category: Category, bundle: RuleBundle) -> list[Rule]:
    rules = (rule for rule in bundle.rules if rule.category is category)
    return sorted(rules, key=lambda rule: (-rule.severity.rank, rule.id))


def _index(bundle: RuleBundle) -> str:
    lines = [
        "# Rules of the scanner",
        "",
        f"The {len(bundle.rules)} built-in rules, version {bundle.version}. `scripts/generate.py` makes these pages",
        "from the sources of the rules. `haldir scan --explain RULE` shows a rule with its patterns too.",
    ]
    for category in _categories(bundle):
        lines += ["", f"## {_title(category)}", "", "| rule | severity | confidence | a match | what |"]
        lines += ["|---|---|---|---|---|", *map(_row, _of(category, bundle))]
    return "\n".join(lines) + "\n"


def _row(rule: Rule) -> str:
    cells = (f"[`{rule.id}`]({rule.category}.md#{rule.id})", rule.severity, rule.confidence, _EFFECTS[rule.effect])
    return f"| {' | '.join(cells)} | {rule.title.replace('|', '-')} |"


def _page(category: Category, rules: list[Rule]) -> str:
    title = f"# Rules of the scanner: {_title(category).lower()}"
    return "\n".join([title, "", "[All rules](index.md)", *(line for rule in rules for line in _section(rule))]) + "\n"


def _section(rule: Rule) -> Iterator[str]:
    weight = "" if rule.weight is None else f", {rule.weight} points"
    facts = [
        ("severity", rule.severity.value),
        ("confidence of one match", rule.confidence.value),
        ("a match", f"{_EFFECTS[rule.effect]}{weight}"),
        ("decided by", _decision(rule)),
        ("CWE", ", ".join(f"[{cwe}](https://cwe.mitre.org/data/definitions/{cwe}.html)" for cwe in rule.cwe)),
        ("OWASP", ", ".join((*rule.owasp_llm, *rule.owasp_agentic, *rule.owasp_skills))),
        ("MITRE ATLAS", ", ".join(rule.atlas)),
        ("shows", ", ".join(f"`{signal}`" for signal in sorted(rule.signals))),
        ("see", ", ".join(f"<{address}>" for address in rule.references)),
    ]
    yield from ("", f"## {rule.id}", "", f"**{rule.title}.** {rule.message}", "")
    yield from (f"What to do: {rule.remediation}", "", "| | |", "|---|---|")
    yield from (f"| {name} | {value} |" for name, value in facts if value)
    yield from _examples("Found in", rule.match)
    yield from _examples("Not found in", rule.no_match)


def _decision(rule: Rule) -> str:
    if rule.needs:
        groups = " and ".join(" or ".join(f"`{name}`" for name in sorted(group)) for group in rule.needs)
        return f"{groups}, in one {rule.scope}"
    if rule.matcher is None:
        return "code of the scanner"
    types = sorted(rule.matcher.file_types)
    return f"patterns, in {', '.join(types) if len(types) < MANY_TYPES else 'every kind of text'}"


def _examples(title: str, fixtures: tuple[Fixture, ...]) -> Iterator[str]:
    """The first of the examples; the others show finer points, to those who change the rule."""
    for fixture in fixtures[:1]:
        for name, content in fixture:
            yield from ("", f"{title} `{name}`:", "", *_fenced(_visible(content), "text"))


def _fenced(text: str, language: str) -> list[str]:
    fence = "```"
    while fence in text:
        fence += "`"
    return [f"{fence}{language}", *text.split("\n"), fence]


def _visible(text: str) -> str:
    """The text with what nobody sees written as escapes."""
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return "\n".join(line if line.isprintable() else json.dumps(line)[1:-1] for line in lines).rstrip("\n")


def _title(category: Category) -> str:
    return _TITLES.get(category, category.value.replace("_", " ").capitalize())


def _peer_rules(bundle: RuleBundle) -> str:
    names = [(group, name) for group, listed in PEER_RULES.items() for name in listed.split()]
    lines = [
        "# Rules of the TypeScript scanner",
        "",
        f"The scanner of the TypeScript Haldir has {len(names)} rules. Each is covered here, under the same id,",
        "so that reports can be compared. What a rule matches is not the same: ours see through encodings, and an",
        "ordinary capability is not reported as an attack. `scripts/generate.py` makes this page.",
        "",
        "| its group | its rule | ours | severity | a match |",
        "|---|---|---|---|---|",
    ]
    for group, name in names:
        rule = bundle.rule(name)
        if rule is None:
            raise LookupError(f"no rule covers {name} of the TypeScript scanner")
        link = f"[`{name}`](rules/{rule.category}.md#{name})"
        lines.append(f"| {group} | `{name}` | {link} | {rule.severity} | {_EFFECTS[rule.effect]} |")
    return "\n".join(lines) + "\n"
