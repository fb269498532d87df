"""Checksums of the bytes of an upload that travel in parts."""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

__all__ = ["Checksums", "combine_crc32"]

# The polynomial of CRC-32, and the polynomials 1 and x, all with reflected bits.
_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31
_X: Final = 1 << 30


class Checksums:
    """Running CRC-32, which the portal verifies for the whole file, and a digest that tells parts apart."""

    def __init__(self) -> None:
        self.crc32 = 0
        # The fastest digest of the standard library, with the processor's own instructions and without.
        self._digest = hashlib.sha1(usedforsecurity=False)

    def update(self, piece: bytes | memoryview) -> None:
        """Add bytes."""
        self.crc32 = zlib.crc32(piece, self.crc32)
        self._digest.update(piece)

    @property
    def digest(self) -> str:
        """The digest of the bytes so far: 64 bits in hexadecimal, since a file may have 10,000 parts."""
        return self._digest.hexdigest()[:16]


def combine_crc32(first: int, second: int, second_bytes: int) -> int:
    """Return the CRC-32 of two byte sequences in a row from the checksum of each.

    Source: zlib, `crc32_combine`. A CRC is a remainder of polynomials, and zeros appended to the bytes
    multiply it by a power of x.
    """
    return _multiply(_power(8 * second_bytes), first) ^ second


def _power(exponent: int) -> int:
    """Return a power of x modulo the polynomial, by repeated squaring."""
    result, square = _ONE, _X
    while exponent:
        if exponent & 1:
            result = _multiply(square, result)
        square = _multiply(square, square)
        exponent >>= 1
    return result


def _multiply(one: int, other: int) -> int:
    product, bit = 0, _ONE
    while bit:
        if one & bit:
            product ^= other
        other = (other >> 1) ^ _POLYNOMIAL if other & 1 else other >> 1
        bit >>= 1
    return product
