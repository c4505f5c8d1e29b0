"""A throwaway certificate authority: Ed25519 keys, certificates written by hand, gone with the run.

Sources: RFC 5280 4.1 (certificates), RFC 8410 (Ed25519 in X.509), X.690 (DER).
"""

import base64
import os
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from attrs import frozen

from haldir_core import PrivateKey

_ED25519 = bytes.fromhex("300506032b6570")  # AlgorithmIdentifier, RFC 8410 3
_VALID_DAYS = 3650
"""Long, so that a run with a shifted clock trusts it too."""


@frozen
class Authority:
    """A self-signed authority that makes a certificate for every name that is asked for."""

    key: PrivateKey
    made: datetime
    certificate_pem: bytes

    @classmethod
    def make(cls, now: datetime) -> Self:
        """Return a new authority."""
        key = PrivateKey.generate()
        return cls(key, now, _pem("CERTIFICATE", _certificate(_Wish("sandbox authority", key, key, now))))

    def context(self, named: Callable[[str], None]) -> ssl.SSLContext:
        """Return a server context that learns the wanted name through ``named`` and answers under it."""
        context = self._context_for("sample.example")

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> None:
            if name is not None and len(name) < 254 and all(char.isalnum() or char in ".-_" for char in name):
                named(name)
                connection.context = self._context_for(name)

        context.sni_callback = choose
        return context

    def _context_for(self, name: str) -> ssl.SSLContext:
        key = PrivateKey.generate()
        chain = _pem("CERTIFICATE", _certificate(_Wish(name, key, self.key, self.made))) + self.certificate_pem
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        descriptor, file = tempfile.mkstemp(prefix="haldir-sandbox-", suffix=".pem")  # 0600; ssl reads files only
        try:
            with open(descriptor, "wb") as stream:  # noqa: PTH123 - a descriptor has no path
                stream.write(key.to_pem() + chain)
            context.load_cert_chain(file)
        finally:
            os.unlink(file)  # noqa: PTH108 - a text, not a Path
        return context


@frozen
class _Wish:
    """What a certificate is to say: a name and its key, signed by another key."""

    name: str
    key: PrivateKey
    signer: PrivateKey
    now: datetime

    @property
    def is_authority(self) -> bool:
        return self.key is self.signer


def _certificate(wish: _Wish) -> bytes:
    issuer = _name("sandbox authority")
    begin = wish.now.astimezone(UTC) - timedelta(days=1)
    body = _tlv(
        0x30,
        _tlv(0xA0, _tlv(0x02, b"\x02")),  # version 3
        _tlv(0x02, b"\x01" + os.urandom(15)),
        _ED25519,
        issuer,
        _tlv(0x30, _time(begin), _time(begin + timedelta(days=_VALID_DAYS))),
        issuer if wish.is_authority else _name(wish.name[:64]),
        wish.key.public_key.spki,
        _tlv(0xA3, _tlv(0x30, *_extensions(wish))),
    )
    return _tlv(0x30, body, _ED25519, _tlv(0x03, b"\0" + wish.signer.sign(body)))


def _extensions(wish: _Wish) -> tuple[bytes, ...]:
    key_id = bytes.fromhex(wish.key.public_key.keyid)
    issuer_id = bytes.fromhex(wish.signer.public_key.keyid)
    common = (
        _extension("551d0e", _tlv(0x04, key_id)),  # subject key identifier, 2.5.29.14
        _extension("551d23", _tlv(0x30, _tlv(0x80, issuer_id))),  # authority key identifier, 2.5.29.35
    )
    if wish.is_authority:
        return (
            *common,
            _extension("551d13", _tlv(0x30, _tlv(0x01, b"\xff")), critical=b"\xff"),  # basic constraints: CA
            _extension("551d0f", _tlv(0x03, b"\x02\x04"), critical=b"\xff"),  # key usage: keyCertSign
        )
    alternative = _tlv(0x30, _tlv(0x82, wish.name.encode("idna" if not wish.name.isascii() else "ascii")))
    return (*common, _extension("551d11", alternative))  # subject alternative name: dNSName


def _extension(oid: str, value: bytes, critical: bytes = b"") -> bytes:
    flag = _tlv(0x01, critical) if critical else b""
    return _tlv(0x30, _tlv(0x06, bytes.fromhex(oid)), flag, _tlv(0x04, value))


def _name(text: str) -> bytes:
    return _tlv(0x30, _tlv(0x31, _tlv(0x30, _tlv(0x06, bytes.fromhex("550403")), _tlv(0x0C, text.encode()))))


def _time(moment: datetime) -> bytes:
    if moment.year < 2050:  # RFC 5280 4.1.2.5
        return _tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return _tlv(0x18, moment.strftime("%Y%m%d%H%M%SZ").encode())


def _tlv(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    size = len(value)
    if size < 128:
        return bytes([tag, size]) + value
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(digits)]) + digits + value


def _pem(label: str, der: bytes) -> bytes:
    text = base64.encodebytes(der)
    return f"-----BEGIN {label}-----\n".encode() + text + f"-----END {label}-----\n".encode()


def write_certificate(folder: Path, authority: Authority) -> Path:
    """Return the file with the certificate that programs in the run are told to trust."""
    file = folder / "authority.pem"
    file.write_bytes(authority.certificate_pem)
    return file
