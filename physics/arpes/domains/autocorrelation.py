"""Domains by autocorrelation along the slit: how like itself a cut is when shifted, at all energies together."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from beamgym.physics.arpes.domains.answer import CutDomains, alone, pair
from beamgym.physics.arpes.domains.mixture import vertex
from beamgym.physics.arrays import Float32Array, Float64Array


@dataclass(frozen=True)
class AutocorrelationSettings:
    """How an autocorrelation becomes domains; the defaults were tuned on cuts of their own (docs/domains.md).

    Parameters
    ----------
    rows : energies that are added up to one curve
    smooth_deg, broad_deg : standard deviations of the smoothing, and of what is taken away as background
    quantile : of the energies, which of them a shift is judged by
    height : of a peak of the autocorrelation, from which it is a domain's
    smallest_deg, largest_deg : shifts that are tried
    """

    rows: int = 2
    smooth_deg: float = 0.2
    broad_deg: float = 1.2
    quantile: float = 0.5
    height: float = 0.15
    smallest_deg: float = 1.5
    largest_deg: float = 9.0


def autocorrelation_fit(
    counts: Float32Array, step_deg: float, settings: AutocorrelationSettings | None = None
) -> CutDomains:
    """Return one or two domains by the autocorrelation; a weight follows from its height r = w (1 − w)/(w² + (1 − w)²).

    Parameters
    ----------
    counts : (e, a) counts; step_deg : between columns
    settings : by default the usual ones
    """
    s = settings or AutocorrelationSettings()
    likeness = _likeness(counts, step_deg, s)
    shifts = np.asarray(np.arange(len(likeness)) * step_deg, np.float64)
    tops, _ = find_peaks(likeness)
    tops = tops[(shifts[tops] >= s.smallest_deg) & (shifts[tops] <= s.largest_deg)]
    if not tops.size or likeness[tops].max() < s.height:
        return alone()
    top = int(tops[likeness[tops].argmax()])
    # w (1 − w) = r/(1 + 2 r); which of the copies is the stronger an autocorrelation cannot tell
    product = min(likeness[top] / (1.0 + 2.0 * likeness[top]), 0.25)
    return pair(vertex(shifts, likeness, top), 0.5 + float(np.sqrt(0.25 - product)))


def _likeness(counts: Float32Array, step_deg: float, s: AutocorrelationSettings) -> Float64Array:
    """Return the quantile over energies of the normalised autocorrelation, by shifts in columns."""
    whole = counts.shape[0] // s.rows * s.rows
    curves = np.asarray(counts[:whole].reshape(-1, s.rows, counts.shape[1]).sum(1), np.float64)
    curves = curves[curves.sum(1) > 0.3 * np.median(curves.sum(1))]
    wavy = gaussian_filter1d(curves, s.smooth_deg / step_deg) - gaussian_filter1d(curves, s.broad_deg / step_deg)
    wavy -= wavy.mean(1, keepdims=True)
    columns = wavy.shape[1]
    power = np.abs(np.fft.rfft(wavy, 2 * columns)) ** 2
    summed = np.fft.irfft(power)[:, : columns - columns // 5]
    overlap = columns - np.arange(summed.shape[1])
    likeness = summed / overlap / np.maximum(summed[:, :1] / columns, 1e-12)
    return np.asarray(np.quantile(likeness, s.quantile, axis=0))
