"""UB without a cell: indexed reflections, and the lattice that holds the observed vectors."""

import gemmi
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import busing_levy_b, load_crystal
from beamgym.physics.diffractometer import cell_of_crystal, cell_of_ub, free_lattice, observed_vectors, ub_from_indexed


def test_three_indexed_reflections_give_ub_and_cell():
    cell = np.array([5.0, 6.0, 7.5, 85.0, 95.0, 105.0])
    ub = Rotation.random(random_state=0).as_matrix() @ busing_levy_b(cell)
    hkl = np.array([[1, 0, 1], [0, 2, 1], [1, 1, -1]])
    found = ub_from_indexed(hkl @ ub.T, hkl)
    assert found == pytest.approx(ub)
    assert cell_of_ub(found) == pytest.approx(cell)


@pytest.mark.parametrize("name", ["kyanite", "Si", "YFe2Ge2", "Al2O3"])
def test_the_lattice_of_nine_reflections_has_the_niggli_cell_that_gemmi_gives(name):
    crystal, rng = load_crystal(name), np.random.default_rng(1)
    known = cell_of_crystal(crystal)
    hkl, strength, _ = known.reflections(0.6)
    hkl = hkl[rng.choice(len(hkl), 9, replace=False, p=strength / strength.sum())]
    q = hkl @ (Rotation.random(random_state=1).as_matrix() @ known.b_matrix).T
    found = free_lattice(observed_vectors(q * (1.0 + 1e-4 * rng.normal(size=q.shape)), 1.0, 0.05))
    letter = {"Si": "F", "YFe2Ge2": "I", "Al2O3": "R", "kyanite": "P"}[name]
    vector = gemmi.GruberVector(gemmi.UnitCell(*known.cell), letter, False)
    vector.niggli_reduce()
    assert np.linalg.det(found.ub) > 0.0
    assert sorted(found.cell[:3]) == pytest.approx(sorted(vector.cell_parameters()[:3]), rel=3e-3)
    assert found.belongs.all()
    assert found.hkl @ found.ub.T == pytest.approx(q, abs=2e-3)


def test_a_stray_vector_is_left_out():
    known, rng = cell_of_crystal(load_crystal("Ca2RuO4")), np.random.default_rng(5)
    hkl = np.array([[1, 1, 1], [0, 2, 0], [2, 0, 0], [0, 0, 2], [1, 1, 3], [2, 1, 1], [1, 2, 1]])
    q = hkl @ (Rotation.random(random_state=2).as_matrix() @ known.b_matrix).T
    q[4] += [0.021, 0.017, -0.013]
    found = free_lattice(observed_vectors(q * (1.0 + 1e-4 * rng.normal(size=q.shape)), 1.0, 0.05))
    assert found.belongs.tolist() == [1, 1, 1, 1, 0, 1, 1]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: free_lattice(observed_vectors([[0.1, 0, 0], [0, 0.1, 0]], 1.0)), "needs three"),
        (lambda: free_lattice(observed_vectors([[0.1, 0, 0], [0, 0.1, 0], [0.1, 0.1, 0]], 1.0)), "one plane"),
        (lambda: ub_from_indexed(np.eye(3), [[1, 0, 0], [0, 1, 0], [1, 1, 0]]), "no plane"),
        (lambda: ub_from_indexed(np.eye(3), -np.eye(3)), "left-handed"),
    ],
)
def test_what_makes_no_lattice_is_said(make, words):
    with pytest.raises(ValueError, match=words):
        make()
