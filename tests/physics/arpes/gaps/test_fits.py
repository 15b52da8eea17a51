"""Fits beside the answer: each finds what it is made for; integrals and maxima equal independent ones."""

import numpy as np
import pytest
from scipy.optimize import minimize

from beamgym.physics.arpes.gaps import (
    MODELS,
    GapSpectrum,
    PracticalFit,
    answer_gap,
    counted,
    cut_spectrum,
    fold_of,
    mean_counts,
    most_likely_gap,
    symmetrised,
)
from beamgym.physics.arpes.gaps.kernels import BAND, HEIGHT, PAIRING_CODE, VELOCITY, WIDTH, expected, fit_gaps
from beamgym.physics.arpes.gaps.models import FIXED, flattened, priors_of
from beamgym.physics.arpes.gaps.posterior import height_of

ENERGY = np.arange(-0.12, 0.0605, 0.0015)


def made(kind, gap, counts=2e5, seed=0, **change):
    about = {"temperature_k": 10.0, "resolution_ev": 0.005, "fermi_error_ev": 2e-4}
    empty = GapSpectrum(ENERGY, np.ones(ENERGY.size), **about)
    p = priors_of(MODELS[kind], 1.0, 2e-4).centre.copy()
    for name, value in change.items():
        p[{"width": WIDTH}[name]] = np.log(value)
    mean = mean_counts(empty, kind, gap, p)
    return counted(empty, mean, counts, np.random.default_rng(seed)), p


@pytest.mark.parametrize(
    ("fit", "kind", "within_ev"),
    [
        (PracticalFit("symmetrised", 0.06, free=True, curved=True), "superconducting", 0.001),
        (PracticalFit("peaks", 0.06, 0.002), "superconducting", 0.003),
        (PracticalFit("Dynes", 0.06, free=True), "dynes", 0.0015),
        (PracticalFit("leading edge", 0.08, 0.002, free=True), "hard", 0.004),
    ],
)
def test_a_fit_finds_the_gap_it_is_made_for(fit, kind, within_ev):
    spectrum, _ = made(kind, 0.015)
    assert abs(fit.gap(spectrum) - 0.015) < within_ev


def test_a_symmetrised_edc_of_a_symmetric_weight_has_no_fermi_function():
    weight = 1.0 + (ENERGY / 0.05) ** 2
    axis, both = symmetrised(ENERGY, weight / (1.0 + np.exp(ENERGY / 0.003)), 0.05)
    np.testing.assert_allclose(both, 1.0 + (axis / 0.05) ** 2, rtol=0.01)
    with pytest.raises(ValueError, match="either side"):
        symmetrised(ENERGY, weight, 0.005)


def test_the_scale_and_offset_of_a_leading_edge_are_used():
    spectrum, _ = made("hard", 0.015)
    plain = PracticalFit("leading edge", 0.08, 0.002).gap(spectrum)
    assert PracticalFit("leading edge", 0.08, 0.002, scale=2.0, offset_ev=0.001).gap(spectrum) == pytest.approx(
        2.0 * plain + 0.001
    )


def test_the_most_likely_gap_is_that_of_another_optimiser():
    spectrum, p = made("superconducting", 0.012, counts=2e4)
    model, fold = MODELS["superconducting"], fold_of(spectrum)
    priors = flattened(priors_of(model, height_of(spectrum), spectrum.fermi_error_ev))
    free = priors.precision < 1e11
    start = np.where(free, p, priors.centre)
    start[HEIGHT] = np.log(height_of(spectrum))

    def loss(x):
        q = start.copy()
        q[free] = x[1:]
        mean = expected(
            model.code, fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev, x[0] / 100, q
        )
        penalty = 0.5 * (priors.precision * (q - priors.centre) ** 2)[free].sum()
        return float((mean - spectrum.counts * np.log(mean)).sum() + penalty)

    scale = np.where(priors.precision[free] > 1e5, 1e-3, 1.0)
    ways = np.vstack([np.zeros(9), np.eye(9) * np.concatenate([[0.2], 0.3 * scale])])
    begin = np.concatenate([[1.2], start[free]])
    options = {"initial_simplex": begin + ways, "maxiter": 6000, "maxfev": 6000, "xatol": 1e-6, "fatol": 1e-6}
    other = minimize(loss, begin, method="Nelder-Mead", options=options)
    assert most_likely_gap(spectrum, model, start, 0.012) == pytest.approx(other.x[0] / 100, abs=2e-4)


def test_laplaces_integral_is_that_over_a_grid():
    spectrum, _ = made("superconducting", 0.012, counts=3e3)
    fold, priors = fold_of(spectrum), priors_of(MODELS["superconducting"], height_of(spectrum), 2e-4)
    precision = np.full(10, FIXED)
    precision[[WIDTH, HEIGHT]] = priors.precision[[WIDTH, HEIGHT]]
    fixed = PAIRING_CODE, fold.fine, fold.first, fold.weights, spectrum.columns, spectrum.kt_ev
    gaps = np.array([0.009, 0.012, 0.015])
    value, spread, where = fit_gaps(*fixed, gaps, spectrum.counts, priors.centre, precision, priors.centre[None])
    laplace = value - 0.5 * spread
    brute = []
    for gap, best in zip(gaps, where, strict=True):
        logs = []
        for width in best[WIDTH] + np.linspace(-0.8, 0.8, 41):
            for height in best[HEIGHT] + np.linspace(-0.25, 0.25, 41):
                q = best.copy()
                q[WIDTH], q[HEIGHT] = width, height
                mean = expected(*fixed, gap, q)
                prior = 0.5 * (precision * (q - priors.centre) ** 2)[[WIDTH, HEIGHT]].sum()
                logs.append(float((spectrum.counts * np.log(mean) - mean).sum() - prior))
        brute.append(np.logaddexp.reduce(logs))
    np.testing.assert_allclose(np.diff(laplace), np.diff(brute), atol=0.15)


def test_a_cut_answers_better_than_its_middle_column():
    along = np.linspace(-1.0, 1.0, 8)
    bare, p = made("superconducting", 0.012)
    p[BAND], p[VELOCITY], p[HEIGHT] = 0.008, -0.05, 0.0
    fold = fold_of(bare)
    mean = expected(PAIRING_CODE, fold.fine, fold.first, fold.weights, along, bare.kt_ev, 0.012, p)
    columns = np.random.default_rng(0).poisson(mean * 2e4 / mean.sum()).astype(float)
    whole = answer_gap(cut_spectrum(bare, columns), MODELS["superconducting"])
    assert whole.seen
    assert abs(whole.gap_ev - 0.012) < 3.0 * whole.error_ev
    assert whole.error_ev < 0.001
    found = whole.posterior.parameters[int(np.argmax(whole.posterior.profile))]
    assert found[VELOCITY] == pytest.approx(-0.05, abs=0.006)
    assert len(cut_spectrum(bare, np.repeat(columns, 5, axis=0)).counts) <= 16
