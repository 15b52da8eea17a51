"""Domains by the peaks of momentum distribution curves: pairs of peaks that keep their distance at all energies."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from beamgym.physics.arpes.domains.answer import CutDomains, alone, pair
from beamgym.physics.arpes.domains.mixture import vertex
from beamgym.physics.arrays import Float32Array, Float64Array


@dataclass(frozen=True)
class PeakSettings:
    """How pairs of peaks become domains; the defaults were tuned on cuts of their own (docs/domains.md).

    Parameters
    ----------
    rows : energies that are added up to one curve
    smooth_deg : standard deviation of the smoothing of a curve
    prominence : of a peak over its surroundings, in standard deviations of its counts
    tolerance_deg : how far a distance may be from the common one
    explained : share of the peaks that must have a partner at the common distance
    smallest_deg, largest_deg : distances that are tried
    """

    rows: int = 2
    smooth_deg: float = 0.45
    prominence: float = 2.5
    tolerance_deg: float = 0.25
    explained: float = 0.24
    smallest_deg: float = 1.5
    largest_deg: float = 9.0


def mdc_peaks(counts: Float32Array, step_deg: float, settings: PeakSettings | None = None) -> CutDomains:
    """Return one or two domains by pairs of peaks.

    Parameters
    ----------
    counts : (e, a) counts; step_deg : between columns
    settings : by default the usual ones
    """
    s = settings or PeakSettings()
    curves = [_peaks(curve, step_deg, s) for curve in _curves(counts, s.rows)]
    curves = [curve for curve in curves if len(curve[0])]
    if not curves:
        return alone()
    distances = np.asarray(np.arange(s.smallest_deg, s.largest_deg, 0.1), np.float64)
    share = np.array([_explained(curves, d, s.tolerance_deg, counts.shape[1] * step_deg) for d in distances])
    best = int(gaussian_filter1d(share, 1.5).argmax())
    found = [one for curve in curves for one in _pairs(*curve, distances[best], s.tolerance_deg)]
    if share[best] < s.explained or not found:
        return alone()
    distance, lower = np.array(found).T
    return pair(float(np.median(distance)), float(np.median(lower)))


def _curves(counts: Float32Array, rows: int) -> Float64Array:
    whole = counts.shape[0] // rows * rows
    return np.asarray(counts[:whole].reshape(-1, rows, counts.shape[1]).sum(1), np.float64)


def _peaks(curve: Float64Array, step_deg: float, s: PeakSettings) -> tuple[Float64Array, Float64Array]:
    """Return places in degrees and prominences of a curve's peaks."""
    sigma = s.smooth_deg / step_deg
    smooth = gaussian_filter1d(curve, sigma)
    noise = np.sqrt(np.maximum(smooth, 1e-3) / (2.0 * np.sqrt(np.pi) * sigma))
    at, about = find_peaks(smooth, prominence=1e-9)
    kept = about["prominences"] > s.prominence * noise[at]
    columns = np.asarray(np.arange(len(curve)) * step_deg, np.float64)
    places = np.array([vertex(columns, smooth, int(top)) for top in at[kept]])
    return places, np.asarray(about["prominences"][kept])


def _explained(
    curves: list[tuple[Float64Array, Float64Array]], distance: float, tolerance: float, width: float
) -> float:
    """Return the share of peaks with a partner; one whose partners would both lie outside counts half."""
    partnered, total = 0.0, 0
    for places, _ in curves:
        off = np.abs(places[:, None] - places[None])
        has = (np.abs(off - distance) < tolerance).any(1)
        outside = (places - distance < 0.0) & (places + distance > width)
        partnered += float(np.where(outside, 0.5, has).sum())
        total += len(places)
    return partnered / total


def _pairs(places: Float64Array, heights: Float64Array, distance: float, tolerance: float) -> list[tuple[float, float]]:
    """Return the distance of each pair near the common one, and the lower peak's share of its height."""
    lower, upper = np.nonzero(np.abs(places[None] - places[:, None] - distance) < tolerance)
    return [(places[j] - places[i], heights[i] / (heights[i] + heights[j])) for i, j in zip(lower, upper, strict=True)]
