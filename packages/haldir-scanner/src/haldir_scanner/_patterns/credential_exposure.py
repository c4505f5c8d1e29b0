"""Rules about live credentials that a skill ships."""

from functools import partial

from haldir_scanner._filetypes import ANY, CODE, CONFIG, FileType
from haldir_scanner._pattern import Category, Pattern
from haldir_scanner._severity import Severity

_rule = partial(
    Pattern,
    category=Category.CREDENTIAL_EXPOSURE,
    severity=Severity.HIGH,
    file_types=ANY,
    message="Something that looks like a live credential: everybody who has the skill can use it.",
    remediation="Revoke the credential, and take it from the user's environment instead.",
)
# What documentation writes where a credential belongs.
_PLACEHOLDER = (
    r"(?i)example|placeholder|changeme|change[-_]me|dummy|redacted|your[-_]|insert|sample|xxxx|x{6}|0{8}|1234567"
    r"|abcdef\w*123|\.\.\.|<|\$\{|\{\{|process\.env|os\.environ|getenv"
)
_QUOTE = r"[\"'\x60]"


def _joined(*parts: str) -> str:
    """A test text that looks like a credential only once it is joined, so that no secret scanner reports this file."""
    return "".join(parts)


PATTERNS = (
    _rule(
        id="aws_access_key",
        title="AWS access key",
        regexes=(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",),
        exclusions=(r"EXAMPLE$",),
        matches=(("a.env", _joined("KEY=", "AK", "IA", "QRSTUVWX", "23456723")),),
        non_matches=(("SKILL.md", "AKIAIOSFODNN7EXAMPLE"),),
    ),
    _rule(
        id="aws_secret_key",
        title="AWS secret key",
        regexes=(
            (
                r"(?i)\baws_?(?:secret)?_?(?:access)?_?(?:secret"
                r"|key)\w*[\"']?\s*[:=]\s*[\"']?[A-Za-z0-9/+]{40}(?:[^A-Za-z0-9/+=]|$)"
            ),
        ),
        exclusions=(r"EXAMPLEKEY", _PLACEHOLDER),
        matches=((".env", _joined("AWS_SECRET_ACCESS_KEY=", "qW8rT5yU2iO9pA3s", "D6fG1hJ4kL7zX0cV8bN5mQ2w")),),
        non_matches=(("SKILL.md", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),),
    ),
    _rule(
        id="openai_key",
        title="Key of a language model service",
        regexes=(
            r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}\b|\bsk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_-]{20,200}\b",
        ),
        exclusions=(_PLACEHOLDER, r"^sk-[a-z]+(?:-[a-z]+)*$"),
        matches=(("a.py", _joined('key = "sk', "-proj-", "qW8rT5yU2iO9pA3sD6fG", "1hJ4kL7z", '"')),),
        non_matches=(("SKILL.md", "export KEY=sk-your-key-goes-here-please"),),
    ),
    _rule(
        id="stripe_key",
        title="Stripe key",
        regexes=(r"\b(?:sk|rk)_live_[0-9A-Za-z]{16,200}\b|\bwhsec_[0-9A-Za-z]{24,200}\b",),
        exclusions=(_PLACEHOLDER,),
        matches=(("a.rb", _joined("sk", "_live_", "qW8rT5yU2iO9pA3sD6fG")),),
        non_matches=(("a.rb", "sk_test_key"),),
    ),
    _rule(
        id="github_token",
        title="GitHub token",
        regexes=(r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b|\bgithub_pat_[A-Za-z0-9_]{40,251}\b|\bglpat-[A-Za-z0-9_-]{20}\b",),
        exclusions=(_PLACEHOLDER,),
        matches=(("a.yml", _joined("gh", "p_", "qW8rT5yU2iO9pA3sD6fG1hJ4kL7zX0cV8bN5")),),
        non_matches=(("SKILL.md", _joined("gh", "p_", "x" * 36)),),
    ),
    _rule(
        id="private_key_pem",
        severity=Severity.CRITICAL,
        title="Private key",
        regexes=(
            (
                r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s"
                r"|[\"'+])+(?:[\w-]+: [^\n]*\n+){0,4}[A-Za-z0-9+/=]{32}"
            ),
        ),
        matches=(
            ("key.pem", _joined("-----BEGIN ", "PRIVATE KEY-----\n", "qW8rT5yU2iO9pA3sD6fG1hJ4kL7zX0cV8bN5", "\n")),
        ),
        non_matches=(("SKILL.md", _joined("A file that begins with -----BEGIN ", "PRIVATE KEY----- is a key.")),),
    ),
    _rule(
        id="slack_token",
        title="Slack token",
        regexes=(r"\bxox[abeoprs]-[0-9A-Za-z-]{20,250}\b|\bxapp-\d-[0-9A-Za-z-]{20,250}\b",),
        exclusions=(_PLACEHOLDER,),
        matches=(("a.js", _joined("xo", "xb-", "837465920184-qW8rT5yU2iO9pA3s")),),
        non_matches=(("a.js", _joined("xo", "xb-your-token-goes-here-please")),),
    ),
    _rule(
        id="jwt_token",
        severity=Severity.MEDIUM,
        title="Signed token (JWT)",
        regexes=(r"\beyJ[A-Za-z0-9_-]{10,500}\.eyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{20,1000}",),
        # The token on the title page of the format's documentation.
        exclusions=(r"\.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lI",),
        matches=(("a.md", _joined("ey", "JhbGciOiJIUzI1NiJ9.", "ey", "JzdWIiOiI3In0K.", "qW8rT5yU2iO9pA3sD6fG1h")),),
        non_matches=(("a.md", "A token has three parts: eyJ... . eyJ... . signature"),),
    ),
    _rule(
        id="connection_string",
        title="Address with a password",
        regexes=(
            (
                r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|clickhouse|ftp|https?)://"
                r"[\w.%+-]{1,60}:[^\s:@/\"'\x60<>]{4,100}@[\w.-]{1,100}"
            ),
        ),
        exclusions=(
            (
                r"(?i)[/:](?:user|username|root|admin|name|postgres|guest|me)\w*:(?:pass|password|pwd|secret"
                r"|postgres|root|admin|guest|test|token|example)\w*@"
            ),
            r"(?i)@(?:localhost|127\.0\.0\.1|0\.0\.0\.0|db|database|postgres|mysql|redis|mongo|host|hostname|server)$",
            r":(?:\$|\{|%|\*|\[|\()[^@]*@",
            r"(?i):[^@]*(?:password|example|placeholder|changeme|your|xxx|\*\*\*)[^@]*@",
        ),
        matches=(("a.yaml", _joined("postgres://shop:", "qW8rT5yU", "@db7.internal.example/shop")),),
        non_matches=(
            ("SKILL.md", "postgres://user:password@db.example/shop"),
            ("a.py", 'f"https://{user}:{word}@{host}"'),
        ),
    ),
    _rule(
        id="jwt_secret",
        title="Secret for signing tokens",
        file_types=CODE,
        regexes=(
            r"(?i)\bjwt[_-]?(?:secret|key|signing[_-]?key)\w*[\"']?\s*[:=]\s*"
            + _QUOTE
            + r"[^\"'\x60\s]{12,200}"
            + _QUOTE,
            r"\bjwt\.(?:sign|verify|encode|decode)\([^\n,]{1,80},\s*" + _QUOTE + r"[^\"'\x60\s]{12,200}" + _QUOTE,
        ),
        exclusions=(_PLACEHOLDER,),
        matches=(("a.mjs", _joined('const JWT_SECRET = "', "qW8rT5yU2iO9pA3s", '";')),),
        non_matches=(("a.js", "const JWT_SECRET = process.env.JWT_SECRET;"),),
    ),
    _rule(
        id="generic_api_key",
        severity=Severity.MEDIUM,
        title="API key",
        file_types=CODE | CONFIG,
        regexes=(
            r"(?i)\b(?:\w+[_-])?(?:api|access|auth|client)[_-]?(?:key|token|secret)[\"']?\s*(?:[:=]|=>|:=)\s*"
            + _QUOTE
            + r"[A-Za-z0-9_/+=-]*[0-9][A-Za-z0-9_/+=-]{15,200}"
            + _QUOTE,
            (
                r"(?m)^(?:export\s+)?[A-Z0-9_]*(?:API|ACCESS|AUTH|CLIENT)_(?:KEY|TOKEN"
                r"|SECRET)=[A-Za-z0-9_/+=-]*[0-9][A-Za-z0-9_/+=-]{15,200}\s*$"
            ),
        ),
        exclusions=(_PLACEHOLDER,),
        matches=(
            ("a.py", _joined('api_key = "', "qW8rT5yU2iO9pA3sD6fG", '"')),
            (".env", _joined("API_KEY=", "qW8rT5yU2iO9pA3sD6fG")),
        ),
        non_matches=(("a.sh", 'API_KEY="$token"'), ("a.py", 'api_key = "your-api-key-goes-here-1234567"')),
    ),
    _rule(
        id="password_in_code",
        severity=Severity.MEDIUM,
        title="Password",
        file_types=CODE | CONFIG,
        regexes=(
            r"(?i)\b(?:\w+[_-])?(?:password|passwd|passphrase)[\"']?\s*(?:[:=]|=>|:=)\s*"
            + _QUOTE
            + r"[^\"'\x60\s$<{]{8,100}"
            + _QUOTE,
        ),
        exclusions=(
            _PLACEHOLDER,
            r"(?i)(?:[:=]|=>)\s*"
            + _QUOTE
            + r"(?:my|the|a|new|old|test|user|enter|db)?[-_]?(?:password|passwd|passphrase|secret)",
        ),
        matches=(("a.py", _joined('password = "', "qW8rT5yU!x", '"')),),
        non_matches=(("a.py", 'password = getpass("Password: ")'), ("a.js", 'const password = "";')),
    ),
    _rule(
        id="gcp_service_account",
        title="Google service account",
        file_types=frozenset({FileType.JSON}),
        regexes=(r"\"type\"\s*:\s*\"service_account\"[\s\S]{0,400}\"private_key\"\s*:\s*\"-----BEGIN",),
        matches=(
            ("a.json", _joined('{"type": "service_account", "private_key_id": "x", "private_key": "-----BEG', 'IN"}')),
        ),
        non_matches=(("a.json", '{"type": "service_account", "project_id": "x"}'),),
    ),
)
