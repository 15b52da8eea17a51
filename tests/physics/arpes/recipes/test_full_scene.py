"""What the `full` recipe's samples emit, against the modules that calculate the same for one experiment."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models.kinematics import Geometry, cut_momentum
from beamgym.physics.arpes.bands_models.matrix_elements import dipole, polarisation_vector
from beamgym.physics.arpes.bands_models.self_energy import marginal
from beamgym.physics.arpes.recipes.full import ORBITAL_NAMES, draw_full
from beamgym.physics.arpes.recipes.full_scene import INNER_POTENTIAL_EV, build_scene, simulate_full, unit_marginal
from beamgym.physics.arpes.recipes.recipes import recipe_grid
from beamgym.physics.counter_rng import make_keys

GRID = recipe_grid((48, 56))
KEYS = make_keys(2, np.arange(60))


@pytest.fixture(scope="module")
def parameters():
    return draw_full(KEYS)


def momentum_of(p, i, window, domain=0):
    geometry = Geometry(p.polar_deg[i, domain], p.tilt_deg[i, domain], p.azimuth_deg[i, domain])
    nodes = cut_momentum(geometry, window.slit_deg, window.nodes_ev, p.photon_ev[i], p.work_function_ev[i])
    return geometry, nodes[0, 1]


def test_weights_are_amplitude_ripple_and_dipole_of_every_orbital(parameters):
    p = parameters
    scene = build_scene(p, GRID)
    window = scene.window
    seen = slice(window.margin_columns, window.margin_columns + 56)
    assert len(np.unique(p.orbital)) == len(ORBITAL_NAMES)
    for i in range(len(p)):
        geometry, k = momentum_of(p, i, window)
        field, kinetic = (
            polarisation_vector(p.incidence_deg[i], p.polarisation_deg[i]),
            p.photon_ev[i] - p.work_function_ev[i],
        )
        bright = dipole(k, kinetic, field, ORBITAL_NAMES[p.orbital[i]], geometry, INNER_POTENTIAL_EV)
        shape = 0.02 + bright / bright[seen].mean()
        for m in range(p.bands[i]):
            strength, phase = p.ripple[i, m].T
            ripple = 1.0 + (strength * np.cos(p.constants_a[i] * k + phase)).sum(-1)
            expected = p.share[i, 0] * p.amplitude[i, m] * ripple**2 * shape
            np.testing.assert_allclose(scene.weight[i, m], expected, rtol=1e-5, atol=1e-6)


def test_a_band_that_disperses_along_kz_is_moved_and_widened_as_its_slope_says(parameters):
    still = build_scene(replace(parameters, kz_hopping_ev=np.zeros(len(KEYS))), GRID)
    scene = build_scene(parameters, GRID)
    hopping = parameters.kz_hopping_ev
    assert 0 < (hopping > 0).sum() < len(KEYS)
    spacing = np.minimum(2 * np.pi * np.tanh(0.25 * parameters.layer_a / parameters.escape_a), np.pi)
    for i in range(len(KEYS)):
        shift = (scene.dispersion_ev[i, 0] - still.dispersion_ev[i, 0]).astype(float)
        np.testing.assert_allclose(shift, np.broadcast_to(shift[:1], shift.shape), atol=1e-5)
        # shift = 2 t cos φ and width = |t sin φ| · spacing lie on one ellipse
        if hopping[i] > 0:
            circle = (shift[0] / (2 * hopping[i])) ** 2 + (scene.broadening_ev[i, 0] / (hopping[i] * spacing[i])) ** 2
            np.testing.assert_allclose(circle, 1.0, atol=1e-3)
        else:
            assert not scene.broadening_ev[i].any()


def test_gaps_of_d_waves_vanish_on_the_diagonal_and_others_are_even(parameters):
    p = replace(parameters, gap_kind=np.ones(len(KEYS), dtype=np.int64), gap_ev=np.full(len(KEYS), 0.03))
    scene = build_scene(p, GRID)
    for i in range(len(KEYS)):
        if p.d_wave[i]:
            phase = p.constants_a[i] * momentum_of(p, i, scene.window)[1]
            expected = 0.015 * (np.cos(phase[:, 0]) - np.cos(phase[:, 1]))
        else:
            expected = np.full(scene.window.slit_deg.size, 0.03)
        np.testing.assert_allclose(scene.gap_ev[i, 0], expected, atol=1e-7)


@pytest.mark.parametrize("temperature_k", [5.0, 42.0, 300.0])
def test_the_marginal_self_energy_is_that_of_the_temperature_drawn(temperature_k):
    omega = np.linspace(-1.5, 0.6, 501)
    found = unit_marginal(omega[None], np.array([temperature_k]))[0]
    np.testing.assert_allclose(found, marginal(omega, 1.0, temperature_k=temperature_k), atol=5e-4)


def test_a_warm_marginal_sample_is_broad_at_the_fermi_level_and_a_cold_one_is_not(parameters):
    p = replace(parameters, mechanism=np.full(len(KEYS), 2), coupling=np.full(len(KEYS), 0.3))
    widths = []
    for temperature in (5.0, 300.0):
        scene = build_scene(replace(p, temperature_k=np.full(len(KEYS), temperature)), GRID)
        distance = np.abs(scene.window.energy_ev - p.fermi_ev[:, None])
        at_fermi = np.argmin(distance, axis=1)
        near = distance[np.arange(len(KEYS)), at_fermi]
        width = -scene.sigma_imag[np.arange(len(KEYS)), 0, at_fermi] - p.impurity_ev
        x = np.hypot(near, np.pi * 8.617333e-5 * temperature)
        np.testing.assert_allclose(width, 0.15 * np.pi * x / (1.0 + (x / 0.5) ** 4) ** 0.25, atol=3e-4)
        widths.append(width)
    assert (widths[1] > widths[0] + 0.025).all()


def test_every_detector_has_its_own_dead_time_and_only_those_that_have_one(parameters):
    slow = parameters.detector == 1
    assert slow.any()
    assert (parameters.dead_time[slow] >= 0.01).all()
    assert not parameters.dead_time[~slow].any()
    bright = replace(parameters, events=np.full(len(KEYS), 300_000))
    seen, ideal = (
        simulate_full(replace(bright, dead_time=dead), GRID, KEYS) for dead in (bright.dead_time, np.zeros(len(KEYS)))
    )
    spread = [batch.counts.max((1, 2)) / batch.counts.mean((1, 2)) for batch in (seen, ideal)]
    assert (spread[0][slow] < spread[1][slow]).all()
    np.testing.assert_array_equal(seen.counts[~slow], ideal.counts[~slow])
