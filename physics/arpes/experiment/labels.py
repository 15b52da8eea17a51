"""Scores of what an ``Experiment`` measured: `paper` and `v2` of a cut, and of every slice of a cube."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.bands_models import WAVENUMBER
from beamgym.physics.arpes.detection import Background, detected
from beamgym.physics.arpes.experiment.conditions import Conditions
from beamgym.physics.arpes.experiment.parts import Spectrum, Value
from beamgym.physics.arpes.score import Scores, paper_scores, v2_scores
from beamgym.physics.arrays import Float64Array


def cut_labels(conditions: Conditions, spectrum: Spectrum, events: float) -> dict[str, Value]:
    """Return the scores of a cut (e, a) by name: ``paper.total``, ``v2.sharpness``, …

    Parameters
    ----------
    conditions : under which it was measured
    spectrum : the cut
    events : electrons asked for
    """
    parts = (part[..., None] for part in (spectrum.arpes, spectrum.background, spectrum.counts))
    return {name: float(values[0]) for name, values in _scores(conditions, spectrum, events, *parts).items()}


def cube_labels(conditions: Conditions, spectrum: Spectrum, events: float) -> dict[str, Value]:
    """Return the scores of a cube's slices by name, (d,) each: a score is that of one (energy, slit) image."""
    return {**_scores(conditions, spectrum, events, spectrum.arpes, spectrum.background, spectrum.counts)}


def _scores(
    conditions: Conditions,
    spectrum: Spectrum,
    events: float,
    arpes: NDArray[np.float32],
    background: NDArray[np.float32],
    counts: NDArray[np.float32],
) -> dict[str, Float64Array]:
    ones = np.ones((1, *arpes.shape[:2]), dtype=np.float32)
    gain = detected(ones, Background(), conditions.response)[1]
    share = np.einsum("ea,ead->d", gain[0].astype(np.float64), arpes + background)
    asked = events * share / max(float(share.sum()), 1e-30)
    images = [(arpes[None, :, :, i], background[None, :, :, i]) for i in range(arpes.shape[2])]
    resolution, temperature = conditions.resolution_ev, conditions.temperature_k
    widths = -np.imag(self_energy_at(conditions, spectrum.axes["eV"]))
    per_degree = np.radians(1.0) * WAVENUMBER * np.sqrt(conditions.photon_energy_ev - conditions.work_function_ev)
    momentum, spread = per_degree * conditions.angle_fwhm_deg, per_degree * domain_spread_deg(conditions)
    paper = [
        paper_scores(
            *image, gain, resolution_ev=resolution, temperature_k=temperature, width_ev=widths[0], events=number
        )
        for image, number in zip(images, asked, strict=True)
    ]
    v2 = [
        v2_scores(
            *image, gain, resolution_ev=resolution, temperature_k=temperature, width_ev=widths.min(), events=number,
            momentum_fwhm_inv_a=momentum, spread_inv_a=spread,
        )
        for image, number in zip(images, counts.sum((0, 1), dtype=np.float64), strict=True)
    ]  # fmt: skip
    return {f"{kind}.{name}": values for kind, part in (("paper", paper), ("v2", v2)) for name, values in _named(part)}


def self_energy_at(conditions: Conditions, energy_ev: Float64Array) -> NDArray[np.complex128]:
    """Return Σ (e,) at energies of the spectrum, eV, counted from the sample's own Fermi level."""
    sigma = np.asarray(conditions.self_energy(energy_ev - conditions.shift_ev), dtype=np.complex128)
    return np.broadcast_to(sigma, energy_ev.shape)


def domain_spread_deg(conditions: Conditions) -> float:
    """Return the standard deviation of the domains' normals, weighted by their shares, in degrees."""
    share = np.array([domain.share for domain in conditions.domains], dtype=np.float64)
    angles = np.array([[domain.polar_deg, domain.tilt_deg] for domain in conditions.domains])
    share /= share.sum()
    return float(np.sqrt((share[:, None] * (angles - share @ angles) ** 2).sum()))


def _named(slices: list[Scores]) -> list[tuple[str, Float64Array]]:
    names = [field.name for field in fields(Scores)]
    return [(name, np.concatenate([getattr(scores, name) for scores in slices])) for name in names]
