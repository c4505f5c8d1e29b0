"""What a text has to contain before a costly search for one kind of encoding is worth its time."""

from collections.abc import Iterator
from enum import Enum

from haldir_scanner._decode._broken_words import ACCENTED, DIGITS, PARTED, POINTED
from haldir_scanner._presence import Presence

_PLACE_DISTANCE_BYTES = 256


class Gate(Enum):
    """Something that a text may contain, with the pattern of it (RE2 syntax, any case)."""

    ROT13_WORDS = (
        rb"uggcf?:|\bphey |\bphey\b|\bonfu |/onfu|\bjtrg\b|\bvzcbeg |\brkrp\b|\briny\b|\bvtaber |cerivbhf|vafgehpgvba"
        rb"|\bflfgrz\b|\bfhqb |cnffjbeq|\bfrperg|clguba|onfr64|perqragvny|cbjrefuryy"
    )
    REVERSED_WORDS = (
        rb"s?ptth\b|\blruc\b|\bhsab\b|\blave\b|\bcexe\b|\btegw\b|\btropmi\b|\bmetsys\b|\berongi\b|suoiverp|tcurtsni"
        rb"|drowssap|\bs?terces\b|nohtyp|\bodus\b|46esab|laitnederc|\bllehsrewop\b"
    )
    BOTH_WORDS = rb"f?cggu\b|\byehp\b|\bufno\b|\bgrtj\b|\bgebczv\b|fabvgphegfav"
    ROT13 = rb"\brot[-_ ]?13|caesar|n-za-m|13 (?:places|letters|positions)"
    REVERSED = (
        rb"\[::-1\]|\.reverse\(|reversed\(|strrev|\|\s?rev\b|(?:written|spelled|typed|read|stored|encoded) backwards"
        rb"|\breversed? (?:the|string|text|it)\b"
    )
    BASE64 = rb"base-?64|b64(?:de|en)code|\batob\b|\bbtoa\b|decode64|encodedcommand|\s-e(?:nc?|c)?\s|\bopenssl enc\b"
    HEX = rb"\bhex\b|fromhex|unhexlify|\bxxd\b|hex2bin|hexdecode"
    BASE85 = rb"base-?85|[ab]85(?:de|en)code|ascii-?85|<~"
    BASE32 = rb"base-?32|b32(?:de|en)code"
    INFLATE = rb"inflate|\bzlib\b|decompress|ungzip"
    XOR = rb"\bxor\b|\bxor_|_xor\b|\bbxor\b|[ )\]]\^ ?[a-z0-9(]|\^="
    CHARACTER_CALL = rb"\bchr[bw]?\$?\(|\[char\]|charcode\("
    ESCAPE = rb"\\x[3-7][0-9a-f]|\\u00[3-7]|\\u\{|\\[01][0-7][0-7]|\\u[0-9a-f]{4}\\u"
    PERCENT = rb"%[2-7][0-9a-f]"
    ENTITY = rb"&#x?[0-9]"
    QUOTED_PRINTABLE = rb"=[4-7][0-9a-f]=[2-7][0-9a-f]="
    UUENCODED = rb"begin [0-7]{3,4} "
    PARTED_WORDS = PARTED
    POINTED_WORDS = POINTED
    WORDS_WITH_DIGITS = DIGITS
    ACCENTED_WORDS = ACCENTED
    JOINING = (
        rb"\bconcat|\.join\(|\bjoin(?:ed|ing)?\b|assembl(?:e|ing)\b|\bstitch|\bcombin(?:e|ing)\b"
        rb"|\bglue\b|together\b|implode"
    )


_PRESENCE = Presence(Gate, any_case=True)


def gates(data: bytes) -> frozenset[Gate]:
    """All gates that stand open for ``data``."""
    return _PRESENCE.of(data)


def places(gate: Gate, data: bytes) -> Iterator[int]:
    """Where something that opens ``gate`` begins: at least one place in every 256 bytes that have one."""
    place = _PRESENCE.find(gate, data, 0)
    while place >= 0:
        yield place
        place = _PRESENCE.find(gate, data, place + _PLACE_DISTANCE_BYTES)
