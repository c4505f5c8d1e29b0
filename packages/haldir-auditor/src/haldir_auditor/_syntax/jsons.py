"""JSON as the package managers read it."""

import json
import re
from typing import NoReturn

from haldir_auditor._syntax.errors import UnreadableError

# A string, a comment, or a comma before a closing bracket; the string first: nothing inside one is touched.
_LOOSE = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*(?s:.)*?\*/|,(?=(?:\s|//[^\n]*\n|/\*(?s:.)*?\*/)*[\]}])')


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
    return read_json(_LOOSE.sub(lambda found: found[0] if found[0].startswith('"') else "", text))


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
