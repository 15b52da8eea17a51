"""Numba kernel of the ``v2`` total."""

from typing import Any

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def between_nodes(x, nodes, values) -> Any:  # type: ignore[no-untyped-def]
    """Return what numpy.interp does, to the bit: the line between two nodes, and the ends' values beyond them."""
    last = nodes.shape[0] - 1
    if x >= nodes[last]:
        return values[last]
    if x <= nodes[0]:
        return values[0]
    j = 0
    while x >= nodes[j + 1]:
        j += 1
    if x == nodes[j]:
        return values[j]
    slope = (values[j + 1] - values[j]) / (nodes[j + 1] - nodes[j])
    return slope * (x - nodes[j]) + values[j]


@njit(cache=True, nogil=True, error_model="numpy")
def within(x, low, high) -> Any:  # type: ignore[no-untyped-def]
    """Return a number, cut to low and high."""
    return min(max(x, low), high)


@njit(cache=True, nogil=True, error_model="numpy")
def total_points(f, s, b, n, ample, nodes, penalties, weights, out) -> None:  # type: ignore[no-untyped-def]
    """Write the ``v2`` total of F, S, B and N, (m,) each; ``ample`` is the F of the published threshold."""
    for i in range(out.shape[0]):
        points = 10.0
        points -= weights[0] * between_nodes(s[i], nodes, penalties)
        points -= weights[1] * between_nodes(b[i], nodes, penalties)
        points -= weights[2] * between_nodes(n[i], nodes, penalties)
        points += within((b[i] - 0.8) / 0.2, 0.0, 1.0) + within((n[i] - 0.8) / 0.2, 0.0, 1.0)
        points -= 4.0 * within((1.2 - f[i] / ample) / 0.4, 0.0, 1.0)
        points -= 2.0 * within((0.6 - b[i] - n[i]) / 0.2, 0.0, 1.0)
        out[i] = within(4.0 + points / 2.0 if points > 8.0 else points, 0.0, 10.0)
