"""What is done to a measured cube before bands are looked for: symmetry, background, contrast, smoothing.

Each returns a cube with a note. Symmetrisation is by turning about the zone's centre and by mirroring; contrast is
equalised over momenta and energies in tiles with a limit (Pizer et al. 1987; three-dimensional: Stimper et al. 2019);
the background is what scattered electrons leave, in proportion to all intensity above (Shirley 1972).
"""

from __future__ import annotations

import numpy as np

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int32Array, Int64Array
from beamgym.physics.bands.cube import BandCube

_SURE = 0.05
"""Of a momentum's whole intensity: below it, ratios to the intensity above say nothing."""
_LOWEST = 0.02
"""Share of the pixels that may lie below the background."""


def symmetrised(cube: BandCube, turns: int, mirror: bool = False, centre: tuple[float, float] = (0.0, 0.0)) -> BandCube:
    """Return the mean of a cube over turns about a centre, and over a mirror of kx where asked for.

    Parameters
    ----------
    cube : a plane of momenta
    turns : 2, 3, 4 or 6: the order of the axis
    mirror : besides, kx → −kx about the centre
    centre : (kx, ky) of the axis, 1/Å

    Raises
    ------
    ValueError : a line, another order, a centre outside the data
    """
    if cube.is_line:
        raise ValueError("a line has no axis of rotation; symmetrise the cube that it is cut from")
    if turns not in (1, 2, 3, 4, 6):
        raise ValueError(f"the order of the axis is 1, 2, 3, 4 or 6, not {turns}")
    if not (cube.kx[0] <= centre[0] <= cube.kx[-1] and cube.ky[0] <= centre[1] <= cube.ky[-1]):
        raise ValueError(f"the centre {centre} lies outside the data; give its kx and ky in 1/Å")
    x, y = np.meshgrid(cube.kx - centre[0], cube.ky - centre[1], indexing="ij")
    total = np.zeros(cube.shape, dtype=np.float64)
    number = np.zeros(cube.mask.shape)
    for turn in range(turns):
        angle = 2.0 * np.pi * turn / turns
        for side in (1.0, -1.0) if mirror else (1.0,):
            there = side * (np.cos(angle) * x - np.sin(angle) * y) + centre[0], np.sin(angle) * x + np.cos(angle) * y
            values, inside = _sampled(cube, there[0], there[1] + centre[1])
            total += np.where(inside[..., None], values, 0.0)
            number += inside
    mean = (total / np.maximum(number, 1)[..., None]).astype(np.float32)
    note = f"symmetrised: {turns} turns{', mirrored' if mirror else ''} about ({centre[0]:g}, {centre[1]:g}) 1/Å"
    return cube.with_intensity(mean, note).with_mask(
        number > 0, "momenta that no turn brings into the data are left out"
    )


def _sampled(cube: BandCube, x: Float64Array, y: Float64Array) -> tuple[Float64Array, BoolArray]:
    from scipy.ndimage import map_coordinates

    step = cube.kx[1] - cube.kx[0], cube.ky[1] - cube.ky[0]
    i, j = (x - cube.kx[0]) / step[0], (y - cube.ky[0]) / step[1]
    edge = 1e-6
    inside = (i >= -edge) & (i <= cube.kx.size - 1 + edge) & (j >= -edge) & (j <= cube.ky.size - 1 + edge)
    used = map_coordinates(cube.mask.astype(float), [i, j], order=1, mode="nearest")
    values = np.empty((*x.shape, cube.energy_ev.size))
    for e in range(cube.energy_ev.size):
        values[..., e] = map_coordinates(cube.intensity[..., e], [i, j], order=1, mode="nearest")
    return values, inside & (used > 0.999)


def shirley_loss(cube: BandCube) -> float:
    """Return the intensity left at an energy for each unit of intensity above it (per energy step).

    It is the largest that leaves 98 % of the pixels above zero, where enough intensity lies above.
    """
    seen = cube.intensity[cube.mask].astype(np.float64)
    above = np.cumsum(seen[:, ::-1], axis=1)[:, ::-1] - seen
    sure = above > _SURE * seen.sum(axis=1, keepdims=True)
    return float(np.quantile(seen[sure] / above[sure], _LOWEST)) if sure.any() else 0.0


def without_background(cube: BandCube, opening_ev: float | None = None) -> BandCube:
    """Return a cube less its background.

    Parameters
    ----------
    cube : intensity with a background of scattered electrons
    opening_ev : besides, grey opening along energy: what is wider than this is taken away too, eV. It takes bands that
        overlap over a wider range for background
    """
    loss = shirley_loss(cube)
    seen = cube.intensity
    above = np.cumsum(seen[..., ::-1], axis=2, dtype=np.float64)[..., ::-1] - seen
    left = np.maximum(seen - loss * above, 0.0).astype(np.float32)
    note = f"background removed: {loss / cube.step_ev:.3g} per eV of the intensity above"
    if opening_ev is not None:
        size = round(opening_ev / cube.step_ev)
        if not 3 <= size < cube.energy_ev.size:
            raise ValueError(
                f"an opening of {opening_ev:g} eV has {size} energies; choose between {3 * cube.step_ev:.3g} and "
                f"{cube.energy_ev.size * cube.step_ev:.3g} eV"
            )
        left = _opened(left, size)
        note += f"; grey opening of {opening_ev:g} eV"
    return cube.with_intensity(left, note)


