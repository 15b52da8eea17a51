"""Domains in one cut and over a sample: fits find copies, single crystals are not split, truths are as stated."""

import numpy as np
import pytest

from beamgym.physics.arpes.domains import (
    CANVAS,
    AutocorrelationSettings,
    MixtureSettings,
    autocorrelation_fit,
    mdc_peaks,
    onto_canvas,
    sample_domains,
    scan_copies,
    simulated_cuts,
    simulated_sample,
    whole_canvas,
)
from beamgym.physics.arpes.domains.sample import factored
from beamgym.physics.arpes.load import LabelledArray, LabelledAxis, LoadWords, from_array

STEP = CANVAS.slit_step_deg


def cut(offset_deg=0.0, lower=0.6, electrons=5e4, seed=0):
    """Two steep branches of one band, and their copies; the second branch is the weaker one."""
    energy, slit = CANVAS.energy_ev[:, None], CANVAS.slit_deg[None]

    def shown(moved):
        branches = ((1.0, 1), (0.6, -1))
        away = [slit - moved - side * (2.6 - 2.0 * energy) for _, side in branches]
        lines = [a * np.exp(-0.5 * (off / 0.4) ** 2) for (a, _), off in zip(branches, away, strict=True)]
        return (lines[0] + lines[1]) * (energy < 0.0)

    rate = lower * shown(-0.5 * offset_deg) + (1.0 - lower) * shown(0.5 * offset_deg) + 0.02
    return np.random.default_rng(seed).poisson(rate / rate.sum() * electrons).astype(np.float32)


@pytest.mark.parametrize("fit", [autocorrelation_fit, mdc_peaks])
def test_copies_are_found_at_their_offset(fit):
    found = fit(cut(3.0), STEP)
    assert found.number == 2
    assert found.offset_deg[1] == pytest.approx(3.0, abs=0.2)


def test_the_likeliest_shift_of_the_mixture_fit_is_the_offset_with_its_weight():
    scan = scan_copies(cut(3.0, lower=0.7), STEP, MixtureSettings(steps=12, every=2))
    best = int(scan.gain.argmax())
    assert scan.offset_deg[best] == pytest.approx(3.0, abs=0.3)
    assert scan.weight[best] == pytest.approx(0.7, abs=0.1)


def test_branches_that_run_apart_are_not_split_where_few_energies_may_disagree():
    assert autocorrelation_fit(cut(), STEP, AutocorrelationSettings(quantile=0.2)).number == 1
    assert autocorrelation_fit(cut(3.0), STEP, AutocorrelationSettings(quantile=0.2)).number == 2


def test_simulated_cuts_depend_on_their_seed_alone_and_keep_their_promises():
    cuts, again = simulated_cuts(3, 12, numbers=(2, 3)), simulated_cuts(3, 8, numbers=(2, 3))
    np.testing.assert_array_equal(cuts.counts[:8], again.counts)
    apart = np.diff(cuts.offset_deg, axis=1)
    assert np.nanmin(apart) >= 1.4  # degrees; azimuths differ a little besides
    np.testing.assert_allclose(np.nansum(cuts.weight, axis=1), 1.0)
    assert set(cuts.number) == {2, 3}
    with pytest.raises(ValueError, match="choose one of usual, wide"):
        simulated_cuts(3, 1, "other")


def test_a_sample_shows_its_domains_where_they_lie():
    sample = simulated_sample(903, 2)
    found = sample_domains(sample.cuts)
    assert found.number == 2
    order = [0, 1] if np.corrcoef(found.weight[:, 0], sample.weight[:, 0])[0, 1] > 0 else [1, 0]
    assert np.mean(found.label == np.array(order)[sample.weight.argmax(1)]) > 0.97
    shift = found.relation[order[1]].shift_deg - found.relation[order[0]].shift_deg
    assert shift == pytest.approx(sample.offset_deg[1], abs=0.4)  # the second is the higher one on the slit


def test_one_domain_over_a_sample_stays_one():
    assert sample_domains(simulated_sample(901, 1).cuts).number == 1


def test_factors_make_the_counts():
    random = np.random.default_rng(1)
    weight, basis = random.uniform(0.0, 900.0, (40, 2)), random.dirichlet(np.ones(30), 2)
    rate = weight @ basis
    found = np.matmul(*factored(rate, 2))
    np.testing.assert_allclose(found, rate, atol=0.02 * rate.max())


def measured(energy, slit, words=LoadWords(fermi_level_ev=0.0)):  # noqa: B008
    counts = np.random.default_rng(0).poisson(3.0, (energy.size, slit.size)).astype(np.float64)
    axes = (LabelledAxis("eV", energy, "eV", "binding"), LabelledAxis("alpha", slit, "deg"))
    return from_array(LabelledArray("one", counts, axes), words)


def test_a_file_comes_onto_the_canvas_with_every_electron_and_what_is_missing_marked():
    spectra = measured(np.linspace(-0.4, 0.1, 200), np.linspace(-7.0, 6.0, 300))
    canvas = onto_canvas(spectra)
    assert canvas.counts.sum() == spectra.counts.sum()
    assert canvas.step_deg == pytest.approx(STEP, rel=0.01)
    lit = canvas.slit_deg[canvas.columns > 0]
    assert (lit[0], lit[-1]) == pytest.approx((-7.0, 6.0), abs=0.2)
    assert CANVAS.energy_ev[canvas.rows > 0][0] == pytest.approx(-0.4, abs=0.01)
    assert not canvas.counts[:, :, canvas.columns == 0].any()


def test_too_little_for_domains_is_refused():
    with pytest.raises(ValueError, match="domains need 8°"):
        onto_canvas(measured(np.linspace(-0.4, 0.1, 100), np.linspace(-2.0, 2.0, 100)))
    with pytest.raises(ValueError, match=r"domains need 0\.24 eV"):
        onto_canvas(measured(np.linspace(-0.1, 0.08, 100), np.linspace(-12.0, 12.0, 100)))
    with pytest.raises(ValueError, match="needs 8 spectra"):
        sample_domains(whole_canvas(np.ones((3, *CANVAS.shape))))
