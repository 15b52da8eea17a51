"""Spot positions and energies against laue-torch (BSD-3), an independent code with other axes and units."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.spots import LaueModel

pytestmark = pytest.mark.peers

# Its beam runs along z: its (x, y, z) are our (y, z, x).
AXES = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])


@pytest.mark.parametrize("panel", ["back_reflection", "top", "side", "transmission"])
@pytest.mark.parametrize("name", ["Si", "quartz"])
def test_positions_and_energies_equal_laue_torchs(name, panel):
    torch = pytest.importorskip("torch")
    laue_torch = pytest.importorskip("laue_torch", reason="the peers extra is not installed")
    crystal, detector = load_crystal(name), getattr(Detector, panel)()
    laue = LaueModel(crystal, Beam.flat((5.0, 25.0)), detector)
    u = Rotation.random(random_state=7).as_matrix()
    spots = laue.spots(u)
    n, rows, columns = spots.count[0], *detector.shape
    ray = spots.ray[0, :n]
    hkl = np.where(ray[:, None] >= 0, laue.table.hkl[ray], -laue.table.hkl[-ray - 1])
    # the strongest harmonic's own indices, so that its energy can be compared too
    first_kev = 12.398420 / 2 * np.sum((hkl @ crystal.b_matrix.T) ** 2, axis=1) / -((hkl @ crystal.b_matrix.T) @ u[0])
    order = np.rint(spots.energy_kev[0, :n] / first_kev).astype(int)
    model = laue_torch.LaueForwardModel(
        torch.tensor(hkl * order[:, None], dtype=torch.int64),
        n_pix=(columns, rows),
        px_size=(detector.pixel_mm / 1000, detector.pixel_mm / 1000),
        hard=True,
    )
    their_b = np.asarray(laue_torch.reciprocal_matrix(lattice(torch, crystal))) / (20 * np.pi)  # from 2π/nm
    ours_to_theirs = crystal.b_matrix @ np.linalg.inv(their_b)  # the two put the crystal's axes differently
    frame = AXES @ np.stack([detector.fast, detector.slow, detector.normal], axis=1)
    _, found = model(
        torch.tensor(AXES @ u @ ours_to_theirs),
        lattice(torch, crystal),
        torch.tensor([0.0, 0.0, detector.distance_mm / 1000], dtype=torch.float64),
        torch.tensor(Rotation.from_matrix(frame).as_rotvec()),
        E_range=(4.9, 25.1),
        return_aux=True,
    )
    assert n > 30
    position = np.stack([found.px.numpy(), found.py.numpy()], axis=-1)
    np.testing.assert_allclose(spots.position_px[0, :n], position, atol=1e-3)
    np.testing.assert_allclose(spots.energy_kev[0, :n], found.energy.numpy(), rtol=1e-6)


def lattice(torch, crystal):
    a, b, c, *angles = crystal.cell
    return torch.tensor([a / 10, b / 10, c / 10, *angles], dtype=torch.float64)
