"""Outlines that lie on each other: no two crystals share a place on a plate."""

from collections.abc import Sequence

from shapely import STRtree

from beamgym.physics.mosaic.outline import Outline

_TOUCHING_MM2 = 1e-3
"""Outlines that share less touch; two drawn lines never meet exactly."""


def overlaps(outlines: Sequence[Outline]) -> list[tuple[str, str, float]]:
    """Return which outlines lie on each other: two names and the area that they share, mm²."""
    shapes = [outline.shape for outline in outlines]
    if len(shapes) < 2:
        return []
    found = []
    for i, j in STRtree(shapes).query(shapes, predicate="intersects").T:
        if i < j and (shared := float(shapes[i].intersection(shapes[j]).area)) > _TOUCHING_MM2:
            found.append((outlines[i].name, outlines[j].name, shared))
    return sorted(found, key=lambda pair: -pair[2])


def check_apart(outlines: Sequence[Outline]) -> None:
    """Raise ValueError where two outlines have one name or lie on each other."""
    names = [outline.name for outline in outlines]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two outlines are called {twice[0]}; give each its own name")
    if found := overlaps(outlines):
        one, other, shared = found[0]
        more = f" (and {len(found) - 1} more pairs)" if len(found) > 1 else ""
        raise ValueError(f"outlines {one} and {other} lie on each other by {shared:.3g} mm²{more}; draw them apart")
