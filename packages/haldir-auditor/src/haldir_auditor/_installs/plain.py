"""Files that hold plain data: commands in them are run by nothing that is known."""

import re

from haldir_auditor._document import Document

_NAME = re.compile(r".*\.(?:json|jsonl|ndjson|csv|tsv)", re.IGNORECASE)
_HIDDEN = re.compile(r"(?:^|/)\.")
_RUN = re.compile(
    r"\"(?:scripts|hooks?|tasks?|mcp\w*|servers|args|arguments|\w*[cC]ommands?|run|runArgs|exec|shell|steps|install)\"\s*:"
)
_ESCAPED_KEY = re.compile(r"\"[^\"\n]{0,100}\\[^\"\n]{0,100}\"\s*:")
_TABLES = (".csv", ".tsv")


def is_plain_data(document: Document) -> bool:
    """Whether a file is a table, or JSON without any key that programs run commands by.

    A hidden file, or one in a hidden folder, belongs to a program and is none; nor is one whose keys are written with
    escapes, which could be any.
    """
    if not _NAME.fullmatch(document.path) or _HIDDEN.search(document.path):
        return False
    text = document.text
    return document.name.lower().endswith(_TABLES) or not (_RUN.search(text) or _ESCAPED_KEY.search(text))
