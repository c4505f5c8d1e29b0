"""Where the parts of a run lie, and how reports name them."""

import re
from functools import lru_cache
from pathlib import Path

from attrs import frozen

from haldir_sandbox.canary import Decoy, decoy_at, readable

_PROCESS = re.compile(r"^/proc/\d+(?=/|$)")
_TASK = re.compile(r"/task/\d+(?=/|$)")


@lru_cache(maxsize=8)
def _bait(home: Path) -> frozenset[str]:
    return frozenset(map(str, readable(home)))


@frozen(kw_only=True)
class Places:
    """The folders of a run: the private copy of the skill, the decoy home, and what the sandbox itself gives."""

    skill: Path
    home: Path
    samples: Path
    scratch: Path
    """For results and temporary files; the skill may write here whatever it declares."""
    supplies: Path
    """Installed Python packages, the certificate of the sinkhole, and the clock."""
    node_modules: Path
    """Installed Node packages; above the skill, because modules are looked for in no other place."""

    def name(self, path: str) -> str:
        """Return how a report names ``path``: the same text in every run."""
        for folder, sign in self._signs():
            if path == folder or path.startswith(folder + "/"):
                return sign + path[len(folder) :]
        return _TASK.sub("/task/TID", _PROCESS.sub("/proc/PID", path))

    def is_given(self, path: str) -> bool:
        """Whether ``path`` lies in what the sandbox gives to every run."""
        return any(path == str(folder) or path.startswith(f"{folder}/") for folder in self._given())

    def is_bait(self, path: str) -> bool:
        """Whether ``path`` is something that lies in the decoy home from the start, or the home itself."""
        return path.startswith(str(self.home)) and path in _bait(self.home)

    def decoy(self, path: str) -> Decoy | None:
        """Return which kind of decoy ``path`` is, if it is one."""
        return decoy_at(path, self.home)

    def _given(self) -> tuple[Path, ...]:
        return (self.samples, self.scratch, self.supplies, self.node_modules)

    def _signs(self) -> tuple[tuple[str, str], ...]:
        return (
            (str(self.skill), "SKILL"),
            (str(self.home), "~"),
            (str(self.samples), "SAMPLES"),
            (str(self.scratch), "SCRATCH"),
            (str(self.supplies), "SUPPLIES"),
            (str(self.node_modules), "NODE_MODULES"),
        )
