"""A denoiser's bundle on whole frames: tiles, masks, the sum of the counts kept, and checks of the noise."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from beamgym.envs.bundles import BundleError, OnnxModel
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.counts import EmptyShare, check_counts, empty_share, missing_numbers
from beamgym.physics.scenes import SCENES

ENCODER: Final = "counts"
"""Name of the encoder in a denoiser's manifest."""

DENOISER_ENV_ID: Final = "beamgym/Counts-v0"
"""What stands in the manifest of a bundle that belongs to no environment."""

TILE, HALO = 240, 16
"""Edge of the tiles that a network is given, and how much of it is not used of each side: what it sees there is cut."""

FIELD: Final = 32
"""Shortest side of a frame, in pixels: below it the network would see little but the mirrored frame."""

_FILL_PX = 3.0  # how far about it a masked pixel's stand-in is taken from
_LARGEST = 1e6  # counts of a pixel beyond any that was trained on
_EMPTY = 3.0  # standard deviations by which the share of empty pixels may be off zero, of most scenes
_UNKEPT = 0.05  # share of the counts by which a rate may be off before it is scaled
_BATCH = 8


@dataclass(frozen=True, eq=False)
class Denoised:
    """What is believed of a frame.

    Parameters
    ----------
    rate : (slow, fast) counts expected in the frame's own exposure; NaN where it is masked
    uncertainty : (slow, fast) standard deviation of the rate
    scaled : factor by which the network's rate was multiplied so that the sum of the counts is kept
    noise_ratio : variance of the frame about the rate, over Poisson's; see ``noise_ratio``
    empty : share of pixels that are empty though a count was expected: dead ones, or counts that come in bursts
    flags : what speaks against believing it, one line each
    """

    rate: Float64Array
    uncertainty: Float64Array
    scaled: float
    noise_ratio: float
    empty: EmptyShare
    flags: tuple[str, ...] = ()


