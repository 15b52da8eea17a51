"""The errors of camera and axes by restricted maximum likelihood.

Near what is nominal every spot's place is linear in what is hidden of a run: how the crystal sits (unknown), the
camera's shift and tilts, the axes' zero errors, the distances by which they miss the sample, and where in their play
they began (normal, with the level's standard deviations). The play itself moves every axis by a known course, the play
operator's.
Each run is reduced to the products of its derivatives; the hidden numbers are integrated out, and what is left is a
likelihood of the level's numbers (Patterson & Thompson, Biometrika 58, 1971, 545).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from beamgym.physics.goniometer import Goniometer, MotorState, sample_offset_mm
from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.physics.laue.estimation import play_course as play_operator
from beamgym.physics.laue.level_fit.matching import Matched, by_camera, by_origin, by_turn
from beamgym.physics.laue.level_fit.runs import landing_px
from beamgym.physics.laue.simulator import LaueContext

NUMBERS = ("detector_shift_mm", "detector_tilt_deg", "zero_error_deg", "eccentricity_mm", "backlash_deg")
"""What is fitted here, by its name in a level."""

LARGEST = np.array([5.0, 5.0, 5.0, 2.0, 5.0])
"""Of each: what a search goes up to."""

HALF_CHI2 = 1.92
"""Half of the chi-squared value that 95 of 100 fall below with one degree of freedom."""

_REACH = float(np.sqrt(HALF_CHI2))
_CLOSE, _CROSSING_STEPS = 0.02, 12
_SCALE = np.array([0.1, 0.1, 0.05, 0.05, 0.1])
_ANYHOW_DEG = 20.0  # how a crystal sits is not known
_STEP_DEG = 1e-3
_LEAST_TURN_DEG = 1e-6


@dataclass(frozen=True)
class RunProducts:
    """Products of one run's derivatives W (own to the run), C (camera and axes) and J (turns of axes) and residuals y.

    Parameters
    ----------
    number : of residuals
    ww, wc, cc, wj, cj, jj : products of the derivatives, in px² per unit²; j runs over frames and axes
    wy, cy, jy, yy : those with the residuals
    counts : (T, k) positions that the motors had counted to
    """

    number: int
    ww: Float64Array
    wc: Float64Array
    cc: Float64Array
    wj: Float64Array
    cj: Float64Array
    jj: Float64Array
    wy: Float64Array
    cy: Float64Array
    jy: Float64Array
    yy: float
    counts: Float64Array


def products(context: LaueContext, matched: Matched, counts: Float64Array) -> RunProducts:
    """Return a run's products, linearised about the nominal instrument with the axes at ``counts`` (T, k)."""
    stage, frame = context.goniometer, matched.frame
    turned = stage.rotation(counts)
    mount = turned[0].T @ matched.orientation[0]
    q = np.einsum("mij,mj->mi", (turned @ mount)[frame], matched.scattering)
    detector, panel = context.detector, context.detector.as_vector()
    residual = matched.found_px - landing_px(q, panel, detector.pixel_mm)
    turn = by_turn(q, panel, detector.pixel_mm)
    camera = by_camera(detector, np.zeros(5), q)
    axes = np.einsum("mci,mik->mck", turn, axis_turns(stage, counts)[frame])
    sits = np.einsum("mci,mij->mcj", turn, turned[frame])
    origin = by_origin(q, panel, detector.pixel_mm)
    misses = -np.einsum("mcj,mjl->mcl", origin, miss_offsets(stage, counts)[frame])
    by_frame = np.zeros((*axes.shape[:2], len(counts), axes.shape[2]))
    by_frame[np.arange(len(q)), :, frame] = axes
    began = np.where(_not_yet_moved(counts)[frame][:, None], axes, 0.0)
    own, shared = np.concatenate([sits, began], axis=2), np.concatenate([camera, axes, misses], axis=2)
    w, c = (part.reshape(2 * len(q), -1) for part in (own, shared))
    j, y = by_frame.reshape(2 * len(q), -1), residual.ravel()
    return RunProducts(
        len(y), w.T @ w, w.T @ c, c.T @ c, w.T @ j, c.T @ j, j.T @ j, w.T @ y, c.T @ y, j.T @ y, float(y @ y), counts
    )


