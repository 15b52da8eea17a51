"""The tables of an ``Experiment``: energies, intensities, widths and gaps of its domains along its cuts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.bands_models import GAP_KINDS, Geometry, cut_momentum, kinetic_energy_ev
from beamgym.physics.arpes.detection import Grid, Scene, Window
from beamgym.physics.arpes.experiment.conditions import Conditions
from beamgym.physics.arpes.experiment.parts import Domain
from beamgym.physics.arrays import Float32Array, Float64Array


def tabulated(conditions: Conditions, grid: Grid, deflection_deg: ArrayLike = 0.0) -> Scene:
    """Tabulate the bands along cuts at (d,) deflections: a scene of d samples on ``grid``."""
    deflection = np.atleast_1d(np.asarray(deflection_deg, dtype=np.float64))
    kinetic_energy_ev(grid.energy_ev[0], conditions.photon_energy_ev, conditions.work_function_ev)
    window = grid.window(conditions.resolution_ev, conditions.angle_fwhm_deg, nodes=5)
    parts = [domain_tables(conditions, domain, window, deflection) for domain in conditions.domains]
    energy, weight, broadening, gap, partner = (np.concatenate(group, axis=1) for group in zip(*parts, strict=True))
    n = deflection.size
    sigma = np.broadcast_to(
        conditions.self_energy(window.energy_ev - conditions.shift_ev), (n, 1, window.energy_ev.size)
    )
    return Scene(
        window,
        energy,
        weight,
        np.ascontiguousarray(sigma.real, dtype=np.float32),
        np.ascontiguousarray(sigma.imag, dtype=np.float32),
        temperature_k=conditions.temperature_k,
        energy_fwhm_ev=conditions.resolution_ev,
        angle_fwhm_deg=conditions.angle_fwhm_deg,
        fermi_ev=conditions.shift_ev,
        broadening_ev=broadening if conditions.kz else np.zeros((0, 0, 0), dtype=np.float32),
        gap_kind=np.full(n, GAP_KINDS[conditions.gap.kind]) if conditions.gap else np.zeros(0, dtype=np.int64),
        gap_ev=gap,
        partner_ev=partner,
        pair_breaking_ev=conditions.gap.pair_breaking_ev if conditions.gap else 0.0,
    )


def domain_tables(
    conditions: Conditions, domain: Domain, window: Window, deflection_deg: Float64Array
) -> tuple[Float32Array, ...]:
    """Return energies, weights, broadenings, gaps and partners of d cuts, as ``spectrum.Scene`` takes them."""
    geometry = conditions.geometry
    turned = Geometry(
        float(np.asarray(geometry.polar_deg)) + domain.polar_deg,
        float(np.asarray(geometry.tilt_deg)) + domain.tilt_deg,
        float(np.asarray(geometry.azimuth_deg)) + domain.azimuth_deg,
        geometry.slit,
    )
    photon = conditions.photon_energy_ev, conditions.work_function_ev
    momentum = cut_momentum(turned, window.slit_deg, window.nodes_ev, *photon, deflection_deg)
    middle = momentum[:, window.nodes // 2]
    energy = np.moveaxis(conditions.bands.energies(momentum), -1, 1)
    weight = np.moveaxis(_weights(conditions, middle, energy.shape[1]), -1, 1) * domain.share
    broadening = np.zeros_like(weight)
    if conditions.kz is not None:
        energy, weight, broadening = _spread(conditions, energy, weight, momentum, window)
    gap, partner = _gap(conditions, momentum, middle, energy)
    return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in (energy, weight, broadening, gap, partner))


def _weights(conditions: Conditions, momentum: Float64Array, bands: int) -> Float64Array:
    own = getattr(conditions.bands, "weights", None)
    given = conditions.band_weights
    weights = np.asarray(given if given is not None else (own() if own else np.ones(bands)), dtype=np.float64)
    if weights.shape not in ((), (1,), (bands,)):
        raise ValueError(f"band_weights must hold {bands} numbers, one for every band; found shape {weights.shape}")
    weight = np.broadcast_to(weights, (*momentum.shape[:-1], bands))
    if conditions.matrix_element is not None:
        factor = np.asarray(conditions.matrix_element(momentum), dtype=np.float64)
        weight = weight * (factor[..., None] if factor.ndim == momentum.ndim - 1 else factor)
    if not (np.all(np.isfinite(weight)) and np.all(weight >= 0)):
        raise ValueError("matrix elements and band weights must be finite and ≥ 0")
    return np.asarray(weight)


def _spread(
    conditions: Conditions, energy: Float64Array, weight: Float64Array, momentum: Float64Array, window: Window
) -> tuple[Float64Array, Float64Array, Float64Array]:
    assert conditions.kz is not None
    kinetic = kinetic_energy_ev(window.nodes_ev, conditions.photon_energy_ev, conditions.work_function_ev)[:, None]
    shift, width = conditions.kz.shifts(momentum, kinetic)
    points = conditions.kz.points
    spread = energy[:, None] + np.moveaxis(shift, 0, 1)[:, :, None]
    wide = np.repeat(np.moveaxis(width[:, :, window.nodes // 2], 0, 1), energy.shape[1], axis=1)
    heavy = np.tile(weight / points, (1, points, 1))
    return spread.reshape(energy.shape[0], -1, *energy.shape[2:]), heavy, wide


def _gap(
    conditions: Conditions, momentum: Float64Array, middle: Float64Array, energy: Float64Array
) -> tuple[Float64Array, Float64Array]:
    kind = conditions.gap
    if kind is None:
        return np.zeros((0, 0, 0)), np.zeros((0, 0, 0, 0))
    gap = np.broadcast_to(kind.gap_ev(middle)[:, None], (*energy.shape[:2], energy.shape[3]))
    if kind.kind != "density wave":
        return gap, np.zeros((0, 0, 0, 0))
    other = np.moveaxis(conditions.bands.energies(momentum + np.asarray(kind.wave_vector)), -1, 1)
    return gap, other