def _opened(values: Float32Array, size: int) -> Float32Array:
    from scipy.ndimage import gaussian_filter1d, grey_opening

    ground = grey_opening(gaussian_filter1d(values, 2.0, axis=2), size=(1, 1, size))
    ground = gaussian_filter1d(ground, 0.25 * size, axis=2)
    return np.asarray(np.maximum(values - ground, 0.0), dtype=np.float32)


def equalised(
    cube: BandCube, tiles: tuple[int, int, int] = (4, 4, 4), limit: float = 0.02, levels: int = 128
) -> BandCube:
    """Return a cube whose contrast is equalised locally, between 0 and 1, for the eye and for the plain field.

    Amplitudes are no longer additive afterwards; the joint model is not to be given such data.

    Parameters
    ----------
    cube : intensity ≥ 0
    tiles : along kx, ky and energy
    limit : of a histogram's share at one level, before the rest is spread over all levels
    levels : of grey

    Raises
    ------
    ValueError : tiles, limit or levels that make no sense
    """
    if min(tiles) < 1 or not 0.0 < limit <= 1.0 or not 8 <= levels <= 4096:
        raise ValueError(
            f"tiles {tiles}, limit {limit:g}, levels {levels}: give tiles ≥ 1, 0 < limit ≤ 1, 8 to 4096 levels"
        )
    tiles = (min(tiles[0], cube.kx.size), min(tiles[1], cube.ky.size), min(tiles[2], cube.energy_ev.size))
    scaled = np.sqrt(cube.intensity / cube.intensity.max())  # the square root spreads the dim levels over the histogram
    grey = np.minimum((scaled * levels).astype(np.int32), levels - 1)
    curves = _curves(grey, cube.mask, tiles, levels, limit)
    where = [_tile_positions(size, tile) for size, tile in zip(cube.shape, tiles, strict=True)]
    out = np.zeros(cube.shape, dtype=np.float32)
    for corner in np.ndindex(2, 2, 2):
        index = [low + (c if tile > 1 else 0) for (low, _), c, tile in zip(where, corner, tiles, strict=True)]
        share = [(part if c else 1.0 - part) for (_, part), c in zip(where, corner, strict=True)]
        weight = share[0][:, None, None] * share[1][None, :, None] * share[2][None, None, :]
        out += (
            weight * curves[index[0][:, None, None], index[1][None, :, None], index[2][None, None, :], grey]
        ).astype(np.float32)
    np.clip(out, 0.0, 1.0, out=out)
    return cube.with_intensity(
        out, f"contrast equalised in {tiles[0]} x {tiles[1]} x {tiles[2]} tiles, limit {limit:g}"
    )


def _curves(grey: Int32Array, mask: BoolArray, tiles: tuple[int, int, int], levels: int, limit: float) -> Float64Array:
    """Return each tile's cumulative histogram with its peaks cut, (tx, ty, te, levels)."""
    edges = [np.linspace(0, size, tile + 1).astype(int) for size, tile in zip(grey.shape, tiles, strict=True)]
    curves = np.empty((*tiles, levels))
    for place in np.ndindex(*tiles):
        part = tuple(slice(edge[i], edge[i + 1]) for edge, i in zip(edges, place, strict=True))
        values = grey[part][mask[part[:2]]]
        share = np.bincount(values.ravel(), minlength=levels) / max(values.size, 1)
        cut = np.minimum(share, limit)
        curves[place] = np.cumsum(cut + (share.sum() - cut.sum()) / levels)
    return np.asarray(curves / np.maximum(curves[..., -1:], 1e-12))


def _tile_positions(size: int, tile: int) -> tuple[Int64Array, Float64Array]:
    """Return, for each pixel of an axis, the tile before it and its way to the next, between the tiles' middles."""
    if tile == 1:
        return np.zeros(size, dtype=np.int64), np.zeros(size)
    place = np.clip((np.arange(size) + 0.5) * tile / size - 0.5, 0.0, tile - 1.0)
    low = np.minimum(place.astype(np.int64), tile - 2)
    return low, place - low


def smoothed(cube: BandCube, momentum_px: float, energy_px: float) -> BandCube:
    """Return a cube blurred by Gaussians, standard deviations in pixels; masked momenta do not blur into others."""
    from scipy.ndimage import gaussian_filter

    width = (momentum_px, 0.0 if cube.is_line else momentum_px, energy_px)
    inside = cube.mask.astype(np.float32)[..., None]
    blurred = gaussian_filter(cube.intensity * inside, width)
    share = gaussian_filter(np.broadcast_to(inside, cube.shape).copy(), width)
    note = f"smoothed by {momentum_px:g} pixels in momentum, {energy_px:g} in energy"
    return cube.with_intensity(np.where(share > 1e-6, blurred / np.maximum(share, 1e-6), 0.0).astype(np.float32), note)
