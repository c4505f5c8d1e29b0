from collections import defaultdict
from functools import cache

import pytest

from haldir_scanner import Severity
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._rules._authoring import UNSEEN, failures, found_in
from haldir_scanner._rules._bundle import builtin
from haldir_scanner._rules._rule import Category, Effect, Fixture, Rule

RULES = builtin().rules

# The rules that users of the TypeScript scanner know by these names.
CRITICAL = """
    sudoers_modification docker_socket script_fetch_curl script_fetch_python script_fetch_node script_fetch_https
    obfuscated_exec_python obfuscated_exec_node base64_pipe hex_decode_exec instruction_override
    instruction_override_new hidden_text_unicode hidden_text_unicode_contextual safety_bypass memory_poison
    memory_poison_redirect reverse_shell_tcp reverse_shell_nc cron_persistence startup_persistence
    reverse_shell_python private_key_pem eval_exec_obfuscation multiline_fetch_eval multiline_fetch_function
    ast_eval_non_literal ast_exec_non_literal ast_function_constructor
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


@cache
def _found(fixture: Fixture) -> frozenset[str]:
    return found_in(fixture, builtin())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_found_in_its_examples_and_not_in_its_counter_examples(rule: Rule) -> None:
    assert (rule.match and rule.no_match) or rule.decided_by in UNSEEN
    assert [fixture for fixture in rule.match if rule.id not in _found(fixture)] == []
    assert [fixture for fixture in rule.no_match if rule.id in _found(fixture)] == []


def test_no_two_rules_are_found_in_the_same_examples() -> None:
    found: dict[str, set[Fixture]] = defaultdict(set)
    for rule in RULES:
        for fixture in (*rule.match, *rule.no_match):
            for name in _found(fixture):
                found[name].add(fixture)
    same: dict[frozenset[Fixture], list[str]] = defaultdict(list)
    for name, fixtures in found.items():
        same[frozenset(fixtures)].append(name)
    assert [names for names in same.values() if len(names) > 1] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_its_words_and_its_places_in_the_catalogues(rule: Rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.message.endswith(".")
    assert rule.remediation.endswith(".")
    if rule.category is not Category.COMPLIANCE:
        assert rule.cwe
        assert rule.owasp_llm
        assert rule.owasp_agentic
        assert rule.owasp_skills
        assert rule.atlas


def test_there_are_at_least_171_rules_in_every_category() -> None:
    assert len(RULES) >= 171
    assert {rule.category for rule in RULES} == set(Category)


def test_the_known_rules_are_there_under_their_names_and_severities() -> None:
    table = {rule.id: rule.severity for rule in RULES}
    assert {name: table.get(name) for name in KNOWN} == KNOWN
    assert len(KNOWN) == 101


def test_the_combinations_speak_of_signals_and_rules_that_there_are() -> None:
    known = {rule.id for rule in RULES} | {signal.id for signal in builtin().signals}
    known |= {name for rule in RULES for name in rule.signals}
    assert {name for rule in RULES for group in rule.needs for name in group} - known == set()


def test_what_rejects_alone_is_a_short_table() -> None:
    alone = {rule.id for rule in RULES if rule.effect is Effect.REJECT and not rule.needs}
    assert len(alone) < len(RULES) / 4


def test_every_limit_flags_and_cannot_be_outvoted() -> None:
    limits = [rule for rule in RULES if rule.id.startswith("limit_")]
    assert len(limits) >= 8
    assert {rule.effect for rule in limits} == {Effect.FLAG}


@pytest.mark.parametrize("file_type", sorted(set(FileType) - {FileType.BINARY}), ids=str)
def test_every_file_type_is_watched_for_orders_to_the_agent(file_type: FileType) -> None:
    override = builtin().rule("instruction_override")
    assert override is not None
    assert override.matcher is not None
    assert file_type in override.matcher.file_types


def test_the_built_in_bundle_has_no_failures() -> None:
    assert list(failures(builtin())) == []
