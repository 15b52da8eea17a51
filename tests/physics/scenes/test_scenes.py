"""Scenes are seeded and split by model; their peaks carry the counts that they say; form factors obey their laws."""

import re

import numpy as np
import pytest

from beamgym.physics.scenes import SPLITS, read_sans, read_shard, scene_source, write_scenes
from beamgym.physics.scenes import form_factors as of
from beamgym.physics.scenes.diffraction import CHARGE_ORDER, LEFT_OUT, PX_PER_RLU, box_of
from beamgym.physics.scenes.laue import Scenes as LaueScenes
from beamgym.physics.scenes.sans import MODELS

Q = np.linspace(1e-3, 0.3, 300)


def places_of(model):
    """h and l of both satellites, as the scene's name says them."""
    return [(float(h), float(along)) for h, along in re.findall(r"\(([\d.]+), 0, ([\d.]+)\)", model)]


class TestSeeds:
    @pytest.mark.parametrize("kind", ["diffraction", "sans"])
    def test_a_scene_depends_on_seed_and_number_only(self, kind):
        one, two = scene_source(kind, "train"), scene_source(kind, "train")
        one.take(3, 0)
        assert np.array_equal(one.take(3, 5).rate, two.take(3, 5).rate)
        assert not np.array_equal(one.take(3, 5).rate, one.take(4, 5).rate)

    def test_unknown_kinds_and_splits_are_named(self):
        with pytest.raises(ValueError, match="unknown scene 'raman'; choose one of laue"):
            scene_source("raman", "train")
        with pytest.raises(ValueError, match="unknown split 'validation'"):
            scene_source("sans", "validation")


class TestSplits:
    def test_no_form_factor_is_in_two_splits(self):
        names = [name for split in SPLITS for name in MODELS[split]]
        assert len(names) == len(set(names))

    def test_no_crystal_is_in_two_splits(self):
        names = [crystal.name for split in SPLITS for crystal in LaueScenes(split).crystals[:2]]
        assert len(names) == len(set(names))

    def test_training_never_sees_the_wave_vector_that_is_tested(self):
        test = scene_source("diffraction", "test").take(0, 0).peaks
        assert (test[1, 0] - test[0, 0]) / 2 / PX_PER_RLU == pytest.approx(CHARGE_ORDER[0])
        train = scene_source("diffraction", "train")
        for index in range(60):
            scene = train.take(0, index)
            for h, along in places_of(scene.model):
                assert abs(h - CHARGE_ORDER[0]) > LEFT_OUT[0] or abs(along - CHARGE_ORDER[1]) > LEFT_OUT[1]

    def test_training_has_satellites_on_every_side_of_it(self):
        """A hole in what is trained on would be learnt as a place without satellites."""
        train = scene_source("diffraction", "train")
        places = np.array([place for index in range(400) for place in places_of(train.take(1, index).model)])
        away = (places - CHARGE_ORDER) / (3 * np.array(LEFT_OUT))
        for sign in (-1.0, 1.0):
            for axis in (0, 1):
                beside = (np.abs(away) < 1.0).all(1) & (sign * away[:, axis] > 1 / 3)
                assert beside.sum() >= 3


class TestCounts:
    def test_a_satellite_has_the_signal_that_was_asked_for(self):
        source = scene_source("diffraction", "test")
        for index in range(8):
            with_peak, without = source.at(0, index, 3.0), source.at(0, index, 0.0)
            column, row, counts, across, along = max(with_peak.peaks.tolist(), key=lambda peak: peak[2])
            box = box_of(column, row, across, along)
            assert counts == pytest.approx(3.0 * np.sqrt(without.rate[box].sum()), rel=0.01)
            extra = (with_peak.rate - without.rate).sum()
            assert extra == pytest.approx(counts, rel=0.02)

    def test_nothing_is_counted_behind_the_beam_stop(self):
        scene = scene_source("sans", "test").take(1, 0)
        assert scene.mask.any()
        assert (scene.rate[scene.mask] == 0.0).all()
        assert scene.q_inv_a is not None
        assert scene.q_inv_a[scene.mask].max() < np.median(scene.q_inv_a)


