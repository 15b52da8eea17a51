"""How a photograph shows the plate: the projective map of its markers, or a stated scale."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outlines.find_markers import SeenMarker, find_markers
from beamgym.physics.mosaic.outlines.markers import RING_MM, Marker, check_markers

FINEST_PX_PER_MM = 24.0
"""A photograph is not looked at more finely than this: enough for a hundredth of a millimetre, and quick."""
FINEST_MM, COARSEST_MM = 1e-4, 2.0
"""Sizes of a pixel on the plate that a photograph of crystals can have."""
_MOST_PX = 12e6
"""A picture from straight above has no more pixels than this."""
_RING_WRONG = 0.15
"""Relative difference of a ring's area from the one expected above which its stated place or size is in doubt."""
_FIT_WRONG_MM = 0.3


@dataclass(frozen=True, eq=False)
class PlateView:
    """Where the plate's points lie in a photograph.

    Parameters
    ----------
    to_pixel : (3, 3) projective map from (x, y, 1) in mm to (column, row, 1)
    mm_per_px : in the middle of what is seen
    seen : the markers that were found
    fit_mm : root mean square distance of the markers from where they are stated; 0 with four, which fit exactly
    """

    to_pixel: Float64Array
    mm_per_px: float
    seen: tuple[SeenMarker, ...] = ()
    fit_mm: float = 0.0

    def pixels(self, points_mm: Float64Array) -> Float64Array:
        """Return (n, 2) column and row of points of the plate, (n, 2) mm."""
        return apply(self.to_pixel, points_mm)

    def plate(self, points_px: Float64Array) -> Float64Array:
        """Return (n, 2) x and y in mm of points of the photograph, (n, 2) column and row."""
        return apply(np.asarray(np.linalg.inv(self.to_pixel), dtype=np.float64), points_px)


@dataclass(frozen=True, eq=False)
class Rectified:
    """A photograph as seen from straight above.

    Parameters
    ----------
    picture : (rows, columns, colours), 0 to 1; not finite where the photograph does not reach
    px_per_mm : of its pixels
    left_mm, top_mm : x and y of the middle of pixel (0, 0)
    """

    picture: Float64Array
    px_per_mm: float
    left_mm: float
    top_mm: float

    def plate(self, points: Float64Array) -> Float64Array:
        """Return x and y in mm of points (n, 2), row and column."""
        return np.column_stack(
            [self.left_mm + points[:, 1] / self.px_per_mm, self.top_mm - points[:, 0] / self.px_per_mm]
        )


def apply(projective: Float64Array, points: Float64Array) -> Float64Array:
    """Return points (n, 2) after a projective map (3, 3)."""
    whole = np.column_stack([points, np.ones(len(points))]) @ projective.T
    found: Float64Array = whole[:, :2] / whole[:, 2:]
    return found


def view_by_scale(
    rows: int, mm_per_px: float, turn_deg: float = 0.0, origin_px: tuple[float, float] | None = None
) -> PlateView:
    """Return the view of a photograph from straight above.

    Parameters
    ----------
    rows : of the photograph
    mm_per_px : size of a pixel on the plate
    turn_deg : by which the plate's x is turned in the photograph, counter-clockwise
    origin_px : column and row at which the plate's (0, 0) is seen; the photograph's lower left corner by default

    Raises
    ------
    ValueError : a scale that no photograph of crystals has, a turn or an origin that is not finite
    """
    if not FINEST_MM <= mm_per_px <= COARSEST_MM:
        raise ValueError(
            f"{mm_per_px:g} mm per pixel; give the size of a pixel on the plate, above 0, usually 0.01 to 0.1 "
            f"({FINEST_MM:g} to {COARSEST_MM:g} are taken)"
        )
    if not np.isfinite(turn_deg):
        raise ValueError(f"the turn is {turn_deg:g}°; give a finite angle in degrees")
    origin = (0.0, rows - 1.0) if origin_px is None else origin_px
    if not np.isfinite(origin).all():
        raise ValueError(f"the origin {origin} is not finite; give its column and row in the photograph")
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    turned = np.array([[c, -s], [s, c]]) / mm_per_px
    to_pixel = np.eye(3)
    to_pixel[0, :2], to_pixel[1, :2], to_pixel[:2, 2] = turned[0], -turned[1], origin
    return PlateView(to_pixel, mm_per_px)


def view_by_markers(grey: Float64Array, markers: Sequence[Marker]) -> PlateView:
    """Return the view that a photograph's markers give.

    Parameters
    ----------
    grey : (rows, columns) brightness
    markers : that are on the plate, at their places

    Raises
    ------
    ValueError : fewer than four are found, or what is found does not agree with their stated places
    """
    check_markers(markers)
    seen = {marker.dots: marker for marker in find_markers(grey)}
    known = [marker for marker in markers if marker.dots in seen]
    if len(known) < 4:
        lost = ", ".join(str(marker.dots) for marker in markers if marker.dots not in seen)
        raise ValueError(
            f"{len(known)} markers are found and four are needed; not found: {lost}. "
            "Photograph the plate anew with all rings whole and sharp, or state mm per pixel"
        )
    places = np.array([[marker.x_mm, marker.y_mm] for marker in known])
    pixels = np.array([[seen[marker.dots].column_px, seen[marker.dots].row_px] for marker in known])
    to_pixel = _projective(places, pixels)
    found = tuple(seen[marker.dots] for marker in known)
    view = PlateView(to_pixel, _mm_per_px(to_pixel, places.mean(axis=0)), found)
    fit = float(np.sqrt(np.mean(np.sum((view.plate(pixels) - places) ** 2, axis=1))))
    _check_view(view, known, fit)
    return PlateView(to_pixel, view.mm_per_px, found, fit)


