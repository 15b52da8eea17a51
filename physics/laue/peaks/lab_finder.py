"""Finds the spots of pictures from laboratory cameras: films, screens, collimators, labels, hot pixels, long tails."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, uniform_filter

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.instrument import FrameFailed, Peaks
from beamgym.physics.laue.peaks import spot_kernels
from beamgym.physics.laue.peaks.collimator import Shadow, find_shadow
from beamgym.physics.laue.peaks.population import Candidates, is_odd, measure, stretch, usual_width, writing
from beamgym.physics.laue.peaks.significance import Flattened, filter_spots, flatten, repair_lines

SURVEY_WIDTH_PX = 1.5
"""Width of the filter that looks for the picture's own width."""
SURVEY_GROUND_PX = 20.0
SURVEY_THRESHOLD = 8.0
FEWEST_FOR_WIDTH = 4
FINE_WIDTH_PX = 1.0
"""Where spots are wider, a pixel that stands out from its eight neighbours by three times their range is a hot one."""


@dataclass(frozen=True)
class Examined:
    """What a picture holds.

    Parameters
    ----------
    peaks : its spots (n = 1), brightest first
    significance : (count,) of each spot, standard deviations
    width_px : usual standard deviation of a spot
    inverted : the spots are dark
    shadow : the collimator's or beam stop's, or None
    left_out : how many maxima were no spots, by reason
    unseen : (slow, fast) True where no spot can be seen: in the shadow, and where nearly every pixel is full
    """

    peaks: Peaks
    significance: Float64Array
    width_px: float
    inverted: bool
    shadow: Shadow | None
    left_out: dict[str, int]
    unseen: BoolArray

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        notes = []
        if self.inverted:
            notes.append("dark spots on a light ground: taken for a film and inverted")
        if self.shadow is not None:
            x, y = self.shadow.centre_px
            notes.append(
                f"a collimator's shadow of {self.shadow.radius_px:.0f} px about ({x:.0f}, {y:.0f}) is left out"
            )
        if self.left_out.get("writing"):
            notes.append(f"{self.left_out['writing']} maxima that hang together, as in writing, are left out")
        return tuple(notes)


