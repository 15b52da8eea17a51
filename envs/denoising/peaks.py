"""Counts of weak peaks at known places, over a ground that a network tells from the surroundings alone."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from beamgym.envs.bundles import BundleError, OnnxModel
from beamgym.envs.denoising.surroundings import (
    HIDDEN_SIGMAS,
    LEVELS,
    SIGMAS_PX,
    CountedFrame,
    hidden_box,
    profile,
    surroundings,
)
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.counts import check_counts

GROUND_ENCODER: Final = "surroundings"
"""Name of the encoder in the manifest of a network that tells the ground."""

LEAST_SEEN: Final = 0.7
"""Share of a peak's profile that must lie on pixels that are seen."""

MOST_RISE: Final = 1.5
"""Logarithm by which the ground may differ from its level beside the peak."""

_NOT_TRAINED = "outside what the network was trained on"


@dataclass(frozen=True)
class MeasuredPeak:
    """One peak.

    Parameters
    ----------
    counts : of the whole peak over its ground; NaN where too little of it is seen
    uncertainty : its standard deviation, of the counts and of the ground together
    significance : counts over the standard deviation that they would have if there were no peak
    ground : counts a pixel under the peak, as expected
    ground_uncertainty : its standard deviation
    flags : what speaks against believing it
    """

    counts: float
    uncertainty: float
    significance: float
    ground: float
    ground_uncertainty: float
    flags: tuple[str, ...] = ()


class GroundNetwork:
    """Measures peaks by a bundle that tells the ground under them.

    Parameters
    ----------
    model : a bundle of kind "denoiser" with the encoder "surroundings"

    Raises
    ------
    BundleError : another bundle
    """

    def __init__(self, model: OnnxModel) -> None:
        settings = model.manifest.encoder
        if model.manifest.kind != "denoiser" or settings.name != GROUND_ENCODER:
            raise BundleError(f"bundle {model.name} tells no ground; `beamgym train ground-diffraction` makes one")
        self.model, self.name = model, model.name
        self._spread = float(np.asarray(settings.parameters.get("spread", 1.0)))

    @classmethod
    def load(cls, path: str | Path) -> "GroundNetwork":
        """Read a bundle; raises BundleError for what is wrong with it."""
        return cls(OnnxModel.load(path))

    def measure(self, frame: ArrayLike, places: ArrayLike, mask: BoolArray | None = None) -> list[MeasuredPeak]:
        """Return the counts of peaks.

        Parameters
        ----------
        frame : (slow, fast) counts
        places : (k, 4) column and row of each peak, and its standard deviations along columns and rows, in pixels.
            Peaks of one list are left out of each other's surroundings
        mask : (slow, fast) True where a pixel is to be left out

        Raises
        ------
        NotCounts : a frame that holds no counts
        ValueError : places that are no (k, 4), not finite, or without a width

        Notes
        -----
        With the profile p and the ground b the counts are Σ p (n − b) / Σ p²: least squares, without a bias whatever
        the counts, since b does not depend on them.
        """
        counts = check_counts(frame, mask=mask)
        known = check_places(places)
        hidden = np.zeros(counts.shape, np.bool_) if mask is None else np.asarray(mask, np.bool_)
        return [self._peak(counts, hidden, _with_others(hidden, known, i), known[i]) for i in range(len(known))]

    def _peak(self, counts: Float64Array, hidden: BoolArray, beside: BoolArray, place: Float64Array) -> MeasuredPeak:
        box = hidden_box(place, (counts.shape[0], counts.shape[1]))
        shares = profile(place, box) * ~hidden[box]
        if shares.sum() < LEAST_SEEN * profile(place, _whole(place)).sum():
            unseen = f"less than {100 * LEAST_SEEN:.0f} % of the peak lies on pixels that are seen"
            return MeasuredPeak(np.nan, np.nan, np.nan, np.nan, np.nan, (unseen,))
        around = surroundings(CountedFrame(counts, beside), place)
        ground, relative = self.ground(around.told[None], np.array([around.level]))
        b, deviation = float(ground[0]), float(ground[0] * relative[0]) * self._spread
        first, second, third = (float((shares**power).sum()) for power in (1, 2, 3))
        found = (float((shares * counts[box]).sum()) - b * first) / second
        empty = b / second + (deviation * first / second) ** 2
        return MeasuredPeak(
            found,
            float(np.sqrt(empty + max(found, 0.0) * third / second**2)),
            found / float(np.sqrt(empty)),
            b,
            deviation,
            _flags(place, around.level),
        )

    def ground(self, told: Float32Array, level: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the ground (k,) in counts a pixel, and its relative standard deviation as the network says it.

        Parameters
        ----------
        told, level : (k, FEATURES) and (k,), of ``surroundings``
        """
        answer = self.model.predict({"surroundings": told}, batch=None).astype(np.float64)
        return level * np.exp(answer[:, 0]), np.exp(answer[:, 1])


def shipped_ground() -> GroundNetwork:
    """Return the shipped network; it was trained on single-crystal diffraction frames."""
    return GroundNetwork.load(Path(str(files("beamgym.envs.models"))) / "ground-diffraction")


def check_places(places: ArrayLike) -> Float64Array:
    """Return places of peaks as (k, 4); raises ValueError for others."""
    known = np.asarray(places, np.float64)
    if known.ndim != 2 or known.shape[1] != 4:
        raise ValueError(
            f"places of shape {known.shape}: give (k, 4), of each peak column, row, and standard deviations along both"
        )
    if not np.isfinite(known).all() or not (known[:, 2:] > 0.0).all():
        raise ValueError("places of peaks are finite numbers of pixels, and their standard deviations above 0")
    return known


def _with_others(hidden: BoolArray, places: Float64Array, own: int) -> BoolArray:
    """Return the mask with the boxes of all other peaks."""
    found = hidden.copy()
    for i, place in enumerate(places):
        if i != own:
            found[hidden_box(place, (hidden.shape[0], hidden.shape[1]))] = True
    return found


def _whole(place: Float64Array) -> tuple[slice, slice]:
    """Return the box of a peak as if the frame had no end."""
    column, row, across, along = place
    rows, columns = (
        slice(round(middle - HIDDEN_SIGMAS * sigma), round(middle + HIDDEN_SIGMAS * sigma) + 1)
        for middle, sigma in ((row, along), (column, across))
    )
    return rows, columns


def _flags(place: Float64Array, level: float) -> tuple[str, ...]:
    found = []
    if not all(SIGMAS_PX[0] <= sigma <= SIGMAS_PX[1] for sigma in place[2:]):
        found.append(
            f"a width of {place[2]:.3g} × {place[3]:.3g} px is {_NOT_TRAINED} ({SIGMAS_PX[0]:g} to {SIGMAS_PX[1]:g})"
        )
    if not LEVELS[0] <= level <= LEVELS[1]:
        found.append(f"{level:.3g} counts a pixel beside the peak are {_NOT_TRAINED} ({LEVELS[0]:g} to {LEVELS[1]:g})")
    return tuple(found)
