"""Kernels that unpack what images are packed with: LZW and PackBits of TIFF, byte offsets of CBF."""

from typing import Any

import numpy as np
from numba import njit

_CLEAR, _END = 256, 257


@njit(cache=True)
def unpack_lzw(packed, out) -> Any:  # type: ignore[no-untyped-def]
    """Unpack TIFF's LZW (codes of 9 to 12 bits, highest bit first) into ``out``.

    Parameters
    ----------
    packed : (p,) uint8; out : (n,) uint8, filled as far as the codes reach

    Returns
    -------
    how many bytes were written; -1 where a code cannot be, or the codes hold more than ``out``
    """
    prefix, length = np.zeros(4097, dtype=np.int32), np.ones(4097, dtype=np.int32)
    suffix, first = np.zeros(4097, dtype=np.uint8), np.zeros(4097, dtype=np.uint8)
    for code in range(256):
        suffix[code] = first[code] = code
    bits, held, written = np.int64(0), 0, 0
    width, following, previous = 9, 258, -1
    for byte in packed:
        bits, held = (bits << 8) | byte, held + 8
        if held < width:
            continue
        held -= width
        code = bits >> held
        bits &= (1 << held) - 1
        if code == _END:
            return written
        if code == _CLEAR:
            width, following, previous = 9, 258, -1
            continue
        if code > following or (previous < 0 and code > 255) or (code == following and following > 4095):
            return -1
        if previous >= 0 and following < 4096:
            prefix[following], length[following] = previous, length[previous] + 1
            first[following] = first[previous]
            suffix[following] = first[code] if code != following else first[previous]
            following += 1
            # TIFF widens the codes one entry early
            if following >= (1 << width) - 1 and width < 12:
                width += 1
        end = written + length[code]
        if end > out.shape[0]:
            return -1
        part = code
        for place in range(end - 1, written - 1, -1):
            out[place] = suffix[part]
            part = prefix[part]
        previous = code
        written = end
    return written


@njit(cache=True)
def unpack_runs(packed, out) -> Any:  # type: ignore[no-untyped-def]
    """Unpack PackBits, runs of equal bytes, from (p,) uint8 into ``out`` (n,) uint8; return how many were written."""
    read, written = np.int64(0), np.int64(0)
    while read < packed.shape[0] and written < out.shape[0]:
        count = np.int64(packed[read])
        read += 1
        if count < 128:
            taken = min(count + 1, packed.shape[0] - read, out.shape[0] - written)
            out[written : written + taken] = packed[read : read + taken]
            read += count + 1
            written += taken
        elif count > 128 and read < packed.shape[0]:
            taken = min(257 - count, out.shape[0] - written)
            out[written : written + taken] = packed[read]
            read += 1
            written += taken
    return written


@njit(cache=True)
def unpack_byte_offsets(packed, out) -> Any:  # type: ignore[no-untyped-def]
    """Unpack CBF's differences of 1, 2, 4 or 8 bytes from (p,) uint8 into ``out`` (n,) int64.

    Returns
    -------
    how many values were written; the others are left as they are
    """
    place, value = np.int64(0), np.int64(0)
    for written in range(out.shape[0]):
        width, step = 1, np.int64(0)
        while True:
            if place + width > packed.shape[0]:
                return written
            step = np.int64(0)
            for k in range(width):
                step |= np.int64(packed[place + k]) << (8 * k)
            if width < 8 and step >= np.int64(1) << (8 * width - 1):
                step -= np.int64(1) << (8 * width)
            place += width
            # the lowest number of a width says that the difference follows in twice as many bytes
            if width == 8 or step != -(np.int64(1) << (8 * width - 1)):
                break
            width *= 2
        value += step
        out[written] = value
    return out.shape[0]
