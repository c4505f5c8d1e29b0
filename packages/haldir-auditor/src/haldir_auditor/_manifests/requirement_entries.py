"""Requirements of Python wherever they are listed; one that cannot be read is a problem, and the others are read."""

from collections.abc import Iterator

from haldir_auditor._document import Document
from haldir_auditor._python_requirement import read_requirement
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor.supply import Dependency, Scope


def read_entry(document: Document, words: str, line: int, scope: Scope) -> Iterator[Dependency]:
    """Yield the dependency that ``words`` declare.

    Raises: UnreadableError if the document has more of them than are read.
    """
    document.count()
    try:
        yield read_requirement(words, document.place(line), scope)
    except UnreadableError as error:
        document.problem(error.message, line=line)


def read_entries(document: Document, written: object, what: str, scope: Scope) -> Iterator[Dependency]:
    """Yield the dependencies of a list of requirements; what is no such list is a problem."""
    if not isinstance(written, list):
        document.problem(f"{what} is no list")
        return
    for entry in written:
        if isinstance(entry, str):
            yield from read_entry(document, entry, document.line_of(entry), scope)
        else:
            document.problem(f"an entry of {what} is no string")
