"""A batch of spectra from tables: what is rendered adds up, repeats, and depends on its own key only."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import lattices, self_energy
from beamgym.physics.arpes.bands_models.kinematics import Geometry, cut_momentum
from beamgym.physics.arpes.detection.background import Background
from beamgym.physics.arpes.detection.response import Response, centre
from beamgym.physics.arpes.detection.spectrum import Grid, Scene, band_intensity, detected, render
from beamgym.physics.counter_rng import make_keys

GRID = Grid.uniform((-0.55, 0.15), (-12, 12), (70, 64))


def scene(n=5, grid=GRID, widest=(0.15, 1.5), nodes=3):
    rng = np.random.default_rng(11)
    window = grid.window(*widest, nodes=nodes)
    polar, photon = rng.uniform(-5, 5, 8)[:n], rng.uniform(20, 25, 8)[:n]
    terms = lattices.coefficients("square", rng.uniform(-1, 0, (8, 3)), rng.uniform(-1, 1, (8, 3)), 0.05, 0.1)[:n]
    momentum = cut_momentum(Geometry(polar), window.slit_deg, window.nodes_ev, photon, 4.4)
    lattice = rng.integers(0, 3, 8)[:n]
    energy = lattices.tight_binding(lattice, np.full((n, 2), 3.6), terms, momentum)
    sigma = self_energy.fermi_liquid(window.energy_ev, rng.uniform(0.05, 0.25, (8, 3, 1))[:n]) - 0.01j
    return Scene(
        window,
        energy,
        np.ones((n, 3, window.slit_deg.size), dtype=np.float32),
        sigma.real.astype(np.float32),
        sigma.imag.astype(np.float32),
        temperature_k=rng.uniform(5, 50, 8)[:n],
        energy_fwhm_ev=rng.uniform(0.005, 0.15, 8)[:n],
        angle_fwhm_deg=rng.uniform(0.3, 1.5, 8)[:n],
    )


def rendered(n=5, **more):
    background = Background(0.1, shirley=0.1)
    return render(scene(n, **more), background, Response(), np.full(n, 2e4), make_keys(1, np.arange(n)))


def test_counts_follow_the_expected_intensity_by_chi_square():
    made = rendered()
    expected = made.arpes + made.background
    expected *= 2e4 / expected.sum((1, 2), keepdims=True)
    chi = np.sum((made.counts - expected) ** 2 / expected, axis=(1, 2)) / expected[0].size
    np.testing.assert_allclose(chi, 1.0, atol=0.1)
    np.testing.assert_array_equal(made.counts.sum((1, 2)), 2e4)


def test_the_fused_pipeline_equals_its_parts():
    made = rendered()
    signal = band_intensity(scene())
    peak = signal.max((1, 2))
    np.testing.assert_allclose(made.peak, peak, rtol=1e-6)
    np.testing.assert_allclose(made.arpes, signal / peak[:, None, None], rtol=1e-5, atol=1e-7)
    rest, _, summary = detected(made.arpes, Background(0.1, shirley=0.1), Response())
    np.testing.assert_allclose(made.background, rest, rtol=1e-6)
    np.testing.assert_allclose(made.summary, summary, rtol=1e-6)


def test_a_spectrum_is_bit_equal_alone_in_a_batch_and_with_wider_margins():
    many, one, wide = rendered(5), rendered(1), rendered(1, widest=(0.3, 2.5))
    np.testing.assert_array_equal(many.counts[0], one.counts[0])
    np.testing.assert_array_equal(many.arpes[0], one.arpes[0])
    np.testing.assert_array_equal(wide.arpes[0], one.arpes[0])


def test_three_nodes_are_enough_for_the_bands_of_a_published_window():
    coarse, fine = (band_intensity(scene(nodes=n)) for n in (3, 7))
    np.testing.assert_allclose(coarse, fine, atol=2e-3 * fine.max())


def test_clean_images_are_left_out_on_request_and_counts_stay_the_same():
    made = render(
        scene(), Background(0.1, shirley=0.1), Response(), np.full(5, 2e4), make_keys(1, np.arange(5)), clean=False
    )
    assert made.arpes.size == made.background.size == 0
    np.testing.assert_array_equal(made.counts, rendered().counts)


def test_the_centre_response_dims_the_edges():
    flat = render(scene(2), Background(50.0), Response(), 1e6, make_keys(1, np.arange(2))).counts.sum((0, 1))
    dimmed = Response(columns=np.repeat(centre(0.5, 64), 2, axis=0))
    lossy = render(scene(2), Background(50.0), dimmed, 1e6, make_keys(1, np.arange(2))).counts.sum((0, 1))
    ratio = lossy / flat
    assert ratio[[0, -1]].mean() / ratio[30:34].mean() == pytest.approx(0.5, abs=0.02)


def test_dead_time_counts_fewer_electrons_than_arrive():
    args = (scene(1), Background(0.1), Response(dead_time=0.2), [1e6], make_keys([1]))
    slow, fast = render(*args), render(args[0], args[1], Response(), *args[3:])
    intensity = slow.arpes + slow.background
    arriving = 1e6 * intensity / intensity.sum(dtype=np.float64)
    np.testing.assert_array_equal(fast.counts.sum(), 1e6)
    assert slow.counts.sum() == pytest.approx((arriving / (1.0 + 0.2 * arriving)).sum(), rel=5e-3)
    assert slow.counts.max() <= 5.0


def test_no_band_in_the_window_gives_a_dark_spectrum_not_an_error():
    empty = replace(scene(2), count=np.zeros(2, dtype=np.int64))
    made = render(empty, Background(), Response(), [1e4, 1e4], make_keys(1, np.arange(2)))
    assert made.counts.sum() == 0
    assert np.all(made.peak == 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: replace(scene(), temperature_k=-3.0), "temperature_k must not be negative; found -3"),
        (lambda: replace(scene(), energy_fwhm_ev=-0.01), "energy_fwhm_ev must not be negative"),
        (lambda: replace(scene(), angle_fwhm_deg=np.nan), "finite"),
        (lambda: replace(scene(), energy_fwhm_ev=0.5).tables(), "margin is too narrow for an energy resolution"),
        (lambda: replace(scene(), weight=np.ones((5, 3, 7), dtype=np.float32)), "weight must have shape"),
        (lambda: replace(scene(), sigma_real=np.ones((5, 3, 7), dtype=np.float32)), "sigma_real must have shape"),
        (lambda: replace(scene(), dispersion_ev=np.ones((5, 3, 3, 7), dtype=np.float32)), "to fit the window"),
        (lambda: replace(scene(), count=np.full(5, 9)), "between 0 and 3"),
        (lambda: render(scene(1), Background(), Response(), [-1.0], make_keys([1])), "events must not be negative"),
        (lambda: render(scene(1), Background(), Response(), [1.0], make_keys([1, 2])), "1 uint64 keys"),
        (lambda: Grid([0.0, 0.1, 0.3], [0.0, 1.0]), "equal steps"),
        (lambda: Grid([0.0], [0.0, 1.0]), "at least two"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
