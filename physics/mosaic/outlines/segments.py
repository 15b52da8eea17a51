"""Tells crystals from the plate that they lie on: whatever differs from the bare plate nearby, its shadows aside."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from beamgym.physics.arrays import Float64Array
from beamgym.physics.extras import need

_COARSE_PER_MM = 6.0
"""Pixels a millimetre in which the bare plate's light is estimated."""
_LIGHT_MM = 5.0
"""Distance over which the light on the plate is smoothed."""
_ROUNDS = 4
_TEXTURES = 4.0
"""Standard deviations of the plate's texture by which a crystal differs from it at least."""
_LEAST_CONTRAST = 0.15
"""The same relative to the plate's brightness."""
_BARE = 2.5
"""Standard deviations of the plate's texture by which the bare plate itself differs from its mean."""
SLOW = 1.1
"""Change over two pixels over change over five of a slow change, at most."""
_SHADOW = (0.25, 0.87)
"""Level of a shadow, which is 0 on the plate and 1 on the crystal."""
_WIDEST_SHADOW_MM = 0.8
_LEAST_SHADOW_MM2 = 0.08
_SHADOW_STEP = 0.2
"""By which a shadow's level differs from that of its crystal at least; less is the texture of a crystal."""
_SHADOW_CRISP = 1.12
"""Change over two pixels over change over five where a shadow meets its crystal, at least; glare fades slowly."""
_SEAM_MM = 0.12
"""Half of the widest seam between the dark and the glaring part of one crystal."""


@dataclass(frozen=True, eq=False)
class Segment:
    """One thing that lies on the plate.

    Parameters
    ----------
    row, column : of its box's first pixel
    level : (h, w) 0 on the bare plate to 1 on the thing, by its own colour
    """

    row: int
    column: int
    level: Float64Array


@dataclass(frozen=True, eq=False)
class Edges:
    """How a picture changes from pixel to pixel, relative to the plate's brightness.

    Parameters
    ----------
    sharp : (rows, columns) change over about two pixels
    broad : (rows, columns) the same over about five, in which an edge is smaller than in ``sharp`` and a slow
        change is not
    crisp : (rows, columns) what is sharper than any slow change, 0 to 1, the texture of the bare plate well below
    grey : (rows, columns) brightness, the plate's being 1
    across : (2, rows, columns) unit vector, column and row, along which the brightness changes most
    thing : (rows, columns) what is surely no bare plate
    plate : (rows, columns) what is as bright as the plate
    nothing : (rows, columns) where nothing is looked for
    """

    sharp: Float64Array
    broad: Float64Array
    crisp: Float64Array
    grey: Float64Array
    across: Float64Array
    thing: NDArray[np.bool_]
    plate: NDArray[np.bool_]
    nothing: NDArray[np.bool_]


def segments(
    picture: Float64Array, px_per_mm: float, nothing: NDArray[np.bool_], least_mm2: float
) -> tuple[list[Segment], Edges, int]:
    """Return what lies on a plate.

    Parameters
    ----------
    picture : (rows, columns, colours), 0 to 1, seen from straight above
    px_per_mm : of it
    nothing : (rows, columns) where nothing is looked for: beyond the photograph, on markers
    least_mm2 : smaller things are passed over

    Returns
    -------
    segments from top to bottom, the picture's edges, and how many smaller things were passed over
    """
    measure = need("skimage.measure", "mosaic")
    smooth = ndimage.gaussian_filter(np.nan_to_num(picture), (0.03 * px_per_mm, 0.03 * px_per_mm, 0.0))
    relative = smooth / np.maximum(_bare_plate(smooth, px_per_mm, nothing), 0.02)
    different = _different(relative, nothing, px_per_mm)
    opened = (
        ndimage.binary_opening(ndimage.binary_fill_holes(different), _disc(max(1, round(0.1 * px_per_mm)))) & ~nothing
    )
    found, small = [], 0
    for region in measure.regionprops(measure.label(opened, connectivity=1)):
        if region.area_filled < least_mm2 * px_per_mm**2:
            small += region.area_filled > 0.2 * least_mm2 * px_per_mm**2
            continue
        segment = _segment(region.bbox, region.image_filled, relative, nothing, px_per_mm)
        if segment is not None:
            found.append(segment)
    return found, _edges(relative, nothing), small


