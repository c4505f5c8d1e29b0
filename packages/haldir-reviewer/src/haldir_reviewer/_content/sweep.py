"""Lines that every model must report: what rules alone cannot judge, and no careful reader overlooks."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from attrs import Factory, field, frozen

from haldir_reviewer._content.encoded import runs
from haldir_reviewer._content.folding import decoded_views
from haldir_reviewer._content.hits import Hit
from haldir_reviewer._content.segments import segments
from haldir_reviewer._content.source import SourceFile

MAX_PLACES = 5_000
"""More than that in one skill is a hit of its own."""

_EXCERPT_CHARS = 160
_HELD_CHARS = 1_000


@frozen
class Telltale:
    """One thing to be reported wherever it stands; a line has it if one of ``patterns`` matches."""

    rule: str
    message: str
    patterns: tuple[str, ...]
    pattern: re.Pattern[str] = field(
        init=False,
        repr=False,
        default=Factory(lambda self: re.compile("|".join(self.patterns), re.IGNORECASE), takes_self=True),
    )


_SHELL = r"(?:ba|z|da|k)?sh\b"
_PROGRAM = r"(?:python[\d.]*|perl|ruby|node|php)"
_RUNS = r"(?:exec|eval|Function|os\.system|subprocess\.\w{1,20}|__import__)"
_TELL = r"(?:tell|inform|mention|show|reveal|notify|alert|disclos|ask|warn)"
_DO = r"(?:send|upload|post|copy|read|collect|run|execute|install|append|include|forward|transmit|record)"
_AGENT_FILE = r"(?:CLAUDE|AGENTS|SOUL|MEMORY|GEMINI|HEARTBEAT)\.md|\.cursorrules|\.claude/settings|copilot-instructions"

TELLTALES = (
    Telltale(
        "overlooked_secret_file",
        "names a file of keys or passwords",
        (
            r"\.ssh/(?:id_|authorized_keys|\*|config)|\bid_(?:rsa|ed25519|ecdsa)\b",
            r"\.aws/credentials|\.netrc\b|\.git-credentials|\.kube/config|\.docker/config\.json|\.gnupg\b|\.pypirc",
            r"/etc/(?:shadow|passwd|sudoers)|/proc/(?:self|\d+)/environ|\.(?:bash|zsh)_history",
            r"login\.keychain|\bLogin Data\b|\bcookies\.sqlite|key[34]\.db|wallet\.dat|\.config/(?:gcloud|gh/hosts)",
            r"\.(?:clawdbot|openclaw|moltbot)/\.env|\.claude/\.credentials|\.codex/auth|\.npmrc\b.{0,40}_authToken",
        ),
    ),
    Telltale(
        "overlooked_remote_code",
        "fetches something and runs it",
        (
            rf"\|\s*(?:sudo\s+)?(?:/bin/|/usr/bin/)?{_SHELL}(?!\.)",
            rf"\b(?:curl|wget)\b[^\n|]{{0,200}}\|\s*(?:sudo\s+)?{_PROGRAM}\s*(?:-(?:\s|$)|$|[;&])",
            rf"\b(?:{_SHELL}|source|{_PROGRAM})\s+(?:-[ce]\s+)?[\"']?(?:<\(|\$\(|`)\s*(?:curl|wget)",
            r"\b(?:iex|invoke-expression)\b.{0,80}\b(?:iwr|irm|invoke-web|downloadstring|invoke-rest)",
            r"\|\s*(?:iex|invoke-expression)\b|mshta\s+http",
            rf"\b{_RUNS}\s*\(.{{0,60}}(?:requests\.get|urlopen|fetch\(|axios|http\.get)",
        ),
    ),
    Telltale(
        "overlooked_decoded_code",
        "decodes something and runs it",
        (
            r"base64\s+(?:-d|-D|--decode)\b",
            rf"\b{_RUNS}\s*\(?.{{0,60}}(?:b64decode|atob|base64|fromhex|decompress|codecs\.decode|fromCharCode|marshal)",
            r"(?:powershell|pwsh)[^\n]{0,60}\s-e(?:nc|ncodedcommand)?\s|\|\s*rev\s*\||\bxxd\s+-r\b",
        ),
    ),
    Telltale(
        "overlooked_remote_shell",
        "opens a shell to elsewhere",
        (r"/dev/(?:tcp|udp)/|\bn(?:et)?c(?:at)?\s(?:[^\n]{0,40}\s)?-[a-z]*[ec]\b|socat\b[^\n]{0,60}exec|pty\.spawn",),
    ),
    Telltale(
        "overlooked_upload",
        "sends files or settings elsewhere",
        (
            r"\bcurl\b[^\n]{0,200}(?:-d|--data(?:-\w+)?|-F|--form)[ =]?[\"']?[\w=.-]{0,40}(?:@|\$\()",
            r"\b(?:curl|wget)\b[^\n]{0,200}\s(?:-T|--upload-file|--post-file|--body-file)[ =]",
            r"\|\s*(?:curl|wget|nc|ncat|socat)\b",
            r"\b(?:post|put|request|urlopen|fetch|send)\s*\(.{0,80}(?:os\.environ\b(?!\[|\.get)|process\.env\b(?![.\[]))",
            r"\b(?:post|put|urlopen|fetch|send)\s*\(.{0,80}(?:read_bytes\(|read_text\(|readFileSync|\bopen\()",
        ),
    ),
    Telltale(
        "overlooked_persistence",
        "makes something run again later",
        (
            r"\bcrontab\b(?!\.)|/etc/cron|LaunchAgents|launchctl\s+load|systemctl\s+(?:--user\s+)?enable|/etc/rc\.local",
            r">>\s*[\"']?(?:~|\$HOME|\$\{HOME\})/\.(?:bashrc|zshrc|profile|bash_profile|zprofile)",
            r"authorized_keys|CurrentVersion\\+Run|schtasks\s+/create|sitecustomize",
        ),
    ),
    Telltale(
        "overlooked_agent_change",
        "changes what an agent reads or is allowed to do",
        (
            rf"(?:>>?|\btee\s+-a|\b(?:write|append|add|insert|save|put|inject|copy)).{{0,60}}(?:{_AGENT_FILE})",
            r"dangerously-skip-permissions|bypassPermissions|--yolo\b|autoApprove|auto_approve\s*[=:]\s*true",
        ),
    ),
    Telltale(
        "overlooked_secrecy",
        "keeps something from the user",
        (
            rf"\b(?:do not|don't|never|must not|without)\s+(?:\w+\s+){{0,2}}{_TELL}\w{{0,4}}\b.{{0,40}}\busers?\b",
            rf"\b(?:silently|secretly|covertly|quietly|stealthily)\s+(?:\w+\s+){{0,3}}{_DO}",
            r"\bkeep (?:this|that|it|them) (?:a secret|secret|hidden|from the user|to yourself)",
            r"\bunknown to the user|\bhide (?:this|that|it) from",
        ),
    ),
    Telltale(
        "overlooked_destruction",
        "destroys data",
        (
            r"\brm\s+-[a-z]*r[a-z]*\s+(?:--no-preserve-root\s+)?[\"']?(?:/|~|\$HOME|\$\{HOME\}|\*)(?:[\s\"'*/;]|$)",
            r"\bmkfs\.|\bdd\s+if=/dev/(?:zero|u?random)\s+of=/dev/|:\(\)\s*\{\s*:\|:|\bshred\s+-|vssadmin\s+delete",
            r"shutil\.rmtree\(\s*(?:os\.path\.expanduser|Path\.home)",
        ),
    ),
    Telltale(
        "overlooked_protection_off",
        "switches off a protection",
        (
            r"verify\s*=\s*False|rejectUnauthorized['\"]?\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED|\bsetenforce\s+0",
            r"spctl\s+--master-disable|xattr\s+-[a-z]*[dc][a-z]*\s.{0,40}quarantine|Set-MpPreference|csrutil\s+disable",
            r"\bufw\s+disable|HISTFILE=/dev/null|unset\s+HISTFILE|history\s+-c",
        ),
    ),
)


def sweep(files: Sequence[SourceFile]) -> tuple[Hit, ...]:
    """Return the first places in ``files`` that a model must report; also what stands behind escapes or encoded."""
    return tuple(islice(dict.fromkeys(hit for file in files for hit in _sweep(file)), MAX_PLACES))


def too_many(found: Sequence[Hit]) -> tuple[Hit, ...]:
    """Return a hit if there may be more places than were ``found``."""
    if len(found) < MAX_PLACES:
        return ()
    message = f"{MAX_PLACES} places or more that a model must report: too many to compare"
    return (Hit("overlooked_too_many", "high", message, found[0].path, 0, ""),)


def _sweep(file: SourceFile) -> Iterator[Hit]:
    text = file.text if file.text is not None else "\n".join(segment.text for segment in segments(file))
    for number, line, shown in _lines(text):
        place = number if file.text is not None else 0
        for telltale in TELLTALES:
            if telltale.pattern.search(line):
                yield Hit(telltale.rule, "high", telltale.message, file.path, place, shown[:_EXCERPT_CHARS])


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Every line with its number, as it is read and as it is written; a command over several lines also as one."""
    written = text.split("\n")
    for view in (text, *decoded_views(text)):
        for number, line in _commands(view.split("\n")):
            yield number, line, written[number - 1] if number <= len(written) else line
    for run in runs(text):
        for line in (run.text or "").split("\n"):
            yield run.line, line, line


def _commands(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each line with its number; one that goes on in the next, together with it, under its own number."""
    held = ""
    first = 1
    for number, line in enumerate(lines, 1):
        yield number, line
        goes_on = line.rstrip().endswith(("\\", "|", "&&", "(")) and not line.lstrip().startswith("|")
        if held:
            yield first, held + line
        first = first if held else number
        held = (held + line.rstrip().removesuffix("\\") + " ")[-_HELD_CHARS:] if goes_on else ""
