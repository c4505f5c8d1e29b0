"""The decoy home of a run: credentials and agent files that no skill has a reason to touch."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from attrs import frozen


class Decoy(StrEnum):
    """What a decoy stands for."""

    CREDENTIAL = "credential"
    AGENT = "agent"
    SHELL = "shell"


@frozen
class Token:
    """A made-up secret, and the texts by which it is known again when it leaves."""

    value: str

    def forms(self) -> tuple[bytes, ...]:
        """Return the token plain, in hexadecimal, reversed, and in the three alignments of base64."""
        raw = self.value.encode("ascii")
        return (raw, raw.hex().encode("ascii"), raw[::-1], *_base64_cores(raw))


def make_tokens(seed: bytes) -> Mapping[str, Token]:
    """Return one token for each decoy, all different, as random as ``seed``."""
    return {name: Token(hashlib.sha256(seed + name.encode()).hexdigest()[:36].upper()) for name in _TOKENS}


def contains_token(data: bytes, tokens: Mapping[str, Token]) -> str | None:
    """Return the name of a token that ``data`` holds in one of its forms."""
    folded = data.replace(b"\r", b"").replace(b"\n", b"")
    upper = folded.upper()
    for name, token in tokens.items():
        plain, in_hex, back, *encoded = token.forms()
        if plain in upper or back in upper or in_hex.upper() in upper or any(core in folded for core in encoded):
            return name
    return None


def decoy_files(tokens: Mapping[str, Token]) -> Mapping[str, tuple[Decoy, str]]:
    """Return kind and text of every decoy by its path below the home."""
    made: dict[str, tuple[Decoy, str]] = {}
    for path, name, text in _CREDENTIALS:
        made[path] = (Decoy.CREDENTIAL, text.replace("@", tokens[name].value, 1))
    for path in _AGENT_FILES:
        made[path] = (Decoy.AGENT, "{}\n" if path.endswith(".json") else "# Notes\n\nNothing here.\n")
    for path in _SHELL_FILES:
        made[path] = (Decoy.SHELL, "# nothing is set here\n")
    return made


def decoy_environment(tokens: Mapping[str, Token]) -> dict[str, str]:
    """Return the environment variables that look like secrets."""
    return {variable: prefix + tokens[name].value for variable, name, prefix in _VARIABLES}


def plant(home: Path, tokens: Mapping[str, Token]) -> None:
    """The decoys are below ``home``."""
    for path, (_, text) in decoy_files(tokens).items():
        target = home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        target.chmod(0o600)


def readable(home: Path) -> tuple[Path, ...]:
    """Return the home and every place in it, each by itself: a grant from above does not reach secrets."""
    files = [home / path for path in (*(path for path, _, _ in _CREDENTIALS), *_AGENT_FILES, *_SHELL_FILES)]
    folders = [folder for file in files for folder in file.parents if folder.is_relative_to(home)]
    return tuple(dict.fromkeys([home, *folders, *files]))


def decoy_at(path: str, home: Path) -> Decoy | None:
    """Return which kind of decoy an absolute path below ``home`` is, if it is one."""
    try:
        inside = Path(path).relative_to(home).as_posix()
    except ValueError:
        return None
    for kind, paths in _BY_KIND.items():
        if inside in paths:
            return kind
    folder = inside.split("/", 1)[0]
    return Decoy.CREDENTIAL if folder in _SECRET_FOLDERS else None


def _base64_cores(raw: bytes) -> Iterator[bytes]:
    """Yield the inner digits of base64 that do not depend on what stands before and after."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw)
        yield encoded[4:-4]


_CREDENTIALS = (
    (".ssh/id_ed25519", "ssh", "-----BEGIN OPENSSH PRIVATE KEY-----\n@\n-----END OPENSSH PRIVATE KEY-----\n"),
    (".ssh/id_rsa", "ssh-rsa", "-----BEGIN RSA PRIVATE KEY-----\n@\n-----END RSA PRIVATE KEY-----\n"),
    (".ssh/config", "ssh-config", "Host build\n  HostName build.sample.example\n  User @\n"),
    (".aws/credentials", "aws", "[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = @\n"),
    (".config/gcloud/application_default_credentials.json", "gcloud", '{"type": "authorized_user", "token": "@"}\n'),
    (".azure/accessTokens.json", "azure", '[{"accessToken": "@"}]\n'),
    (".kube/config", "kube", "apiVersion: v1\nusers:\n- name: admin\n  user:\n    token: @\n"),
    (".docker/config.json", "docker", '{"auths": {"registry.sample.example": {"auth": "@"}}}\n'),
    (".npmrc", "npm", "//npm.sample.example/:_authToken=npm_@\n"),
    (".pypirc", "pypi", "[pypi]\nusername = __token__\npassword = pypi-@\n"),
    (".netrc", "netrc", "machine sample.example login someone password @\n"),
    (".git-credentials", "git", "https://someone:@@sample.example\n"),
    (".config/gh/hosts.yml", "gh", "github.com:\n  oauth_token: gho_@\n"),
    (".env", "dotenv", "DATABASE_PASSWORD=@\n"),
    (".vault-token", "vault", "hvs.@\n"),
    (".gnupg/private-keys-v1.d/key.key", "gnupg", "(private-key @)\n"),
    (".config/google-chrome/Default/Login Data", "chrome", "SQLite format 3 @\n"),
    (".mozilla/firefox/abcd.default/logins.json", "firefox", '{"logins": [{"encryptedPassword": "@"}]}\n'),
    (".config/solana/id.json", "solana", '["@"]\n'),
    (".ethereum/keystore/key.json", "ethereum", '{"crypto": {"ciphertext": "@"}}\n'),
    (".bitcoin/wallet.dat", "bitcoin", "@\n"),
    (".electrum/wallets/default_wallet", "electrum", '{"seed": "@"}\n'),
    (".claude/.credentials.json", "claude", '{"claudeAiOauth": {"accessToken": "sk-ant-@"}}\n'),
    (".codex/auth.json", "codex", '{"OPENAI_API_KEY": "sk-@"}\n'),
    (".bash_history", "history", "export TOKEN=@\nls\n"),
)
_AGENT_FILES = (
    "AGENTS.md",
    "SOUL.md",
    "CLAUDE.md",
    "MEMORY.md",
    ".claude/CLAUDE.md",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude.json",
    ".cursorrules",
    ".cursor/mcp.json",
    ".codex/AGENTS.md",
    ".gemini/GEMINI.md",
    ".openclaw/openclaw.json",
    ".openclaw/workspace/SOUL.md",
    ".openclaw/workspace/MEMORY.md",
)
_SHELL_FILES = (".bashrc", ".bash_profile", ".profile", ".zshrc", ".config/fish/config.fish", ".gitconfig")
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".azure", ".ethereum", ".bitcoin", ".electrum"})
_VARIABLES = (
    ("AWS_SECRET_ACCESS_KEY", "env-aws", ""),
    ("GITHUB_TOKEN", "env-github", "ghp_"),
    ("ANTHROPIC_API_KEY", "env-anthropic", "sk-ant-"),
    ("OPENAI_API_KEY", "env-openai", "sk-"),
    ("DATABASE_URL", "env-database", "postgres://app:"),
)
_TOKENS = tuple(dict.fromkeys([*(name for _, name, _ in _CREDENTIALS), *(name for _, name, _ in _VARIABLES)]))
_BY_KIND = {
    Decoy.CREDENTIAL: frozenset(path for path, _, _ in _CREDENTIALS),
    Decoy.AGENT: frozenset(_AGENT_FILES),
    Decoy.SHELL: frozenset(_SHELL_FILES),
}
