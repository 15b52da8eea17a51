"""The case of silicon in back-reflection, and laue-torch's image of it."""

from typing import Any

import numpy as np

from beamgym.scripts.speeds.work import Work

BACK_REFLECTION_BAND_KEV = (5.0, 25.0)
IMAGES = 8
"""Large images are drawn one by one, as the peer does; of a batch, most of the time goes into clearing new memory."""

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