@dataclass(frozen=True)
class LabPeakFinder:
    """A configured finder for laboratory pictures, to be called on images like PeakFinder.

    Parameters
    ----------
    threshold : least significance of a spot, standard deviations of what the filter gives on ground without spots
    max_peaks : keep this many, brightest first
    mask : (slow, fast) True where a pixel is to be ignored, or None
    saturation : count at which a pixel is full; None takes the top of an integer image's range
    inverted : spots are dark on light ground; None finds out
    width_px : standard deviation of a usual spot; None finds out
    """

    threshold: float = 5.0
    max_peaks: int = 200
    mask: BoolArray | None = None
    saturation: float | None = None
    inverted: bool | None = None
    width_px: float | None = None

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"threshold must be a positive number of standard deviations, got {self.threshold!r}")
        if self.max_peaks < 1:
            raise ValueError(f"max_peaks must be at least 1, got {self.max_peaks!r}")
        if self.width_px is not None and not 0.3 <= self.width_px <= 30.0:
            raise ValueError(f"width_px must lie between 0.3 and 30 pixels, got {self.width_px!r}")

    def __call__(self, images: ArrayLike) -> Peaks:
        """Find the spots of images (n, slow, fast) or (slow, fast)."""
        stack = np.asarray(images)
        if stack.ndim == 2:
            stack = stack[None]
        if stack.ndim != 3:
            raise FrameFailed(f"a frame must have shape (slow, fast) or (n, slow, fast), got {stack.shape}")
        found = [self.examine(image).peaks for image in stack]
        longest = max((int(peaks.count[0]) for peaks in found), default=0)
        out = Peaks(
            position_px=np.zeros((len(found), longest, 2), dtype=np.float32),
            intensity=np.zeros((len(found), longest), dtype=np.float32),
            count=np.array([int(peaks.count[0]) for peaks in found], dtype=np.int64),
            saturated=np.zeros((len(found), longest), dtype=bool),
        )
        for n, peaks in enumerate(found):
            count = int(peaks.count[0])
            out.position_px[n, :count] = peaks.position_px[0]
            out.intensity[n, :count] = peaks.intensity[0]
            out.saturated[n, :count] = peaks.saturated[0]
        return out

    def examine(self, image: ArrayLike) -> Examined:
        """Find the spots of one image (slow, fast), and say what else was seen.

        Raises
        ------
        FrameFailed : a wrong shape, values that are no real numbers, or a picture of which nothing is left
        """
        raw = self._checked(np.asarray(image))
        counts, ignored = self._counts(raw)
        repair_lines(counts)
        flat = flatten(counts, ignored)
        inverted, width = self._survey(flat, ignored)
        sign = np.float32(-1.0 if inverted else 1.0)
        excess = sign * flat.excess
        swamped = _swamped(sign * counts, width)
        ignored = ignored | swamped
        if width >= FINE_WIDTH_PX:
            spot_kernels.repair_steep(excess, ignored)
        significance, above = filter_spots(excess, ignored, width, flat.terraces)
        candidates = measure(significance, above, gaussian_filter(above, 0.5 * width), width, self.threshold)
        blur = max(1.0, min(0.5 * width, 2.0))
        smooth = gaussian_filter(np.where(ignored, 0.0, sign * counts / np.median(flat.noise)), blur)
        shadow = find_shadow(smooth, ignored, blur)
        keep, left_out = self._sorted_out(candidates, width, shadow, ignored)
        full = self._full(raw, inverted)
        total, full_pixels = spot_kernels.aperture_sums(above * flat.noise, candidates.measures[keep], full)
        order = np.argsort(-total, kind="stable")[: self.max_peaks]
        peaks = Peaks(
            position_px=candidates.position_px[keep][order][None].astype(np.float32),
            intensity=total[order][None].astype(np.float32),
            count=np.array([len(order)], dtype=np.int64),
            saturated=(full_pixels > 0)[order][None],
        )
        unseen = swamped | _shaded(raw.shape, shadow, width)
        return Examined(peaks, candidates.height[keep][order], width, inverted, shadow, left_out, unseen)

    def _checked(self, image: NDArray[Any]) -> NDArray[Any]:
        if image.ndim != 2 or min(image.shape) < 32:
            raise FrameFailed(f"a laboratory picture must have shape (slow, fast), at least 32 × 32, got {image.shape}")
        if image.dtype.kind not in "uif" or image.dtype.itemsize > 8:
            raise FrameFailed(f"a frame must hold real numbers, got {image.dtype}")
        if self.mask is not None and self.mask.shape != image.shape:
            raise FrameFailed(f"the frame has shape {image.shape}, the mask {self.mask.shape}")
        return image

    def _counts(self, raw: NDArray[Any]) -> tuple[Float32Array, BoolArray]:
        ignored = np.zeros(raw.shape, dtype=bool) if self.mask is None else np.array(self.mask, dtype=bool)
        if raw.dtype.kind == "f":
            ignored |= ~np.isfinite(raw)
        if ignored.mean() > 0.95:
            raise FrameFailed("the mask leaves less than a twentieth of the frame; nothing can be found")
        counts = np.where(ignored, 0.0, raw).astype(np.float32)
        counts[ignored] = np.median(counts[~ignored])
        return counts, ignored

    def _survey(self, flat: Flattened, ignored: BoolArray) -> tuple[bool, float]:
        """Whether spots are dark, and how wide they are."""
        if self.inverted is not None and self.width_px is not None:
            return self.inverted, self.width_px
        significance, above = filter_spots(flat.excess, ignored, SURVEY_WIDTH_PX, flat.terraces, SURVEY_GROUND_PX)
        smooth = gaussian_filter(above, 0.75)
        found = {}
        for inverted in (False, True) if self.inverted is None else (self.inverted,):
            sign = np.float32(-1.0 if inverted else 1.0)
            found[inverted] = _round_ones(
                measure(sign * significance, sign * above, sign * smooth, SURVEY_WIDTH_PX, 8.0)
            )
        counts = {inverted: _alike(widths) for inverted, widths in found.items()}
        inverted = max(counts, key=lambda sign: counts[sign])
        widths = found[inverted]
        width = usual_width(widths) if len(widths) >= FEWEST_FOR_WIDTH else SURVEY_WIDTH_PX
        return inverted, self.width_px or width

    def _sorted_out(
        self, spots: Candidates, width: float, shadow: Shadow | None, ignored: BoolArray
    ) -> tuple[BoolArray, dict[str, int]]:
        """Which candidates are spots, and how many are none for which reason."""
        longer = stretch(spots)
        odd = is_odd(spots, width, longer)
        shaded = np.zeros(len(odd), dtype=bool)
        if shadow is not None:
            away = np.linalg.norm(spots.position_px - np.asarray(shadow.centre_px), axis=1)
            shaded = away < shadow.outer_px + width
        edge = _near_edge(spots.position_px, ignored, 1.0 + width)
        letters = writing(spots, odd & ~shaded, max(8.0 * width, 0.05 * max(ignored.shape)), longer)
        reasons = {"edge": edge, "shadow": shaded & ~edge, "writing": letters & ~shaded & ~edge}
        reasons["shape"] = odd & ~edge & ~shaded & ~letters
        return ~(edge | shaded | letters | odd), {reason: int(which.sum()) for reason, which in reasons.items()}

    def _full(self, raw: NDArray[Any], inverted: bool) -> BoolArray:
        if self.saturation is not None:
            full: BoolArray = raw <= self.saturation if inverted else raw >= self.saturation
            return full
        if raw.dtype.kind not in "ui":
            return np.zeros(raw.shape, dtype=bool)
        full = raw <= np.iinfo(raw.dtype).min if inverted else raw >= np.iinfo(raw.dtype).max
        return full