def _edges(relative: Float64Array, nothing: NDArray[np.bool_]) -> Edges:
    sharp, broad = _change(relative, 1.0), _change(relative, 2.5)
    away, texture, limit = _away(relative, nothing)
    crisp = np.maximum(0.0, sharp - SLOW * broad)
    bare = (away < _BARE * texture) & ~nothing
    usual = float(np.quantile(crisp[bare], 0.9)) if bare.any() else 0.0
    share = (crisp / max(2.0 * usual, 1e-3)) ** 2
    crisp = ndimage.maximum_filter(share / (1.0 + share), 3)
    grey = relative.mean(axis=2)
    across = np.stack([ndimage.gaussian_filter(grey, 1.0, order=order) for order in ((0, 1), (1, 0))])
    across /= np.maximum(np.hypot(*across), 1e-9)
    return Edges(sharp, broad, crisp, grey, across, (away > limit) & ~nothing, away < _BARE * texture, nothing)


def _away(relative: Float64Array, nothing: NDArray[np.bool_]) -> tuple[Float64Array, float, float]:
    """Return how far each pixel is from the plate's brightness, the usual of that, and the limit of what is plate."""
    away = np.abs(relative - 1.0).max(axis=2)
    texture = 1.4826 * float(np.median(away[~nothing]))
    return away, texture, max(_TEXTURES * texture, _LEAST_CONTRAST)


def _change(relative: Float64Array, sigma: float) -> Float64Array:
    """Return the length of the gradient of all colours together."""
    parts = [ndimage.gaussian_gradient_magnitude(relative[:, :, k], sigma) ** 2 for k in range(relative.shape[2])]
    return np.asarray(np.sqrt(sum(parts)))


def _bare_plate(smooth: Float64Array, px_per_mm: float, nothing: NDArray[np.bool_]) -> Float64Array:
    """Return the brightness that the plate would have without what lies on it, by its uncovered parts."""
    step = max(1, int(px_per_mm / _COARSE_PER_MM))
    coarse = smooth[::step, ::step]
    bare = ~nothing[::step, ::step]
    sigma = _LIGHT_MM * px_per_mm / step
    # Before anything is known, the commonest brightness: the plate is what most of the picture shows.
    grey = coarse.mean(axis=2)
    values = grey[bare]
    number, edges = np.histogram(values, bins=64)
    top = float(edges[int(np.argmax(ndimage.gaussian_filter1d(number.astype(float), 2.0)))])
    lamp = np.broadcast_to(np.median(coarse[bare & (np.abs(grey / max(top, 0.02) - 1.0) < 0.4)], axis=0), coarse.shape)
    for tolerated in np.linspace(0.5, 0.2, _ROUNDS):
        near = bare & (np.abs(coarse / np.maximum(lamp, 0.02) - 1.0).max(axis=2) < tolerated)
        near = ndimage.binary_erosion(near, iterations=2) | (near & (near.mean() < 0.2))
        weight = ndimage.gaussian_filter(near.astype(float), sigma) + 1e-6
        spread = [ndimage.gaussian_filter(np.where(near, coarse[:, :, k], 0.0), sigma) for k in range(3)]
        middle = np.median(coarse[near], axis=0) if near.any() else lamp.mean(axis=(0, 1))
        lamp = np.stack([(spread[k] + 1e-6 * middle[k]) / weight for k in range(3)], axis=2)
    zoomed = [ndimage.zoom(lamp[:, :, k], step, order=1, grid_mode=True, mode="nearest") for k in range(3)]
    whole = np.stack(zoomed, axis=2)
    rows, columns = smooth.shape[:2]
    short = [(0, max(0, rows - whole.shape[0])), (0, max(0, columns - whole.shape[1])), (0, 0)]
    return np.asarray(np.pad(whole, short, mode="edge")[:rows, :columns])


