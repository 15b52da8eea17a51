"""The two scores: the published one step by step, and what the second does that the first cannot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from beamgym.physics.arpes.score.quality import (
    AURELIA_DEFAULT,
    paper_scores,
    paper_total,
    v2_feature,
    v2_scores,
    v2_total,
)

UNIT = st.floats(0.0, 1.0)
SHARP = {"resolution_ev": 0.02, "temperature_k": 20.0, "width_ev": 0.01}


def band(columns, width_deg=1.5, rows=40):
    """One parabola of Gaussian cross-section, in a window of 30 degrees."""
    angle = (np.arange(columns) + 0.5) / columns * 30.0 - 15.0
    centre = np.linspace(9.0, 0.0, rows)[:, None]
    return np.exp(-0.5 * ((np.abs(angle) - centre) / width_deg) ** 2)[None]


@pytest.mark.parametrize(
    ("component", "penalty"),
    [(1.0, 0), (0.9, 0), (0.8, 1), (0.7, 1), (0.6, 2), (0.4, 3), (0.2, 5), (0.1, 5), (0.05, 8)],
)
def test_each_bracket_of_equation_8_costs_what_the_paper_says(component, penalty):
    assert paper_total(1.0, component, 0.9, 0.9) == pytest.approx(max(0.0, 10 - 0.6 * penalty))


def test_the_bonuses_and_deductions_stand_where_the_code_has_them():
    assert paper_total(1.0, 0.95, 0.9, 0.95) == 10.0
    assert paper_total(1.0, 0.75, 0.95, 1.0) == 10.0  # 10 − 0.6 + 1 + 1, cut
    assert paper_total(0.0129, 0.95, 0.9, 0.95) == 6.0
    assert paper_total(0.013, 0.95, 0.9, 0.95) == 10.0
    assert paper_total(1.0, 0.95, 0.25, 0.25) == pytest.approx(0.0)  # 10 − 5 − 4 − 2, cut
    assert paper_total(1.0, 0.95, 0.15, 0.35) == pytest.approx(max(0.0, 10 - 5 - 2.4 - 2))


def test_what_aurelia_takes_unasked_is_another_score():
    assert paper_total(1.0, 0.95, 0.9, 0.2) == pytest.approx(6.0)
    assert paper_total(1.0, 0.95, 0.9, 0.2, AURELIA_DEFAULT) == pytest.approx(10.0)


def test_published_sharpness_adds_fwhm_temperature_and_half_width():
    scores = paper_scores(band(224), 0.1, None, resolution_ev=0.03, temperature_k=0.0, width_ev=0.04, events=5e4)
    assert scores.sharpness == pytest.approx(0.95)
    assert scores.counts == pytest.approx(0.5)
    assert scores.background == pytest.approx(1.0 - 0.1 / (band(224).max() + 0.1))


def test_published_feature_measure_depends_on_the_grid_and_v2s_does_not():
    coarse, fine = (paper_scores(band(columns), 0.1, None, **SHARP, events=1e4) for columns in (64, 512))
    assert coarse.feature / fine.feature == pytest.approx(8.0, rel=0.05)
    measures = [float(v2_feature(band(columns))[0]) for columns in (64, 128, 224, 500, 532)]
    assert np.ptp(measures) < 0.01 * measures[0]


def test_v2_feature_is_twice_the_window_over_the_width_of_a_feature():
    angle = np.linspace(-15.0, 15.0, 3000)
    gaussian = np.broadcast_to(np.exp(-0.5 * (angle / 2.0) ** 2), (1, 5, 3000))
    effective_width = 2.0 * np.sqrt(2.0 * np.pi)
    assert v2_feature(gaussian)[0] == pytest.approx(2.0 * 30.0 / effective_width, rel=0.01)


def test_v2_sharpness_sees_blur_and_domains_that_the_published_one_misses():
    base = v2_scores(band(64), 0.1, **SHARP, events=1e5).sharpness[0]
    blurred = v2_scores(band(64), 0.1, **SHARP, events=1e5, momentum_fwhm_inv_a=0.06).sharpness[0]
    spread = v2_scores(band(64), 0.1, **SHARP, events=1e5, spread_inv_a=0.06).sharpness[0]
    assert base > blurred > spread
    alone = v2_scores(band(64), 0.1, resolution_ev=0, temperature_k=100.0, width_ev=0, events=1e5).sharpness[0]
    assert 1.0 - alone == pytest.approx(3.5255 * constants.k * 100.0 / constants.e, rel=1e-4)


def test_v2_background_is_an_integral_so_one_hot_pixel_hardly_moves_it():
    ground = np.full((1, 40, 64), 0.1)
    spiked = ground.copy()
    spiked[0, 3, 3] = 5.0
    paper = [paper_scores(band(64), g, None, **SHARP, events=1e5).background[0] for g in (ground, spiked)]
    mended = [v2_scores(band(64), g, **SHARP, events=1e5).background[0] for g in (ground, spiked)]
    assert abs(paper[0] - paper[1]) > 0.5
    assert abs(mended[0] - mended[1]) < 0.01


@given(f=st.floats(0.0, 50.0), s=UNIT, b=UNIT, n=UNIT, d=st.floats(0.0, 1e-3))
def test_v2_is_continuous_and_rises_with_every_component(f, s, b, n, d):
    here = float(v2_total(f, s, b, n))
    assert 0.0 <= here <= 10.0
    for step in (np.eye(4) * d)[:]:
        there = float(v2_total(f + step[0], min(1, s + step[1]), min(1, b + step[2]), min(1, n + step[3])))
        assert -1e-12 <= there - here <= 50.0 * d + 1e-12


def test_v2_has_no_ties_among_good_spots():
    totals = v2_total(20.0, 0.95, np.linspace(0.9, 1.0, 50), 1.0)
    assert (np.diff(totals) > 0).all()
    assert len(np.unique(paper_total(20.0, 0.95, np.linspace(0.91, 1.0, 50), 1.0))) == 1
    assert v2_total(20.0, 1.0, 1.0, 1.0) == 10.0


def test_v2_background_does_not_depend_on_how_much_empty_window_is_recorded():
    wide = np.pad(band(64), ((0, 0), (0, 60), (0, 0)))
    near, far = (v2_scores(s, 0.2, **SHARP, events=1e5).background[0] for s in (band(64), wide))
    assert near == pytest.approx(far)
    assert v2_scores(np.ones((1, 4, 8)), 1 / 3, **SHARP, events=1e5).background == pytest.approx(0.75)


def test_the_response_weighs_signal_and_background_alike():
    gain = np.linspace(0.1, 1.0, 64)[None, None, :] * np.ones((1, 40, 1))
    scores = v2_scores(band(64), 0.5 * band(64), gain, **SHARP, events=1e5)
    assert scores.background == pytest.approx(2.0 / 3.0)


def test_one_spectrum_scores_like_many_without_a_warning():
    """Warnings are errors here: numbers that are broadcast to a single one had warned in compiled code."""
    many = v2_total(1e3, 1.0, 0.85, np.array([0.2, 0.7]))
    assert v2_total(1e3, 1.0, 0.85, np.array([0.2])) == many[:1]


def test_scores_slice_and_stack():
    scores = paper_scores(np.repeat(band(64), 3, 0), 0.1, None, **SHARP, events=[1e4, 5e4, 1e5])
    assert len(scores) == 3
    assert scores.labels().shape == (3, 4)
    assert scores[1:].counts == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"resolution_ev": -0.1}, "resolution_ev must not be negative"),
        ({"temperature_k": -1.0}, "temperature_k must not be negative"),
        ({"events": -5.0}, "events must not be negative"),
        ({"width_ev": float("nan")}, "finite"),
    ],
)
def test_impossible_numbers_are_refused_in_one_line(change, message):
    for score in (lambda **k: paper_scores(band(64), 0.1, None, **k), lambda **k: v2_scores(band(64), 0.1, **k)):
        with pytest.raises(ValueError, match=message) as error:
            score(**{**SHARP, "events": 1e4, **change})
        assert "\n" not in str(error.value)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="the shape \\(spectra, energy, slit\\)"):
        v2_scores(band(64)[0], 0.1, **SHARP, events=1e4)
    with pytest.raises(ValueError, match="must have that of arpes"):
        v2_scores(band(64), np.ones((1, 40, 63)), **SHARP, events=1e4)
