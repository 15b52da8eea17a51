"""What denoises without learning, each with the settings that may be tuned: the rivals of a network."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.ndimage import gaussian_filter, median_filter

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.extras import need

Method = Callable[[Float64Array, BoolArray], Float64Array]
"""From counts and mask (slow, fast) to the rate, of the same shape."""


@dataclass(frozen=True)
class Rival:
    """A method with one setting of it, told in words."""

    name: str
    setting: str
    method: Method


def rivals(names: tuple[str, ...] | None = None) -> dict[str, list[Rival]]:
    """Return every rival by name with the settings that it is tuned over; ``names`` are those wanted, all by default.

    Raises
    ------
    ValueError : an unknown name
    """
    known: dict[str, list[tuple[str, Method]]] = {
        "raw": [("as it is", lambda counts, mask: counts.copy())],
        "gaussian": [(f"σ {s:g} px", partial(_gaussian, s)) for s in (0.5, 0.7, 0.9, 1.1, 1.4, 1.8, 2.4)],
        "median": [(f"{n} × {n}", partial(_median, n)) for n in (3, 5)],
        "nlm": [(f"h {h:g}", partial(_nlm, h)) for h in (0.5, 0.7, 0.9, 1.2)],
        "tv": [(f"weight {w:g}", partial(_tv, w)) for w in (0.2, 0.4, 0.7, 1.0, 1.5)],
        "bmnd": [("as published", _bmnd)],
    }
    wanted = tuple(known) if names is None else names
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ValueError(f"unknown rival {unknown[0]!r}; choose one of {', '.join(known)}")
    return {name: [Rival(name, text, method) for text, method in known[name]] for name in wanted}


def anscombe(counts: Float64Array) -> Float64Array:
    """Return 2 √(n + 3/8), whose noise is about 1 whatever the rate (F. J. Anscombe, Biometrika 35 (1948) 246)."""
    return np.asarray(2.0 * np.sqrt(counts + 0.375))


def unbiased_inverse(values: Float64Array) -> Float64Array:
    """Return the rate whose transformed counts have this mean (M. Mäkitalo & A. Foi, IEEE Trans. Image Process. 20
    (2011) 2697, closed form); 0 below the transform of no counts."""
    d = np.maximum(values, 2.0 * np.sqrt(0.375))
    root = np.sqrt(1.5)
    rate = 0.25 * d**2 + 0.25 * root / d - 1.375 / d**2 + 0.625 * root / d**3 - 0.125
    return np.asarray(np.maximum(rate, 0.0))


def _gaussian(sigma: float, counts: Float64Array, mask: BoolArray) -> Float64Array:
    """Smooth, masked pixels left out of every mean."""
    if not mask.any():
        return np.asarray(gaussian_filter(counts, sigma))
    seen = (~mask).astype(np.float64)
    smooth = gaussian_filter(counts * seen, sigma) / np.maximum(gaussian_filter(seen, sigma), 1e-9)
    return np.asarray(smooth)


def _median(size: int, counts: Float64Array, mask: BoolArray) -> Float64Array:
    return np.asarray(median_filter(counts, size))


def _nlm(strength: float, counts: Float64Array, mask: BoolArray) -> Float64Array:
    restoration = need("skimage.restoration", "mosaic")
    found = restoration.denoise_nl_means(
        anscombe(counts), patch_size=5, patch_distance=6, h=strength, sigma=1.0, fast_mode=True
    )
    return unbiased_inverse(np.asarray(found))


def _tv(weight: float, counts: Float64Array, mask: BoolArray) -> Float64Array:
    restoration = need("skimage.restoration", "mosaic")
    return unbiased_inverse(np.asarray(restoration.denoise_tv_chambolle(anscombe(counts), weight=weight)))


def _bmnd(counts: Float64Array, mask: BoolArray) -> Float64Array:
    package = need("bmnd", "bmnd")
    profile = package.BM3DProfile(noise_model=package.NoiseModel.POISSON)  # of images; its name counts the stacks too
    found = package.bmnd(counts.astype(np.float32), profile=profile)
    return np.maximum(np.asarray(found, dtype=np.float64), 0.0)
