"""What git and the services around it run."""

import re
from collections.abc import Iterator

from haldir_scanner._configuration._places import found, place_of
from haldir_scanner._documents._front_matter import load_yaml
from haldir_scanner._files._filetypes import FileType
from haldir_scanner._text import Folded, Place, Seen

_SHELL = frozenset({FileType.SHELL})
_MOST_COMMANDS = 1_000
# Source: git-config(1), variables whose value git runs.
_GIT_RUNS = re.compile(
    rb"^[ \t]{0,20}([\w-]{1,40}[ \t]{0,9}=[ \t]{0,9}(?:!|ext::)[^\n]{1,200}"
    rb"|(?:fsmonitor|sshCommand|hooksPath|gitProxy|askPass|external|textconv|clean|smudge|process)[ \t]{0,9}="
    rb"[ \t]{0,9}(?!true\b|false\b|git-lfs\b)[^\s\n][^\n]{0,200}|insteadOf[ \t]{0,9}=[^\n]{1,200}"
    rb"|url[ \t]{0,9}=[ \t]{0,9}(?:ext::|-)[^\n]{1,200})",
    re.MULTILINE | re.IGNORECASE,
)
_TARGET_EVENT = re.compile(rb"^[^#\n]{0,100}\b(pull_request_target|workflow_run)\b", re.MULTILINE)
_HEAD = re.compile(
    rb"(ref:[ \t]{0,9}[^\n]{0,40}github\.(?:event\.pull_request\.head|head_ref|event\.workflow_run\.head)[^\n]{0,60})"
)
_INJECTION = re.compile(
    rb"(\$\{\{[^}\n]{0,40}github\.(?:event\.(?:issue|pull_request|comment|review|discussion|head_commit|commits|pages)"
    rb"[\w.*\[\]]{0,40}\.(?:title|body|message|ref|label|email|name|page_name)|head_ref)\b[^}\n]{0,60}\}\})"
)


def git_hook(data: bytes) -> Iterator[Seen]:
    """A program that git runs."""
    if data.strip():
        yield Seen("git_hook", place_of(data, 0, 80))


def git_config(data: bytes) -> Iterator[Seen]:
    """Programs that git runs because its configuration says so."""
    yield from (Seen("git_config_command", place) for _, place in found(_GIT_RUNS, data))


def pre_commit(data: bytes) -> Iterator[Seen | Folded]:
    """The commands that the skill itself brings for pre-commit."""
    root = _yaml(data)
    repositories = root.get("repos") if isinstance(root, dict) else None
    hooks = [
        hook
        for repository in (repositories if isinstance(repositories, list) else [])
        if isinstance(repository, dict)
        and repository.get("repo") == "local"
        and isinstance(repository.get("hooks"), list)
        for hook in repository["hooks"]
    ]
    for hook in (root if isinstance(root, list) else hooks)[:_MOST_COMMANDS]:
        entry = hook.get("entry") if isinstance(hook, dict) else None
        if isinstance(entry, str):
            place = _place(data, entry)
            yield Seen("precommit_local_hook", place)
            yield Folded(entry, place, _SHELL, ("command",))


def workflow(data: bytes) -> Iterator[Seen | Folded]:
    """What a GitHub workflow runs, and with whose words."""
    if _TARGET_EVENT.search(data):
        yield from (Seen("workflow_untrusted_checkout", place) for _, place in found(_HEAD, data))
    scripts = list(_steps(_yaml(data)))[:_MOST_COMMANDS]
    for script in scripts:
        place = _place(data, script)
        yield Folded(script, place, _SHELL, ("run",))
        if _INJECTION.search(script.encode("utf-8", "replace")):
            yield Seen("workflow_expression_injection", place)


def _steps(root: object) -> Iterator[str]:
    jobs = root.get("jobs") if isinstance(root, dict) else None
    for job in jobs.values() if isinstance(jobs, dict) else ():
        steps = job.get("steps") if isinstance(job, dict) else None
        for step in steps if isinstance(steps, list) else ():
            script = step.get("run") if isinstance(step, dict) else None
            if isinstance(script, str):
                yield script


def _yaml(data: bytes) -> object:
    """The value; None for what cannot be read, which the rules for all text have searched."""
    try:
        return load_yaml(data)
    except ValueError:
        return None


def _place(data: bytes, text: str) -> Place:
    first = text.strip().partition("\n")[0]
    begin = max(data.find(first.encode("utf-8", "replace")), 0)
    return place_of(data, begin, begin + len(first.encode("utf-8", "replace")))
