"""What `beamgym speed` holds its rows against where no other program does the same: the same work in plain numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.constants import HC_KEV_A
from beamgym.scripts.speeds.silicon import back_reflection, silicon_back, small_panel
from beamgym.scripts.speeds.work import Work

LISTS, IMAGES = 16, 64
"""Of one call."""


def numpy_lists(crystal: str, seed: int) -> Work:
    """The spot lists of a crystal in numpy: whole arrays over all rays, one orientation after the other."""
    model, orientations = back_reflection(crystal, seed, LISTS)
    listed = lists_in_numpy(model)

    def once() -> list[tuple[NDArray[Any], NDArray[Any]]]:
        return [listed(u) for u in orientations]

    return Work(once, LISTS)


def lists_in_numpy(model: Any) -> Callable[[NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """Return how to list one orientation's spots (3, 3) → positions (s, 2) in pixels, relative intensities (s,).

    Parameters
    ----------
    model : of a thick crystal and an unpolarised beam, kinematic
    """
    table, beam, detector, crystal = model.table, model.beam, model.detector, model.crystal
    energy, spectrum = beam.energy_kev, beam.spectrum * beam.efficiency
    weight = spectrum / energy**2 / (2.0 * np.maximum(crystal.absorption_per_mm(energy), 1e-6))
    ray_of = np.repeat(np.arange(len(table.hkl)), np.diff(table.first))
    base = np.sum(table.f0 * table.partial, axis=1)

    def once(u: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        q = table.q_inv_a @ u.T
        against = -np.sign(q[:, 0])
        q *= against[:, None]
        wavelength = -2.0 * q[:, 0] / np.sum(q * q, axis=1)
        exit_ray = np.array([1.0, 0.0, 0.0]) + wavelength[:, None] * q
        position, hit = detector.to_pixel(exit_ray)
        at = table.order * HC_KEV_A / wavelength[ray_of]
        seen = hit[ray_of] & (at >= energy[0]) & (at <= energy[-1])
        rows, at = ray_of[seen], at[seen]
        factor = base[seen].copy()
        for element in range(len(table.elements)):
            real = np.interp(at, table.energy_kev, table.f_prime[element])
            imaginary = np.interp(at, table.energy_kev, table.f_second[element])
            factor += (real + 1j * imaginary) * table.partial[seen, element]
        strength = np.bincount(rows, np.abs(factor) ** 2 * np.interp(at, energy, weight), len(hit))
        in_plane = 0.5 * (exit_ray[:, 1] ** 2 + exit_ray[:, 2] ** 2)
        strength *= (1.0 - in_plane) / (q[:, 0] ** 2 / np.sum(q * q, axis=1))
        return position[strength > 0.0], strength[strength > 0.0]

    return once


def numpy_noise(seed: int) -> Work:
    """Exact noise of 84 × 84 images in numpy: Poisson counts of the mean and a normal read-out, nothing drawn."""
    from beamgym.physics.laue.pattern import ImageBackground, ImageModel, SpotShape

    panel = small_panel()
    model, orientations = silicon_back(seed, IMAGES, panel)
    images = ImageModel(panel, SpotShape(blur_mm=0.5 * panel.pixel_mm), ImageBackground())
    mean = images.render(model.spots(orientations), exposure_s=10.0).astype(np.float64)
    generator = np.random.default_rng(seed)
    return Work(lambda: generator.poisson(mean) + generator.normal(0.0, 2.0, mean.shape), IMAGES)
