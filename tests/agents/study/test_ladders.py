"""Ladders: each rung is what it is called, and on the measured cut the network's scores follow."""

import os
from pathlib import Path

import numpy as np
import pytest

from beamgym.agents.study import ladders as arpes_ladders
from beamgym.agents.study.ladders import BAR, COUNTS, CUT_EV, CUT_FILE, load_cut, run_ladder
from beamgym.envs.arpes_spot.scoring import Quality

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[4] / "shared" / "data"))


class Keeper:
    """A scorer that keeps what it is shown, and scores the k-th rung -k."""

    name = "keeper"

    def __init__(self):
        self.seen = []

    def quality(self, counts):
        self.seen.append(np.asarray(counts))
        scores = np.full((len(counts), 4), -float(len(self.seen)), np.float32)
        return Quality(scores, scores, np.zeros(len(counts), np.float32))


@pytest.fixture
def spectrum():
    energy, slit = np.mgrid[-1:1:80j, -1:1:72j]
    rate = np.exp(-0.5 * (energy / 0.05) ** 2) * np.exp(-0.5 * (slit / 0.3) ** 2)
    return np.random.default_rng(3).poisson(1e6 * rate / rate.sum())


def test_blur_keeps_counts_and_noise_and_widens_the_line_by_what_it_says(spectrum):
    keeper = Keeper()
    run_ladder("blur", spectrum, draws=4, rungs=[0.0, 0.03], scorer=keeper)
    sharp, blurred = (seen.sum(axis=(0, 2)) for seen in keeper.seen)
    rows = np.arange(80)

    def variance(curve):
        return np.average((rows - np.average(rows, weights=curve)) ** 2, weights=curve)

    for seen in keeper.seen:
        assert seen.sum(axis=(1, 2)) == pytest.approx(np.full(4, COUNTS), abs=5 * np.sqrt(COUNTS))
        bright = seen.mean(axis=0) > 50
        assert (seen.var(axis=0, ddof=1)[bright] / seen.mean(axis=0)[bright]).mean() == pytest.approx(1.0, abs=0.15)
    added = (0.03 / 2.354820045 / CUT_EV) ** 2
    assert variance(blurred) - variance(sharp) == pytest.approx(added, rel=0.03)


def test_thinning_keeps_whole_electrons_and_as_many_as_it_says(spectrum):
    keeper = Keeper()
    run_ladder("thinning", spectrum, draws=2, rungs=[1e3, 1e5], scorer=keeper)
    for seen, electrons in zip(keeper.seen, (1e3, 1e5), strict=True):
        assert np.array_equal(seen, seen.round())
        assert (seen <= spectrum).all()
        assert seen.sum(axis=(1, 2)) == pytest.approx(np.full(2, electrons), abs=5 * np.sqrt(electrons))


def test_background_replaces_the_share_of_the_electrons_that_it_says(spectrum):
    keeper = Keeper()
    run_ladder("background", spectrum, draws=2, rungs=[0.0, 1.0], scorer=keeper)
    empty = spectrum.shape[0] * spectrum.shape[1]
    corner = np.s_[:, :10, :10]  # far from the line
    assert keeper.seen[0][corner].mean() < 0.05
    assert keeper.seen[1][corner].mean() == pytest.approx(0.5 * COUNTS / empty, rel=0.1)


def test_the_correlation_is_positive_where_the_score_does_what_it_should(spectrum):
    assert run_ladder("blur", spectrum, draws=1, scorer=Keeper()).spearman("total") == pytest.approx(1.0)
    assert run_ladder("thinning", spectrum, draws=1, scorer=Keeper()).spearman("N") == pytest.approx(-1.0)


@pytest.mark.parametrize("name", sorted(arpes_ladders.LADDERS))
def test_on_the_measured_cut_the_scores_follow_every_ladder(name):
    if not (DATA / CUT_FILE).is_file():
        pytest.skip(f"the measured cut is not in {DATA}; set BEAMGYM_DATA")
    found = run_ladder(name, load_cut(DATA), draws=4)
    assert len(found.rungs) >= 10
    assert found.spearman("total") >= BAR
    assert found.spearman(found.ladder.reacts) >= BAR
    assert (found.ood < 1.0).all(), "the cut is not flagged as unlike the training's spectra"


def test_the_measured_cut_is_read_with_energy_along_the_rows():
    if not (DATA / CUT_FILE).is_file():
        pytest.skip(f"the measured cut is not in {DATA}; set BEAMGYM_DATA")
    cut = load_cut(DATA)
    rows = cut.sum(axis=1)
    assert rows[-20:].mean() < 0.25 * rows.max(), "above the Fermi level there is little"
    mirrored = np.abs(cut.sum(axis=0)[15:195] / cut.sum(axis=0)[15:195][::-1] - 1.0)
    assert np.median(mirrored) < 0.2, "the cone is symmetric in angle"


def test_mistakes_are_said_in_one_line(spectrum, tmp_path):
    with pytest.raises(ValueError, match="choose one of blur, thinning, background"):
        run_ladder("heat", spectrum, scorer=Keeper())
    with pytest.raises(ValueError, match="once or more"):
        run_ladder("blur", spectrum, draws=0, scorer=Keeper())
    with pytest.raises(ValueError, match="ladders need 200000 or more"):
        run_ladder("blur", spectrum // 100, scorer=Keeper())
    with pytest.raises(FileNotFoundError, match="set BEAMGYM_DATA"):
        load_cut(tmp_path)
    (tmp_path / "arpes").mkdir()
    np.savez(tmp_path / CUT_FILE, J=np.ones(3))
    with pytest.raises(ValueError, match="must hold I"):
        load_cut(tmp_path)
