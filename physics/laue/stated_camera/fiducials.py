"""Four marks on a film take the perspective out of a picture that was taken with a hand-held camera."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import map_coordinates

from beamgym.physics.arrays import Float64Array

MARGIN = 0.5
"""How far the straightened picture may reach beyond the marks, as a share of their rectangle's edges: far outside them
the perspective is extrapolated, and at the horizon it has no end."""
MOST_PIXELS = 12_000


@dataclass(frozen=True)
class Fiducials:
    """The corners of a rectangle of known size, as they lie in a picture.

    Parameters
    ----------
    corners_px : (4, 2) columns and rows of the upper left, upper right, lower right and lower left mark
    size_mm : width and height of the rectangle that they make on the film
    shape : (rows, columns) of the picture

    Raises
    ------
    ValueError : corners that make no convex rectangle, or go round the other way, or a size that is none

    Notes
    -----
    A plane seen by a pinhole camera is a homography of the plane: eight numbers, fixed by four points (Hartley &
    Zisserman, "Multiple View Geometry", 2004, §2.3).
    """

    corners_px: Float64Array
    size_mm: tuple[float, float]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        corners = np.asarray(self.corners_px, dtype=np.float64)
        if corners.shape != (4, 2) or not np.isfinite(corners).all():
            raise ValueError(f"four marks have eight finite coordinates; found {np.asarray(self.corners_px).tolist()}")
        edges = np.roll(corners, -1, axis=0) - corners
        following = np.roll(edges, -1, axis=0)
        turns = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
        if not (turns > 0).all():
            raise ValueError(
                "the marks must be the corners of a rectangle, clockwise from the upper left: upper left, upper right, "
                f"lower right, lower left; found {corners.tolist()}"
            )
        if len(self.size_mm) != 2 or not all(np.isfinite(edge) and edge > 0.0 for edge in self.size_mm):
            raise ValueError(f"the marks' rectangle has a width and a height in mm, above 0; found {self.size_mm}")
        object.__setattr__(self, "corners_px", corners)

    @property
    def pixel_mm(self) -> float:
        """Edge of the straightened picture's pixels, mm: the mean scale of the picture inside the marks."""
        x, y = self.corners_px.T
        area_px = 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
        return float(np.sqrt(self.size_mm[0] * self.size_mm[1] / area_px))

    def to_film_mm(self, position_px: ArrayLike) -> Float64Array:
        """Return positions (..., 2) of the picture as places on the film, mm right of and below the first mark."""
        return _mapped(self._matrix, np.asarray(position_px, dtype=np.float64))

    def straightened_px(self, position_px: ArrayLike) -> Float64Array:
        """Return positions (..., 2) of the picture as positions of the straightened one."""
        left, top = self._extent_mm[0]
        moved: Float64Array = (self.to_film_mm(position_px) - np.array([left, top])) / self.pixel_mm
        return moved

    @property
    def center_px(self) -> tuple[float, float]:
        """Column and row of the rectangle's middle in the straightened picture."""
        middle = (0.5 * np.array(self.size_mm) - self._extent_mm[0]) / self.pixel_mm
        return float(middle[0]), float(middle[1])

    @property
    def straightened_shape(self) -> tuple[int, int]:
        """(rows, columns) of the straightened picture."""
        width, height = (self._extent_mm[1] - self._extent_mm[0]) / self.pixel_mm
        return int(np.clip(height, 1, MOST_PIXELS)) + 1, int(np.clip(width, 1, MOST_PIXELS)) + 1

    def straightened(self, image: NDArray[Any], fill: float | None = None) -> NDArray[Any]:
        """Return the picture as a camera straight before the film would have taken it.

        Parameters
        ----------
        image : (rows, columns) of ``shape``
        fill : what stands where the picture shows nothing; its median if None

        Returns
        -------
        (rows, columns) of ``straightened_shape``, of the picture's type, bilinear. It is for the eye: find
        peaks in the picture itself, where noise is noise, and move them
        """
        rows, columns = self.straightened_shape
        column, row = np.meshgrid(np.arange(columns), np.arange(rows))
        film_mm = self._extent_mm[0] + self.pixel_mm * np.stack([column, row], axis=-1)
        back = np.asarray(np.linalg.inv(self._matrix), dtype=np.float64)
        source = _mapped(back, film_mm)
        fill = float(np.median(image)) if fill is None else fill
        drawn = map_coordinates(
            np.asarray(image, dtype=np.float64), [source[..., 1], source[..., 0]], order=1, cval=fill
        )
        straight: NDArray[Any] = (np.rint(drawn) if image.dtype.kind in "ui" else drawn).astype(image.dtype)
        return straight

    @cached_property
    def _matrix(self) -> Float64Array:
        """(3, 3) homography from picture to film: the null vector of the eight equations."""
        width, height = self.size_mm
        on_plane = np.array([[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]])
        # scaled to about one, else the eight equations differ by orders of magnitude
        scale = 1.0 / np.abs(self.corners_px).max()
        rows: list[list[float]] = []
        for (x, y), (u, v) in zip((scale * self.corners_px).tolist(), on_plane.tolist(), strict=True):
            rows.append([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, -u])
            rows.append([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, -v])
        null = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
        matrix: Float64Array = null @ np.diag([scale, scale, 1.0])
        # positive on the near side of the horizon, so that a point beyond it can be told
        near = float(matrix[2] @ np.append(self.corners_px.mean(axis=0), 1.0))
        matrix *= np.copysign(1.0, near)
        return matrix

    @cached_property
    def _extent_mm(self) -> Float64Array:
        """(2, 2) upper left and lower right end of the straightened picture, mm from the first mark."""
        rows, columns = self.shape
        edge = np.array([[0.0, 0.0], [columns - 1.0, 0.0], [columns - 1.0, rows - 1.0], [0.0, rows - 1.0]])
        size = np.array(self.size_mm)
        low, high = -MARGIN * size, (1.0 + MARGIN) * size
        if (self._matrix[2] @ np.column_stack([edge, np.ones(4)]).T > 0.0).all():
            on_plane = self.to_film_mm(edge)
            low, high = np.maximum(low, on_plane.min(axis=0)), np.minimum(high, on_plane.max(axis=0))
        return np.stack([np.minimum(low, 0.0), np.maximum(high, size)])


def _mapped(matrix: Float64Array, position: Float64Array) -> Float64Array:
    if position.shape[-1:] != (2,):
        raise ValueError(f"positions must have shape (..., 2), column then row; found {position.shape}")
    full = position @ matrix[:, :2].T + matrix[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        mapped: Float64Array = full[..., :2] / full[..., 2:]
    return mapped
