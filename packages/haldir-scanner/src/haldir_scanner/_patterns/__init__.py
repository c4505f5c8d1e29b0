"""The table of rules, one module per category."""

from haldir_scanner._patterns import (
    campaign_indicator,
    credential_exposure,
    exfiltration,
    hidden_text,
    manifest,
    multiline,
    obfuscation,
    persistence,
    privilege_escalation,
    privileged_code,
    prompt_injection,
    remote_code,
    structure,
    supply_chain,
    syntax,
)

PATTERNS = (
    *exfiltration.PATTERNS,
    *privilege_escalation.PATTERNS,
    *privileged_code.PATTERNS,
    *supply_chain.PATTERNS,
    *remote_code.PATTERNS,
    *prompt_injection.PATTERNS,
    *hidden_text.PATTERNS,
    *persistence.PATTERNS,
    *campaign_indicator.PATTERNS,
    *credential_exposure.PATTERNS,
    *obfuscation.PATTERNS,
    *multiline.PATTERNS,
    *manifest.PATTERNS,
    *syntax.PATTERNS,
)
STRUCTURE_PATTERNS = structure.PATTERNS
