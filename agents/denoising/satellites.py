"""Weak peaks at known places: their counts over the background beside them, from any frame or what was made of it."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import box_of

_BESIDE = (1.5, 3.0)  # where the background is taken, in half widths of the box along columns


@dataclass(frozen=True)
class Excess:
    """Counts in a peak's box over the background beside it, and how many pixels of background stand for one of the
    box's."""

    counts: float
    share: float
    box: tuple[slice, slice]
    beside: tuple[tuple[slice, slice], ...]


def excess(image: Float64Array, peak: Float64Array) -> Excess:
    """Return a peak's counts over its background.

    Parameters
    ----------
    image : (slow, fast) counts or a rate
    peak : (5,) column, row, expected counts, standard deviations along columns and rows; only its place is used

    Notes
    -----
    The background of a row is the mean to both sides of the box in the same rows: a slope along them drops out.
    """
    column, row, _, across, along = peak
    box = box_of(column, row, across, along)
    rows, columns = box
    width = columns.stop - columns.start
    near, far = (round(each * width / 2) for each in _BESIDE)
    middle, last = (columns.start + columns.stop - 1) // 2, image.shape[1]
    left = slice(max(0, middle - far), max(0, middle - near))
    right = slice(min(last, middle + near + 1), min(last, middle + far + 1))
    sides = tuple((rows, side) for side in (left, right) if side.stop > side.start)
    level = np.mean([image[side].mean() for side in sides])
    pixels = (rows.stop - rows.start) * width
    beside = sum((rows.stop - rows.start) * (side.stop - side.start) for _, side in sides)
    return Excess(float(image[box].sum() - level * pixels), pixels / beside, box, sides)


@dataclass(frozen=True)
class FittedPeak:
    """Counts of a peak by a fit of its profile, and their standard deviation by the fit's weights."""

    counts: float
    uncertainty: float


def profile_fit(counts: Float64Array, peak: Float64Array, reach: float, degree: int) -> FittedPeak:
    """Return a peak's counts by weighted least squares of its profile and a polynomial ground.

    Parameters
    ----------
    counts : (slow, fast)
    peak : (5,) column, row, expected counts, standard deviations along columns and rows; only place and widths are used
    reach : half edges of the window that is fitted, in standard deviations
    degree : of the polynomial in column and row

    Notes
    -----
    The classical way with weak peaks; the weights are the fitted ground's, found in three turns.
    """
    column, row, _, across, along = peak
    rows = np.arange(max(0, int(row - reach * along)), min(counts.shape[0], int(row + reach * along) + 1))
    columns = np.arange(max(0, int(column - reach * across)), min(counts.shape[1], int(column + reach * across) + 1))
    y, x = np.meshgrid((rows - row) / along, (columns - column) / across, indexing="ij")
    shares = np.exp(-0.5 * (x**2 + y**2)) / (2.0 * np.pi * across * along)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    terms = [shares, *((x / reach) ** i * (y / reach) ** j for i, j in powers)]
    design = np.stack([term.ravel() for term in terms], axis=1)
    seen = counts[np.ix_(rows, columns)].ravel()
    least = max(0.05 * float(seen.mean()), 1e-3)
    variance = np.full(len(seen), max(float(seen.mean()), least))
    for _ in range(3):
        weighted = design / variance[:, None]
        covariance = np.linalg.inv(design.T @ weighted)
        found = covariance @ (weighted.T @ seen)
        variance = np.maximum(design[:, 1:] @ found[1:], least)
    return FittedPeak(float(found[0]), float(np.sqrt(covariance[0, 0])))


def area_under_curve(present: Float64Array, absent: Float64Array) -> float:
    """Return the chance that a place with a peak has the larger statistic than one without (Mann & Whitney 1947)."""
    ranks = rankdata(np.concatenate([present, absent]))
    n, m = len(present), len(absent)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m))
