"""The places that no grant from above reaches: secrets, agent state, signed files."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from haldir_enforcer._policy.globs import escape, has_glob

if TYPE_CHECKING:
    from haldir_core.permissions import AgentCapabilities

VAULT = "**/.vault"

SECRETS = (
    # keys and tokens of programs, in any home folder or copy of one
    "**/.ssh",
    "**/.aws",
    "**/.azure",
    "**/.gnupg",
    "**/.kube",
    "**/.docker/config.json",
    "**/.config/gcloud",
    "**/.config/gh",
    "**/.config/glab-cli",
    "**/.config/hub",
    "**/.config/doctl",
    "**/.config/rclone",
    "**/.config/sops",
    "**/.config/age",
    "**/.config/op",
    "**/.config/1password",
    "**/.config/github-copilot",
    "**/.config/git/credentials",
    "**/.config/containers/auth.json",
    "**/.config/pypoetry/auth.toml",
    "**/.config/anthropic",
    "**/.config/openai",
    "**/.config/haldir",
    "**/.terraform.d",
    "**/.oci",
    "**/.fly",
    "**/.pulumi/credentials.json",
    "**/.cache/huggingface/token",
    "**/.config/solana/id.json",
    "**/.vault-token",
    "**/.netrc",
    "**/_netrc",
    "**/.npmrc",
    "**/.yarnrc.yml",
    "**/.pypirc",
    "**/.git-credentials",
    "**/.gem/credentials",
    "**/.cargo/credentials",
    "**/.cargo/credentials.toml",
    "**/.m2/settings.xml",
    "**/.gradle/gradle.properties",
    "**/.composer/auth.json",
    "**/.pgpass",
    "**/.my.cnf",
    "**/.mylogin.cnf",
    "**/.s3cfg",
    "**/.boto",
    "**/.env",
    "**/.env.*",
    "**/.envrc",
    "**/.claude.json",
    "**/.claude/.credentials.json",
    "**/.codex/auth.json",
    "**/.gemini/oauth_creds.json",
    # key files by name
    "**/id_rsa",
    "**/id_dsa",
    "**/id_ecdsa",
    "**/id_ecdsa_sk",
    "**/id_ed25519",
    "**/id_ed25519_sk",
    # what was typed and read
    "**/.*_history",
    "**/.histfile",
    "**/.local/share/fish",
    "**/.lesshst",
    "**/.viminfo",
    # keyrings and password stores
    "**/.password-store",
    "**/.local/share/keyrings",
    "**/.gnome2/keyrings",
    "**/.kde/share/apps/kwallet",
    "**/.local/share/kwalletd",
    "**/library/keychains",
    "**/.config/keepassxc",
    "**/.config/bitwarden",
    "**/library/application support/1password",
    # browser and mail profiles
    "**/.mozilla",
    "**/.thunderbird",
    "**/.config/google-chrome*",
    "**/.config/chromium",
    "**/.config/bravesoftware",
    "**/.config/microsoft-edge*",
    "**/.config/vivaldi",
    "**/.config/opera",
    "**/snap/firefox",
    "**/snap/chromium",
    "**/.var/app/org.mozilla.firefox",
    "**/.var/app/com.google.chrome",
    "**/library/application support/google/chrome*",
    "**/library/application support/chromium",
    "**/library/application support/firefox",
    "**/library/application support/bravesoftware",
    "**/library/application support/microsoft edge*",
    "**/library/cookies",
    "**/library/safari",
    "**/library/mail",
    "**/library/messages",
    # wallets
    "**/.bitcoin",
    "**/.ethereum",
    "**/.electrum",
    # the machine's own
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/security/opasswd",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/ssl/private",
    "/etc/pki/tls/private",
    "/etc/krb5.keytab",
    "/etc/ssh/ssh_host_*",
    "/etc/kubernetes",
    "/etc/wireguard",
    "/run/secrets",
    "/var/run/secrets",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/spool/cron",
    # processes, kernel, devices, sockets: never by a grant of everything
    "/proc",
    "/sys",
    "/dev",
    "/run",
)
"""Patterns in lower case (they match names in any case); ``**/`` at the start: at any depth."""

_INSTRUCTIONS = (
    "**/agents.md",
    "**/agent.md",
    "**/agents.override.md",
    "**/soul.md",
    "**/identity.md",
    "**/heartbeat.md",
    "**/claude.md",
    "**/claude.local.md",
    "**/gemini.md",
    "**/copilot-instructions.md",
    "**/.github/instructions",
    "**/.github/prompts",
    "**/.github/agents",
    "**/.github/chatmodes",
    "**/.cursorrules",
    "**/.windsurfrules",
    "**/.clinerules",
    "**/.roorules",
    "**/.goosehints",
    "**/.mcp.json",
    "**/.vscode/mcp.json",
    "**/claude_desktop_config.json",
    "**/.claude",
    "**/.claude.json",
    "**/.cursor",
    "**/.windsurf",
    "**/.codeium/windsurf",
    "**/.codex",
    "**/.gemini",
    "**/.roo",
    "**/.continue",
    "**/.aider.conf.yml",
    "**/.kiro",
    "**/.junie",
    "**/.amazonq",
    "**/.openclaw",
    "**/.opencode",
    "**/.config/opencode",
    "**/.config/goose",
    "**/.config/haldir",
    "**/.local/share/haldir",
    "**/.local/state/haldir",
)
"""What tells an agent how to behave, and what it may run."""

_MEMORY = (
    "**/memory.md",
    "**/memory.json",
    "**/memory.jsonl",
    "**/.memory",
    "**/.memories",
    "**/memory-bank",
    "**/memory_bank",
    "**/.claude/memory",
    "**/.claude/projects",
    "**/.codex/memories",
    "**/.codeium/windsurf/memories",
    "**/.mem0",
    "**/.letta",
    "**/.openclaw/memory",
)
"""What an agent remembers from one session to the next."""


def never_written(capabilities: "AgentCapabilities") -> tuple[str, ...]:
    """Return the patterns of agent state that these capabilities leave closed, and of what is signed."""
    return (
        VAULT,
        *(() if capabilities.modify_system_prompt else _INSTRUCTIONS),
        *(() if capabilities.memory_write else _MEMORY),
    )


def behind_links(patterns: tuple[str, ...], home: str, resolve: Callable[[str], str]) -> tuple[str, ...]:
    """Return ``patterns`` and the places that links of these names in the home folder lead to."""
    names = [
        pattern.removeprefix("**/") for pattern in patterns if pattern.startswith("**/") and not has_glob(pattern[3:])
    ]
    links = [path for name in names if os.path.islink(path := f"{home}/{name}")]  # noqa: PTH114 - a third of the time
    return (*patterns, *dict.fromkeys(escape(resolve(path)) for path in links))


def never_read() -> tuple[str, ...]:
    """Return the patterns of what only a rule reaches that names it itself."""
    return (VAULT, *SECRETS)
