"""The `full` recipe: every feature of the simulator, drawn over ranges wider than the published ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.bands_models import coefficients
from beamgym.physics.arpes.checks import at_least_zero
from beamgym.physics.arpes.detection import SpaceCharge
from beamgym.physics.arpes.recipes.draws import Draws
from beamgym.physics.arrays import Float64Array, Int64Array

SURFACE_KINDS: Final = ("square", "rectangular", "hexagonal", "honeycomb", "dirac")
"""Surfaces in the order of the parameter ``surface``: four lattices, and a Dirac surface state over its bulk."""

MECHANISMS: Final = ("Fermi liquid", "electron–boson", "marginal")
"""Self-energies in the order of the parameter ``mechanism``; each has an impurity width besides."""

DETECTOR_MODES: Final = ("counting", "counting with dead time", "ADC")
"""Detectors in the order of the parameter ``detector``."""

ORBITAL_NAMES: Final = ("s", "px", "py", "pz", "dxy", "dxz", "dyz", "dx2-y2", "dz2")
"""Orbitals in the order of the parameter ``orbital``."""

DOMAINS: Final = 3
SITES: Final = 4
SLICES: Final = 3
GAIN_MAPS: Final = 6
DIRAC_BANDS: Final = 2 + 2 * SLICES


@dataclass(frozen=True, eq=False)
class FullParameters:
    """Parameters drawn for n spectra.

    Parameters
    ----------
    surface, bands : (n,) index into ``SURFACE_KINDS``; number of bands
    constants_a, terms : (n, 2), (n, 4, 6) lattice constants in Å and tight-binding terms
    dirac, bulk : (n, 5), (n, 2, 3) as ``dirac.dirac_bands`` takes them
    domains : (n,) 1 to 3
    polar_deg, tilt_deg, azimuth_deg, share : (n, 3) of every domain; shares of those in use add up to 1
    photon_ev, work_function_ev : (n,)
    orbital, polarisation_deg, incidence_deg : (n,) of the dipole; orbital as an index into ``ORBITAL_NAMES``
    amplitude, ripple : (n, 8), (n, 8, 2, 2) of every band: intensity; strengths and phases of two lattice harmonics
    impurity_ev, mechanism, coupling, scale_ev : (n,) self-energy; v in 1/eV or λ; cut-off or boson energy in eV
    gap_kind, gap_ev, d_wave, pair_breaking_ev : (n,) gap at the temperature drawn, as ``spectrum.Scene`` takes it
    kz_hopping_ev, layer_a, escape_a : (n,) broadening along kz: hopping (0 for none), layer distance, escape depth
    temperature_k, resolution_ev, angle_fwhm_deg : (n,) electrons; resolutions as FWHM, space charge included
    fermi_ev : (n,) shift of the spectrum by charging and space charge
    constant, polynomial, ground, shirley : (n,), (n,), (n, 4, 4), (n,) backgrounds
    sensitivity, mesh_depth, mesh_period, mesh_phase, map_index : (n,) detector's response
    detector : (n,) index into ``DETECTOR_MODES``
    events : (n,) electrons counted; with dead time, electrons that arrive on average
    dead_time : (n,) what a pixel loses: m/(1 + m·dead_time) of m electrons are counted; 0 but for that detector
    """

    surface: Int64Array
    bands: Int64Array
    constants_a: Float64Array
    terms: Float64Array
    dirac: Float64Array
    bulk: Float64Array
    domains: Int64Array
    polar_deg: Float64Array
    tilt_deg: Float64Array
    azimuth_deg: Float64Array
    share: Float64Array
    photon_ev: Float64Array
    work_function_ev: Float64Array
    orbital: Int64Array
    polarisation_deg: Float64Array
    incidence_deg: Float64Array
    amplitude: Float64Array
    ripple: Float64Array
    impurity_ev: Float64Array
    mechanism: Int64Array
    coupling: Float64Array
    scale_ev: Float64Array
    gap_kind: Int64Array
    gap_ev: Float64Array
    d_wave: NDArray[np.bool_]
    pair_breaking_ev: Float64Array
    kz_hopping_ev: Float64Array
    layer_a: Float64Array
    escape_a: Float64Array
    temperature_k: Float64Array
    resolution_ev: Float64Array
    angle_fwhm_deg: Float64Array
    fermi_ev: Float64Array
    constant: Float64Array
    polynomial: Float64Array
    ground: Float64Array
    shirley: Float64Array
    sensitivity: Float64Array
    mesh_depth: Float64Array
    mesh_period: Float64Array
    mesh_phase: Float64Array
    map_index: Int64Array
    detector: Int64Array
    events: Int64Array
    dead_time: Float64Array

    def __len__(self) -> int:
        return len(self.surface)

    def __post_init__(self) -> None:
        n = len(self.surface)
        for name in ("resolution_ev", "angle_fwhm_deg", "temperature_k", "events", "impurity_ev"):
            at_least_zero(name, getattr(self, name), n)


def draw_full(keys: NDArray[np.uint64]) -> FullParameters:
    """Draw the parameters of n spectra.

    Parameters
    ----------
    keys : (n,) random keys; a spectrum's numbers depend on its own only

    Returns
    -------
    FullParameters
    """
    draws = Draws(keys, 320, 40)
    surface = draws.whole(0, len(SURFACE_KINDS))
    temperature = draws.decades(5.0, 300.0)
    return FullParameters(
        surface=surface,
        **_crystal(draws, surface),
        **_domains(draws),
        **_beam(draws),
        **_self_energy(draws),
        **_gap(draws, temperature, surface),
        kz_hopping_ev=np.where(draws.chance(0.3), draws.between(0.02, 0.15), 0.0),
        layer_a=draws.between(4.0, 12.0),
        escape_a=draws.between(4.0, 10.0),
        temperature_k=temperature,
        **_resolution(draws),
        **_ground(draws),
        **(detector := _detector(draws)),
        events=draws.decades(1e3, 1e6).astype(np.int64),
        dead_time=np.where(detector["detector"] == 1, draws.decades(0.01, 0.2), 0.0),
    )


def _crystal(draws: Draws, surface: Int64Array) -> dict[str, Any]:
    n = len(surface)
    sites = draws.whole(1, SITES + 1)
    a, b = draws.between(2.8, 6.0), draws.between(2.8, 6.0)
    onsite, near, near_b = draws.between(-1.0, 0.2, SITES), _signed(draws), _signed(draws)
    diagonal, second = near * draws.between(-0.4, 0.4, SITES), near * draws.between(-0.2, 0.2, SITES)
    second_b = near_b * draws.between(-0.2, 0.2, SITES)
    terms = np.zeros((n, SITES, 6))
    for code, name in enumerate(SURFACE_KINDS[:4]):
        at = surface == code
        extra = {"nearest_b_ev": near_b[at], "second_b_ev": second_b[at]} if name == "rectangular" else {}
        sites_ev, hopping_ev = _split(onsite[at], near[at]) if name == "honeycomb" else (onsite[at], near[at])
        terms[at] = coefficients(name, sites_ev, hopping_ev, diagonal[at], second[at], **extra)
    bands = np.where(surface == 3, 2 * ((sites + 1) // 2), np.where(surface == 4, DIRAC_BANDS, sites))
    point = draws.between(-0.5, -0.1)
    cone = [point, draws.between(2.0, 5.0), draws.between(-5.0, 10.0), draws.between(0.0, 200.0), np.zeros(n)]
    conduction = [point + draws.between(0.1, 0.4), draws.between(8.0, 20.0), draws.between(0.2, 0.8)]
    valence = [point - draws.between(0.05, 0.3), draws.between(-15.0, -4.0), draws.between(-1.0, -0.3)]
    bulk = np.stack([np.stack(conduction, 1), np.stack(valence, 1)], 1)
    constants = np.stack([a, np.where(surface == 1, b, a)], axis=1)
    return {"bands": bands, "constants_a": constants, "terms": terms, "dirac": np.stack(cone, 1), "bulk": bulk}


def _signed(draws: Draws) -> Float64Array:
    """Draw hopping energies in eV of either sign, large enough that no band is flat."""
    value = draws.between(-0.5, 0.5, SITES)
    return np.asarray(np.where(value >= 0.0, value + 0.08, value - 0.08))


def _split(onsite: Float64Array, near: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Draw the two bands, + and −, of a honeycomb for each site energy."""
    return np.repeat(onsite[:, ::2], 2, axis=1), np.repeat(np.abs(near[:, ::2]), 2, axis=1) * np.array([1, -1, 1, -1])


