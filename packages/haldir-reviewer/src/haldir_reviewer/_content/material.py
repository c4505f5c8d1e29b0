"""All that is known of a skill before a model is asked."""

from typing import TYPE_CHECKING

from attrs import frozen

from haldir_core.digest import Digest
from haldir_reviewer._content.chunks import Chunk, Coverage, chunk, measure
from haldir_reviewer._content.declared import Declared, declare
from haldir_reviewer._content.hits import Hit
from haldir_reviewer._content.prescreen import prescreen
from haldir_reviewer._content.source import content_digest, read_files
from haldir_reviewer._content.sweep import sweep, too_many

if TYPE_CHECKING:
    from haldir_core import Permissions, SkillSnapshot
    from haldir_reviewer.settings import Settings


@frozen
class Material:
    """A skill, ready to be reviewed.

    ``hits`` cap the score; what is in ``sweep`` caps it unless a model reports the place, too.
    """

    content: Digest
    chunks: tuple[Chunk, ...]
    coverage: Coverage
    declared: Declared
    hits: tuple[Hit, ...]
    sweep: tuple[Hit, ...]


def prepare(snapshot: "SkillSnapshot", permissions: "Permissions", settings: "Settings") -> Material:
    """Return the material of ``snapshot``.

    Raises:
        ReviewError: if its copy is missing or changed.
        UnsafeSkillError: if it holds what no skill may hold.
    """
    snapshot.refuse_problems()
    files = tuple(read_files(snapshot, max_bytes=settings.max_bytes, max_files=settings.max_files))
    chunks = chunk(files, settings.chunk_bytes)
    places = sweep(files)
    declared = declare(files, permissions)
    return Material(
        content=content_digest(snapshot.files),
        chunks=chunks,
        coverage=measure(chunks, files=len(snapshot.files), total_bytes=snapshot.total_bytes),
        declared=declared,
        hits=(*prescreen(files, declared=declared.permissions), *too_many(places), *_cut(declared)),
        sweep=places,
    )


def _cut(declared: Declared) -> tuple[Hit, ...]:
    """A hit if a judge does not see the whole front matter."""
    message = "the front matter is longer than what a judge sees of it"
    return (Hit("description_cut", "medium", message, "SKILL.md", 1, ""),) if declared.cut else ()
