"""Peaks of a scan: whether there is one, where its middle is, and how much it holds."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array

SIGNIFICANT = 5.0
"""Standard deviations above background from which a scan shows a peak; a scan has about a hundred points."""
_SHOULDER = 0.003  # of the highest peak: less beside it is its own foot
_LEAST_POINTS = 7  # from which on the background of a scan under way is judged
_LEAST_COUNTS = 12.0  # above background: fewer are a burst of the background as often as a reflection


@dataclass(frozen=True)
class ScanPeak:
    """The largest peak of a scan.

    Parameters
    ----------
    significance : of its highest point, standard deviations above background
    top : index of that point
    middle : where the peak's middle is, in points; the middle of what lies above half of its height
    width : full width at half maximum, in points
    height : counts of that point above background
    area : counts above background, of the points that belong to it
    background : counts a point
    """

    significance: float
    top: int
    middle: float
    width: float
    height: float
    area: float
    background: float

    @property
    def there(self) -> bool:
        """Whether it is one at all."""
        return self.significance >= SIGNIFICANT


def largest_peak(counts: Float64Array, seconds: Float64Array) -> ScanPeak:
    """Return the largest peak of a scan, (p,) counts in (p,) seconds; points of 0 s are left out.

    The background is the rate that a fifth of the points stay below, corrected for its being so low a quantile.
    """
    counted = seconds > 0.0
    rate = np.where(counted, counts / np.maximum(seconds, 1e-9), 0.0)
    usual = float(np.median(seconds[counted])) if counted.any() else 1.0
    if not counted.any():
        return ScanPeak(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    low = float(np.quantile(rate[counted], 0.2)) * usual
    background = low + 0.84 * np.sqrt(low + 0.25)
    expected = background / usual * seconds
    excess = counts - expected
    sigma = np.sqrt(np.maximum(expected, 0.5))
    score = np.where(counted, excess / sigma, -np.inf)
    top = int(np.argmax(np.where(counted, excess / np.maximum(seconds, 1e-9), -np.inf)))
    height = float(excess[top])
    significance = float(score[top]) if height >= _LEAST_COUNTS else 0.0
    half = 0.5 * height
    left, right = top, top
    while left > 0 and excess[left - 1] > half:
        left -= 1
    while right < len(excess) - 1 and excess[right + 1] > half:
        right += 1
    start = _crossing(excess, left, left - 1, half)
    end = _crossing(excess, right, right + 1, half)
    reach = max(int(np.ceil(end - start)), 2)
    part = slice(max(0, left - reach), min(len(excess), right + reach + 1))
    return ScanPeak(significance, top, 0.5 * (start + end), end - start, height, float(excess[part].sum()), background)


def _crossing(excess: Float64Array, inside: int, outside: int, half: float) -> float:
    """Return where, between two neighbouring points, the counts cross half of the height."""
    if not 0 <= outside < len(excess):
        return inside + 0.5 * float(np.sign(outside - inside))
    fall = float(excess[inside] - excess[outside])
    share = 1.0 if fall <= 0.0 else float(np.clip((excess[inside] - half) / fall, 0.0, 1.0))
    return float(inside + (outside - inside) * share)


def points_until_peak(counts: Float64Array, seconds: Float64Array) -> int:
    """Return after how many points a scan has shown a peak and has left it behind; all of them where there is none.

    Parameters
    ----------
    counts, seconds : (p,) of each point; what an instrument knows while it scans is used point after point
    """
    for done in range(_LEAST_POINTS, len(counts)):
        peak = largest_peak(counts[:done], seconds[:done])
        if peak.there and peak.top < done - 1 and counts[done - 1] - peak.background < 0.5 * peak.height:
            return done
    return len(counts)


def peaks_of(counts: Float64Array, seconds: Float64Array, most: int) -> list[ScanPeak]:
    """Return the peaks of a scan, the highest first, at most so many."""
    left, time = counts.copy(), seconds.copy()
    found: list[ScanPeak] = []
    while len(found) < most:
        peak = largest_peak(left, time)
        if not peak.there:
            break
        if found and peak.area < _SHOULDER * found[0].area:
            break
        reach = 2 * max(int(np.ceil(peak.width)), 1) + 1
        found.append(peak)
        time[max(0, peak.top - reach) : peak.top + reach + 1] = 0.0
    return found
