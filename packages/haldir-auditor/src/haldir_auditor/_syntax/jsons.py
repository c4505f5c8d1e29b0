"""JSON as the package managers read it."""

import json
import re
from typing import NoReturn

from haldir_auditor._syntax.errors import UnreadableError

# A string or a comment, with its end or without: what is read once is not read again, so that time stays linear.
_STRING = r'"(?:[^"\\\n]|\\.)*"?'
_STRINGS_AND_COMMENTS = re.compile(_STRING + r"|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?")
_STRINGS_AND_LAST_COMMAS = re.compile(_STRING + r"|,(?=\s*[\]}])")


def read_json(text: str) -> object:
    """Return what the text says.

    Raises:
        UnreadableError: if it is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"not JSON: {error.msg}", line=error.lineno) from error
    except RecursionError as error:
        raise UnreadableError("not read: nested too deeply") from error
    except ValueError as error:  # a number of more than 4,300 digits
        raise UnreadableError(f"not read: {error}") from error


def read_loose_json(text: str) -> object:
    """Return what the text says, which may have comments and trailing commas.

    Raises:
        UnreadableError: if it is not JSON even so.
    """
    bare = _STRINGS_AND_COMMENTS.sub(_without_comment, text)
    return read_json(_STRINGS_AND_LAST_COMMAS.sub(lambda found: found[0] if found[0] != "," else "", bare))


def _without_comment(found: re.Match[str]) -> str:
    written = found[0]
    is_comment = written.startswith("//") or (written.startswith("/*") and written.endswith("*/") and len(written) > 3)
    return " " if is_comment else written


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
