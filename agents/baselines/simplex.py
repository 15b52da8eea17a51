"""Nelder and Mead's downhill simplex as a generator, so that a real exposure can happen between two evaluations.

J. A. Nelder and R. Mead, Computer Journal 7 (1965) 308; the order of trials and the acceptance rules are those of
Lagarias, Reeds, Wright and Wright, SIAM J. Optim. 9 (1998) 112.
"""

from collections.abc import Generator

import numpy as np

from beamgym.physics.instrument import Float64Array

REFLECTION, EXPANSION, CONTRACTION, SHRINKAGE = 1.0, 2.0, 0.5, 0.5

Points = Generator[Float64Array, float, None]


def nelder_mead(vertices: Float64Array, size: float) -> Points:
    """Yield points to evaluate; each must be answered by ``send(value)``.

    Parameters
    ----------
    vertices : (d + 1, d) first simplex
    size : ends when no vertex is farther than this from the best one

    Yields
    ------
    (d,) the next point
    """
    points = vertices.copy()
    values = np.empty(len(points))
    for i in range(len(points)):
        values[i] = yield points[i]
    while True:
        order = np.argsort(values, kind="stable")
        points, values = points[order], values[order]
        if np.abs(points[1:] - points[0]).max() <= size:
            return
        found = yield from _improve(points, values)
        if found is not None:
            points[-1], values[-1] = found
            continue
        for i in range(1, len(points)):
            points[i] = points[0] + SHRINKAGE * (points[i] - points[0])
            values[i] = yield points[i]


def _improve(
    points: Float64Array, values: Float64Array
) -> Generator[Float64Array, float, tuple[Float64Array, float] | None]:
    """Try to replace the worst vertex; None asks for a shrink."""
    centre = points[:-1].mean(axis=0)
    away = centre - points[-1]
    reflected = centre + REFLECTION * away
    value = yield reflected
    if value < values[0]:
        expanded = centre + EXPANSION * away
        further = yield expanded
        return (expanded, further) if further < value else (reflected, value)
    if value < values[-2]:
        return reflected, value
    outside = value < values[-1]
    contracted = centre + CONTRACTION * away if outside else centre - CONTRACTION * away
    closer = yield contracted
    if closer <= value if outside else closer < values[-1]:
        return contracted, closer
    return None
