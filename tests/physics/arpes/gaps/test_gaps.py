"""Gaps of simulated EDCs: the model is Norman's, folding keeps counts, answers hold the truth, none is told as none."""

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import green_function
from beamgym.physics.arpes.gaps import MODELS, GapSpectrum, answer_gap, drawn_gap, fit_gold, fold_of
from beamgym.physics.arpes.gaps.kernels import CDW_CODE, PAIRING_CODE, PARAMETERS, density, expected, fit_gaps
from beamgym.physics.arpes.gaps.models import priors_of

ENERGY = np.arange(-0.12, 0.0505, 0.0015)


def made(kind="superconducting", gap=0.012, counts=3e4, seed=0, **about):
    """An EDC of usual parameters, with its counts drawn."""
    settings = {"temperature_k": 15.0, "resolution_ev": 0.006, "fermi_error_ev": 0.0005} | about
    empty = GapSpectrum(ENERGY, np.ones(ENERGY.size), **settings)
    fold = fold_of(empty)
    p = priors_of(MODELS[kind], 1.0, 0.001).centre.copy()
    mean = expected(MODELS[kind].code, fold.fine, fold.first, fold.weights, empty.columns, empty.kt_ev, gap, p)[0]
    seen = np.random.default_rng(seed).poisson(mean * counts / mean.sum())
    return GapSpectrum(ENERGY, seen, **settings)


@pytest.mark.parametrize(("code", "partner"), [(PAIRING_CODE, -1.0), (CDW_CODE, 1.0)])
def test_the_spectral_weight_is_that_of_the_green_function(code, partner):
    omega = np.linspace(-0.1, 0.1, 41)
    green = green_function(omega, 0.004, -0.01j, 0.02, partner * 0.004, 0.002)
    here = [density(code, w, 0.02, 0.01, 0.002, 0.004) for w in omega]
    np.testing.assert_allclose(here, -green.imag * 0.01, rtol=1e-9)


def test_folding_keeps_counts_and_widens_by_the_resolution():
    spectrum = made()
    fold = fold_of(spectrum)
    line = np.exp(-0.5 * ((fold.fine + 0.03) / 0.004) ** 2)
    seen = (fold.weights * line[fold.first[:, None] + np.arange(fold.weights.shape[1])]).sum(axis=1)
    step = fold.fine[1] - fold.fine[0]
    assert seen.sum() * spectrum.step_ev == pytest.approx(line.sum() * step, rel=1e-3)
    mean = (seen * ENERGY).sum() / seen.sum()
    width = np.sqrt((seen * (ENERGY - mean) ** 2).sum() / seen.sum())
    assert width == pytest.approx(np.sqrt(0.004**2 + (0.006 / 2.3548) ** 2 + spectrum.step_ev**2 / 12), rel=0.01)


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_a_gap_is_found_within_its_error(kind):
    found = answer_gap(made(kind), MODELS[kind])
    assert found.seen
    assert abs(found.gap_ev - 0.012) < 3.0 * found.error_ev
    assert found.error_ev < 0.004
    assert found.limit_ev < 0.012
    assert not found.strange


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_none_is_told_as_none_with_a_bound(kind):
    found = answer_gap(made(kind, gap=0.0, counts=1e4, seed=3), MODELS[kind])
    assert not found.seen
    assert 0.0 < found.below_ev < 0.015
    assert 0.0 < found.limit_ev < 0.03


def test_a_fermi_level_that_is_hardly_known_makes_a_hard_gap_uncertain():
    sharp, vague = (answer_gap(made("hard", fermi_error_ev=error), MODELS["hard"]) for error in (1e-4, 4e-3))
    assert vague.error_ev > 1.2 * sharp.error_ev


def test_an_uncertain_resolution_widens_the_answer():
    sharp, vague = (
        answer_gap(made(counts=1e5, resolution_error_ev=error), MODELS["superconducting"]) for error in (0.0, 0.002)
    )
    assert vague.error_ev > sharp.error_ev


def test_another_kind_than_the_spectrum_has_is_said_to_be_strange():
    assert answer_gap(made("superconducting", gap=0.02, counts=3e5), MODELS["hard"]).strange


def test_fits_reach_the_same_height_from_any_start():
    spectrum, fold = made(), fold_of(made())
    priors = priors_of(MODELS["superconducting"], 500.0, 0.0005)
    shaken = priors.centre + np.where(priors.precision < 1e11, 0.2, 0.0) * np.array(
        [0.001, 1, 1, 0.001, 1, 1, 1, 1, 0, 0]
    )
    values = [
        fit_gaps(
            PAIRING_CODE, fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev, np.array([0.012]),
            spectrum.counts, priors.centre, priors.precision, start[None],
        )[0][0]
        for start in (priors.centre, shaken)
    ]  # fmt: skip
    assert values[0] == pytest.approx(values[1], abs=0.01)
    assert shaken.size == PARAMETERS


def test_gold_gives_level_and_resolution_within_their_errors():
    spectrum = made("hard", gap=0.0, counts=1e6, temperature_k=12.0, resolution_ev=0.009)
    edge = fit_gold(ENERGY + 16.8, spectrum.counts[0], 12.0)
    assert abs(edge.fermi_ev - 16.8) < max(4.0 * edge.fermi_error_ev, 2e-4)
    assert edge.resolution_ev == pytest.approx(0.009, rel=0.1)
    with pytest.raises(ValueError, match="no edge"):
        fit_gold(ENERGY, np.zeros(ENERGY.size), 12.0)


def test_draws_are_seeded_and_have_the_counts_asked_for():
    one, two = (drawn_gap(np.random.default_rng(7), "cdw", True, 1e4) for _ in range(2))
    np.testing.assert_array_equal(one.spectrum.counts, two.spectrum.counts)
    assert one.mean.sum() == pytest.approx(1e4)
    assert 0.002 <= one.gap_ev <= 0.03


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"energy_ev": ENERGY[::-1]}, "rise in even steps"),
        ({"energy_ev": ENERGY + 0.2}, "Fermi level, 0, lies outside"),
        ({"counts": np.full(ENERGY.size, np.nan)}, "NaN"),
        ({"counts": np.full(ENERGY.size, -1.0)}, "negative"),
        ({"counts": np.zeros(ENERGY.size)}, "shutter"),
        ({"counts": np.ones(3)}, "give \\(columns, energies\\)"),
        ({"temperature_k": 0.0}, "kelvin"),
        ({"resolution_ev": 8.0}, "half maximum"),
        ({"fermi_error_ev": 0.1}, "gold reference"),
        ({"temperature_error_k": 20.0}, "half of the value"),
    ],
)
def test_what_is_no_spectrum_is_refused_in_one_line(change, said):
    given = {"energy_ev": ENERGY, "counts": np.ones(ENERGY.size), "temperature_k": 10.0, "resolution_ev": 0.008}
    with pytest.raises(ValueError, match=said):
        GapSpectrum(**(given | change))
