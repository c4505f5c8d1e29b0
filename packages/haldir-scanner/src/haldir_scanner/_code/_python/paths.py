"""What the path of a file says about its content."""

import re

from haldir_scanner._code._python.value import HOLE, Kind

# Private keys, logins and money: no program sends them anywhere on behalf of their owner.
_PRIVATE_FILES = re.compile(
    r"(?:^|/)\.ssh(?:/(?!known_hosts|config\b)|$)|\bid_(?:rsa|dsa|ecdsa|ed25519)\b(?!\.pub)|(?:^|/)\.aws/(?:credentials|sso)"
    r"|(?:^|/)\.gnupg(?:/|$)|/etc/(?:shadow|passwd|sudoers)\b"
    r"|/(?:Login Data|Cookies|Web Data|logins\.json|key[34]\.db|cookies\.sqlite)(?:$|[\"'?-])"
    r"|(?:Google/Chrome|google-chrome|BraveSoftware|Mozilla/Firefox|\.mozilla/firefox|Microsoft/Edge|Chromium)(?:/|$)"
    r"|Library/Keychains|login\.keychain|\.kdbx\b|(?:^|/)\.password-store|Local Storage/leveldb|/tdata(?:/|$)"
    r"|\bwallet\.dat\b|(?:^|/)\.(?:electrum|exodus|bitcoin|ethereum|monero)(?:/|$)|/Exodus/|solana/id\.json"
    r"|nkbihfbeogaeaoehlefnkodbefgpgknn|bfnaelmomeimhlpmgjnjophhpkkoljpa|\.(?:bash|zsh|python|psql|mysql)_history\b"
)
# Logins that tools keep for their own service, and configurations with keys in them.
_LOGIN_FILES = re.compile(
    r"(?:^|/)(?:\.netrc|_netrc|\.npmrc|\.pypirc|\.git-credentials|\.pgpass|\.my\.cnf|\.vault-token)$"
    r"|(?:^|/)\.(?:kube/config|docker/config\.json|azure/|config/gcloud/|config/gh/hosts\.yml|config/rclone/)"
    r"|application_default_credentials\.json|(?:^|/)\.aws/config|(?:^|/)\.env(?:\.\w{1,20})?$|(?:^|/)\.claude\.json$"
    r"|(?:^|/)\.(?:openclaw|clawdbot|moltbot|claude|codex|cursor|gemini)/(?:[\w.{}*-]+/){0,6}[\w.{}-]*"
    r"(?:openclaw|clawdbot|moltbot|auth|credential|token|secret|settings|mcp)[\w.{}-]*\.json$"
)
# Read by an agent before it does anything, or run by the system without being asked.
_AGENT_FILES = re.compile(
    r"(?:^|/)(?:CLAUDE(?:\.local)?|AGENTS|SOUL|GEMINI|IDENTITY|TOOLS|HEARTBEAT|BOOTSTRAP)\.md$|(?:^|/)\.cursorrules$"
    r"|(?:^|/)\.(?:cursor/rules/|windsurfrules|clinerules|github/copilot-instructions\.md)"
    r"|(?:^|/)\.(?:claude|cursor|codex|gemini|openclaw|clawdbot|moltbot)/(?:[\w.-]+/){0,4}"
    r"(?:settings(?:\.local)?\.json|mcp\.json|config\.toml|hooks\.json|hooks/|commands/|agents/|openclaw\.json)"
    r"|(?:^|/)\.(?:mcp\.json|claude\.json|vscode/(?:tasks|settings)\.json)$|claude_desktop_config\.json$"
    r"|(?:^|/)\.(?:bashrc|bash_profile|bash_login|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|xprofile|xinitrc)$"
    r"|(?:^|/)(?:config\.fish|authorized_keys|(?:site|user)customize\.py)$|(?:^|/)\.ssh/(?:config|rc)$"
    r"|(?:^|/)\.git/(?:hooks/|config$)|(?:^|/)\.(?:gitconfig|npmrc|pypirc)$|\.config/(?:autostart|systemd/user)/"
    r"|Library/Launch(?:Agents|Daemons)/|/etc/(?:cron|profile|systemd|ld\.so\.preload|sudoers|hosts|init\.d)"
    r"|/var/spool/cron|Start Menu/Programs/Startup/"
)
# What a memory is for: notes that are asked for are written here.
_MEMORY_FILES = re.compile(r"(?:^|/)(?:MEMORY|USER)\.md$|(?:^|/)memory/[\w.{}-]+\.md$")
# Folders of a person rather than of a program.
_PERSONAL = re.compile(
    r"^(?:~|/|/home|/Users|/root|[A-Za-z]:/|/home/[\w.{}-]+|/Users/[\w.{}-]+|%USERPROFILE%|\$HOME)/?$"
    r"|^(?:~|/home/[\w.{}-]+|/Users/[\w.{}-]+|/root|%USERPROFILE%|\$HOME|\{\})?/?"
    r"(?:Documents|Desktop|Downloads|Pictures)(?:/|$)|^(?:~|/home|/Users|/root|\$HOME)/\*\*?(?:/|$)"
)
_LONGEST_PATH = 4096  # characters
_SPECIFIC = re.compile(r"\w[\w.-]{2,}")


def _plain(path: str) -> str:
    """The path with slashes; what is too long for one is none."""
    return path.replace("\\", "/") if len(path) <= _LONGEST_PATH else ""


def content_kind(path: str) -> Kind | None:
    """What reading the file gives; None if nothing in particular."""
    plain = _plain(path)
    if _PRIVATE_FILES.search(plain):
        return Kind.PRIVATE_FILE
    return Kind.LOGIN_FILE if _LOGIN_FILES.search(plain) else None


def is_agent_file(path: str) -> bool:
    """Whether an agent obeys the file, or the system runs it unasked."""
    return _AGENT_FILES.search(_plain(path)) is not None


def is_memory_file(path: str) -> bool:
    """Whether an agent keeps notes in the file."""
    return _MEMORY_FILES.search(_plain(path)) is not None


def is_personal_folder(path: str) -> bool:
    """Whether whoever lists the folder lists what a person has."""
    return _PERSONAL.search(_plain(path)) is not None


def is_specific(path: str) -> bool:
    """Whether two equal texts of this kind surely mean the same file."""
    return _SPECIFIC.search(path.replace(HOLE, "")) is not None
