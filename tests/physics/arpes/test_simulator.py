"""SimulatedArpes: a World by the seam, reproducible per sample, whose truth is that of its surfaces."""

import numpy as np
import pytest

from beamgym.envs.checks import check_world
from beamgym.physics.arpes.score.direct import direct_scores
from beamgym.physics.arpes.score.quality import REFERENCE_COUNTS
from beamgym.physics.arpes.simulator import ARPES_READOUT_S, FIRST_DWELL_S, SimulatedArpes
from beamgym.physics.arpes.surface.levels import SURFACE_LEVELS, SurfaceNumbers
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings, MoveFailed, PlaceableWorld, World

SETTINGS = AcquireSettings()
PERFECT = SurfaceNumbers(
    backlash_mm=0.0, readback_noise_mm=0.0, drift_mm_per_hour=0.0, ageing_per_hour=0.0, charging_ev=0.0
)


def begun(n, level="real", seed=0, **options):
    world = SimulatedArpes(n, level, **options)
    world.reset(make_keys(seed + np.arange(n)), np.ones(n, np.bool_))
    return world


def targets(n, seed=0):
    random = np.random.default_rng(seed)
    return np.column_stack([random.uniform(-0.6, 0.6, (n, 2)), random.uniform(0.1, 2.0, n)])


class TestTheSeam:
    def test_it_is_a_world_that_can_be_placed(self):
        world = begun(2)
        assert isinstance(world, World)
        assert isinstance(world, PlaceableWorld)
        assert [axis.name for axis in world.axes] == ["x", "y", "dwell"]

    def test_a_move_takes_travel_and_settling_and_an_exposure_its_dwell(self):
        world, ones = begun(1, PERFECT), np.ones(1, np.bool_)
        report = world.move(np.array([[0.5, -0.2, 1.3]]), ones)
        assert report.duration_s[0] == pytest.approx(0.5 / 0.5 + 0.2)
        frame = world.acquire(SETTINGS, ones)
        assert frame.exposure_s[0] == pytest.approx(1.3)
        assert frame.time_s[0] == pytest.approx(1.2 + 1.3 + ARPES_READOUT_S)
        np.testing.assert_allclose(world.positions(), [[0.5, -0.2, 1.3]])

    def test_the_shortest_exposure_is_made_on_the_fly_and_sees_the_middle_of_its_smear(self):
        ones, places = np.ones(1, np.bool_), []
        flown, settled = begun(1, PERFECT), begun(1, PERFECT)
        report = flown.move(np.array([[0.4, 0.0, 0.05]]), ones)
        assert report.duration_s[0] == pytest.approx(0.4 / 0.5 - 0.05)
        assert flown.acquire(SETTINGS, ones).time_s[0] == pytest.approx(0.4 / 0.5 + ARPES_READOUT_S)
        np.testing.assert_allclose(flown.positions(), [[0.4, 0.0, 0.05]])
        for x in (0.4, 0.4 - 0.0125):
            settled.move(np.array([[x, 0.0, 1.0]]), ones)
            settled.acquire(SETTINGS, ones)
            places.append(settled.truth()["place_score"][0])
        assert places[0] != places[1]
        assert flown.truth()["place_score"][0] == pytest.approx(places[1], abs=1e-9)
        flown.acquire(SETTINGS, ones)
        assert flown.truth()["place_score"][0] == pytest.approx(places[0], abs=1e-9), "it stands there now"

    def test_rows_that_are_not_asked_neither_move_nor_expose(self):
        world, mask = begun(2), np.array([True, False])
        world.acquire(SETTINGS, np.ones(2, np.bool_))
        before = world.truth()
        world.move(targets(2), mask)
        frame = world.acquire(SETTINGS, mask)
        after = world.truth()
        assert frame.counter.tolist() == [2, 1]
        assert after["place_score"][1] == before["place_score"][1]
        assert (after["place_mm"][0] != before["place_mm"][0]).any()
        np.testing.assert_allclose(after["place_mm"][1], before["place_mm"][1], atol=1e-9)

    def test_what_cannot_be_reached_raises_and_names_the_axis(self):
        world, ones = begun(1), np.ones(1, np.bool_)
        with pytest.raises(MoveFailed, match=r"x was sent to 1\.5"):
            world.move(np.array([[1.5, 0.0, 1.0]]), ones)
        with pytest.raises(MoveFailed, match="dwell was sent to 60"):
            world.move(np.array([[0.5, 0.0, 60.0]]), ones)
        with pytest.raises(ValueError, match="cannot start there: y was sent to 3"):
            world.reset(make_keys(np.arange(1)), ones, positions=[0.0, 3.0, 1.0])

    def test_it_starts_in_the_middle_or_where_it_is_told(self):
        world = begun(2)
        np.testing.assert_allclose(world.positions()[:, 2], FIRST_DWELL_S)
        assert np.abs(world.positions()[:, :2]).max() < 0.01
        world.reset(make_keys(np.arange(2)), np.ones(2, np.bool_), positions=[0.2, 0.3, 0.1])
        np.testing.assert_allclose(world.positions(), [[0.2, 0.3, 0.1]] * 2, atol=0.01)

    def test_mistakes_are_told(self):
        for options, message in (
            ({"n": 0}, "n is 0"),
            ({"size": 100}, "size is 100"),
            ({"surfaces": 0}, "surfaces is 0"),
            ({"level": "soft"}, "unknown level"),
            ({"stage_name": "hand"}, "unknown stage"),
        ):
            with pytest.raises(ValueError, match=message) as caught:
                SimulatedArpes(**options)
            assert "\n" not in str(caught.value)


