"""The vetting of all skills of a repository."""

import contextlib
import gc
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from haldir_cli.clock import now
from haldir_cli.exits import Exit
from haldir_cli.home import state_folder
from haldir_cli.show import json_line, say_marked
from haldir_cli.vetprogress import Progress
from haldir_cli.vetwords import result_of, short, table
from haldir_core import UnreadableError
from haldir_core.scratch import remove_tree
from haldir_core.signals import signals_held
from haldir_pipeline import Configuration, Result
from haldir_pipeline.many import Many, Vetted, processors, vet_many
from haldir_scanner import find_skills

if TYPE_CHECKING:
    from haldir_core.canonical import JsonObject


def skills_below(folder: Path) -> list[Path]:
    """Return the skills of a repository, sorted.

    Raises: UnreadableError if there are none.
    """
    if not folder.is_dir():
        raise UnreadableError(f"cannot read the folder {folder}: there is no such folder")
    found = [folder / prefix for prefix in find_skills(folder)]
    if not found:
        raise UnreadableError(f"there is no skill below {folder}: none of its folders holds a SKILL.md")
    return found


def vet_all(skills: list[Path], configuration: Configuration, *, as_json: bool) -> int:
    """Vet all of them and tell what came of it; return the exit code of the worst."""
    folder = state_folder() / "unfinished" / _name(skills, configuration)
    gc.enable()  # which short commands do without
    progress = Progress()
    many = Many(workers=processors(), resumption=folder, state=state_folder(), tell=progress.tell)
    vetted = []
    try:
        for one in vet_many([str(skill) for skill in skills], configuration, clock=now, many=many):
            vetted.append(short(one))
            if as_json:
                progress.clear()
                typer.echo(json_line({"path": one.path, **_value(one)}))
    finally:
        progress.clear()
        with signals_held():
            remove_tree(folder)
            with contextlib.suppress(OSError):  # another run may have something there
                folder.parent.rmdir()
    for line in table(vetted):
        say_marked(line.mark, line.rest, line.colour)
    return exit_code([result_of(one) for one in vetted])


def exit_code(results: list[Result]) -> int:
    """Return the exit code of the worst: a rejection is an answer, and comes before what has none."""
    if Result.REJECTED in results:
        return Exit.NO
    return Exit.GOOD if all(result is Result.APPROVED for result in results) else Exit.UNDECIDED


def _value(vetted: Vetted) -> "JsonObject":
    if vetted.value is not None:
        return dict(vetted.value)
    return {"error": vetted.message, "failure": vetted.failure}


def _name(skills: list[Path], configuration: Configuration) -> str:
    """Return the name of the folder for this run, which is the same when it is started again."""
    parts = [configuration.digest, *(str(skill.resolve()) for skill in skills)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
