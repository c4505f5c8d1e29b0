"""What decoding may cost."""

from attrs import define, field


@define
class DecodeBudget:
    """What decoding may still cost; one for each skill.

    Attributes:
        max_total_bytes: of all layers together.
        max_spare_bytes: of layers that honest files are full of (source maps, SVG images, escaped foreign text); what
            is beyond is left out, and is no limit that a report has to name.
        max_layer_bytes: of one layer; the rest of it is left out.
        max_layers: how many there may be.
        max_ratio: how many times its size a compressed layer may grow.
        max_guesses: how often an unknown XOR key is looked for.
        max_pieced_bytes: of text in which pieces that belong together are looked for; what is beyond is noted.
        limit_hit: whether something was left out.
        is_shortened: whether pieces were not looked for everywhere.
    """

    max_total_bytes: int = 1 << 20
    max_spare_bytes: int = 1 << 20
    max_layer_bytes: int = 256 << 10
    max_layers: int = 2_000
    max_ratio: int = 200
    max_guesses: int = 16
    max_pieced_bytes: int = 1 << 20
    limit_hit: bool = field(init=False, default=False)
    is_shortened: bool = field(init=False, default=False)
    keys: list[bytes] = field(init=False, factory=list)
    _bytes: int = field(init=False, default=0)
    _spare_bytes: int = field(init=False, default=0)
    _layers: int = field(init=False, default=0)
    _guesses: int = field(init=False, default=0)
    _pieced_bytes: int = field(init=False, default=0)

    def take(self, size: int) -> bool:
        """Whether a layer of ``size`` bytes is allowed; it is counted."""
        if self._layers >= self.max_layers or self._bytes + size > self.max_total_bytes:
            self.limit_hit = True
            return False
        self._layers += 1
        self._bytes += size
        return True

    def take_spare(self, size: int) -> bool:
        """Whether a layer of ``size`` bytes, of a kind that honest files are full of, is allowed; it is counted."""
        if self._spare_bytes + size > self.max_spare_bytes:
            return False
        self._spare_bytes += size
        return True

    @property
    def pieced_bytes_left(self) -> int:
        """Bytes of text in which pieces may still be looked for."""
        return self.max_pieced_bytes - self._pieced_bytes

    def take_pieced(self, size: int) -> bool:
        """Whether pieces may be looked for in ``size`` more bytes; they are counted."""
        if self._pieced_bytes + size > self.max_pieced_bytes:
            self.is_shortened = True
            return False
        self._pieced_bytes += size
        return True

    def guess(self) -> bool:
        """Whether one more unknown key may be looked for; it is counted."""
        if self._guesses >= self.max_guesses:
            self.limit_hit = True
            return False
        self._guesses += 1
        return True

    def cut(self, data: bytes) -> bytes:
        """``data``, or as much of it as one layer may have."""
        if len(data) <= self.max_layer_bytes:
            return data
        self.limit_hit = True
        return data[: self.max_layer_bytes]

    @property
    def is_spent(self) -> bool:
        """Whether no layer is allowed any more."""
        return self._layers >= self.max_layers or self._bytes >= self.max_total_bytes