class TestTheNumbers:
    @pytest.mark.parametrize("level", SURFACE_LEVELS)
    def test_it_keeps_the_contract_of_a_world(self, level):
        check_world(lambda n: SimulatedArpes(n, level))

    def test_nothing_of_the_last_spectrum_is_known_of_a_new_surface(self):
        world = begun(1)
        world.acquire(SETTINGS, np.ones(1, np.bool_))
        world.reset(make_keys(np.array([9])), np.ones(1, np.bool_))
        assert not world.truth()["labels"].any()
        assert world.truth()["place_score"] == 0.0

    def test_another_exposure_counts_other_electrons_and_a_frame_is_no_reused_buffer(self):
        world, ones = begun(1, PERFECT), np.ones(1, np.bool_)
        first = world.acquire(SETTINGS, ones).image
        kept = first.copy()
        second = world.acquire(SETTINGS, ones).image
        assert np.array_equal(first, kept)
        assert not np.array_equal(first, second)
        assert first.sum() == pytest.approx(second.sum(), rel=0.1)

    def test_counts_follow_the_dwell(self):
        world, ones, sums = begun(1, PERFECT), np.ones(1, np.bool_), []
        for dwell in (0.5, 5.0):
            world.move(np.array([[0.1, 0.1, dwell]]), ones)
            sums.append(world.acquire(SETTINGS, ones).image.sum())
        assert sums[1] / sums[0] == pytest.approx(10.0, rel=0.05)

    def test_a_kept_surface_is_met_again_and_a_new_one_is_not(self):
        kept = begun(4, surfaces=1)
        assert len(set(kept.truth()["best"])) == 1
        fresh = begun(4)
        assert len(set(fresh.truth()["best"])) == 4

    def test_the_backlash_and_the_drift_move_the_beam_and_not_the_reading(self):
        level = SurfaceNumbers(backlash_mm=0.04, readback_noise_mm=0.0, drift_mm_per_hour=50.0)
        world, ones = begun(1, level), np.ones(1, np.bool_)
        for x in (0.5, 0.3):
            world.move(np.array([[x, 0.0, 5.0]]), ones)
        assert world.positions()[0, 0] == pytest.approx(0.3)
        there = world.truth()["place_mm"][0]
        world.acquire(SETTINGS, ones)
        moved = world.truth()["place_mm"][0] - there
        assert there[0] > 0.3 + 0.005
        assert np.abs(moved).max() > 1e-3
        assert world.positions()[0, 0] == pytest.approx(0.3)