class TestFormFactors:
    @pytest.mark.parametrize(
        "curve",
        [
            lambda q: of.sphere(q, 40.0),
            lambda q: of.vesicle(q, 60.0, 15.0),
            lambda q: of.ellipsoid(q, 30.0, 2.0),
            lambda q: of.cylinder(q, 20.0, 80.0),
            lambda q: of.gaussian_coil(q, 50.0),
        ],
    )
    def test_all_are_one_at_the_origin_and_never_above(self, curve):
        assert curve(np.array([1e-5]))[0] == pytest.approx(1.0, abs=1e-4)
        assert (curve(Q) <= 1.0 + 1e-9).all()

    def test_guinier_radii_are_those_of_the_bodies(self):
        q = np.array([1e-3])
        for curve, squared in (
            (of.sphere(q, 50.0), 0.6 * 50.0**2),
            (of.cylinder(q, 30.0, 100.0), 30.0**2 / 2 + 100.0**2 / 12),
            (of.ellipsoid(q, 40.0, 1.5), 40.0**2 * (2 + 1.5**2) / 5),
            (of.gaussian_coil(q, 50.0), 50.0**2),
        ):
            assert -3.0 * np.log(curve[0]) / q[0] ** 2 == pytest.approx(squared, rel=2e-3)

    def test_a_round_ellipsoid_is_a_sphere_and_a_solid_vesicle_too(self):
        assert of.ellipsoid(Q, 50.0, 1.0) == pytest.approx(of.sphere(Q, 50.0), abs=1e-9)
        assert of.vesicle(Q, 50.0, 50.0 - 1e-6) == pytest.approx(of.sphere(Q, 50.0), abs=1e-6)

    def test_spheres_fade_by_the_fourth_power(self):
        q = np.linspace(2.0, 4.0, 4000)
        near, far = (of.sphere(q * factor, 50.0).mean() for factor in (1.0, 2.0))
        assert near / far == pytest.approx(16.0, rel=0.02)


class TestFiles:
    def test_shards_come_back_and_are_not_written_twice(self, tmp_path):
        paths = write_scenes(tmp_path, "diffraction", "train", 7, 5, per_shard=3)
        before = [path.stat().st_mtime_ns for path in paths]
        assert [len(read_shard(path)) for path in paths] == [3, 2]
        scene, wanted = read_shard(paths[1])[1], scene_source("diffraction", "train").take(7, 4)
        assert np.array_equal(scene.rate, wanted.rate)
        assert np.allclose(scene.peaks, wanted.peaks)
        write_scenes(tmp_path, "diffraction", "train", 7, 5, per_shard=3)
        assert [path.stat().st_mtime_ns for path in paths] == before
        with pytest.raises(ValueError, match="belongs to another data set: its seed is 7, not 8"):
            write_scenes(tmp_path, "diffraction", "train", 8, 5, per_shard=3)

    def test_a_sans_table_comes_back_and_is_written_with_other_counts(self, tmp_path):
        rows = [f"{x}\t{y}\t{3 * x + y + 20}\t0\t0\t0\t{int(x > 0)}" for y in range(-4, 5) for x in range(-4, 4)]
        file = tmp_path / "a.dat"
        file.write_text("FILE: a\n4.4e6 6 0 4 0.7 0.2\nData columns are Qx - Qy - I\n\n" + "\n".join(rows) + "\n")
        found = read_sans(file)
        assert found.counts.shape == (9, 8)
        assert found.counts[2, 1] == 3 * -3 + -2 + 20
        assert found.mask[:, :5].all()
        assert not found.mask[:, 5:].any()
        found.write(tmp_path / "b.dat", 2.0 * found.counts)
        assert np.array_equal(read_sans(tmp_path / "b.dat").counts, 2.0 * found.counts)

    def test_a_table_that_fills_no_rectangle_is_refused(self, tmp_path):
        file = tmp_path / "a.dat"
        file.write_text("Qx Qy I\n" + "\n".join(f"{x} 0 1" for x in [*range(60), *range(7)]) + "\n")
        with pytest.raises(ValueError, match="67 pixels in rows of 60; they fill no rectangle"):
            read_sans(file)
