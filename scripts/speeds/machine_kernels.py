"""Kernels that do nothing useful as fast as one core can: multiply-adds in its registers, and streams from memory."""

from numba import njit

CHAIN = 8
"""Multiply-adds of an element between its load and its store."""


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def multiply_add(x, a, b, rounds) -> None:  # type: ignore[no-untyped-def]
    """Replace every x (n,) by a x + b, CHAIN times in each round."""
    for _ in range(rounds):
        for i in range(x.shape[0]):
            v = x[i]
            v = v * a + b
            v = v * a + b
            v = v * a + b
            v = v * a + b
            v = v * a + b
            v = v * a + b
            v = v * a + b
            x[i] = v * a + b


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def triad(x, y, z, a) -> None:  # type: ignore[no-untyped-def]
    """Write x + a y into z, all (n,): McCalpin's STREAM triad."""
    for i in range(x.shape[0]):
        z[i] = x[i] + a * y[i]
