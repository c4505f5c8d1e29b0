"""PEP 723 blocks: dependencies written into a script."""

import re
from collections.abc import Iterator, Mapping

from attrs import evolve, frozen

from haldir_auditor._document import Document
from haldir_auditor._manifests.requirement_entries import read_entries
from haldir_auditor._manifests.uv_settings import indexes_of, sourced
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.tomls import read_toml
from haldir_auditor.supply import Dependency, Ecosystem, Manifest, Scope, Supply

FORMAT = "pep723"

_OPENING = re.compile(r"# /// ([a-zA-Z0-9-]+)")
_CLOSING = "# ///"
_SCRIPT = "script"


@frozen
class Block:
    """One block: its type, its content, and the line where it begins."""

    type: str
    content: str
    line: int


def blocks_in(text: str) -> Iterator[Block]:
    """Yield what the reference regular expression of PEP 723 finds, in linear time."""
    lines = text.split("\n")
    at = 0
    run = (0, 0, -1)  # a run of comment lines: its beginning, its end, its last closing line
    while at < len(lines):
        opening = _OPENING.fullmatch(lines[at])
        if not opening:
            at += 1
            continue
        if not run[0] <= at < run[1]:
            run = _run(lines, at)
        closing = run[2]
        if closing < at + 2:  # at least one line of content
            at += 1
            continue
        content = "".join(f"{line[2:] if line.startswith('# ') else line[1:]}\n" for line in lines[at + 1 : closing])
        yield Block(opening[1], content, at + 1)
        at = closing + 1


def _run(lines: list[str], start: int) -> tuple[int, int, int]:
    end, closing = start, -1
    while end < len(lines) and (lines[end] == "#" or lines[end].startswith("# ")):
        if lines[end] == _CLOSING:
            closing = end
        end += 1
    return start, end, closing


def read_inline(document: Document) -> Supply:
    """Return what the blocks of a script declare; in prose, what all the scripts there declare together."""
    blocks = [block for block in blocks_in(document.text) if block.type == _SCRIPT]
    if len(blocks) > 1 and not document.name.lower().endswith((".md", ".mdx", ".rst")):
        document.problem(f"{len(blocks)} blocks of type script: PEP 723 allows one", line=blocks[1].line)
    manifests = [_read(document, block) for block in blocks]
    if not manifests:
        return Supply()
    joined = manifests[0]
    for manifest in manifests[1:]:
        joined = evolve(
            joined,
            dependencies=joined.dependencies + manifest.dependencies,
            indexes=joined.indexes + manifest.indexes,
            main_index_replaced=joined.main_index_replaced or manifest.main_index_replaced,
        )
    return Supply(manifests=(joined,))


def _read(document: Document, block: Block) -> Manifest:
    try:
        content = read_toml(block.content)
    except UnreadableError as error:
        document.problem(f"a PEP 723 block: {error.message}", line=block.line + error.line, kind=error.kind)
        content = {}
    uv = document.table(document.table(content, "tool"), "uv")
    dependencies = list(_dependencies(document, block, content))
    main, others = indexes_of(document, uv)
    newer = uv.get("exclude-newer")
    return Manifest(
        document.path,
        FORMAT,
        Ecosystem.PYPI,
        tuple(sourced(document, dependencies, uv)),
        indexes=tuple(main + others),
        main_index_replaced=bool(main),
        exclude_newer=None if newer is None else str(newer),
    )


def _dependencies(document: Document, block: Block, content: Mapping[str, object]) -> Iterator[Dependency]:
    written = content.get("dependencies", [])
    for found in read_entries(document, written, "the dependencies of the block", Scope.SCRIPT):
        line = document.line_of(found.name, after=block.line)
        yield found if found.place.line >= block.line else evolve(found, place=document.place(line))
