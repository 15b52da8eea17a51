"""A lattice with other axial ratios: what symmetry leaves free, and the stretch without a turn."""

import numpy as np
import pytest

from beamgym.physics.crystal import Crystal, free_axial_ratios, load_crystal, with_axial_ratios


def _cell(b_matrix):
    axes = np.linalg.inv(b_matrix)
    lengths = np.linalg.norm(axes, axis=1)
    cosines = [axes[i] @ axes[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    return np.array([*lengths, *np.degrees(np.arccos(cosines))])


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("Si", ()),
        ("LSCO", (1.03,)),
        ("quartz", (0.97,)),
        ("Ca2RuO4", (1.02, 0.98)),
        ("FePS3", (1.03, 0.97)),
        ("kyanite", (0.98, 1.03)),
    ],
)
def test_the_free_ratios_change_as_asked_and_a_and_the_angles_stay(name, factors):
    crystal = load_crystal(name)
    assert len(free_axial_ratios(crystal)) == len(factors)
    cell = _cell(with_axial_ratios(crystal, factors))
    lengths = {0: (1, 1, 1), 1: (1, 1, *factors), 2: (1, *factors)}[len(factors)]
    np.testing.assert_allclose(cell, crystal.cell * [*lengths, 1, 1, 1], rtol=1e-9)


@pytest.mark.parametrize("name", ["LSCO", "quartz", "Ca2RuO4", "FePS3", "kyanite"])
def test_the_lattice_is_stretched_without_a_turn_and_keeps_its_symmetry(name):
    crystal = load_crystal(name)
    factors = np.linspace(0.97, 1.02, len(free_axial_ratios(crystal)))
    stretch = np.linalg.inv(with_axial_ratios(crystal, factors) @ np.linalg.inv(crystal.b_matrix))
    np.testing.assert_allclose(stretch, stretch.T, atol=1e-12)
    for turn in crystal.rotations:
        np.testing.assert_allclose(turn @ stretch @ turn.T, stretch, atol=1e-9)


def test_a_rhombohedral_cell_is_stretched_along_its_threefold_axis():
    crystal = load_crystal("quartz")
    rhombohedral = Crystal(
        "cell of three equal edges",
        crystal.structure,
        crystal.b_matrix @ np.linalg.inv(np.array([[2, -1, -1], [1, 1, -2], [1, 1, 1]]) / 3.0).T,
        crystal.cell,
        crystal.laue_class,
        crystal.rotations,
        crystal.holohedry,
    )
    edges = _cell(with_axial_ratios(rhombohedral, [1.03]))
    np.testing.assert_allclose(edges[:3], edges[0], rtol=1e-9)
    np.testing.assert_allclose(edges[3:], edges[3], rtol=1e-9)
    assert abs(edges[0] / _cell(rhombohedral.b_matrix)[0] - 1.0) > 1e-3


@pytest.mark.parametrize("factors", [(), (1.0, 1.0), (0.0,), (np.nan,)])
def test_factors_that_do_not_fit_are_refused_in_one_line(factors):
    with pytest.raises(ValueError, match="give one above 0 for each of c/a"):
        with_axial_ratios(load_crystal("LSCO"), factors)
