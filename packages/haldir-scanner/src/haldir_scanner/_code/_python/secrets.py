"""Secrets in variables of the environment, and whose they are."""

import re
from collections.abc import Iterable, Mapping

_SECRET_NAME = re.compile(r"(?i)key|token|secret|passw|pwd|credential|private|mnemonic|seed|dsn|database_url")
# What a service calls its own: a secret of one has no business with another.
_OWNERS: Mapping[str, re.Pattern[str]] = {
    owner: re.compile(pattern)
    for owner, pattern in {
        "amazon": r"^AWS_",
        "anthropic": r"^ANTHROPIC_|^CLAUDE_",
        "azure": r"^AZURE_",
        "cloudflare": r"^CLOUDFLARE_|^CF_API",
        "database": r"^(?:DATABASE_URL|DB_PASS|PGPASSWORD|MYSQL_|POSTGRES_|MONGO)",
        "discord": r"^DISCORD_",
        "github": r"^(?:GITHUB|GH)_",
        "gitlab": r"^GITLAB_",
        "google": r"^(?:GOOGLE|GCP|GEMINI)_",
        "huggingface": r"^(?:HF|HUGGINGFACE|HUGGING_FACE)_",
        "npm": r"^NPM_",
        "openai": r"^OPENAI_",
        "slack": r"^SLACK_",
        "stripe": r"^STRIPE_",
        "ssh": r"^SSH_",
        "telegram": r"^TELEGRAM_",
        "wallet": r"MNEMONIC|WALLET|SEED_PHRASE|^ETH_PRIVATE",
    }.items()
}
# What opens a wallet: it signs on this machine, and no service is ever sent it.
_WALLET_KEY = re.compile(
    r"MNEMONIC|SEED_(?:PHRASE|WORDS)|(?:SECRET|RECOVERY)_PHRASE|WALLET_(?:PRIVATE_|SECRET_)?KEY$"
    r"|^(?:ETH(?:EREUM)?|EVM|SOL(?:ANA)?|BTC|BNB|BSC|BASE|POLYGON|TRADER|OWNER|DEPLOYER|SIGNER|MY|USER)_(?:PRIVATE|SECRET)_KEY$"
    r"|^PRIVATE_KEY$"
)
# Services that are only ever shown their keys in a header, or sign with them; a client secret is part of a log-in.
_IN_HEADERS = frozenset(
    {"amazon", "anthropic", "cloudflare", "github", "gitlab", "huggingface", "npm", "openai", "ssh", "stripe"}
)
_CLIENT_SECRET = re.compile(r"CLIENT|OAUTH|WEBHOOK|_APP_")
_MANY = 2


def is_secret_name(variable: str) -> bool:
    """Whether the name says that the value is a secret."""
    return _SECRET_NAME.search(variable) is not None


def owner(variable: str) -> str:
    """The service that a secret belongs to; "" if the name tells none that is widely known."""
    return next((name for name, pattern in _OWNERS.items() if pattern.search(variable)), "")


def opens_wallet(variable: str) -> bool:
    """Whether the name says that the value is the key of a wallet, or the words that it is restored from."""
    return _WALLET_KEY.search(variable) is not None


def belongs_in_header(variable: str) -> bool:
    """Whether its service never takes the secret as a part of a message."""
    return owner(variable) in _IN_HEADERS and _CLIENT_SECRET.search(variable) is None


def is_collection(variables: Iterable[str]) -> bool:
    """Whether these secrets belong to so many services that no request to one of them needs all."""
    return len({owner(variable) for variable in variables} - {""}) >= _MANY
