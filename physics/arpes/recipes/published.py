"""The `published` recipe: spectra drawn and processed as by the script that trained the published network.

Ranges and steps are those of Na et al. (arXiv 2508.15983) as their code aurelia 0.1.0 carries them out, faults
included, since spectra like theirs are wanted; docs/arpes_datasets.md lists what differs. `full` does it right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.bands_models import kinetic_energy_ev
from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arpes.detection import INVERSE, Grid
from beamgym.physics.arpes.recipes.batch import Batch
from beamgym.physics.arpes.recipes.draws import Draws
from beamgym.physics.arpes.recipes.published_cut_kernels import EDGES
from beamgym.physics.arpes.recipes.published_kernels import Cuts, simulate_cuts
from beamgym.physics.arpes.score import (
    AURELIA_BOLTZMANN_EV,
    REFERENCE_COUNTS,
    Scores,
    paper_total,
    v2_sharpness,
    v2_total,
)
from beamgym.physics.arrays import Float64Array, Int64Array

PUBLISHED_LATTICES: Final = ("rectangle", "square", "hexagonal", "honeycomb")
"""Lattices in the order of the parameter ``lattice``."""

ENERGY_EV: Final = (-0.55, 0.15)
"""Window in E − E_F, eV."""

RANGES: Final[dict[str, tuple[float, float]]] = {
    "momentum_inv_a": (0.5, 1.0),
    "onsite_ev": (-1.0, 0.0),
    "hopping_ev": (-1.0, 1.0),
    "hopping_ratio": (0.0, 1.0),
    "width_slope_inv_ev": (0.05, 0.25),
    "resolution_ev": (0.005, 0.2),
    "momentum_fwhm_inv_a": (0.01, 0.06),
    "temperature_k": (5.0, 50.0),
    "work_function_ev": (4.0, 5.0),
    "polar_deg": (-10.0, 10.0),
    "flat": (0.01, 0.2),
    "shirley": (0.01, 0.2),
    "polynomial": (0.01, 0.2),
    "sensitivity": (0.8, 1.0),
    "events": (1e4, 1e5),
}
"""Ranges of the uniform draws; amplitudes of backgrounds as fractions of the brightest pixel of the bands."""

WIDTH_FLOOR_EV: Final = 0.01
"""−Im Σ at the Fermi level, eV."""

_FOLDS: Final = ((1, 2), (1, 1, 2, 2, 4), (1, 1, 2, 2, 2, 3, 3, 3), (1, 1, 2, 2, 2, 3, 3, 3))
_ENERGY_OF_MOMENTUM: Final = 7.634  # eV Å²: photon energy follows the momentum window, generously (ħ²/2m is 3.81)
_UNIFORMS: Final = 64
_NORMALS: Final = 61


@dataclass(frozen=True, eq=False)
class PublishedParameters:
    """Parameters drawn for n spectra.

    Parameters
    ----------
    lattice : (n,) index into ``PUBLISHED_LATTICES``
    bands : (n,) 1 to 4 site energies; a honeycomb has two bands for each
    low_inv_a, high_inv_a : (n, 2) momentum window along the slit and across it
    onsite_ev, hopping_ev, hopping_ratio : (n, 4), (n, 4, 2), (n, 4, 2) tight-binding parameters
    across_inv_a : (n,) momentum across the slit at which is cut
    element_order, element_coefficients, element_fold : (n,), (n, 36), (n,) polynomial and symmetry, matrix element
    amplitude, width_slope_inv_ev : (n, 8) of every band: intensity, and v in −Im Σ = v ω² + 0.01 eV
    temperature_k, resolution_ev, momentum_fwhm_inv_a : (n,) electrons, and the resolutions as FWHM
    photon_ev, work_function_ev, polar_deg : (n,) geometry
    flat, shirley, polynomial : (n,) amplitudes of the backgrounds
    ground_order, ground_coefficients : (n,), (n, 25) polynomial in the slit angle in rad and the kinetic energy in eV
    sensitivity : (n,) how much the detector's response falls towards each edge
    events : (n,) electrons counted
    """

    lattice: Int64Array
    bands: Int64Array
    low_inv_a: Float64Array
    high_inv_a: Float64Array
    onsite_ev: Float64Array
    hopping_ev: Float64Array
    hopping_ratio: Float64Array
    across_inv_a: Float64Array
    element_order: Int64Array
    element_coefficients: Float64Array
    element_fold: Int64Array
    amplitude: Float64Array
    width_slope_inv_ev: Float64Array
    temperature_k: Float64Array
    resolution_ev: Float64Array
    momentum_fwhm_inv_a: Float64Array
    photon_ev: Float64Array
    work_function_ev: Float64Array
    polar_deg: Float64Array
    flat: Float64Array
    shirley: Float64Array
    polynomial: Float64Array
    ground_order: Int64Array
    ground_coefficients: Float64Array
    sensitivity: Float64Array
    events: Int64Array

    def __len__(self) -> int:
        return len(self.lattice)

    def __post_init__(self) -> None:
        n = len(self.lattice)
        for name in (
            "resolution_ev",
            "momentum_fwhm_inv_a",
            "temperature_k",
            "events",
            "flat",
            "shirley",
            "polynomial",
        ):
            at_least_zero(name, getattr(self, name), n)
        if n and not (
            np.isin(self.lattice, range(len(PUBLISHED_LATTICES))).all() and np.isin(self.bands, range(1, 5)).all()
        ):
            raise ValueError(f"lattice must be 0 to {len(PUBLISHED_LATTICES) - 1} and bands 1 to 4")

    @property
    def band_count(self) -> Int64Array:
        """(n,) bands in the spectrum."""
        return np.asarray(np.where(self.lattice == 3, 2, 1) * self.bands)


def draw_published(keys: NDArray[np.uint64], grid: Grid) -> PublishedParameters:
    """Draw the parameters of n spectra.

    Parameters
    ----------
    keys : (n,) random keys; a spectrum's numbers depend on its own only
    grid : of which the energies matter: the photon energy is chosen for the lowest to be photoemitted

    Returns
    -------
    PublishedParameters
    """
    draws = Draws(keys, _UNIFORMS, _NORMALS)
    lattice = draws.whole(0, 4)
    low, high = -draws.between(*RANGES["momentum_inv_a"], 2), draws.between(*RANGES["momentum_inv_a"], 2)
    across = draws.unit()
    work_function = draws.between(*RANGES["work_function_ev"])
    reach = _ENERGY_OF_MOMENTUM * high.max(1) ** 2 - grid.energy_ev[0]
    return PublishedParameters(
        lattice=lattice,
        bands=draws.whole(1, 5),
        low_inv_a=low,
        high_inv_a=high,
        onsite_ev=draws.between(*RANGES["onsite_ev"], 4),
        hopping_ev=draws.between(*RANGES["hopping_ev"], 4, 2),
        hopping_ratio=draws.between(*RANGES["hopping_ratio"], 4, 2),
        across_inv_a=EDGES * (low[:, 1] + (high - low)[:, 1] * across),
        element_order=draws.whole(1, 6),
        element_coefficients=draws.normal(36),
        element_fold=_folds(lattice, draws.unit()),
        amplitude=draws.unit(8),
        width_slope_inv_ev=draws.between(*RANGES["width_slope_inv_ev"], 8),
        temperature_k=draws.between(*RANGES["temperature_k"]),
        resolution_ev=draws.between(*RANGES["resolution_ev"]),
        momentum_fwhm_inv_a=draws.between(*RANGES["momentum_fwhm_inv_a"]),
        photon_ev=reach + work_function + 5.0 + 5.0 * draws.unit(),
        work_function_ev=work_function,
        polar_deg=draws.between(*RANGES["polar_deg"]),
        flat=draws.between(*RANGES["flat"]),
        shirley=draws.between(*RANGES["shirley"]),
        polynomial=draws.between(*RANGES["polynomial"]),
        ground_order=draws.whole(0, 5),
        ground_coefficients=draws.normal(25),
        sensitivity=draws.between(*RANGES["sensitivity"]),
        events=draws.between(*RANGES["events"]).astype(np.int64),
    )


def simulate_published(
    parameters: PublishedParameters, grid: Grid, keys: NDArray[np.uint64], clean: bool = False
) -> Batch:
    """Simulate and score n spectra.

    Parameters
    ----------
    parameters : of n spectra
    grid : its energies and its number of angles are used; the angles themselves follow each momentum window
    keys : (n,) random keys of the counting noise
    clean : also return the noise-free bands and the background

    Returns
    -------
    Batch

    Raises
    ------
    ValueError : a photon energy below the work function, a window that reaches below the vacuum level
    """
    n, (rows, columns) = len(parameters), grid.shape
    kinetic_energy_ev(grid.energy_ev[0], parameters.photon_ev, parameters.work_function_ev)  # raises below the vacuum
    counts = np.empty((n, rows, columns), dtype=np.float32)
    arpes = np.empty((n if clean else 0, rows, columns), dtype=np.float32)
    ground = np.empty_like(arpes)
    parts, slit = np.empty((n, 4)), np.empty((n, columns))
    simulate_cuts(_cuts(parameters), grid.energy_ev, keys, INVERSE, counts, arpes, ground, parts, slit)
    paper, v2 = _paper(parameters, parts, grid.energy_ev[0]), _v2(parameters, parts)
    return Batch("published", keys, counts, grid.energy_ev, np.degrees(slit), paper, v2, parameters, arpes, ground)


def lowest_width_ev(parameters: PublishedParameters, energy_ev: float) -> Float64Array:
    """Return the smallest −Im Σ of each spectrum's bands at one energy, (n,) in eV."""
    used = np.arange(8) < parameters.band_count[:, None]
    slope = np.where(used, parameters.width_slope_inv_ev, np.inf).min(1)
    return np.asarray(slope * energy_ev**2 + WIDTH_FLOOR_EV)