def _domains(draws: Draws) -> dict[str, Any]:
    several = draws.unit()
    count = np.where(several < 0.55, 1, np.where(several < 0.85, 2, 3))
    spread = draws.decades(0.2, 5.0)[:, None]
    part = np.arange(DOMAINS) > 0
    polar = draws.between(-10.0, 10.0)[:, None] + spread * draws.normal(DOMAINS) * part
    tilt = draws.between(-15.0, 15.0)[:, None] + spread * draws.normal(DOMAINS) * part
    twin = np.where(draws.chance(0.2)[:, None], 60.0, 0.0) * part
    azimuth = draws.between(0.0, 360.0)[:, None] + twin + spread * draws.normal(DOMAINS) * part
    weight = np.concatenate([np.ones((len(count), 1)), draws.between(0.1, 0.9, DOMAINS - 1)], axis=1)
    weight = np.where(np.arange(DOMAINS) < count[:, None], weight, 0.0)
    return {
        "domains": count,
        "polar_deg": polar,
        "tilt_deg": tilt,
        "azimuth_deg": azimuth,
        "share": weight / weight.sum(1, keepdims=True),
    }


def _beam(draws: Draws) -> dict[str, Any]:
    laser = draws.chance(0.15)
    photon = np.where(laser, draws.between(5.9, 11.0), draws.decades(15.0, 120.0))
    strengths, phases = draws.between(0.0, 0.5, 8, 2), draws.between(0.0, 2.0 * np.pi, 8, 2)
    return {
        "photon_ev": photon,
        "work_function_ev": draws.between(4.0, 5.0),
        "orbital": draws.whole(0, len(ORBITAL_NAMES)),
        "polarisation_deg": np.where(draws.chance(0.5), 0.0, 90.0),
        "incidence_deg": draws.between(30.0, 70.0),
        "amplitude": draws.between(0.2, 1.0, 8),
        "ripple": np.stack([strengths, phases], axis=-1),
    }


