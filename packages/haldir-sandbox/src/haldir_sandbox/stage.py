"""The folders of a run: made, filled with a private copy of the skill and decoys, and made anew for the next run."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from attrs import define

from haldir_core.scratch import PrivateFolder, remove_tree
from haldir_sandbox import canary, clock
from haldir_sandbox._certificates import Authority, write_certificate
from haldir_sandbox.canary import Token
from haldir_sandbox.places import Places
from haldir_sandbox.samples import Samples

MAX_COPIED_BYTES = 64 * 1024 * 1024
"""A larger skill is copied once, not for every run."""


@define
class Stage:
    """The folders of all runs of one skill; their paths stay the same from run to run."""

    source: Path
    size: int
    places: Places
    samples: Samples
    tokens: Mapping[str, Token]
    authority: Authority
    used: bool = False

    def reset(self) -> None:
        """Skill, home and scratch are as if nothing had run.

        Raises: OSError if what a run has left cannot be removed.
        """
        for folder in (self.places.home, self.places.scratch, self.places.samples):
            _remove(folder)
            folder.mkdir(mode=0o700)
        if not self.used or self.size <= MAX_COPIED_BYTES:
            _remove(self.places.skill)
            shutil.copytree(self.source, self.places.skill, symlinks=True)
        (self.places.scratch / "tmp").mkdir()
        canary.plant(self.places.home, self.tokens)
        self.samples.plant()
        self.used = True


@contextlib.contextmanager
def staged(source: Path, size: int, name: str, now: datetime) -> Iterator[Stage]:
    """Yield the stage for the private copy ``source`` of a skill; nothing of it is left afterwards."""
    with PrivateFolder("agent-") as folder:
        base = folder.resolve()
        places = Places(
            skill=base / "skill" / (name or "skill"),
            home=base / "home",
            samples=base / "samples",
            scratch=base / "scratch",
            supplies=base / "supplies",
            node_modules=base / "node_modules",
        )
        places.skill.parent.mkdir()
        places.supplies.mkdir()
        places.node_modules.mkdir()
        authority = Authority.make(now)
        write_certificate(places.supplies, authority)
        clock.plant(places.supplies)
        stage = Stage(
            source=source,
            size=size,
            places=places,
            samples=Samples(places.samples, places.scratch / "out"),
            tokens=canary.make_tokens(os.urandom(16)),
            authority=authority,
        )
        stage.reset()
        yield stage


def _remove(folder: Path) -> None:
    """Raises: OSError if something of the folder is left."""
    remove_tree(folder)
    if folder.exists():
        raise OSError(errno.ENOTEMPTY, "not everything in it can be removed", str(folder))