def rectified(photograph: Float64Array, view: PlateView, beyond_mm: float = 1.0) -> Rectified:
    """Return a photograph (rows, columns, colours), 0 to 255, from straight above: what its markers enclose, or all."""
    px_per_mm = min(1.0 / view.mm_per_px, FINEST_PX_PER_MM)
    rows, columns = photograph.shape[:2]
    corners = view.plate(np.array([[0.0, 0.0], [columns - 1, 0.0], [columns - 1, rows - 1], [0.0, rows - 1]]))
    if view.seen:
        corners = view.plate(np.array([[marker.column_px, marker.row_px] for marker in view.seen]))
        beyond_mm += RING_MM
    else:
        beyond_mm = 0.0
    low, high = corners.min(axis=0) - beyond_mm, corners.max(axis=0) + beyond_mm
    px_per_mm = min(px_per_mm, float(np.sqrt(_MOST_PX / np.prod(high - low))))
    width, height = np.floor((high - low) * px_per_mm).astype(int) + 1
    row, column = np.mgrid[0:height, 0:width]
    result = Rectified(np.empty((height, width, 3)), px_per_mm, float(low[0]), float(high[1]))
    at = view.pixels(result.plate(np.column_stack([row.ravel(), column.ravel()])))
    # A pixel that covers several of the photograph's is their mean, or fine noise would be folded in.
    blur = max(0.0, 0.4 / (px_per_mm * view.mm_per_px) - 0.4)
    for k in range(3):
        source = photograph[:, :, k].astype(np.float32) / np.float32(255.0)
        source = ndimage.gaussian_filter(source, blur) if blur > 0.1 else source
        sampled = ndimage.map_coordinates(source, at[:, ::-1].T, order=1, cval=np.nan)
        result.picture[:, :, k] = sampled.reshape(height, width)
    return result


def _projective(places: Float64Array, pixels: Float64Array) -> Float64Array:
    """Return the projective map by the direct linear transformation, with both sides scaled first (Hartley 1997)."""
    a, b = _scaling(places), _scaling(pixels)
    x, u = apply(a, places), apply(b, pixels)
    one, none = np.ones(len(x)), np.zeros((len(x), 3))
    whole = np.column_stack([x, one])
    first = np.hstack([whole, none, -u[:, :1] * whole])
    second = np.hstack([none, whole, -u[:, 1:] * whole])
    solution = np.linalg.svd(np.vstack([first, second]))[2][-1].reshape(3, 3)
    found: Float64Array = np.linalg.inv(b) @ solution @ a
    found /= found[2, 2]
    return found


def _scaling(points: Float64Array) -> Float64Array:
    middle = points.mean(axis=0)
    scale = np.sqrt(2.0) / np.linalg.norm(points - middle, axis=1).mean()
    return np.array([[scale, 0.0, -scale * middle[0]], [0.0, scale, -scale * middle[1]], [0.0, 0.0, 1.0]])


def _jacobian(to_pixel: Float64Array, at_mm: Float64Array) -> float:
    """Return how many square pixels a square millimetre has at a point; below 0 as x right, y up is seen from above."""
    step = 1e-3
    here, right, up = apply(to_pixel, at_mm + np.array([[0.0, 0.0], [step, 0.0], [0.0, step]]))
    a, b = (right - here) / step, (up - here) / step
    return float(a[0] * b[1] - a[1] * b[0])


def _mm_per_px(to_pixel: Float64Array, at_mm: Float64Array) -> float:
    return float(1.0 / np.sqrt(abs(_jacobian(to_pixel, at_mm))))


def _check_view(view: PlateView, known: Sequence[Marker], fit_mm: float) -> None:
    if fit_mm > _FIT_WRONG_MM:
        raise ValueError(
            f"the markers lie {fit_mm:.2f} mm from where they are stated to be; measure their places on the plate anew"
        )
    for marker, seen in zip(known, view.seen, strict=True):
        per_mm2 = _jacobian(view.to_pixel, np.array([marker.x_mm, marker.y_mm]))
        if per_mm2 > 0.0:
            raise ValueError("the photograph is mirrored, or the markers' places are; take the plate from its front")
        expected = -per_mm2 * np.pi * RING_MM**2
        if abs(seen.area_px2 / expected - 1.0) > _RING_WRONG:
            size = 2.0 * RING_MM * np.sqrt(seen.area_px2 / expected)
            raise ValueError(
                f"marker {marker.dots}: its ring measures {size:.2f} mm across by the markers' places, and it has "
                f"{2.0 * RING_MM:g}; check the places, and that the sheet was printed at 100 %"
            )
