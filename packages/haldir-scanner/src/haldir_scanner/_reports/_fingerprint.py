"""What a finding is recognised by, from one scan to the next."""

import hashlib
import unicodedata

from haldir_scanner._reports._report import Match


def fingerprint(match: Match) -> str:
    """SHA-256, in lower-case hex, over the rule, the path and the matched text, whatever its line and its spaces."""
    path = unicodedata.normalize("NFC", match.path)
    return digest(match.rule, path, match.digest or " ".join(match.excerpt.split()))


def digest(*parts: str) -> str:
    """SHA-256, in lower-case hex, over texts of which none is taken for the end of the one before it."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
