"""Buckets of float64: a number's exponent and the first 9 bits of its fraction, so 512 buckets an octave.

They are linear within an octave, so that the middle of one is within 0.098 % of all that is in it; below the
smallest normal number they stay 4.4e-311 wide. No logarithm is taken. Buckets are numbered in the order of the
numbers: -inf comes first, infinity and NaN last. Each holds its lower border and not its upper one.

A place is a bucket and the code of a group in one integer, in the order of both. Light: imports no numba.
"""

from __future__ import annotations

import struct

# bits of a float64 that its bucket does not tell
OWN_BITS = 43
OCTAVE_BITS = 9
MAGNITUDE = 0x7FFFFFFFFFFFFFFF
INFINITY = 0x7FF0000000000000
INFINITE = INFINITY >> OWN_BITS
MISSING = INFINITE + 1
# of either sign
OCTAVES = 1 << (63 - OWN_BITS - OCTAVE_BITS)
# a place: the code above so many bits, and added to the bucket half of what they hold
GROUP_BITS = 22
MIDDLE = 1 << (GROUP_BITS - 1)
LARGEST = 1.7976931348623157e308


def bucket(x: float) -> int:
    """The number of a value's bucket.

    >>> bucket(0.0), bucket(-0.0), bucket(1.0) - bucket(0.5)
    (0, 0, 512)
    """
    bits = int.from_bytes(struct.pack("<d", x + 0.0), "little")
    magnitude, sign = bits & MAGNITUDE, -(bits >> 63)
    if magnitude >= INFINITY:
        return MISSING if magnitude > INFINITY else INFINITE ^ sign
    return ((magnitude + sign) >> OWN_BITS) ^ sign


def border(number: int) -> float:
    """The least value in a bucket.

    >>> border(bucket(0.1)), border(bucket(-0.25))
    (0.0999755859375, -0.25)
    """
    if number < 0:
        return max(-_float((~number + 1) << OWN_BITS), -LARGEST)
    return _float(number << OWN_BITS)


def middle(number: int) -> float:
    """The value that stands for all in a bucket: what is halfway between its borders; of the one at 0, 0.

    >>> middle(bucket(1.0))
    1.0009765625
    """
    if number == MISSING:
        return float("nan")
    inner = ~number if number < 0 else number
    found = 0.0 if number == 0 else _float((inner << OWN_BITS) + (0 if inner == INFINITE else 1 << (OWN_BITS - 1)))
    return -found if number < 0 else found


def _float(bits: int) -> float:
    found: float = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return found
