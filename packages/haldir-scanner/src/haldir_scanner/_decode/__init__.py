"""What encoded stretches of a text say, decoded up to three times over; nothing is ever executed or unpickled."""

from haldir_scanner._decode._budget import DecodeBudget
from haldir_scanner._decode._facts import facts
from haldir_scanner._decode._layer import Layer
from haldir_scanner._decode._search import layers

__all__ = ["DecodeBudget", "Layer", "facts", "layers"]
