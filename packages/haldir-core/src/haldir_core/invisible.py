"""Which characters a reader cannot see, or sees as something else than a terminal does."""

import unicodedata

# Control, format (bidi, zero width, tags), surrogate, private; line and paragraph separators
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

# What is left of Default_Ignorable_Code_Point (Unicode 15, DerivedCoreProperties.txt), the blank Braille pattern,
# and the noncharacters
_IGNORABLE = (
    range(0x034F, 0x0350),
    range(0x115F, 0x1161),
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),
    range(0x2800, 0x2801),
    range(0x3164, 0x3165),
    range(0xFDD0, 0xFDF0),
    range(0xFE00, 0xFE10),
    range(0xFFA0, 0xFFA1),
    range(0xE0000, 0xE1000),
)


def is_invisible(char: str) -> bool:
    """Whether ``char`` acts on a terminal, shows nothing, or is a blank other than the space.

    A character that this Python's Unicode does not know yet is not invisible: verdicts must not depend on it.
    """
    category = unicodedata.category(char)
    if category in _CATEGORIES or (category == "Zs" and char != " "):
        return True
    return ord(char) & 0xFFFE == 0xFFFE or any(ord(char) in block for block in _IGNORABLE)