class TestTheTruth:
    def test_the_best_place_of_the_map_is_good_enough_when_the_stage_goes_there(self):
        world, ones = begun(4, PERFECT), np.ones(4, np.bool_)
        goals = []
        for row in range(4):
            drawn = world.score_map(row)
            place = np.argwhere(drawn.points == drawn.best)[0]
            goals.append([drawn.centres_mm[place[1]], drawn.centres_mm[place[0]], 0.1])
        world.move(np.array(goals), ones)
        world.acquire(SETTINGS, ones)
        truth = world.truth()
        np.testing.assert_allclose(truth["place_score"], truth["best"], atol=0.15)
        assert (truth["place_score"] >= truth["threshold"]).all()

    def test_the_labels_are_of_the_spectrum_and_the_place_score_of_the_place(self):
        world, ones, seen = begun(1, PERFECT), np.ones(1, np.bool_), []
        for dwell in (0.1, 4.0):
            world.move(np.array([[0.1, 0.1, dwell]]), ones)
            counts = world.acquire(SETTINGS, ones).image.sum()
            truth = world.truth()
            assert truth["labels"][0, 2] == pytest.approx(min(counts / REFERENCE_COUNTS, 1.0), rel=1e-5)
            seen.append(truth)
        assert seen[1]["labels"][0, 3] > seen[0]["labels"][0, 3]
        assert seen[1]["place_score"][0] == seen[0]["place_score"][0]
        np.testing.assert_allclose(seen[1]["labels"][0, :2], seen[0]["labels"][0, :2])

    def test_the_flux_of_a_level_is_what_clean_sample_gives_in_a_second(self):
        clean = SurfaceNumbers(layer=0.0, step_layer=0.0, charging_ev=0.0, readback_noise_mm=0.0)
        world, ones = begun(16, clean), np.ones(16, np.bool_)
        world.move(np.tile([0.0, 0.0, 1.0], (16, 1)), ones)
        per_s = world.acquire(SETTINGS, ones).image.sum(axis=(1, 2)).mean()
        # Bands weigh 1, the background half of them, and the detector's edges lose a tenth.
        assert per_s == pytest.approx(1.5 * 0.9 * SURFACE_LEVELS["real"].counts_per_s, rel=0.15)


@pytest.fixture(scope="module")
def pairs():
    world, ones = begun(32), np.ones(32, np.bool_)
    labels, read = [], []
    for seed in range(6):
        world.move(targets(32, seed), ones)
        counts = world.acquire(SETTINGS, ones).image
        labels.append(world.truth()["labels"])
        read.append(direct_scores(counts, world.context.analyser.grid.slit_step_deg).labels())
    return np.concatenate(labels), np.concatenate(read)


class TestTheDirectScores:
    def test_they_order_spectra_nearly_as_the_labels_do(self, pairs):
        from scipy.stats import spearmanr

        assert spearmanr(pairs[0][:, 1], pairs[1][:, 1])[0] > 0.85
        assert spearmanr(pairs[0][:, 3], pairs[1][:, 3])[0] > 0.9
        np.testing.assert_allclose(pairs[0][:, 2], pairs[1][:, 2], rtol=1e-5)

    def test_flat_noise_has_no_contrast_and_bands_have(self):
        random = np.random.default_rng(0)
        flat = random.poisson(10.0, (5, 64, 64)).astype(np.float32)
        band = np.exp(-0.5 * ((np.arange(64) - 30) / 2.0) ** 2)
        bands = random.poisson(1.0 + 60.0 * band * np.ones((5, 64, 1))).astype(np.float32)
        assert direct_scores(flat, 0.5).total.max() < direct_scores(bands, 0.5).total.min()
        assert direct_scores(bands, 0.5).background.min() > 0.7

    def test_a_wider_band_is_less_sharp(self):
        random, sharp = np.random.default_rng(0), []
        for width in (1.5, 3.0, 6.0):
            band = np.exp(-0.5 * ((np.arange(64) - 30) / width) ** 2)
            spectrum = random.poisson(1.0 + 60.0 * band * np.ones((1, 64, 1))).astype(np.float32)
            sharp.append(direct_scores(spectrum, 0.5).sharpness[0])
        assert sharp == sorted(sharp, reverse=True)
        fwhm_deg = (1.0 - np.array(sharp)) / 0.03
        np.testing.assert_allclose(fwhm_deg, 2.3548 * 0.5 * np.array([1.5, 3.0, 6.0]), rtol=0.25)

    def test_spectra_that_cannot_be_read_are_refused(self):
        with pytest.raises(ValueError, match="e a multiple of 16"):
            direct_scores(np.zeros((2, 20, 64), np.float32), 0.5)
        broken = np.zeros((1, 64, 64), np.float32)
        broken[0, 3, 3] = np.nan
        with pytest.raises(ValueError, match="finite counts"):
            direct_scores(broken, 0.5)
