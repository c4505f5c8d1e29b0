from collections.abc import Callable

import pytest

from haldir_scanner import PATTERNS, STRUCTURE_PATTERNS, Category, FileType, Limits, Pattern, Severity, scan_files

Rules = Callable[[str, str | bytes], set[str]]

# The rules that users of the TypeScript scanner know by these names.
CRITICAL = """
    sudoers_modification docker_socket script_fetch_curl script_fetch_python script_fetch_node script_fetch_https
    obfuscated_exec_python obfuscated_exec_node base64_pipe hex_decode_exec instruction_override
    instruction_override_new hidden_text_unicode safety_bypass memory_poison memory_poison_redirect reverse_shell_tcp
    reverse_shell_nc cron_persistence startup_persistence reverse_shell_python private_key_pem eval_exec_obfuscation
    multiline_fetch_eval multiline_fetch_function ast_eval_non_literal ast_exec_non_literal ast_function_constructor
"""
HIGH = """
    env_harvest_python env_harvest_node env_harvest_shell env_harvest_generic data_exfil_python data_exfil_node
    data_exfil_curl context_leakage_env context_leakage_memory sudo_escalation credential_access_ssh
    credential_access_cloud credential_access_package credential_access_keychain allowed_tools_excessive proc_access
    subprocess_python child_process_node shell_exec_generic prototype_pollution_proto prototype_pollution_constructor
    install_script_hook dynamic_require persona_override exfil_command_send exfil_command_encode prompt_leak
    indirect_injection tool_force hidden_text_html telegram_webhook discord_webhook aws_access_key aws_secret_key
    openai_key stripe_key github_token slack_token connection_string jwt_secret gcp_service_account base64_api_key
    multiline_read_exfil manifest_git_url_dep manifest_protocol_dep manifest_native_addon manifest_typosquat
    ast_indirect_execution ast_dynamic_import
"""
MEDIUM = """
    fs_enumerate_python fs_enumerate_node unpinned_deps_pip unpinned_deps_npm pep723_unpinned nohup_background
    paste_service password_archive url_shortener ip_literal password_archive_open jwt_token generic_api_key
    password_in_code string_concat_secret hex_escape_secret char_code_obfuscation rot13_caesar unicode_escape
    manifest_unpinned_deps
"""
LOW = "fake_prerequisite template_literal_concat split_reverse_join"
KNOWN = {
    name: severity
    for severity, names in zip(Severity, (CRITICAL, HIGH, MEDIUM, LOW), strict=True)
    for name in names.split()
}

EXAMPLES = [(pattern, *example) for pattern in PATTERNS for example in pattern.matches]
COUNTER_EXAMPLES = [(pattern, *example) for pattern in PATTERNS for example in pattern.non_matches]


def _ids(rows: list[tuple[Pattern, str, str]]) -> list[str]:
    return [f"{pattern.id}-{number}" for number, (pattern, _, _) in enumerate(rows)]


@pytest.mark.parametrize(("pattern", "name", "text"), EXAMPLES, ids=_ids(EXAMPLES))
def test_a_rule_is_found_in_its_own_examples(pattern: Pattern, name: str, text: str, rules: Rules) -> None:
    assert pattern.id in rules(name, text)


@pytest.mark.parametrize(("pattern", "name", "text"), COUNTER_EXAMPLES, ids=_ids(COUNTER_EXAMPLES))
def test_a_rule_is_not_found_in_its_counter_examples(pattern: Pattern, name: str, text: str, rules: Rules) -> None:
    assert pattern.id not in rules(name, text)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_every_rule_brings_examples_and_counter_examples_and_words(pattern: Pattern) -> None:
    assert pattern.matches
    assert pattern.non_matches
    assert pattern.file_types
    assert pattern.title
    assert pattern.message.endswith(".")
    assert pattern.remediation.endswith(".")
    assert pattern.category is not Category.STRUCTURE


def test_the_known_rules_are_there_under_their_names_and_severities() -> None:
    table = {pattern.id: pattern.severity for pattern in PATTERNS}
    assert {name: table.get(name) for name in KNOWN} == KNOWN


def test_rule_ids_are_unique() -> None:
    names = [pattern.id for pattern in (*PATTERNS, *STRUCTURE_PATTERNS)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("file_type", set(FileType) - {FileType.BINARY}, ids=str)
def test_every_file_type_is_watched_for_orders_to_the_agent(file_type: FileType) -> None:
    override = next(pattern for pattern in PATTERNS if pattern.id == "instruction_override")
    assert file_type in override.file_types


def test_examples_of_all_rules_in_one_file_do_not_hide_each_other() -> None:
    text = "\n\n".join(text for pattern in PATTERNS for _, text in pattern.matches if pattern.regexes)
    limits = Limits(max_matches_per_file=10_000)
    found = {match.rule for match in scan_files({"everything": text.encode()}, limits=limits).matches}
    only_in_their_own_place = {"install_script_hook", "unusual_source_encoding"}
    assert {pattern.id for pattern in PATTERNS if pattern.regexes} - found == only_in_their_own_place
