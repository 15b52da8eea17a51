"""The Fermi level: given, as the file has it, or fitted to the edge, with its uncertainty and its doubts."""

import warnings
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import expit

from beamgym.physics.arpes.load.labelled import LoadError
from beamgym.physics.arrays import Float64Array

BROAD_EV: Final = 0.06
"""Width of a logistic edge that no metal has, eV: room temperature gives kT = 0.026."""

_REACH_EV = 0.2  # below its onset, in which an edge reaches half its height
_REACHES_EV = (0.4, 0.2, 0.1, 0.06)  # below the half height that are fitted: a band may be near, or there is no room
_LEAST_FITTED = 10  # pixels, for five parameters
_FIRST_WIDTH_EV = 0.02
_SIGNIFICANT = 5.0
_MODEL = 1.0  # of the width: how far a band near the edge draws it, at one standard deviation
_SOURCES = {
    "given": "given",
    "file": "as the file has it",
    "fitted": "fitted to the edge",
    "photon": "by the photon energy",
}
_APART_EV = 0.05  # between a stated and a fitted level, beyond which that is said
_FAR_EV = 0.4  # between a fitted level and the photon energy: bias, work function and calibration
_UNFITTED_EV = 0.1
_LEAST_ABOVE = 3  # pixels above the edge, from which the floor is taken


