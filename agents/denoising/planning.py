"""Small-angle scattering: how to share the time between sample, background and transmission, and what a denoiser saves.

The wanted curve is I(q) = S / T − B: counts of the sample a second over its transmission, less those of the background
measurement (the empty cell or the solvent, its own transmission taken out of it beforehand).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from beamgym.agents.denoising.radial import Rings
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.counts import share_time, thin

Method = Callable[[Float64Array, BoolArray], Float64Array]

SHARES = (0.5, 0.25, 0.125, 1 / 16, 1 / 32)
"""Of the counts of both frames, at which raw and denoised curves are judged by the rest of the counts."""

_DRAWS = 6
_SEEN = 3.0  # standard deviations above 0 that a ring's signal needs to count


@dataclass(frozen=True, eq=False)
class Pair:
    """A sample and its background, measured.

    Parameters
    ----------
    sample, background : (rows, columns) counts
    sample_s, background_s : how long each was counted
    mask : (rows, columns) True where neither is to be used
    q_inv_a : (rows, columns) 1/Å
    transmission : of the sample, relative to the background measurement
    beam_rate : counts a second of the attenuated beam, by which the transmission is measured
    """

    sample: Float64Array
    background: Float64Array
    sample_s: float
    background_s: float
    mask: BoolArray
    q_inv_a: Float64Array
    transmission: float
    beam_rate: float


@dataclass(frozen=True)
class TimePlan:
    """Seconds for sample, background and transmission, and the relative error of I(q) that they give (root mean square
    over the rings with signal), beside that of the same time shared evenly between sample and background."""

    sample_s: float
    background_s: float
    transmission_s: float
    error: float
    error_even: float
    rings: int


@dataclass(frozen=True)
class Saving:
    """At a share of the counts: relative error of I(q) raw and denoised (root mean square over rings), and how many
    times longer the raw frames would have to be counted for the denoised error."""

    share: float
    raw: float
    denoised: float
    times: float


def plan_times(pair: Pair, total_s: float) -> TimePlan:
    """Return how to share the time.

    Raises
    ------
    ValueError : no ring whose signal stands above its noise
    """
    rings, curve, used = _curve(pair)
    own = _variances(pair, rings)[:, used] / curve[used] ** 2
    each = own.mean(axis=1)
    sample, background, transmission = share_time(each, total_s)
    times = np.array([sample, background, transmission])
    even = np.array([0.5 * (total_s - transmission), 0.5 * (total_s - transmission), transmission])
    error, error_even = (float(np.sqrt((each / parts).sum())) for parts in (times, even))
    return TimePlan(float(sample), float(background), float(transmission), error, error_even, int(used.sum()))


def savings(pair: Pair, method: Method, seed: int = 0) -> list[Saving]:
    """Return what a denoiser saves, by the frames themselves: each is thinned exactly, and the rest is the judge.

    The judge has noise of its own; its variance is known and taken off.
    """
    rings, _, used = _curve(pair)
    draw = np.random.default_rng(seed)
    found: list[tuple[float, float, float]] = []
    for share in SHARES:
        each = np.array([_errors(pair, rings, used, share, method, draw) for _ in range(_DRAWS)]).mean(0)
        raw, denoised = np.sqrt(np.maximum(each, 0.0))
        found.append((share, float(raw), float(denoised)))
    return [Saving(share, raw, made, (raw / made) ** 2 if made > 0.0 else np.inf) for share, raw, made in found]


def _errors(
    pair: Pair, rings: Rings, used: BoolArray, share: float, method: Method, draw: np.random.Generator
) -> tuple[float, float]:
    """Return the mean squares of the relative error of I(q), raw and denoised."""
    (sample, sample_rest), (background, background_rest) = (
        thin(np.where(pair.mask, 0.0, frame), share, draw) for frame in (pair.sample, pair.background)
    )
    rest = _subtract(pair, rings, sample_rest, background_rest) / (1.0 - share)
    noise = _noise(pair, rings, sample_rest, background_rest) / (1.0 - share) ** 2
    whole = _subtract(pair, rings, pair.sample, pair.background)
    raw = _subtract(pair, rings, sample, background) / share
    made = _subtract(pair, rings, method(sample, pair.mask), method(background, pair.mask)) / share
    off = [np.mean((((one - rest) ** 2 - noise) / whole**2)[used]) for one in (raw, made)]
    return float(off[0]), float(off[1])


def _curve(pair: Pair) -> tuple[Rings, Float64Array, BoolArray]:
    """Return the rings, I(q) over them, and which of them hold signal."""
    rings = Rings.of(pair.q_inv_a, pair.mask)
    curve = _subtract(pair, rings, pair.sample, pair.background)
    used = curve > _SEEN * np.sqrt(_noise(pair, rings, pair.sample, pair.background))
    if not used.any():
        raise ValueError("no ring of the sample stands above the background; count both longer before planning")
    return rings, curve, used


def _subtract(pair: Pair, rings: Rings, sample: Float64Array, background: Float64Array) -> Float64Array:
    """Return I(q), counts a second and pixel."""
    first = rings.means(np.where(pair.mask, 0.0, sample)) / (pair.sample_s * pair.transmission)
    return first - rings.means(np.where(pair.mask, 0.0, background)) / pair.background_s


def _noise(pair: Pair, rings: Rings, sample: Float64Array, background: Float64Array) -> Float64Array:
    """Return the variance of I(q) by the counts of both frames."""
    first = rings.sums(np.where(pair.mask, 0.0, sample)) / (rings.pixels * pair.sample_s * pair.transmission) ** 2
    return first + rings.sums(np.where(pair.mask, 0.0, background)) / (rings.pixels * pair.background_s) ** 2


def _variances(pair: Pair, rings: Rings) -> Float64Array:
    """Return what sample, background and transmission (3, b) add to the variance of I(q) at one second each."""
    sample = rings.sums(np.where(pair.mask, 0.0, pair.sample)) / pair.sample_s
    background = rings.sums(np.where(pair.mask, 0.0, pair.background)) / pair.background_s
    level = sample / (rings.pixels * pair.transmission)
    relative = 2.0 * (1.0 + 1.0 / pair.transmission) / pair.beam_rate  # of N / N0, half the time for each
    return np.stack(
        [sample / (rings.pixels * pair.transmission) ** 2, background / rings.pixels**2, level**2 * relative]
    )
