"""JavaScript and TypeScript, read from syntax trees and evaluated abstractly: nothing of them is ever run.

The trees come from the packages of the extra ``ast``; without them nothing is found.
"""

from haldir_scanner._code._javascript.examination import MAX_BYTES, examine
from haldir_scanner._code._javascript.tree import Dialect, available, dialect_of

__all__ = ["MAX_BYTES", "Dialect", "available", "dialect_of", "examine"]
