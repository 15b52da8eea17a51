"""Backgrounds and the detector's response: their limits and amplitudes."""

import numpy as np
import pytest

from beamgym.physics.arpes.detection.background import Background, shirley
from beamgym.physics.arpes.detection.kernels import add_polynomial
from beamgym.physics.arpes.detection.response import Response, SpaceCharge, centre, gain_map, mesh
from beamgym.physics.arpes.detection.spectrum import detected

RNG = np.random.default_rng(2)


def image(rows=80, columns=60, peak=55):
    energy = np.arange(rows)[:, None]
    column = np.linspace(0.2, 1.0, columns)[None]
    signal = (column * np.exp(-0.5 * ((energy - peak) / 2.0) ** 2)).astype(np.float32)
    return signal / signal.max()


def test_shirley_is_zero_above_the_signal_and_constant_and_largest_below_it():
    rest = shirley(image())
    np.testing.assert_allclose(rest[70:], 0.0, atol=1e-6)
    np.testing.assert_allclose(rest[:40], 1.0, atol=1e-5)
    assert np.all(np.diff(rest, axis=0) <= 1e-6)


def test_shirley_is_half_way_at_the_middle_of_a_line():
    np.testing.assert_allclose(shirley(image())[55], 0.5, atol=1e-5)


def test_shirley_forgets_the_angle_unless_it_is_told_to_keep_it():
    np.testing.assert_allclose(np.ptp(shirley(image()), axis=1), 0.0, atol=1e-7)
    local = shirley(image(), local=True)
    np.testing.assert_allclose(local[0], np.linspace(0.2, 1.0, 60), atol=1e-5)


