"""The tables of one domain of an ``Experiment``: energies, intensities, widths and gaps along its cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beamgym.physics.arpes.bands_models import Geometry, cut_momentum, kinetic_energy_ev
from beamgym.physics.arpes.detection import Window
from beamgym.physics.arpes.experiment.parts import Domain
from beamgym.physics.arrays import Float32Array, Float64Array

if TYPE_CHECKING:
    from beamgym.physics.arpes.experiment.experiment import Experiment


def domain_tables(
    experiment: Experiment, domain: Domain, window: Window, deflection_deg: Float64Array
) -> tuple[Float32Array, ...]:
    """Return energies, weights, broadenings, gaps and partners of d cuts, as ``spectrum.Scene`` takes them."""
    geometry = experiment.geometry
    turned = Geometry(
        float(np.asarray(geometry.polar_deg)) + domain.polar_deg,
        float(np.asarray(geometry.tilt_deg)) + domain.tilt_deg,
        float(np.asarray(geometry.azimuth_deg)) + domain.azimuth_deg,
        geometry.slit,
    )
    photon = experiment.photon_energy_ev, experiment.work_function_ev
    momentum = cut_momentum(turned, window.slit_deg, window.nodes_ev, *photon, deflection_deg)
    middle = momentum[:, window.nodes // 2]
    energy = np.moveaxis(experiment.bands.energies(momentum), -1, 1)
    weight = np.moveaxis(_weights(experiment, middle, energy.shape[1]), -1, 1) * domain.share
    broadening = np.zeros_like(weight)
    if experiment.kz is not None:
        energy, weight, broadening = _spread(experiment, energy, weight, momentum, window)
    gap, partner = _gap(experiment, momentum, middle, energy)
    return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in (energy, weight, broadening, gap, partner))


def _weights(experiment: Experiment, momentum: Float64Array, bands: int) -> Float64Array:
    own = getattr(experiment.bands, "weights", None)
    given = experiment.band_weights
    weights = np.asarray(given if given is not None else (own() if own else np.ones(bands)), dtype=np.float64)
    if weights.shape not in ((), (1,), (bands,)):
        raise ValueError(f"band_weights must hold {bands} numbers, one for every band; found shape {weights.shape}")
    weight = np.broadcast_to(weights, (*momentum.shape[:-1], bands))
    if experiment.matrix_element is not None:
        factor = np.asarray(experiment.matrix_element(momentum), dtype=np.float64)
        weight = weight * (factor[..., None] if factor.ndim == momentum.ndim - 1 else factor)
    if not (np.all(np.isfinite(weight)) and np.all(weight >= 0)):
        raise ValueError("matrix elements and band weights must be finite and ≥ 0")
    return np.asarray(weight)


def _spread(
    experiment: Experiment, energy: Float64Array, weight: Float64Array, momentum: Float64Array, window: Window
) -> tuple[Float64Array, Float64Array, Float64Array]:
    assert experiment.kz is not None
    kinetic = kinetic_energy_ev(window.nodes_ev, experiment.photon_energy_ev, experiment.work_function_ev)[:, None]
    shift, width = experiment.kz.shifts(momentum, kinetic)
    points = experiment.kz.points
    spread = energy[:, None] + np.moveaxis(shift, 0, 1)[:, :, None]
    wide = np.repeat(np.moveaxis(width[:, :, window.nodes // 2], 0, 1), energy.shape[1], axis=1)
    heavy = np.tile(weight / points, (1, points, 1))
    return spread.reshape(energy.shape[0], -1, *energy.shape[2:]), heavy, wide


def _gap(
    experiment: Experiment, momentum: Float64Array, middle: Float64Array, energy: Float64Array
) -> tuple[Float64Array, Float64Array]:
    kind = experiment.gap
    if kind is None:
        return np.zeros((0, 0, 0)), np.zeros((0, 0, 0, 0))
    gap = np.broadcast_to(kind.gap_ev(middle)[:, None], (*energy.shape[:2], energy.shape[3]))
    if kind.kind != "density wave":
        return gap, np.zeros((0, 0, 0, 0))
    other = np.moveaxis(experiment.bands.energies(momentum + np.asarray(kind.wave_vector)), -1, 1)
    return gap, other
