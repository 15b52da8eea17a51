"""The images of the zone task: equal disks as LaueRL draws them, or counts with everything that a camera adds."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import Float64Array, UInt64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import disturb
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.zone.crystals import CrystalSystem
from beamgym.physics.laue.zone.image_kernels import draw_disks, expose_images, poisson_tables
from beamgym.physics.row_threads import over_rows

PANEL_HOLE_MM = 10.0
"""Radius of the hole through which the beam comes."""
DISK_MM = 1.2
"""Radius of a drawn disk."""
SEPARATION_MM = 3.5
"""As drawn, a spot this near to a brighter one is left out, as a blob finder would."""
SPOT_SIGMA_MM = 0.6
"""A spot's standard deviation on the panel."""
FAINTEST_SPOT_COUNTS = 60.0
"""A spot of fewer counts is lost in the background of the level "real"; the faintest false ones are as bright."""

_BACKGROUND_PER_S = (0.4, 0.6, 30.0)  # counts per second and pixel of 1.19 mm: flat, hill, and the hill's width in mm
_BACKGROUND_PIXEL_MM = 100.0 / 84.0
_COUNTS_PER_S = 240.0  # scales intensities so that "real" shows a few dozen spots
_SPOTS = 128
_LEVELS = 64  # steps of the background's hill
_MOST = 256  # counts beyond which no background pixel comes
_NEGLIGIBLE = 0.1  # share of FAINTEST_COUNTS below which a spot is not drawn


class SpotLists(NamedTuple):
    """Spots on m panels, brightest first: (m, s, 2) px, (m, s), and (m,) how many of the s are spots."""

    position: Float64Array
    intensity: Float64Array
    number: NDArray[np.int64]


class ZoneImages(Protocol):
    """Turns spots into images; ``limited`` ones show each sample's own number of spots, others all they can."""

    limited: bool
    separation_px: float

    def room(self, system: CrystalSystem) -> int:
        """Return how many spots are listed for an exposure at most."""
        ...

    def blank(self, n: int) -> NDArray[Any]:
        """Return n unexposed images."""
        ...

    def expose(self, spots: SpotLists, exposure_s: float, keys: UInt64Array) -> NDArray[Any]:
        """Return the images (m, size, size) of m spot lists."""
        ...


class DrawnImages:
    """Equal disks on black, uint8: what is left of a pattern after spot finding. Exposure and keys do not matter."""

    limited = True

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self.separation_px = SEPARATION_MM / detector.pixel_mm

    def room(self, system: CrystalSystem) -> int:
        """Return the most spots that the system shows."""
        return system.spots[1]

    def blank(self, n: int) -> NDArray[np.uint8]:
        """Return n black images."""
        return np.zeros((n, *self.detector.shape), np.uint8)

    def expose(self, spots: SpotLists, exposure_s: float, keys: UInt64Array) -> NDArray[np.uint8]:
        """Return the drawn images (m, size, size)."""
        images = self.blank(len(spots.number))
        disk_px, hole_px = DISK_MM / self.detector.pixel_mm, PANEL_HOLE_MM / self.detector.pixel_mm
        over_rows(
            len(images),
            lambda rows: draw_disks(spots.position[rows], spots.number[rows], disk_px, hole_px, images[rows]),
        )
        return images


class CountedImages:
    """Counts, uint16: spots of their intensity, jittered, some missing, some false, a background, Poisson noise.

    Parameters
    ----------
    detector : the panel's pixels
    level : what is lost, moved and added
    """

    limited = False
    separation_px = 0.0

    def __init__(self, detector: Detector, level: Imperfections) -> None:
        self.detector, self.level = detector, level
        self._radius_level, self._background_per_s = _background(detector)
        self._tables: dict[float, tuple[Float64Array, Any]] = {}

    def room(self, system: CrystalSystem) -> int:
        """Return how many spots are listed: fainter ones are lost in the background."""
        return _SPOTS

    def blank(self, n: int) -> NDArray[np.uint16]:
        """Return n images without counts."""
        return np.zeros((n, *self.detector.shape), np.uint16)

    def expose(self, spots: SpotLists, exposure_s: float, keys: UInt64Array) -> NDArray[np.uint16]:
        """Return the exposed images (m, size, size)."""
        m, level, pixel_mm = len(spots.number), self.level, self.detector.pixel_mm
        scale = exposure_s * level.counts_scale
        numbers = np.array(
            [
                scale * _COUNTS_PER_S,
                level.centroid_noise_mm / pixel_mm,
                level.missing_fraction,
                level.false_spots,
                level.intensity_noise,
                _NEGLIGIBLE * FAINTEST_SPOT_COUNTS,
                FAINTEST_SPOT_COUNTS,
            ]
        )
        found, counts = np.empty((m, _SPOTS, 2), np.float32), np.empty((m, _SPOTS), np.float32)
        source, number = np.empty((m, _SPOTS), np.int64), np.empty(m, np.int64)
        images = self.blank(m)
        means, tables = self._noise(scale)
        sigma_px, others = SPOT_SIGMA_MM / pixel_mm, keys ^ np.uint64(1)

        def expose_rows(rows: slice) -> None:
            lists = (found[rows], counts[rows], source[rows], number[rows])
            given = (one[rows] for one in spots)
            disturb(*given, keys[rows], numbers, self.detector.shape, *lists)
            background = (self._radius_level, means, tables)
            expose_images(*lists[:2], lists[3], others[rows], *background, sigma_px, images[rows])

        over_rows(m, expose_rows, least=4)
        return images

    def _noise(self, scale: float) -> tuple[Float64Array, Any]:
        """Return the background's means and Poisson tables for exposures of one length."""
        if scale not in self._tables:
            means = scale * self._background_per_s
            if means.max() > 0.4 * _MOST:
                raise ValueError(
                    f"the background reaches {means.max():.0f} counts a pixel, more than {0.4 * _MOST:.0f}; expose less"
                )
            self._tables = {scale: (means, poisson_tables(means, _MOST))}
        return self._tables[scale]


def _background(detector: Detector) -> tuple[NDArray[np.int64], Float64Array]:
    """Return each pixel's step of the background, -1 in the hole, and the steps' counts per second and pixel."""
    flat, hill, width_mm = _BACKGROUND_PER_S
    size, pixel_mm = detector.shape[0], detector.pixel_mm
    place = (np.arange(size) - 0.5 * (size - 1)) * pixel_mm
    radius = np.sqrt(place[:, None] ** 2 + place[None, :] ** 2)
    step_mm = radius.max() / (_LEVELS - 1)
    level = np.where(radius < PANEL_HOLE_MM, -1, np.rint(radius / step_mm).astype(np.int64))
    falling = np.exp(-0.5 * (np.arange(_LEVELS) * step_mm / width_mm) ** 2)
    return level, (flat + hill * falling) * (pixel_mm / _BACKGROUND_PIXEL_MM) ** 2