class FrameDenoiser:
    """Denoises frames by a bundle.

    Parameters
    ----------
    model : a bundle of kind "denoiser"

    Raises
    ------
    BundleError : a bundle that is no denoiser
    """

    def __init__(self, model: OnnxModel) -> None:
        if model.manifest.kind != "denoiser" or model.manifest.encoder.name != ENCODER:
            raise BundleError(f"bundle {model.name} is no denoiser; `beamgym denoise FILE --train-on-this` makes one")
        self.model, self.name = model, model.name
        settings = model.manifest.encoder.parameters
        self.scene = str(settings.get("scene", "own"))
        low, high = np.asarray(settings.get("noise_ratio", [0.0, 10.0]), np.float64)
        self._usual = float(low), float(high)
        self._empty = float(np.asarray(settings.get("empty", _EMPTY)))
        self._spread = float(np.asarray(settings.get("spread", 1.0)))
        self.correlation = float(np.asarray(settings.get("correlation", 1.0)))

    @classmethod
    def load(cls, path: str | Path) -> "FrameDenoiser":
        """Read a bundle; raises BundleError for what is wrong with it."""
        return cls(OnnxModel.load(path))

    def __call__(self, frame: ArrayLike, mask: BoolArray | None = None, gain: float | None = None) -> Denoised:
        """Return what is believed of one frame.

        Parameters
        ----------
        frame : (slow, fast) counts, or counts times the gain
        mask : (slow, fast) True where a pixel is to be left out; it stays so
        gain : numbers per count, of an integrating detector

        Raises
        ------
        NotCounts : a frame that holds no counts
        ValueError : a frame of another shape, smaller than the network's field, or without a pixel or count
        """
        counts = check_counts(frame, gain, mask)
        if counts.ndim != 2 or min(counts.shape) < FIELD:
            raise ValueError(
                f"a frame of shape {counts.shape} cannot be denoised; it needs two sides of {FIELD} pixels or more, as "
                "much as the network sees about a pixel"
            )
        hidden = np.zeros(counts.shape, np.bool_) if mask is None else np.asarray(mask, np.bool_)
        if hidden.all():
            raise ValueError("every pixel of the frame is masked; nothing is left to denoise")
        rate, spread = self._network(_filled(counts, hidden))
        total, raw = float(counts[~hidden].sum()), float(rate[~hidden].sum())
        scaled = total / raw
        rate *= scaled
        ratio = noise_ratio(counts, rate, hidden)
        wide = max(1.0, ratio / self._usual[1]) ** 0.5
        uncertainty = rate * spread * self._spread * wide
        empty = empty_share(counts, rate, hidden)
        flags = (
            *self._flags(counts, scaled, ratio, total),
            *self._flags_of_pixels(counts[~hidden] if hidden.any() else counts, empty),
        )
        rate[hidden] = uncertainty[hidden] = np.nan
        return Denoised(rate, uncertainty, scaled, ratio, empty, flags)

    def sum_uncertainty(self, uncertainty: Float64Array) -> float:
        """Return the standard deviation of the sum of neighbouring rates that have these of their own.

        Rates of neighbours are off together: how much so was measured on the tuning scenes and is in the bundle.
        """
        apart, together = float(np.nansum(uncertainty**2)), float(np.nansum(uncertainty)) ** 2
        return float(np.sqrt(apart + self.correlation * max(0.0, together - apart)))

    def _network(self, counts: Float32Array) -> tuple[Float64Array, Float64Array]:
        """Return rate and relative standard deviation of every pixel."""
        inner, shape = TILE - 2 * HALO, counts.shape
        tiles = [-(-length // inner) for length in shape]
        ends = [tiles[i] * inner - shape[i] + HALO for i in range(2)]
        padded = np.pad(counts, ((HALO, ends[0]), (HALO, ends[1])), mode="symmetric")
        starts = [(i * inner, j * inner) for i in range(tiles[0]) for j in range(tiles[1])]
        out = np.empty((2, tiles[0] * inner, tiles[1] * inner), np.float32)
        for first in range(0, len(starts), _BATCH):
            own = starts[first : first + _BATCH]
            given = np.stack([padded[i : i + TILE, j : j + TILE] for i, j in own])
            answer = self.model.predict({"counts": given}, batch=None)
            for (i, j), one in zip(own, answer, strict=True):
                out[:, i : i + inner, j : j + inner] = one[:, HALO:-HALO, HALO:-HALO]
        whole = np.exp(out[:, : shape[0], : shape[1]].astype(np.float64))
        return whole[0], whole[1]

    def _flags(self, counts: Float64Array, scaled: float, ratio: float, total: float) -> tuple[str, ...]:
        low, high = self._usual
        found = []
        if total == 0.0:
            found.append("the frame holds no count at all: its rate is 0 by the sum of the counts, however long it was")
        elif abs(scaled - 1.0) > _UNKEPT + 3.0 / np.sqrt(total):
            found.append(f"the network's counts were off by {100 * (1 / scaled - 1):+.1f} % before they were scaled")
        if total and not low <= ratio <= high:
            found.append(
                f"the noise is {ratio:.2f} times Poisson's where {low:.2f} to {high:.2f} is usual: not counts as they "
                "were counted (a gain, a dead time, afterpulses, dead pixels), or a scene unlike those trained on"
            )
        if counts.max(initial=0.0) > _LARGEST:
            found.append(f"pixels of up to {counts.max():.3g} counts: beyond what was trained on, and good as they are")
        return tuple(found)

    def _flags_of_pixels(self, counts: Float64Array, empty: EmptyShare) -> tuple[str, ...]:
        found = []
        if empty.share > self._empty * empty.deviation:
            found.append(
                f"{100 * empty.share:.1f} ± {100 * empty.deviation:.1f} % of the pixels are empty though a count was "
                "expected: dead pixels in no mask, or counts that come in bursts (afterpulses, a pulsed source)"
            )
        if missing := missing_numbers(counts):
            words = ", ".join(map(str, missing))
            found.append(
                f"hardly a pixel holds {words}: counts that were multiplied and rounded; give --gain and the frames as "
                "they were read"
            )
        return tuple(found)


def noise_ratio(counts: Float64Array, rate: Float64Array, hidden: BoolArray) -> float:
    """Return the mean of (counts − rate)² over the variance of Poisson counts, in cells of 2 × 2 pixels.

    About 1 for Poisson counts; less, the more the rate follows the counts. 1 where there is no whole cell.
    """
    rows, columns = (2 * (length // 2) for length in counts.shape)

    def cells(values: Float64Array) -> Float64Array:
        return np.asarray(values[:rows, :columns].reshape(rows // 2, 2, columns // 2, 2).sum((1, 3)))

    seen, expected = cells(counts), cells(np.nan_to_num(rate))
    whole = (cells(hidden.astype(np.float64)) == 0.0) & (expected > 0.0)
    if not whole.any():
        return 1.0
    return float(np.mean((seen[whole] - expected[whole]) ** 2 / (expected[whole] + 0.5)))


def shipped_denoiser(scene: str) -> FrameDenoiser:
    """Return the shipped denoiser of a kind of scene; raises ValueError for an unknown kind."""
    if scene not in SCENES:
        raise ValueError(f"unknown scene {scene!r}; choose one of {', '.join(SCENES)}")
    return FrameDenoiser.load(Path(str(files("beamgym.envs.models"))) / f"denoiser-{scene}")


def _filled(counts: Float64Array, hidden: BoolArray) -> Float32Array:
    """Return counts with the mean about it in the place of every masked pixel, only so that no edge is seen there."""
    if not hidden.any():
        return counts.astype(np.float32)
    seen = (~hidden).astype(np.float64)
    weight = gaussian_filter(seen, _FILL_PX)
    near = gaussian_filter(np.where(hidden, 0.0, counts), _FILL_PX)
    about = np.where(weight > 1e-6, near / np.maximum(weight, 1e-6), counts[~hidden].mean())
    return np.where(hidden, about, counts).astype(np.float32)