def axis_turns(stage: Goniometer, counts: Float64Array) -> Float64Array:
    """Return the lab's turn of the sample by each axis, (T, 3, k), in degrees per degree of the axis."""
    columns = []
    for axis in np.eye(counts.shape[1]):
        ahead, behind = stage.rotation(counts + _STEP_DEG * axis), stage.rotation(counts - _STEP_DEG * axis)
        skew = ahead @ np.swapaxes(behind, 1, 2)
        pairs = [skew[:, i, j] - skew[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))]
        vector = 0.5 * np.stack(pairs, axis=1)
        columns.append(np.degrees(vector) / (2.0 * _STEP_DEG))
    return np.stack(columns, axis=-1)


def miss_offsets(stage: Goniometer, counts: Float64Array) -> Float64Array:
    """Return how the sample leaves the beam with each component of each axis's miss, (T, 3, 3 k), mm per mm."""
    frames, k = counts.shape
    columns = []
    for axis in range(k):
        for component in range(3):
            miss = np.zeros((frames, k, 3))
            miss[:, axis, component] = 1.0
            columns.append(sample_offset_mm(stage, MotorState(counts, counts.copy(), np.zeros_like(counts), miss)))
    return np.stack(columns, axis=-1)


def play_course(counts: Float64Array, play: Float64Array) -> Float64Array:
    """Return how far each axis stands from its motor's count, (T, k): the play operator, begun in its middle."""
    off: Float64Array = play_operator(counts, play, np.zeros(counts.shape[1]))[0]
    return off


