"""Content that stands inside of files: archives, documents, pictures, bytecode, notebooks and programs.

Everything is read from memory, nothing is written, loaded or run::

    for item in unpack("bundle.zip", data, UnpackBudget(), depth=0):
        if isinstance(item, Member):
            examine(item.path, item.data)
"""

from haldir_scanner._unpack._driver import unpack
from haldir_scanner._unpack._records import Member, UnpackBudget

__all__ = ["Member", "UnpackBudget", "unpack"]
