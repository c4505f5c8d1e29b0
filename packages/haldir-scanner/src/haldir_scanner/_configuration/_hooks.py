"""What runs without being called: hooks of agents, editors, package managers, git, and of the computer itself."""

import re
from collections.abc import Callable, Iterator, Mapping

from haldir_scanner._configuration._agent_settings import codex_settings, hooks_file, settings
from haldir_scanner._configuration._build_hooks import (
    gyp,
    npmrc,
    package_json,
    pth,
    pyproject,
    setup_cfg,
    setup_py,
    startup_module,
)
from haldir_scanner._configuration._editor_hooks import devcontainer, editor_settings, tasks
from haldir_scanner._configuration._repository_hooks import git_config, git_hook, pre_commit, workflow
from haldir_scanner._configuration._startup_files import crontab, desktop_entry, launch_agent, unit
from haldir_scanner._text import Folded, Seen

Reader = Callable[[bytes], Iterator[Seen | Folded]]

# In this order; the first that matches the path, in lower case and below any folder, reads the file.
_READERS: Mapping[str, Reader] = {
    r"package\.json": package_json,
    r"pyproject\.toml": pyproject,
    r"setup\.cfg": setup_cfg,
    r"setup\.py": setup_py,
    r"binding\.gyp": gyp,
    r"\.?npmrc|\.yarnrc(?:\.yml)?|\.pypirc|pip\.(?:conf|ini)|uv\.toml": npmrc,
    r"[^/]+\.pth": pth,
    r"(?:site|user)customize\.py": startup_module,
    r"(?:\.claude|\.gemini|\.cursor|\.windsurf|\.qwen)/settings(?:\.local)?\.json|managed-settings\.json": settings,
    r"hooks/hooks\.json|\.cursor/hooks\.json|\.kiro/hooks/[^/]+|\.claude-plugin/plugin\.json": hooks_file,
    r"\.codex/config\.toml": codex_settings,
    r"\.vscode/tasks\.json|[^/]+\.code-workspace": tasks,
    r"\.vscode/settings\.json": editor_settings,
    r"\.devcontainer\.json|\.devcontainer/(?:[^/]+/)?devcontainer\.json": devcontainer,
    r"\.git/hooks/[a-z][a-z-]{3,30}|(?:\.?githooks|\.git-hooks|\.husky)/[a-z][a-z-]{3,30}": git_hook,
    r"\.git/config|\.gitconfig|\.gitmodules": git_config,
    r"\.pre-commit-(?:config|hooks)\.yaml": pre_commit,
    r"\.github/workflows/[^/]+\.ya?ml": workflow,
    r"[^/]+\.(?:service|timer)": unit,
    r"[^/]+\.plist": launch_agent,
    r"[^/]+\.desktop": desktop_entry,
    r"crontab|[^/]+\.cron(?:tab)?|cron\.d/[^/]+": crontab,
}
_COMPILED = [(re.compile(rf"(?:.*/)?(?:{path})\Z", re.DOTALL), reader) for path, reader in _READERS.items()]


def examine(path: str, data: bytes) -> Iterator[Seen | Folded]:
    """The findings about what the file makes run by itself, and the commands; nothing if it is another kind of file."""
    lowered = path.lower()
    for pattern, reader in _COMPILED:
        if pattern.match(lowered):
            yield from reader(data)
            return