class Likelihood:
    """The likelihood of a level's numbers from all runs.

    Parameters
    ----------
    runs : their products
    context : the nominal instrument
    sigma_px : standard deviation of a spot about its ray
    one_instrument : the camera and the axes are the same in all runs, as where nobody touched them; else each run has
        its own, as the episodes of the environment have
    centred : every run began in the middle of each axis's play, as the environment's do; else anywhere in it
    readback_deg : standard deviation of a reading
    """

    def __init__(
        self,
        runs: Sequence[RunProducts],
        context: LaueContext,
        sigma_px: float,
        one_instrument: bool,
        centred: bool = False,
        readback_deg: float = 0.0,
    ) -> None:
        self.runs, self.sigma, self.one, self.readback = runs, sigma_px, one_instrument, readback_deg
        self.centred = centred
        axes = context.goniometer.axes
        self.rotates = np.array([axis.kind == "rotation" for axis in axes])
        self.own_play = np.array([axis.backlash for axis in axes])
        self._known: tuple[float, tuple[Float64Array, Float64Array, float]] | None = None
        self._ww, self._wc, self._cc = (np.array([getattr(run, name) for run in runs]) for name in ("ww", "wc", "cc"))

    def play(self, backlash_deg: float) -> Float64Array:
        """Return each axis's play (k,)."""
        play: Float64Array = np.maximum(self.own_play, np.where(self.rotates, backlash_deg, 0.0))
        return play

    def cost(self, numbers: Float64Array) -> float:
        """Return the negative log-likelihood, but for a constant, of the numbers in the order of ``NUMBERS``."""
        information, pull, cost = self._of_camera_and_axes(float(numbers[4]))
        spread = self._spread(numbers)
        if self.one:
            information, pull = information.sum(axis=0, keepdims=True), pull.sum(axis=0, keepdims=True)
        inner = np.eye(len(spread)) + spread[:, None] * information * spread
        scaled = spread * pull
        solved = np.linalg.solve(inner, scaled[..., None])[..., 0]
        total: float = cost + 0.5 * float(np.linalg.slogdet(inner)[1].sum() - (scaled * solved).sum())
        return total

    def hidden(self, numbers: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return mean and standard deviation of camera (5) and axes, (c,) each, all runs being of one instrument.

        Where the camera stands is asked of the spots alone: how far cameras stand off in general does not matter.
        """
        information, pull, _ = self._of_camera_and_axes(float(numbers[4]))
        spread = np.maximum(self._spread(numbers), 1e-9)
        spread[:5] = LARGEST[0]
        covariance = np.linalg.inv(np.diag(spread**-2) + information.sum(axis=0))
        mean: Float64Array = covariance @ pull.sum(axis=0)
        return mean, np.sqrt(np.diag(covariance))

    def _spread(self, numbers: Float64Array) -> Float64Array:
        shift, tilt, zero, miss, _ = numbers
        k = len(self.rotates)
        zeros = np.where(self.rotates, zero, 0.0)
        return np.concatenate([np.full(3, shift), np.full(2, tilt), zeros, np.full(3 * k, miss)])

    def _of_camera_and_axes(self, backlash_deg: float) -> tuple[Float64Array, Float64Array, float]:
        """Return information (r, c, c), pull (r, c) and the rest's cost, what is each run's own integrated out."""
        # Kept, since a search changes the other numbers more often.
        if self._known is None or self._known[0] != backlash_deg:
            self._known = backlash_deg, self._without_own(backlash_deg)
        return self._known[1]

    def _without_own(self, backlash_deg: float) -> tuple[Float64Array, Float64Array, float]:
        play, variance = self.play(backlash_deg), self.sigma**2
        began = np.sqrt((0.0 if self.centred else play**2 / 12.0) + np.where(self.rotates, self.readback, 0.0) ** 2)
        own = np.concatenate([np.full(3, _ANYHOW_DEG), began])
        wy, cy, yy = self._residuals(play)
        inner = np.eye(len(own)) + own[:, None] * self._ww * own / variance
        right = np.concatenate([own[:, None] * self._wc, (own * wy)[..., None]], axis=2) / variance
        solved = np.linalg.solve(inner, right)
        across = np.swapaxes(right, 1, 2) @ solved
        information = self._cc / variance - across[:, :-1, :-1]
        pull = cy / variance - across[:, :-1, -1]
        cost = 0.5 * float(np.linalg.slogdet(inner)[1].sum() + (yy / variance - across[:, -1, -1]).sum())
        return information, pull, cost

    def _residuals(self, play: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return the products with the residuals that are left once the play has moved the axes."""
        wy, cy, yy = [], [], []
        for run in self.runs:
            off = play_course(run.counts, play).ravel()
            wy.append(run.wy - run.wj @ off)
            cy.append(run.cy - run.cj @ off)
            yy.append(run.yy - 2.0 * float(run.jy @ off) + float(off @ run.jj @ off))
        return np.array(wy), np.array(cy), np.array(yy)


def most_likely(
    likelihood: Likelihood, start: Float64Array, held: dict[int, float] | None = None
) -> tuple[Float64Array, float]:
    """Return the most likely numbers and their cost; those in ``held`` (by index) stay as they are."""
    held = held or {}
    free = [i for i in range(len(NUMBERS)) if i not in held]
    numbers = np.array(start, dtype=np.float64)
    for i, value in held.items():
        numbers[i] = value

    def cost(scaled: Float64Array) -> float:
        numbers[free] = scaled * _SCALE[free]
        return likelihood.cost(numbers)

    bounds = [(0.0, LARGEST[i] / _SCALE[i]) for i in free]
    found = minimize(
        cost, numbers[free] / _SCALE[free], method="L-BFGS-B", bounds=bounds, options={"eps": 1e-4, "ftol": 1e-7}
    )
    best = numbers.copy()
    best[free] = np.asarray(found.x) * _SCALE[free]
    return best, float(found.fun)


def interval(likelihood: Likelihood, best: Float64Array, cost: float, index: int) -> tuple[float, float]:
    """Return where the profile of the likelihood falls by half of chi-squared's 95 % value, on both sides."""

    def distance(value: float) -> float:
        """Return the square root of what the cost rises by, which is all but a straight line on either side."""
        least = most_likely(likelihood, best, {index: value})[1]
        return float(np.sqrt(max(least - cost, 0.0)))

    low = 0.0
    if best[index] > 0.0 and (least := distance(0.0)) > _REACH:
        low = _crossing(distance, float(best[index]), 0.0, least)
    step = max(0.5 * float(best[index]), 0.2 * float(_SCALE[index]))
    high = float(best[index]) + step
    while (most := distance(high)) < _REACH and high < LARGEST[index]:
        step *= 2.0
        high += step
    high = _crossing(distance, float(best[index]), high, most) if most > _REACH else float(LARGEST[index])
    return low, high


def _crossing(distance: Callable[[float], float], inside: float, outside: float, far: float) -> float:
    """Return where a distance that grows from 0 at ``inside`` to ``far`` at ``outside`` comes to ``_REACH``."""
    near = 0.0
    for _ in range(_CROSSING_STEPS):
        share = min(max((_REACH - near) / (far - near), 0.05), 0.95)
        value = inside + share * (outside - inside)
        found = distance(value)
        if abs(found - _REACH) < _CLOSE:
            return value
        inside, near, outside, far = (value, found, outside, far) if found < _REACH else (inside, near, value, found)
    return outside


def _not_yet_moved(counts: Float64Array) -> BoolArray:
    """Return (T, k) whether an axis still stands where the run began."""
    moved = np.abs(counts - counts[0]) > _LEAST_TURN_DEG
    still: BoolArray = ~np.maximum.accumulate(moved, axis=0)
    return still