def _folds(lattice: Int64Array, unit: Float64Array) -> Int64Array:
    options = [np.asarray(folds) for folds in _FOLDS]
    chosen = [folds[(unit * len(folds)).astype(np.int64)] for folds in options]
    return np.asarray(np.choose(lattice, chosen))


def _cuts(p: PublishedParameters) -> Cuts:
    levels = np.stack([p.flat, p.shirley, p.polynomial], axis=1)
    floor = np.full(len(p), WIDTH_FLOOR_EV)
    return Cuts(
        p.lattice, p.bands, p.low_inv_a, p.high_inv_a, p.onsite_ev, p.hopping_ev, p.hopping_ratio, p.across_inv_a,
        p.element_order, p.element_coefficients, p.element_fold, p.amplitude, p.width_slope_inv_ev, floor,
        p.temperature_k, p.resolution_ev, p.momentum_fwhm_inv_a, p.photon_ev - p.work_function_ev,
        np.radians(p.polar_deg), levels, p.ground_order, p.ground_coefficients, p.sensitivity, p.events,
    )  # fmt: skip


def _paper(p: PublishedParameters, parts: Float64Array, lowest_ev: float) -> Scores:
    width = lowest_width_ev(p, lowest_ev)
    blur = np.sqrt(p.resolution_ev**2 + (AURELIA_BOLTZMANN_EV * p.temperature_k) ** 2 + width**2)
    sharpness = np.maximum(0.0, 1.0 - blur)
    counts = np.minimum(1.0, p.events / REFERENCE_COUNTS)
    feature, contrast = parts[:, 0].copy(), parts[:, 1].copy()
    return Scores(feature, sharpness, contrast, counts, paper_total(feature, sharpness, contrast, counts))


def _v2(p: PublishedParameters, parts: Float64Array) -> Scores:
    sharpness = v2_sharpness(p.resolution_ev, p.temperature_k, WIDTH_FLOOR_EV, p.momentum_fwhm_inv_a)
    counts = np.minimum(1.0, p.events / REFERENCE_COUNTS)
    feature, contrast = parts[:, 2].copy(), parts[:, 3].copy()
    return Scores(feature, sharpness, contrast, counts, v2_total(feature, sharpness, contrast, counts))
