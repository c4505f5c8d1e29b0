"""A grant of the whole skill lets the signed folder be moved away."""

import os

from attack import escaped, tries

with tries():
    os.rename(".vault", "out/old")
    escaped("moved")
