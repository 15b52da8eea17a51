"""Laue cases of `beamgym speed`, and the same by laue-torch and in plain numpy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.constants import HC_KEV_A
from beamgym.scripts.speeds.work import Work

BACK_REFLECTION_BAND_KEV = (5.0, 25.0)
IMAGES = 8
"""Large images are drawn one by one, as the peer does; of a batch, most of the time goes into clearing new memory."""

LISTS, NOISY = 16, 64
"""Lists and images of one call in numpy."""

_THEIR_AXES = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
"""laue-torch's beam runs along z: its (x, y, z) are our (y, z, x)."""


def silicon_back(seed: int, n: int, detector: Any = None) -> tuple[Any, Any]:
    """Return the model of the case of the comparison, and n random orientations (n, 3, 3)."""
    return back_reflection("Si", seed, n, detector)


def back_reflection(crystal: str, seed: int, n: int, detector: Any = None) -> tuple[Any, Any]:
    """Return the model of a named crystal in back-reflection, and n random orientations (n, 3, 3)."""
    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.laue.beam import Beam
    from beamgym.physics.laue.detector import Detector
    from beamgym.physics.laue.pattern import LaueModel
    from beamgym.physics.orientation import random_orientations

    panel = detector or Detector.back_reflection()
    model = LaueModel(load_crystal(crystal), Beam.tube("W", band_kev=BACK_REFLECTION_BAND_KEV), panel)
    return model, random_orientations(make_keys(seed, np.arange(n)))


def small_panel() -> Any:
    """Return the same panel in 84 × 84 pixels."""
    from beamgym.physics.laue.detector import Detector

    return Detector.back_reflection(shape=(84, 84), pixel_mm=0.08 * 2048 / 84)


def laue_torch_image(seed: int) -> Work:
    """laue-torch (BSD-3): the case of ``laue_spots_si_back`` as its 2048 × 2048 image in float32.

    Every reflection of silicon that this panel can see at 5 to 25 keV at some orientation, each harmonic for itself;
    |F|² is the caller's business there and left at 1.
    """
    import torch
    from laue_torch import LaueForwardModel

    from beamgym.physics.laue.pattern import SpotShape

    model, orientations = silicon_back(seed, IMAGES)
    detector, crystal, table = model.detector, model.crystal, model.table
    torch.set_num_threads(1)
    rows = np.repeat(np.arange(len(table.hkl)), np.diff(table.first))
    hkl = table.hkl[rows] * table.order[:, None]
    forward = LaueForwardModel(
        torch.tensor(np.concatenate([hkl, -hkl]), dtype=torch.int64),
        n_pix=(detector.shape[1], detector.shape[0]),
        px_size=(detector.pixel_mm / 1000, detector.pixel_mm / 1000),
        psf_sigma=SpotShape().blur_mm / detector.pixel_mm,
        hard=True,
    )
    a, b, c, *angles = crystal.cell
    lattice = torch.tensor([a / 10, b / 10, c / 10, *angles], dtype=torch.float32)
    place = torch.tensor([0.0, 0.0, detector.distance_mm / 1000], dtype=torch.float32)
    turn = torch.tensor(_in_their_frame(detector), dtype=torch.float32)
    u = torch.tensor(_THEIR_AXES @ orientations, dtype=torch.float32)

    def once() -> None:
        with torch.no_grad():
            for one in u:
                forward(one, lattice, place, turn, E_range=BACK_REFLECTION_BAND_KEV)

    return Work(once, len(u))


def _in_their_frame(detector: Any) -> Any:
    from scipy.spatial.transform import Rotation

    frame = _THEIR_AXES @ np.stack([detector.fast, detector.slow, detector.normal], axis=1)
    return Rotation.from_matrix(frame).as_rotvec()


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
    model, orientations = silicon_back(seed, NOISY, panel)
    images = ImageModel(panel, SpotShape(blur_mm=0.5 * panel.pixel_mm), ImageBackground())
    mean = images.render(model.spots(orientations), exposure_s=10.0).astype(np.float64)
    generator = np.random.default_rng(seed)
    return Work(lambda: generator.poisson(mean) + generator.normal(0.0, 2.0, mean.shape), NOISY)
