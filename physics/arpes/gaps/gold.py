"""The Fermi level and the resolution from the edge of a metal, such as gold, measured under the same conditions."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import curve_fit
from scipy.special import expit

from beamgym.physics.arpes.detection import BOLTZMANN_EV, FWHM_PER_SIGMA
from beamgym.physics.arrays import Float64Array

_NODES = 41
_REACH = 4.0


@dataclass(frozen=True)
class GoldEdge:
    """A metal's edge.

    Parameters
    ----------
    fermi_ev, fermi_error_ev : on the file's energy axis, one standard deviation
    resolution_ev, resolution_error_ev : full width at half maximum
    square : χ² per degree of freedom
    """

    fermi_ev: float
    fermi_error_ev: float
    resolution_ev: float
    resolution_error_ev: float
    square: float


def fit_gold(
    energy_ev: Float64Array, counts: Float64Array, temperature_k: float, resolution_ev: float | None = None
) -> GoldEdge:
    """Fit (a + b E) f(E − E_F) folded with a Gaussian, and a floor.

    Parameters
    ----------
    energy_ev : (n,) rising, about the edge
    counts : (n,) summed over angles
    temperature_k : of the metal
    resolution_ev : full width at half maximum; fitted where None

    Returns
    -------
    GoldEdge; errors are scaled to χ² = n where that is larger

    Raises
    ------
    ValueError : a fit that does not converge, or an edge outside the energies
    """
    kt = BOLTZMANN_EV * temperature_k
    nodes = np.linspace(-_REACH, _REACH, _NODES)
    share = np.exp(-0.5 * nodes**2) / np.exp(-0.5 * nodes**2).sum()

    def edge(
        energy: Float64Array,
        place: float,
        a: float,
        b: float,
        floor: float,
        log_width: float = np.log(resolution_ev or 1.0),
    ) -> Float64Array:
        away = energy[:, None] - place - nodes * np.exp(log_width) / FWHM_PER_SIGMA
        return np.asarray((((a + b * away) * expit(-away / kt)) * share).sum(axis=1) + floor)

    first = [*_begin(energy_ev, counts), *([np.log(0.01)] if resolution_ev is None else [])]
    sigma = np.sqrt(np.maximum(counts, 1.0))
    try:
        found, spread = curve_fit(edge, energy_ev, counts, p0=first, sigma=sigma, absolute_sigma=True, maxfev=4000)
    except RuntimeError:
        raise ValueError("the gold reference's edge cannot be fitted; cut it to within 0.3 eV of the edge") from None
    square = float((((edge(energy_ev, *found) - counts) / sigma) ** 2).sum()) / max(counts.size - len(first), 1)
    error = np.sqrt(np.diag(spread) * max(square, 1.0))
    if not energy_ev[0] < found[0] < energy_ev[-1] or not np.isfinite(error).all():
        raise ValueError("the gold reference's edge lies outside its energies; is it measured about the Fermi level?")
    width, spread_of = (float(np.exp(found[4])), float(error[4])) if resolution_ev is None else (resolution_ev, 0.0)
    return GoldEdge(float(found[0]), float(error[0]), width, width * spread_of, square)


def _begin(energy_ev: Float64Array, counts: Float64Array) -> tuple[float, float, float, float]:
    """Return where a fit begins: the uppermost energy at half height, height, slope, floor."""
    top, floor = float(np.quantile(counts, 0.98)), float(np.median(counts[-max(3, counts.size // 20) :]))
    above = np.flatnonzero(counts > floor + 0.5 * (top - floor))
    if top <= floor or not above.size:
        raise ValueError("the gold reference shows no edge: nothing rises above its floor; is it the right file?")
    return float(energy_ev[above[-1]]), top - floor, 0.0, floor
