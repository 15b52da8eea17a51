"""The suite `arpes-gap`: sets never meet, tables and bars are made, rivals are scaled on tuning spectra alone."""

import numpy as np
import pytest
from rich.console import Console

from beamgym.physics.arpes.gaps import PracticalFit
from beamgym.scripts.gap_suite.cases import cases
from beamgym.scripts.gap_suite.judged import judge, ratio
from beamgym.scripts.gap_suite.off import WAYS
from beamgym.scripts.gap_suite.suite import bars_at, run_suite
from beamgym.scripts.gap_suite.tuning import METHODS, calibrated, errors_ev, grid


def test_sets_of_different_purpose_and_seed_have_no_spectrum_in_common():
    sets = [
        cases(purpose, seed, "hard", 1e3, True, 2) for purpose in ("tuning", "selection", "test") for seed in (0, 1)
    ]
    gaps = [one.gap_ev for drawn in sets for one in drawn]
    assert len(set(gaps)) == len(gaps)
    assert [one.gap_ev for one in cases("test", 1, "hard", 1e3, True, 2)] == gaps[-2:]


def test_a_set_is_judged_and_its_bars_are_told():
    judged = [judge("hard", counts, 3, 0) for counts in (1e3, 1e4)]
    for one in judged:
        assert one.own.shape == one.likely.shape == (3,)
        assert set(one.people) == set(METHODS)
        assert one.held.shape == (4, 3)
        assert (one.held[0] <= one.held[3]).all()
        bars = bars_at(one.counts, [one])
        assert len(bars) == 4
        assert ("practical" if one.counts < 1e4 else "true model") in bars[0].figure
    assert judged[1].as_dict()["median_ev"] == pytest.approx(float(np.median(judged[1].own)))


def test_what_is_off_is_told_in_a_table():
    figures = run_suite({"part": ["off"], "spectra": 1}, 0, Console(quiet=True))
    assert [row["name"] for row in figures["off"]] == list(WAYS)
    assert all(row["median_ev"] >= 0.0 for row in figures["off"])


@pytest.mark.parametrize(
    ("options", "said"), [({"part": ["nodal"]}, "unknown part 'nodal'"), ({"spectra": -1}, "at least one")]
)
def test_an_unknown_part_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        run_suite(options, 0, Console(quiet=True))


def test_a_leading_edge_is_scaled_to_the_tuning_spectra():
    drawn = cases("tuning", 9, "hard", 1e4, True, 20)
    plain = PracticalFit("leading edge", 0.08, 0.004)
    own = calibrated(plain, drawn)
    assert np.median(errors_ev(own, drawn)) <= np.median(errors_ev(plain, drawn)) + 1e-6
    assert {fit.method for fit in grid()} == set(METHODS)


def test_the_ratio_of_two_medians_lies_in_its_interval():
    random = np.random.default_rng(0)
    other = np.abs(random.normal(size=200))
    found, low, high = ratio(0.5 * other, other)
    assert found == pytest.approx(0.5)
    assert low <= 0.5 <= high
