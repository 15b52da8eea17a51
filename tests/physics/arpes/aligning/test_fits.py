"""From cuts to how a crystal stands: by its bands, and by its symmetry alone."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.aligning import (
    PoseFit,
    PosePrior,
    SimulatedAligning,
    SymmetryFit,
    seen_angles,
    standing_angles,
)

ON = np.ones(1, bool)


def cuts(polars, key=11, level="real", material="hexagonal", direction="gamma-K"):
    made = SimulatedAligning(1, material, level, direction)
    made.reset(np.array([key], np.uint64), ON)
    taken = []
    for polar in polars:
        pose = np.array([0, 0, 0, polar, 0, 0], float)
        made.move(np.array([[*pose, 1.0]]), ON)
        taken.append((pose, made.acquire(None, ON).image[0].astype(float)))
    return made, taken


def errors(made, theta):
    pose = np.array([0.0] * 3 + list(standing_angles(theta, made.direction_deg, made.period_deg, 0.0)))
    return np.abs(made.hidden(0).angles(pose, int(made.truth()["flake"][0])))


@pytest.mark.parametrize(("material", "direction"), [("hexagonal", "gamma-M"), ("square", "gamma-X")])
def test_three_cuts_tell_how_a_crystal_stands(material, direction):
    made, taken = cuts((0.0, 5.0, -5.0), material=material, direction=direction)
    fit = PoseFit(made.context.crystal, made.context.grid)
    for pose, counts in taken:
        fit.add(pose, counts)
    found = fit.posterior()
    along, across, turned = errors(made, found.modes[0].theta)
    assert max(along, across) < 0.6
    assert turned < 1.5
    assert found.weights[0] > 0.9
    assert found.weights.sum() == pytest.approx(1.0)


def test_the_fit_does_not_ask_how_strong_a_column_is():
    made, taken = cuts((0.0, 5.0))
    plain = PoseFit(made.context.crystal, made.context.grid)
    shaded = PoseFit(made.context.crystal, made.context.grid)
    slope = np.linspace(1.0, 3.0, 96)
    for pose, counts in taken:
        plain.add(pose, counts)
        shaded.add(pose, counts * slope)
    one, other = (fit.posterior().modes[0].theta for fit in (plain, shaded))
    goals = [standing_angles(theta, made.direction_deg, made.period_deg, 0.0) for theta in (one, other)]
    assert np.abs(goals[0] - goals[1]).max() < 1.0


def test_one_cut_has_a_mirror_image():
    made, taken = cuts((0.0,), level="ideal")
    fit = PoseFit(made.context.crystal, made.context.grid)
    fit.add(*taken[0])
    found = fit.posterior()
    assert len(found.modes) > 1


def test_standing_angles_bring_gamma_and_direction_to_nought():
    theta = np.array([2.0, -3.0, 17.0, 0.3, -0.2, 0.0, 0.0])
    for near in (-40.0, 0.0, 40.0):
        angles = standing_angles(theta, 0.0, 60.0, near)
        assert np.abs(seen_angles(theta, np.array([0, 0, 0, *angles]), 0.0, 60.0)).max() < 1e-6
        assert abs(angles[2] - near) <= 31.0


def test_a_twin_is_as_probable_beforehand_as_the_flake_itself():
    made, taken = cuts((0.0,))
    theta = np.zeros(7)
    fit = PoseFit(made.context.crystal, made.context.grid, PosePrior.beside(theta))
    fit.add(taken[0][0], np.zeros_like(taken[0][1]))
    values = fit.values(np.array([theta, fit.twin(theta)]))
    assert values[0] == pytest.approx(values[1])


def test_symmetry_alone_finds_the_centre_and_a_mirror_line():
    made, taken = cuts((-8.0, -4.0, 0.0, 4.0, 8.0), key=3, level="ideal", direction="mirror")
    fit = SymmetryFit(replace(made.context.crystal, terms=np.zeros((0, 6))), made.context.grid)
    for pose, counts in taken:
        fit.add(pose, counts)
    along, across, turned = errors(made, fit.fitted())
    assert max(along, across) < 0.6
    assert turned < 4.0


def test_fits_without_what_they_need_say_so():
    made, taken = cuts((0.0,))
    crystal = made.context.crystal
    with pytest.raises(ValueError, match="no bands are told"):
        PoseFit(replace(crystal, terms=np.zeros((0, 6))), made.context.grid)
    with pytest.raises(ValueError, match="add one first"):
        PoseFit(crystal, made.context.grid).posterior()
    alone = SymmetryFit(crystal, made.context.grid)
    alone.add(*taken[0])
    with pytest.raises(ValueError, match="give two or more"):
        alone.fitted()