def _self_energy(draws: Draws) -> dict[str, Any]:
    mechanism = draws.whole(0, 3)
    slope, strength = draws.between(0.05, 0.5), draws.between(0.1, 1.0)
    return {
        "impurity_ev": draws.decades(0.004, 0.06),
        "mechanism": mechanism,
        "coupling": np.choose(mechanism, [slope, strength, 0.3 * strength]),
        "scale_ev": np.choose(
            mechanism, [draws.between(0.4, 1.0), draws.between(0.02, 0.12), np.full(len(slope), 0.5)]
        ),
    }


def _gap(draws: Draws, temperature: Float64Array, surface: Int64Array) -> dict[str, Any]:
    kind = np.searchsorted([0.75, 0.9], draws.unit(), side="right")
    kind = np.where((kind == 2) & (surface > 1), 0, kind)  # density waves on the square and rectangular lattices
    critical, size = draws.between(20.0, 150.0), draws.between(0.005, 0.05)
    opened = np.tanh(1.74 * np.sqrt(np.maximum(critical / temperature - 1.0, 0.0)))
    return {
        "gap_kind": np.where(opened > 0.0, kind, 0),
        "gap_ev": size * opened,
        "d_wave": draws.chance(0.5),
        "pair_breaking_ev": draws.between(0.001, 0.02),
    }


def _resolution(draws: Draws) -> dict[str, Any]:
    pulsed, electrons = draws.chance(0.2), draws.decades(10.0, 3e3)
    shift, width = SpaceCharge().apply(
        np.where(pulsed, electrons, 0.0), draws.between(0.1, 0.5), draws.decades(0.003, 0.2)
    )
    charging = np.where(draws.chance(0.15), draws.between(-0.1, 0.0), 0.0)
    return {
        "resolution_ev": np.minimum(width, 0.3),
        "angle_fwhm_deg": draws.decades(0.05, 2.0),
        "fermi_ev": np.minimum(shift, 0.1) + charging,
    }


def _ground(draws: Draws) -> dict[str, Any]:
    return {
        "constant": draws.decades(0.003, 0.3),
        "polynomial": np.where(draws.chance(0.5), draws.between(0.0, 0.2), 0.0),
        "ground": draws.normal(4, 4),
        "shirley": np.where(draws.chance(0.7), draws.between(0.0, 0.5), 0.0),
    }


def _detector(draws: Draws) -> dict[str, Any]:
    kind, mapped = draws.unit(), draws.chance(0.3)
    index = draws.whole(0, GAIN_MAPS)
    return {
        "sensitivity": np.where(draws.chance(0.6), draws.between(0.0, 0.95), 0.0),
        "mesh_depth": np.where(draws.chance(0.15), draws.between(0.05, 0.4), 0.0),
        "mesh_period": draws.between(6.0, 24.0),
        "mesh_phase": draws.unit(),
        "map_index": np.where(mapped, index, -1),
        "detector": np.searchsorted([0.7, 0.8], kind, side="right"),
    }
