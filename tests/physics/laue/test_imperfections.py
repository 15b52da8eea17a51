"""What is lost, moved and added between spots and found peaks, against plain numpy and against its own statistics."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from beamgym.physics.counter_rng import make_keys, normal, normal_pair, poisson, uniform, uniforms
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import disturb, draw_normals
from beamgym.physics.laue.imperfections import (
    LAUE_LEVELS,
    Imperfections,
    imperfections,
    miscalibrated_detectors,
    read_level,
    write_level,
)

SHAPE = (400, 512)
uniform_of, normal_of = njit(lambda key, i: uniform(key, i)), njit(lambda key, i: normal(key, i))
pair_of, poisson_of = njit(lambda key, i: normal_pair(key, i)), njit(lambda key, i, mean: poisson(key, i, mean))


def _disturbed(position, intensity, count, keys, room=64, **given):
    level = {"scale": 10.0, "jitter": 0.3, "missing": 0.2, "false": 3.0, "spread": 0.2, "least": 500.0, **given}
    numbers = np.array([*level.values(), 500.0])
    n = len(keys)
    out = (np.empty((n, room, 2), np.float32), np.empty((n, room), np.float32), np.empty((n, room), np.int64))
    counts = np.empty(n, np.int64)
    disturb(position, intensity, count, keys, numbers, SHAPE, *out, counts)
    return *out, counts


def _plain(position, intensity, key, room, scale, jitter, missing, false, spread, least):
    """Do the same for one frame without sorting on the way or skipping what is hopeless."""
    rows = []
    for j, rate in enumerate(intensity):
        counts = scale * float(rate)
        if counts < 0.2 * least or uniform_of(key, 8 * j + 64) < missing:
            continue
        counts *= math.exp(spread * normal_of(key, 4 * j + 33))
        if counts >= least:
            rows.append((counts, j, *(position[j] + jitter * np.array(pair_of(key, 4 * j + 34)))))
    for j in range(poisson_of(key, 0, false)):
        x, y = uniform_of(key, 1000003 + 4 * j) * (SHAPE[1] - 1), uniform_of(key, 1000004 + 4 * j) * (SHAPE[0] - 1)
        rows.append((500.0 * 10.0 ** (2.0 * uniform_of(key, 1000005 + 4 * j)), -1, x, y))
    return sorted(rows, key=lambda row: -row[0])[:room]


def _spots(n, m, decades=1.2, seed=0):
    rng = np.random.default_rng(seed)
    intensity = np.exp(rng.normal(math.log(200), decades, (n, m))).astype(np.float32)
    position = (rng.uniform(0, 1, (n, m, 2)) * [SHAPE[1] - 1, SHAPE[0] - 1]).astype(np.float32)
    return position, intensity, rng.integers(0, m + 1, n)


@pytest.mark.parametrize("room", [5, 64, 200])
@pytest.mark.parametrize("missing", [0.0, 0.5])
@pytest.mark.parametrize("least", [0.0, 500.0])
def test_the_kernel_agrees_with_plain_numpy(room, missing, least):
    position, intensity, count = _spots(20, 128)
    keys = make_keys(np.arange(20))
    places, counts, source, found = _disturbed(position, intensity, count, keys, room, missing=missing, least=least)
    for i in range(20):
        plain = _plain(
            position[i, : count[i]], intensity[i, : count[i]], keys[i], room, 10.0, 0.3, missing, 3.0, 0.2, least
        )
        assert found[i] == len(plain)
        np.testing.assert_allclose(counts[i, : found[i]], [row[0] for row in plain], rtol=1e-6)
        assert source[i, : found[i]].tolist() == [row[1] for row in plain]
        np.testing.assert_allclose(
            places[i, : found[i]].reshape(-1, 2), [row[2:] for row in plain] or np.zeros((0, 2)), rtol=1e-6
        )
        assert not places[i, found[i] :].any()
        assert not counts[i, found[i] :].any()
        assert (source[i, found[i] :] == -1).all()


def test_a_frame_does_not_depend_on_the_others():
    position, intensity, count = _spots(7, 60)
    keys = make_keys(np.arange(7))
    together = _disturbed(position, intensity, count, keys)
    for i in (3, 0, 6):
        alone = _disturbed(position[[i]], intensity[[i]], count[[i]], keys[[i]])
        for whole, one in zip(together, alone, strict=True):
            np.testing.assert_array_equal(whole[[i]], one)


def test_the_share_of_lost_spots_the_jitter_and_the_false_ones_are_as_the_numbers_say():
    n, m = 400, 40
    position, intensity, _ = _spots(n, m, decades=0.3, seed=1)
    count = np.full(n, m)
    places, counts, source, found = _disturbed(position, intensity, count, make_keys(np.arange(n)), 80, least=0.0)
    real = source >= 0
    assert real.sum() / (n * m) == pytest.approx(0.8, abs=5 * math.sqrt(0.16 / (n * m)))
    rows = np.nonzero(real)[0]
    off = places[real] - position[rows, source[real]]
    assert off.std(axis=0) == pytest.approx([0.3, 0.3], rel=0.03)
    assert np.abs(off.mean(axis=0)).max() < 5 * 0.3 / math.sqrt(len(off))
    luck = np.log(counts[real] / (10.0 * intensity[rows, source[real]]))
    assert luck.std() == pytest.approx(0.2, rel=0.03)
    false = found - real.sum(axis=1)
    assert false.mean() == pytest.approx(3.0, abs=5 * math.sqrt(3.0 / n))
    assert (np.diff(counts, axis=1) <= 0).all()


def test_false_spots_lie_all_over_the_panel():
    n = 500
    places, counts, source, found = _disturbed(
        np.zeros((n, 0, 2), np.float32), np.zeros((n, 0), np.float32), np.zeros(n, np.int64), make_keys(np.arange(n))
    )
    there = np.arange(64) < found[:, None]
    assert (source == -1).all()
    assert places[there].mean(axis=0) == pytest.approx([(SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2], rel=0.1)
    assert places[there].min() >= 0
    assert (places[there] <= [SHAPE[1] - 1, SHAPE[0] - 1]).all()
    assert counts[there].min() >= 500.0
    assert counts[there].max() <= 50_000.0


def test_without_imperfections_the_spots_come_back_as_they_are():
    position, intensity, count = _spots(5, 30, seed=2)
    places, counts, source, found = _disturbed(
        position, intensity, count, make_keys(np.arange(5)), jitter=0.0, missing=0.0, false=0.0, spread=0.0, least=0.0
    )
    np.testing.assert_array_equal(found, count)
    for i in range(5):
        order = source[i, : count[i]]
        assert sorted(order) == list(range(count[i]))
        np.testing.assert_allclose(places[i, : count[i]], position[i, order])
        np.testing.assert_allclose(counts[i, : count[i]], 10.0 * intensity[i, order], rtol=1e-6)


def test_drawn_normals_are_the_numbers_of_their_own_key():
    keys = make_keys(np.arange(6))
    drawn = draw_normals(keys, 4)
    np.testing.assert_array_equal(drawn, [[normal_of(key, j) for j in range(4)] for key in keys])


class TestMiscalibratedDetectors:
    def test_a_perfect_camera_stands_where_it_should(self):
        nominal = Detector.side(shape=(300, 400), pixel_mm=0.2)
        panels = miscalibrated_detectors(nominal, LAUE_LEVELS["easy"], make_keys(np.arange(4)))
        np.testing.assert_allclose(panels, np.tile(nominal.as_vector(), (4, 1)), atol=1e-12)

    def test_centres_move_and_panels_tilt_by_the_standard_deviations(self):
        nominal = Detector.back_reflection(shape=(300, 400), pixel_mm=0.2)
        panels = miscalibrated_detectors(nominal, LAUE_LEVELS["hard"], make_keys(np.arange(3000)))
        origin, fast, slow = panels[:, :3], panels[:, 3:6], panels[:, 6:]
        centre = origin + 0.5 * 0.2 * (399 * fast + 299 * slow)
        moved = centre - nominal.to_lab_mm([199.5, 149.5])
        assert moved.std(axis=0) == pytest.approx([0.5] * 3, rel=0.06)
        normal = np.cross(fast, slow)
        tilt = np.degrees(np.arccos(np.clip(normal @ np.cross(nominal.fast, nominal.slow), -1, 1)))
        # two independent tilts of 0.3°: Rayleigh, mean 0.3 sqrt(pi / 2)
        assert tilt.mean() == pytest.approx(0.3 * math.sqrt(math.pi / 2), rel=0.05)

    def test_panels_stay_flat_and_square(self):
        panels = miscalibrated_detectors(Detector.transmission(), LAUE_LEVELS["hard"], make_keys(np.arange(20)))
        fast, slow = panels[:, 3:6], panels[:, 6:]
        np.testing.assert_allclose((fast * slow).sum(axis=1), 0.0, atol=1e-12)
        np.testing.assert_allclose((fast**2).sum(axis=1), 1.0, atol=1e-12)


class TestNumbers:
    def test_harder_levels_are_harder_in_every_number(self):
        easy, real, hard = (LAUE_LEVELS[name] for name in ("easy", "real", "hard"))
        for item in fields(Imperfections):
            values = [getattr(level, item.name) for level in (easy, real, hard)]
            assert values == sorted(values, reverse=item.name == "counts_scale")

    def test_an_unknown_level_is_answered_with_those_that_exist(self):
        with pytest.raises(ValueError, match="easy, real, hard"):
            imperfections("impossible")

    @given(
        st.sampled_from([item.name for item in fields(Imperfections)]),
        st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.just(-0.5)),
    )
    @settings(max_examples=100)
    def test_numbers_are_taken_as_they_are_or_refused_in_one_line(self, name, value):
        low, high = {"second_grain": (0.3, 1.0), "axial_ratio_fraction": (0.0, 0.2)}.get(name, (0.0, math.inf))
        good = math.isfinite(value) and (low <= value <= high or value == 0)
        good = good and not (name in ("missing_fraction", "second_grain") and value >= 1)
        if good:
            assert getattr(Imperfections(**{name: value}), name) == value
            return
        with pytest.raises(ValueError, match=name) as caught:
            Imperfections(**{name: value})
        assert "\n" not in str(caught.value)


class TestALevelsFile:
    MINE = Imperfections(centroid_noise_mm=0.07, missing_fraction=0.31, backlash_deg=0.12)

    def test_holds_the_numbers_to_the_last_bit(self, tmp_path):
        path = tmp_path / "mine.yaml"
        write_level(path, self.MINE, {"backlash_deg": (0.1, 0.14)}, {"runs": 24, "instrument": "mine"})
        assert imperfections(path) == imperfections(str(path)) == self.MINE
        assert read_level(path).intervals == {"backlash_deg": (0.1, 0.14)}

    def test_leaves_out_what_stays_as_in_the_level_real(self, tmp_path):
        path = tmp_path / "mine.yml"
        path.write_text("imperfections: {false_spots: 9}\n", encoding="utf-8")
        assert imperfections(path) == replace(LAUE_LEVELS["real"], false_spots=9.0)

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            (
                "imperfections: {false_spots: -1}",
                "imperfections: false_spots is -1.0; it must be a finite number, 0 or more$",
            ),
            ("imperfections: {jitter_px: 1}", "imperfections: unknown key jitter_px; the keys are centroid_noise_mm, "),
            ("imperfections: {missing_fraction: 1.5}", "missing_fraction is 1.5; it must be below 1"),
            ("imperfections: {false_spots: .nan}", "imperfections.false_spots: .*finite"),
            ("missing_fraction: 0.3", r"imperfections is missing; .* as imperfections: \{missing_fraction: 0.2\}$"),
            ("[1, 2]", r"top level: found .*; give numbers by name, as imperfections: \{missing_fraction: 0.2\}$"),
            ("a: b: c", "is not YAML"),
        ],
    )
    def test_with_a_mistake_is_one_line_that_names_it(self, tmp_path, text, line):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=line) as caught:
            imperfections(path)
        assert "mine.yaml" in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_that_is_not_there_is_one_line(self):
        with pytest.raises(ValueError, match=r"cannot read the level's file nowhere.yaml: No such file"):
            imperfections("nowhere.yaml")


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"axial_ratio_fraction": 0.3}, "axial_ratio_fraction is 0.3; choose 0 to 0.2"),
        ({"second_grain": 0.1}, "it must be 0 for none, or from 0.3 to below 1"),
        ({"second_grain": 1.0}, "it must be 0 for none, or from 0.3 to below 1"),
        ({"true_spots": -1.0}, "true_spots is -1.0; it must be a finite number, 0 or more"),
    ],
)
def test_what_no_sample_has_is_refused_in_one_line(numbers, words):
    with pytest.raises(ValueError, match=words):
        Imperfections(**numbers)


def test_uniforms_are_those_of_the_kernels():
    keys = make_keys(np.arange(5), 1)
    drawn = [[uniform_of(key, i) for i in range(3)] for key in keys]
    np.testing.assert_array_equal(uniforms(keys, 3), drawn)
