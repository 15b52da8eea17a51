"""The guard's decision about a sample holder in front of an analyser's nozzle, in real space."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.guard.rules.decision import Decision, Interval, refused

Array = NDArray[np.float64]

FINEST_MM = 0.2
"""A part of the swept box in which no point of the holder moves by more is judged by its middle, mm."""

_MOST_CELLS = 20000  # some tens of milliseconds; a path that needs more is too wide to be judged


def nozzle(
    swept: Mapping[str, Interval], chain: Sequence[Mapping[str, Any]], nozzles: Sequence[Mapping[str, Any]]
) -> Decision:
    """Item 3: at no place that a move may sweep does the sample holder come nearer to a nozzle than its margin.

    Parameters
    ----------
    swept : per axis, all that it may take on, as for ``envelope``
    chain : the axes that carry the holder, outermost first: {"name", "kind", "vector", "sign", "zero", "point_mm"};
        directions and points are those of all axes at their zero
    nozzles : {"name", "tip_mm", "axis", "radius_mm", "half_angle_deg", "margin_mm", "holder"}: a solid cone that begins
        with a disc about the tip and widens along the axis, and the spheres [x, y, z, radius] that the holder lies in,
        mm, with all axes at their zero

    Notes
    -----
    The swept box of all axes is cut into parts. In a part each sphere's middle stays within a ball: about where it is
    in the middle of the part, with a radius that grows by half a way for a linear axis and by the chord of half an
    angle for a rotation. A part whose balls keep away is free; any other is cut in two along the axis that moves most.
    So a path that is let pass is free at every point; one that passes nearer than the margin plus ``FINEST_MM`` may be
    refused though it is free.
    """
    if not nozzles:
        return Decision(3, True)
    sides = np.array([swept[axis["name"]] for axis in chain if axis["name"] in swept], np.float64).reshape(-1, 2)
    carried = [axis for axis in chain if axis["name"] in swept]
    for solid in nozzles:
        if not np.all(np.isfinite(sides)):
            return refused(3, f"where the axes stand is not known, and {solid['name']!r} may be near; bring them back")
        found = _contact(sides, carried, solid)
        if found is not None:
            places = ", ".join(f"{axis['name']} {place:.6g}" for axis, place in zip(carried, found, strict=True))
            return refused(
                3,
                f"on its way the sample holder may come nearer to {solid['name']!r} than {solid['margin_mm']:g} mm, as "
                f"at {places}; go round it in several moves",
            )
    return Decision(3, True)


def _contact(sides: Array, chain: Sequence[Mapping[str, Any]], solid: Mapping[str, Any]) -> Array | None:
    """Return where in a swept box the holder may touch, (k,); None where it does nowhere."""
    cells, seen = sides[None], 0
    while len(cells):
        seen += len(cells)
        middles, shares, clear, touches = _judged(cells, chain, solid)
        left = ~clear
        # What touches in the middle of a part does so for certain; the finest parts are judged by it, too.
        ends = touches | (left & (shares.sum(axis=1) <= FINEST_MM))
        if not ends.any() and seen > _MOST_CELLS:
            ends = left
        if ends.any():
            return np.asarray(middles[int(np.argmax(ends))])
        cells = _halved(cells[left], shares[left])
    return None


def _judged(
    cells: Array, chain: Sequence[Mapping[str, Any]], solid: Mapping[str, Any]
) -> tuple[Array, Array, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return of every part its middle, how far each axis moves the holder in it, mm, whether it is free, or touches.

    Of a part that is neither nothing is known yet.
    """
    middles, halves = cells.mean(axis=2), 0.5 * (cells[:, :, 1] - cells[:, :, 0])
    holder = np.array(solid["holder"], np.float64)
    at = np.broadcast_to(holder[None, :, :3], (len(cells), len(holder), 3))
    shares = np.zeros((len(cells), len(chain)))
    off = np.zeros((len(cells), len(holder)))
    # From the sample outwards: each axis carries those below it.
    for index in reversed(range(len(chain))):
        at, moved = _carried(at, chain[index], middles[:, index], halves[:, index])
        shares[:, index] = moved.max(axis=1)
        off = off + moved
    gap = _gap(at, solid) - holder[None, :, 3] - float(solid["margin_mm"])
    return middles, shares, np.all(gap > off, axis=1), np.any(gap <= 0.0, axis=1)


def _carried(at: Array, axis: Mapping[str, Any], middle: Array, half: Array) -> tuple[Array, Array]:
    """Return points (n, s, 3) as an axis at ``middle`` (n,) carries them, and how far ``half`` (n,) moves them, mm."""
    vector = np.array(axis["vector"], np.float64)
    vector = vector / np.linalg.norm(vector)
    turn = float(axis["sign"]) * (middle - float(axis["zero"]))
    if axis["kind"] == "linear":
        return at + turn[:, None, None] * vector, np.broadcast_to(half[:, None], at.shape[:2])
    about = np.array(axis["point_mm"], np.float64)
    arm = at - about
    along = (arm @ vector)[..., None] * vector
    across = arm - along
    angle = np.deg2rad(turn)[:, None, None]
    turned = np.cos(angle) * across + np.sin(angle) * np.cross(vector, across)
    chord = 2.0 * np.sin(0.5 * np.minimum(np.deg2rad(half), np.pi))
    return about + along + turned, chord[:, None] * np.linalg.norm(across, axis=-1)


def _gap(at: Array, solid: Mapping[str, Any]) -> Array:
    """Return how far points (n, s, 3) are from a nozzle's solid cone, mm; 0 inside."""
    axis = np.array(solid["axis"], np.float64)
    axis = axis / np.linalg.norm(axis)
    arm = at - np.array(solid["tip_mm"], np.float64)
    deep = arm @ axis
    wide = np.linalg.norm(arm - deep[..., None] * axis, axis=-1)
    front, angle = float(solid["radius_mm"]), np.deg2rad(float(solid["half_angle_deg"]))
    sine, cosine = np.sin(angle), np.cos(angle)
    inside = (deep >= 0.0) & ((wide - front) * cosine <= deep * sine)
    to_disc = np.hypot(np.maximum(wide - front, 0.0), deep)
    up = np.maximum((wide - front) * sine + deep * cosine, 0.0)
    to_mantle = np.hypot(wide - front - up * sine, deep - up * cosine)
    return np.where(inside, 0.0, np.minimum(to_disc, to_mantle))


def _halved(cells: Array, shares: Array) -> Array:
    """Return parts (n, k, 2) cut in two along the axis that moves the holder most in each."""
    rows, cut = np.arange(len(cells)), np.argmax(shares, axis=1)
    middle = cells.mean(axis=2)[rows, cut]
    lower, upper = cells.copy(), cells.copy()
    lower[rows, cut, 1] = middle
    upper[rows, cut, 0] = middle
    return np.concatenate([lower, upper])
