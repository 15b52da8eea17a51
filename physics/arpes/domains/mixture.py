"""The mixture fit: shifted copies of one unknown spectrum, as likely as they make counts that were not fitted."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arpes.domains.answer import CutDomains, alone, pair
from beamgym.physics.arpes.domains.mixture_kernels import fit_copies
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.counts import thin

_STARTS = (0.35, 0.65)


@dataclass(frozen=True)
class MixtureSettings:
    """How the mixture fit decides; the defaults were tuned on cuts of their own (docs/domains.md).

    Parameters
    ----------
    threshold : of evidence for two, per 10⁴ electrons
    contrast : evidence is the log likelihood over one domain's, and so many times that over the middle of all shifts
    pairs : rows that are added up before the fit
    steps, every : of the fit, and between two judgements
    smallest_deg, largest_deg : offsets that are tried
    """

    threshold: float = 100.0
    contrast: float = 2.0
    pairs: int = 2
    steps: int = 6
    every: int = 1
    smallest_deg: float = 1.5
    largest_deg: float = 9.0


@dataclass(frozen=True, eq=False)
class MixtureScan:
    """What shifts are worth: offsets (s,) in degrees, log likelihood over one domain's (s,), lower weights (s,)."""

    offset_deg: Float64Array
    gain: Float64Array
    weight: Float64Array
    electrons: float


def scan_copies(
    counts: Float32Array, step_deg: float, settings: MixtureSettings | None = None, seed: int = 0
) -> MixtureScan:
    """Fit one domain and two at every shift to each half of a cut, and judge by the other half.

    Parameters
    ----------
    counts : (e, a) whole counts
    step_deg : between columns
    settings : by default the usual ones
    seed : of the halves
    """
    s = settings or MixtureSettings()
    rows = counts.shape[0] // s.pairs * s.pairs
    binned = np.rint(counts[:rows]).reshape(-1, s.pairs, counts.shape[1]).sum(1)
    halves = [half.astype(np.float32) for half in thin(binned, 0.5, np.random.default_rng(seed))]
    most = min(int(s.largest_deg / step_deg), counts.shape[1] - 24)
    shifts = np.arange(max(1, int(np.ceil(s.smallest_deg / step_deg))), most + 1)
    fitted = np.stack([_judged(halves, int(shift), s) for shift in shifts])
    one = _judged(halves, 0, s)[0, :, 0].max()
    best = fitted[..., 0].reshape(len(shifts), -1).argmax(1)
    likelihood, weight = (fitted[..., j].reshape(len(shifts), -1)[np.arange(len(shifts)), best] for j in (0, 1))
    return MixtureScan(shifts * step_deg, likelihood - one, weight, float(binned.sum()))


def mixture_fit(
    counts: Float32Array, step_deg: float, settings: MixtureSettings | None = None, seed: int = 0
) -> CutDomains:
    """Return one or two domains, whichever the mixture fit finds; parameters as of ``scan_copies``."""
    s = settings or MixtureSettings()
    return decided(scan_copies(counts, step_deg, s, seed), s)


def decided(scan: MixtureScan, settings: MixtureSettings) -> CutDomains:
    """Return the domains that a scan means."""
    best, unit = int(scan.gain.argmax()), max(scan.electrons, 1.0) / 1e4
    above = scan.gain[best] - np.median(scan.gain)
    if scan.gain[best] + settings.contrast * above < settings.threshold * unit:
        return alone()
    return pair(vertex(scan.offset_deg, scan.gain, best), float(scan.weight[best]))


def vertex(place: Float64Array, height: Float64Array, top: int) -> float:
    """Return where the parabola through a highest point and its neighbours is highest."""
    if not 0 < top < len(place) - 1:
        return float(place[top])
    left, middle, right = height[top - 1 : top + 2]
    curved = left - 2.0 * middle + right
    moved = 0.5 * (left - right) / curved if curved < 0 else 0.0
    return float(place[top] + moved * (place[1] - place[0]))


def _judged(halves: list[Float32Array], shift: int, s: MixtureSettings) -> Float64Array:
    """Return the log likelihood of both unseen halves and the mean weight, (starts, judgements, 2)."""
    starts = _STARTS if shift else (0.5,)
    out = np.zeros((len(starts), s.steps // s.every, 2))
    one = np.empty((s.steps // s.every, 2))
    for place, start in enumerate(starts):
        for seen, unseen in (halves, halves[::-1]):
            fit_copies(seen, unseen, shift, start, s.every, one)
            out[place] += one * np.array([1.0, 0.5])
    return out