def _different(relative: Float64Array, nothing: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Return where the picture differs from the plate by more than the plate's own texture does."""
    away, _, limit = _away(relative, nothing)
    darker = (relative.mean(axis=2) < 1.0) & (away > limit)
    brighter = (relative.mean(axis=2) >= 1.0) & (away > limit)
    found = _closed(darker, px_per_mm) | _closed(brighter, px_per_mm)
    return np.asarray((found | _bridge(darker, brighter, px_per_mm)) & ~nothing)


def _closed(part: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    size = max(1, round(0.05 * px_per_mm))
    return np.asarray(ndimage.binary_closing(np.pad(part, size), _disc(size))[size:-size, size:-size])


def _bridge(darker: NDArray[np.bool_], brighter: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Return the seams between what is darker and what is brighter than the plate: there glare fades into a crystal."""
    size = _disc(max(2, round(_SEAM_MM * px_per_mm)))
    opened = ndimage.binary_opening(brighter, _disc(max(1, round(0.08 * px_per_mm))))
    return np.asarray(ndimage.binary_dilation(darker, size) & ndimage.binary_dilation(opened, size))


def _segment(
    box: tuple[int, int, int, int],
    image: NDArray[np.bool_],
    relative: Float64Array,
    nothing: NDArray[np.bool_],
    px_per_mm: float,
) -> Segment | None:
    """Return what lies in a box by its own colour: of its dark (or coloured) part, not of the glare upon it."""
    margin = round(0.5 * px_per_mm)
    top, left = max(box[0] - margin, 0), max(box[1] - margin, 0)
    bottom, right = min(box[2] + margin, nothing.shape[0]), min(box[3] + margin, nothing.shape[1])
    part = relative[top:bottom, left:right]
    inside = np.zeros(part.shape[:2], dtype=bool)
    inside[box[0] - top : box[2] - top, box[1] - left : box[3] - left] = image
    core = ndimage.binary_erosion(inside, _disc(max(1, round(0.15 * px_per_mm))))
    core = core if core.sum() > 20 else inside
    brightness = part.mean(axis=2)
    dark = core & (brightness < 0.95)
    own = dark if dark.sum() > 0.2 * core.sum() else core
    direction = np.median(part[own], axis=0) - 1.0
    strength = float(direction @ direction)
    if strength < 1e-3:
        return None
    level = (part - 1.0) @ direction / strength
    bright = inside & (brightness > 1.0 + _LEAST_CONTRAST)
    if own is dark:
        # Glare is as much the crystal as what is dark; in the seam between them the brightness passes the plate's.
        seam = _bridge(inside & (brightness < 1.0 - _LEAST_CONTRAST), bright, px_per_mm) & inside
        glare = ndimage.gaussian_filter((bright | seam).astype(float), 0.7)
        level = np.maximum(level, glare) if bright.any() else level
    if bright.sum() < 0.01 * inside.sum():  # glare fades like a shadow, and is not to be cut off like one
        level = np.where(_shadow(level, inside, px_per_mm), 0.0, level)
    near_other = ndimage.binary_dilation(inside, _disc(max(1, round(0.25 * px_per_mm))))
    level = np.where(near_other, np.clip(level, -0.2, 1.2), 0.0)
    return Segment(top, left, level)


def _shadow(level: Float64Array, inside: NDArray[np.bool_], px_per_mm: float) -> NDArray[np.bool_]:
    """Return where a crystal's shadow lies.

    A shadow is a narrow rim, neither plate nor crystal, with one of them on either side.

    A band between the dark and the glaring part of a crystal meets the plate at its ends only.
    """
    measure = need("skimage.measure", "mosaic")
    between = ndimage.binary_opening(inside & (level > _SHADOW[0]) & (level < _SHADOW[1]), np.ones((3, 3)))
    shadow = np.zeros_like(inside)
    crystal = inside & (level >= _SHADOW[1])
    sharp, broad = (ndimage.maximum_filter(ndimage.gaussian_gradient_magnitude(level, s), 5) for s in (1.0, 2.5))
    for region in measure.regionprops(measure.label(between)):
        part = np.zeros_like(inside)
        part[region.slice] = region.image
        rim = ndimage.binary_dilation(part, np.ones((5, 5))) & ~part
        width = 2.0 * float(ndimage.distance_transform_edt(np.pad(region.image, 1)).max())
        beside = (rim & ~inside).sum() / rim.sum(), (rim & crystal).sum() / rim.sum()
        if (
            region.area < _LEAST_SHADOW_MM2 * px_per_mm**2
            or width > _WIDEST_SHADOW_MM * px_per_mm
            or min(beside) < 0.25
        ):
            continue
        border = rim & crystal
        crisp = np.median(sharp[border]) > _SHADOW_CRISP * np.median(broad[border])
        if crisp and level[border].mean() - level[part].mean() > _SHADOW_STEP:
            shadow |= part
    return shadow


def _disc(radius: int) -> NDArray[np.bool_]:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return np.asarray(x**2 + y**2 <= radius**2 + 0.5)