def test_an_empty_spectrum_has_no_shirley_background():
    np.testing.assert_array_equal(shirley(np.zeros((10, 10))), 0.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_polynomial_background_peaks_at_its_amplitude_not_at_forty_times_it(seed):
    coefficients = np.random.default_rng(seed).normal(size=(1, 6, 6))
    rest, _, _ = detected(image()[None], Background(polynomial=0.15, coefficients=coefficients), Response())
    assert rest.min() == pytest.approx(0.0, abs=1e-6)
    assert rest.max() == pytest.approx(0.15, rel=1e-5)
    x, y = np.linspace(-1, 1, 60), np.linspace(-1, 1, 80)
    plain = np.polynomial.polynomial.polygrid2d(y, x, coefficients[0])
    np.testing.assert_allclose(rest[0], 0.15 * (plain - plain.min()) / np.ptp(plain), atol=2e-6)


def test_one_polynomial_lies_under_every_spectrum_of_a_batch():
    one = np.random.default_rng(3).normal(size=(1, 4, 4))
    signal = np.repeat(image()[None], 3, axis=0)
    shared, _, _ = detected(signal, Background(polynomial=0.15, coefficients=one), Response())
    given, _, _ = detected(signal, Background(polynomial=0.15, coefficients=np.repeat(one, 3, axis=0)), Response())
    np.testing.assert_array_equal(shared, given)


def test_backgrounds_add_up_and_the_summary_says_what_lies_behind_the_detector():
    signal = image()[None]
    response = Response(rows=centre(0.3, 80), columns=centre(0.2, 60))
    rest, seen, summary = detected(signal, Background(0.1, shirley=0.2), response)
    gain = centre(0.3, 80)[0][:, None] * centre(0.2, 60)[0]
    np.testing.assert_allclose(rest[0], 0.1 + 0.2 * shirley(signal[0]), atol=1e-6)
    np.testing.assert_allclose(seen[0], gain * (signal[0] + rest[0]), rtol=1e-5)
    parts = [(gain * rest[0]).max(), seen.max(), (gain * signal[0]).sum(), (gain * rest[0]).sum(), seen.sum()]
    np.testing.assert_allclose(summary[0], parts, rtol=1e-4)


def test_the_centre_response_is_one_in_the_middle_and_loses_its_sensitivity_at_the_edges():
    np.testing.assert_allclose(centre([0.2], 101)[0, [0, 50, 100]], [0.8, 1.0, 0.8])


def test_a_mesh_shadows_one_wire_a_period():
    shadow = mesh(0.3, 20.0, 0.5, 200)[0]
    assert shadow.min() == pytest.approx(0.7)
    minima = np.flatnonzero((shadow[1:-1] < shadow[:-2]) & (shadow[1:-1] <= shadow[2:])) + 1
    np.testing.assert_array_equal(np.diff(minima), 20)


def test_a_gain_map_has_the_stated_roughness_and_shares_of_hot_and_dead_pixels():
    gain = gain_map(7, (150, 160), roughness=0.05, hot=0.01, dead=0.02, hot_gain=6.0)
    assert np.mean(gain == 0.0) == pytest.approx(0.02, abs=0.004)
    assert np.mean(gain > 3.0) == pytest.approx(0.01, abs=0.003)
    assert np.std(gain[(gain > 0) & (gain < 3)]) == pytest.approx(0.05, rel=0.1)
    np.testing.assert_array_equal(gain, gain_map(7, (150, 160), 0.05, 0.01, 0.02, 6.0))
    assert not np.array_equal(gain, gain_map(8, (150, 160), 0.05, 0.01, 0.02, 6.0))


def test_each_spectrum_is_seen_through_its_own_map_or_none():
    maps = np.stack([np.full((80, 60), 0.5), np.full((80, 60), 2.0)])
    signal = np.repeat(image()[None], 3, axis=0)
    _, seen, _ = detected(signal, Background(), Response(maps=maps, map_index=[1, -1, 0]))
    np.testing.assert_allclose(seen, signal * np.array([2.0, 1.0, 0.5])[:, None, None], atol=1e-30)


def test_space_charge_grows_with_the_pulse_and_adds_in_quadrature():
    shift, width = SpaceCharge(0.005, 0.004).apply([0.0, 2000.0], 0.5, 0.012)
    np.testing.assert_allclose(shift, [0.0, 0.02])
    np.testing.assert_allclose(width, [0.012, 0.02])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Background(constant=-0.1).arrays(1, (5, 5)), "constant must not be negative; found -0.1"),
        (
            lambda: Background(shirley=[0.1, 0.2]).arrays(3, (5, 5)),
            r"shirley must be one number or 3; found",
        ),
        (lambda: Background(polynomial=0.1).arrays(1, (5, 5)), "needs coefficients"),
        (lambda: Background(polynomial=0.1, coefficients=np.ones((2, 3, 3))).arrays(1, (5, 5)), r"\(1, p, p\)"),
        (lambda: Background(polynomial=0.1, coefficients=np.ones((2, 3, 3))).arrays(4, (5, 5)), r"\(4, p, p\) or"),
        (lambda: Background(constant=np.nan).arrays(1, (5, 5)), "finite"),
        (lambda: Response(rows=-np.ones((1, 5))).arrays(1, (5, 5)), "sensitivities ≥ 0"),
        (lambda: Response(rows=np.ones((1, 4))).arrays(1, (5, 5)), r"shape \(1, 5\)"),
        (lambda: Response(maps=np.ones((1, 4, 4))).arrays(1, (5, 5)), r"\(k, 5, 5\)"),
        (lambda: Response(maps=np.ones((1, 5, 5)), map_index=[3]).arrays(1, (5, 5)), "from −1 to 0"),
        (lambda: Response(dead_time=-1.0), "dead_time"),
        (lambda: centre(1.5, 10), "between 0 and 1"),
        (lambda: mesh(0.5, 1.0, 0.0, 10), "at least 2"),
        (lambda: gain_map(0, (5, 5), hot=0.7, dead=0.7), "not exceed 1"),
        (lambda: gain_map(0, (5, 5), roughness=-0.1), "must not be negative"),
        (lambda: SpaceCharge().apply(-1.0, 1.0, 0.01), "electrons_per_pulse"),
        (lambda: SpaceCharge().apply(1.0, np.nan, 0.01), "spot_mm > 0"),
    ],
)
def test_bad_numbers_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_a_polynomial_of_any_order_runs_from_zero_to_its_amplitude(order):
    coefficients = np.random.default_rng(order).normal(size=(order, order))
    y, x = np.linspace(-1.0, 1.0, 9), np.linspace(-1.0, 1.0, 13)
    out = np.zeros((9, 13), dtype=np.float32)
    add_polynomial(coefficients, 0.3, y, x.astype(np.float32), out)
    plane = np.polynomial.polynomial.polygrid2d(y, x, coefficients)
    span = np.ptp(plane)
    reference = 0.3 * (plane - plane.min()) / span if span > 0.0 else np.zeros_like(plane)
    np.testing.assert_allclose(out, reference, atol=2e-6)
