"""The code of a Jupyter notebook."""

from haldir_auditor._document import Document
from haldir_auditor._syntax.errors import UnreadableError
from haldir_auditor._syntax.jsons import read_json


def source_of(document: Document) -> str:
    """Return the text with the strings of its JSON as lines; the text itself if it is no notebook.

    Each string of a cell keeps its line; only what encloses it is left out.
    """
    try:
        read_json(document.text)
    except UnreadableError as error:
        document.problem(error.message, line=error.line, kind=error.kind)
        return document.text
    return "\n".join(_unquoted(line) for line in document.text.split("\n"))


def _unquoted(line: str) -> str:
    words = line.strip().removesuffix(",")
    if len(words) < 2 or words[0] != '"' or words[-1] != '"':
        return line
    inner = words[1:-1].removesuffix("\\n").replace('\\"', '"').replace("\\\\", "\\").replace("\n", " ")
    return inner[: len(line)].ljust(len(line))