def _swamped(counts: Float32Array, width: float) -> BoolArray:
    """Where most pixels of a region much larger than a spot are as bright as pixels can be: no spot is seen there."""
    top = counts.max()
    if np.count_nonzero(counts == top) < 0.002 * counts.size:
        return np.zeros(counts.shape, dtype=bool)
    share = uniform_filter((counts == top).astype(np.float32), int(16.0 * width) + 8, mode="nearest")
    swamped: BoolArray = share > 0.4
    return swamped


def _shaded(shape: tuple[int, ...], shadow: Shadow | None, width: float) -> BoolArray:
    """Where the shadow or its rim leaves no spot to be seen."""
    if shadow is None:
        return np.zeros(shape, dtype=bool)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    x, y = shadow.centre_px
    shaded: BoolArray = np.hypot(columns - x, rows - y) < shadow.outer_px + width
    return shaded


def _round_ones(spots: Candidates) -> Float64Array:
    """Widths of the candidates that look like spots."""
    keep = (spots.axes < 1.35 * stretch(spots)) & (spots.filled < 0.3) & (spots.through < 0.4)
    widths: Float64Array = spots.width[keep]
    return widths


def _alike(widths: Float64Array) -> int:
    """How many widths lie within a third of the usual one."""
    if len(widths) < 2:
        return len(widths)
    return int((np.abs(np.log(widths / usual_width(widths))) < 0.3).sum())


def _near_edge(position: Float64Array, ignored: BoolArray, margin: float) -> BoolArray:
    """Which positions lie within ``margin`` of the border or of an ignored pixel."""
    rows, columns = ignored.shape
    x, y = position[:, 0], position[:, 1]
    near: BoolArray = (x < margin) | (y < margin) | (x > columns - 1 - margin) | (y > rows - 1 - margin)
    if ignored.any():
        away = distance_transform_edt(~ignored)
        column = np.clip(np.rint(x).astype(int), 0, columns - 1)
        row = np.clip(np.rint(y).astype(int), 0, rows - 1)
        near |= away[row, column] < margin
    return near
