"""The domain map of a sample: spectra over (x, y) as few patterns, each site a mixture of them.

Counts are factored into patterns and weights, both ≥ 0, at the largest Poisson likelihood (multiplicative steps of Lee
& Seung, Nature 401 (1999) 788). How many patterns there are is judged by counts that were not fitted: every frame is
split into two independent halves.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from beamgym.physics.arpes.domains.canvas import CANVAS, Canvas
from beamgym.physics.arpes.domains.mixture import vertex
from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.counts import thin

_ROWS, _COLUMNS = 4, 3  # of the canvas, that are added up before counts are factored
_PURITY = 0.06  # by how much weights are off because the purest sites are not quite pure, in simulated samples
_STEPS, _PATTERN_STEPS = 150, 30
_GAIN = 10.0  # of log likelihood, below which a further pattern is not believed
_SMALL = 1e-9
_PUREST = 20  # of the sites, one so many shows one domain alone
_COPY = 0.8  # correlation from which two patterns are copies of each other
_FURTHEST_DEG = 10.0
_SHIFT_DEG = 0.25  # by how much shifts of copies are off beyond noise, in simulated samples
_RESAMPLED = 12
_SURE = 2.0  # standard deviations between the largest weights of a site


@dataclass(frozen=True, eq=False)
class PatternRelation:
    """How a pattern lies to the first one: shift along the slit with its error, degrees, and their correlation there.

    ``copy`` says whether it shows the same bands, shifted; else it is turned, tilted across the slit, or of another
    material: that cannot be told from cuts.
    """

    shift_deg: float
    shift_error_deg: float
    correlation: float
    copy: bool


@dataclass(frozen=True, eq=False)
class SampleDomains:
    """Domains over a sample of m sites; patterns are in the order of their electrons, the largest first.

    Parameters
    ----------
    weight, weight_error : (m, k) share of each pattern in the site's electrons, and one standard deviation
    label : (m,) number of the largest, from 0
    sure : (m,) whether it is larger than the next by two standard deviations
    pattern : (k, 48, 120) electrons of each pattern over all sites
    relation : (k,) to the first pattern
    gain : log likelihood of unseen counts over that with one pattern less, for each further pattern tried
    """

    weight: Float64Array
    weight_error: Float64Array
    label: Int64Array
    sure: BoolArray
    pattern: Float64Array
    relation: tuple[PatternRelation, ...]
    gain: tuple[float, ...]

    @property
    def number(self) -> int:
        """How many patterns there are."""
        return len(self.pattern)


def sample_domains(cuts: Canvas, most: int = 4, seed: int = 0) -> SampleDomains:
    """Return the domains of a sample.

    Parameters
    ----------
    cuts : of m sites, whole counts
    most : patterns that are tried
    seed : of the halves

    Raises
    ------
    ValueError : fewer than 8 sites, or no counts
    """
    measured = cuts.counts[:, cuts.rows > 0][:, :, cuts.columns > 0].astype(np.float64)
    if len(measured) < 8 or measured.sum() <= 0:
        raise ValueError(f"a domain map needs 8 spectra with counts or more; there are {len(measured)}")
    pixels = _binned(np.rint(measured))
    random = np.random.default_rng(seed)
    halves = thin(pixels, 0.5, random)
    gains: list[float] = []
    number, before = 1, _unseen(halves, 1)
    while number < most:
        now = _unseen(halves, number + 1)
        gains.append(now - before)
        if gains[-1] < _GAIN:
            break
        number, before = number + 1, now
    weight, basis = anchored(pixels, *factored(pixels, number))
    order = np.argsort(-weight.sum(0))
    weight, basis = weight[:, order], basis[order]
    share = weight / np.maximum(weight.sum(1, keepdims=True), _SMALL)
    error = np.hypot(_share_errors(weight, basis), _PURITY if number > 1 else 0.0)
    pattern = _patterns(cuts, share)
    ranked = np.sort(share, axis=1)
    margin = ranked[:, -1] - ranked[:, -2] if number > 1 else np.ones(len(share))
    sure = margin > _SURE * error.max(axis=1)
    relation = tuple(_relation(pattern[0], one, cuts.step_deg, random) for one in pattern)
    return SampleDomains(share, error, share.argmax(1), sure, pattern, relation, tuple(gains))


def factored(pixels: Float64Array, number: int) -> tuple[Float64Array, Float64Array]:
    """Return weights (m, k) in electrons and patterns (k, p) that sum to 1, of counts (m, p).

    Patterns are added one by one, each begun at the site that those before explain worst: nothing is drawn.
    """
    basis = pixels.sum(0, keepdims=True) + _SMALL
    basis /= basis.sum()
    weight = pixels.sum(1, keepdims=True)
    while True:
        weight, basis = _improved(pixels, weight, basis)
        if len(basis) == number:
            return weight, basis
        rate = weight @ basis
        # a site's neighbours in pattern space are added, as one site alone is mostly noise
        rest = (pixels - rate) / np.sqrt(rate + _SMALL)
        odd = rest @ _leading(rest)
        far = odd > np.quantile(odd, 0.9)
        begun = pixels[far].sum(0) + _SMALL * pixels.sum()
        basis = np.concatenate([basis, begun[None] / begun.sum()])
        weight = np.concatenate([weight, weight.mean(1, keepdims=True)], axis=1) / 2.0


def anchored(pixels: Float64Array, weight: Float64Array, basis: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return weights and patterns anew, each pattern that of the purest sites.

    Factors are not unique: what all patterns share, such as a background, may be moved from one to another, and
    weights with it. That the purest twentieth of the sites shows one domain alone decides.
    """
    share = weight / np.maximum(weight.sum(1, keepdims=True), _SMALL)
    pure = [np.argsort(-one)[: max(3, len(share) // _PUREST)] for one in share.T]
    basis = np.stack([pixels[sites].sum(0) for sites in pure]) + _SMALL
    basis /= basis.sum(1, keepdims=True)
    weight = share * pixels.sum(1, keepdims=True) + _SMALL
    for _ in range(_STEPS):
        weight = weight * ((pixels / (weight @ basis + _SMALL)) @ basis.T)
    return weight, basis


def _leading(rest: Float64Array) -> Float64Array:
    """Return the direction in which the rest varies most, by power iteration from its largest row."""
    way = rest[(rest**2).sum(1).argmax()]
    for _ in range(20):
        way = rest.T @ (rest @ way)
        way = way / max(float(np.linalg.norm(way)), _SMALL)
    return np.asarray(way if (rest @ way).max() > -(rest @ way).min() else -way)


def _improved(pixels: Float64Array, weight: Float64Array, basis: Float64Array) -> tuple[Float64Array, Float64Array]:
    for _ in range(_STEPS):
        weight = weight * ((pixels / (weight @ basis + _SMALL)) @ basis.T)
        basis = basis * (weight.T @ (pixels / (weight @ basis + _SMALL)))
        basis /= basis.sum(1, keepdims=True)
    return weight, basis


def _unseen(halves: tuple[Float64Array, Float64Array], number: int) -> float:
    total = 0.0
    for seen, unseen in (halves, halves[::-1]):
        weight, basis = factored(seen, number)
        rate = weight @ basis + 1e-4
        total += float((unseen * np.log(rate) - rate).sum())
    return total


def _share_errors(weight: Float64Array, basis: Float64Array) -> Float64Array:
    """Return standard deviations (m, k) of shares by the Fisher information of a site's weights, patterns known."""
    out = np.empty_like(weight)
    for site, row in enumerate(weight):
        rate = row @ basis + _SMALL
        information = (basis / rate) @ basis.T
        total = max(float(row.sum()), 1.0)
        turn = (np.eye(len(row)) - row[:, None] / total) / total
        spread = turn @ np.linalg.pinv(information) @ turn.T
        out[site] = np.sqrt(np.maximum(np.diag(spread), 0.0))
    return out


def _patterns(cuts: Canvas, share: Float64Array) -> Float64Array:
    """Return the electrons of each pattern on the canvas, (k, 48, 120), by the sites' shares."""
    pixels = cuts.counts.reshape(len(share), -1).astype(np.float64)
    weight = share * pixels.sum(1, keepdims=True)
    basis = (share.T @ pixels) / np.maximum(share.sum(0)[:, None], _SMALL) + _SMALL
    basis /= basis.sum(1, keepdims=True)
    for _ in range(_PATTERN_STEPS):
        basis = basis * (weight.T @ (pixels / (weight @ basis + _SMALL)))
        basis /= np.maximum(basis.sum(1, keepdims=True), _SMALL)
    return np.asarray((basis * weight.sum(0)[:, None]).reshape(-1, *CANVAS.shape))


def _relation(
    first: Float64Array, other: Float64Array, step_deg: float, random: np.random.Generator
) -> PatternRelation:
    if other is first or np.array_equal(first, other):
        return PatternRelation(0.0, 0.0, 1.0, True)
    shift, height = _shift(first, other, step_deg)
    again = []
    for _ in range(_RESAMPLED):
        one, two = (random.poisson(pattern).astype(np.float64) for pattern in (first, other))
        again.append(_shift(one, two, step_deg)[0])
    return PatternRelation(shift, float(np.hypot(np.std(again), _SHIFT_DEG)), height, height >= _COPY)


def _shift(first: Float64Array, other: Float64Array, step_deg: float) -> tuple[float, float]:
    """Return the shift in degrees at which two patterns agree best, and their correlation there."""
    one, two = (_structure(np.asarray(values, np.float64)) for values in (first, other))
    most = int(_FURTHEST_DEG / step_deg)
    shifts = np.arange(-most, most + 1)
    found = np.array([_correlation(one, two, int(shift)) for shift in shifts])
    top = int(found.argmax())
    return vertex(np.asarray(shifts * step_deg, np.float64), found, top), float(found[top])


def _structure(values: Float64Array) -> Float64Array:
    smooth = gaussian_filter(values, (1.0, 1.0))
    return np.asarray(smooth - gaussian_filter(values, (1.0, 10.0)))


def _correlation(one: Float64Array, two: Float64Array, shift: int) -> float:
    width = one.shape[1] - abs(shift)
    left, right = (one[:, :width], two[:, shift:]) if shift >= 0 else (one[:, -shift:], two[:, :width])
    scale = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum()) / max(scale, _SMALL)


def _binned(values: Float64Array) -> Float64Array:
    """Return counts (m, e, a) added up to coarse pixels, (m, p)."""
    m, e, a = values.shape
    cut = values[:, : e // _ROWS * _ROWS, : a // _COLUMNS * _COLUMNS]
    return np.asarray(cut.reshape(m, e // _ROWS, _ROWS, a // _COLUMNS, _COLUMNS).sum((2, 4)).reshape(m, -1))
