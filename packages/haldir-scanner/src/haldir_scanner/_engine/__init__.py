"""The search for all patterns of a bundle in a text.

One pass of Hyperscan over the bytes says which patterns may match, RE2 says where they do.  One of the two is enough:
without Hyperscan, RE2's own filter takes the first part; without RE2, the patterns of the built-in bundle, and no
others, are confirmed by the standard library.  The verdicts are the same.
"""

from haldir_scanner._engine._open import Backend, best_backend, check_patterns, engine_of, open_engine, prepare
from haldir_scanner._engine._search import Engine, Found, Hit

__all__ = ["Backend", "Engine", "Found", "Hit", "best_backend", "check_patterns", "engine_of", "open_engine", "prepare"]