@dataclass(frozen=True)
class FermiLevel:
    """Where the Fermi level lies on a file's energy axis.

    Parameters
    ----------
    value_ev : on that axis
    uncertainty_ev : one standard deviation; 0 where it was given
    source : "given", "file", "fitted", "photon" (of the photon energy), or "none": not known, energies stay kinetic
    doubts : what speaks against it, a line each
    """

    value_ev: float
    uncertainty_ev: float
    source: str
    doubts: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The level, its uncertainty and where it is from."""
        if self.source == "none":
            return "not known: the energies are kinetic"
        spread = f" ± {self.uncertainty_ev:.3f}" if self.uncertainty_ev else ""
        return f"{self.value_ev:.3f}{spread} eV, {_SOURCES[self.source]}"


@dataclass(frozen=True)
class FermiEdge:
    """An edge, ``floor + (a + b (E − E0)) / (1 + exp((E − E0) / width))``: place and spread, width, height in σ."""

    value_ev: float
    uncertainty_ev: float
    width_ev: float
    significance: float


def fit_edge(energy_ev: Float64Array, counts: Float64Array) -> FermiEdge | None:
    """Fit the uppermost edge of a spectrum summed over angles.

    Parameters
    ----------
    energy_ev : (e,) rising
    counts : (e,) summed over everything else

    Returns
    -------
    FermiEdge; None where there is no edge of five standard deviations, or nothing above it

    Notes
    -----
    Its uncertainty is that of the fit, whose errors are scaled to χ² = n, and the width: a band that
    crosses near the edge draws it by as much.
    """
    begin = _half_height(energy_ev, counts)
    if begin is None:
        return None
    fitted = [_fitted(energy_ev, counts, *begin, reach) for reach in _REACHES_EV]
    found = [edge for edge in fitted if edge is not None and edge.significance >= _SIGNIFICANT]
    if not found:
        return None
    best = min(found, key=lambda edge: edge.uncertainty_ev)
    return replace(best, uncertainty_ev=float(np.hypot(best.uncertainty_ev, _MODEL * best.width_ev)))


def _fitted(
    energy_ev: Float64Array, counts: Float64Array, place: float, floor: float, reach_ev: float
) -> FermiEdge | None:
    """Return the edge fitted from ``reach_ev`` below the half height on; None where the fit does not converge."""
    chosen = energy_ev > place - reach_ev
    energy, height = energy_ev[chosen], counts[chosen]
    if energy.size < _LEAST_FITTED:
        return None
    # The unit of the counts is not known yet: only the proportion of the errors matters, χ² sets their size.
    sigma = np.sqrt(np.maximum(height, max(floor, 1e-3 * float(height.max()), 1e-300)))
    first = (place, _FIRST_WIDTH_EV, float(np.max(height) - floor), 0.0, floor)
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            found, spread = curve_fit(_edge, energy, height, p0=first, sigma=sigma, maxfev=4000)
    except (RuntimeError, ValueError):
        return None
    error = np.sqrt(np.diag(spread))
    if not np.isfinite(error).all() or not energy[0] < found[0] < energy[-1] or found[2] <= 0:
        return None
    width = abs(float(found[1]))
    return FermiEdge(float(found[0]), float(error[0]), width, float(found[2] / max(error[2], 1e-300)))


def fermi_level(
    energy_ev: Float64Array,
    counts: Float64Array,
    kinetic: bool,
    given_ev: float | None = None,
    photon_ev: float | None = None,
    work_function_ev: float = 4.4,
    needed: bool = True,
) -> FermiLevel:
    """Find the Fermi level on an energy axis.

    Parameters
    ----------
    energy_ev : (e,) rising, kinetic or relative to what the file calls the Fermi level
    counts : (e,) summed over everything else
    kinetic : which of both
    given_ev : by the user, on this axis
    photon_ev, work_function_ev : where the Fermi level of kinetic energies is to be expected
    needed : whether there is no use of the spectra without it

    Returns
    -------
    FermiLevel

    Raises
    ------
    LoadError : kinetic energies without an edge and without a photon energy, where the level is needed
    """
    edge = fit_edge(energy_ev, counts)
    if given_ev is not None:
        return FermiLevel(given_ev, 0.0, "given", tuple(_against(edge, given_ev)))
    if not kinetic:
        return FermiLevel(0.0, 0.0, "file", tuple(_against(edge, 0.0)))
    # Some analysers count kinetic energies from their own vacuum level, some from the Fermi level.
    expected = [] if photon_ev is None else [photon_ev, photon_ev - work_function_ev]
    if edge is not None:
        return FermiLevel(edge.value_ev, edge.uncertainty_ev, "fitted", tuple(_strange(edge, expected)))
    inside = [level for level in expected if energy_ev[0] <= level <= energy_ev[-1]]
    if len(inside) == 1:
        unseen = "no Fermi edge is seen; the level is that of the photon energy: check it, or give --fermi-level"
        return FermiLevel(inside[0], _UNFITTED_EV, "photon", (unseen,))
    if not needed:
        return FermiLevel(0.0, 0.0, "none")
    raise LoadError("no Fermi edge is found on the kinetic energies; give the Fermi level: --fermi-level EV")


def _against(edge: FermiEdge | None, level_ev: float) -> list[str]:
    """Return what a fitted edge says against a stated level: that it lies elsewhere, where it is an edge at all."""
    if edge is None or edge.width_ev > BROAD_EV:
        return []
    apart = edge.value_ev - level_ev
    if abs(apart) < max(_APART_EV, 3.0 * edge.uncertainty_ev):
        return []
    return [f"the edge lies at {apart:+.3f} ± {edge.uncertainty_ev:.3f} eV from the Fermi level; see --fermi-level"]


def _strange(edge: FermiEdge, expected: list[float]) -> list[str]:
    found = []
    if edge.width_ev > BROAD_EV:
        found.append(f"the edge is {edge.width_ev:.2f} eV wide, more than a Fermi edge; see --fermi-level")
    if expected and min(abs(edge.value_ev - level) for level in expected) > _FAR_EV:
        levels = " or ".join(f"{level:.2f}" for level in expected)
        found.append(f"the edge lies at {edge.value_ev:.2f} eV, but the photon energy lets expect {levels}")
    return found


def _edge(energy: Float64Array, place: float, width: float, a: float, b: float, floor: float) -> Float64Array:
    fall = expit((place - energy) / max(abs(width), 1e-4))
    return np.asarray(floor + (a + b * (energy - place)) * fall)


def _half_height(energy_ev: Float64Array, counts: Float64Array) -> tuple[float, float] | None:
    """Return where the spectrum first reaches half its height, coming from above, and what lies above it."""
    top = max(_LEAST_ABOVE, energy_ev.size // 20)
    if energy_ev.size < 4 * top:
        return None
    smooth = np.convolve(np.pad(counts, 1, mode="edge"), np.full(3, 1.0 / 3.0), mode="valid")
    floor = float(np.median(counts[-top:]))
    noise = max(float(np.sqrt(max(floor, 1.0))), float(np.std(counts[-top:])))
    above = smooth > floor + _SIGNIFICANT * noise / np.sqrt(3.0)
    steady = np.flatnonzero(above[2:] & above[1:-1] & above[:-2])
    if not steady.size or steady[-1] + 2 >= energy_ev.size - top:
        return None
    onset = steady[-1] + 2
    near = (energy_ev > energy_ev[onset] - _REACH_EV) & (energy_ev <= energy_ev[onset])
    half = floor + 0.5 * (float(smooth[near].max()) - floor)
    return float(energy_ev[np.flatnonzero(near & (smooth >= half))[-1]]), floor
