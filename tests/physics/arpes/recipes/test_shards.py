"""Shards: what is written is read again, whole or not at all, and a broken one is named."""

from dataclasses import fields

import h5py
import numpy as np
import pytest

from beamgym.physics.arpes.recipes.recipes import RECIPES, recipe_grid, simulate_spectra
from beamgym.physics.arpes.recipes.sampler import Sampler
from beamgym.physics.arpes.recipes.shards import (
    BrokenShard,
    read_dataset,
    read_scores,
    read_shard,
    shard_attributes,
    shard_path,
    write_dataset,
    write_shard,
)

GRID = recipe_grid((32, 32))


@pytest.fixture(params=RECIPES)
def written(request, tmp_path):
    sampler = Sampler.natural(request.param, GRID)
    return sampler, write_dataset(tmp_path / "set", sampler, 3, 10, per_shard=4)


def test_what_is_written_is_read_again(written):
    sampler, paths = written
    batches = [read_shard(path) for path in paths]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    expected = sampler.take(3, np.arange(4, 8))
    np.testing.assert_array_equal(batches[1].counts, expected.counts)
    np.testing.assert_array_equal(batches[1].slit_deg, expected.slit_deg)
    for name in ("paper", "v2", "parameters"):
        for field in fields(getattr(expected, name)):
            left, right = (getattr(getattr(batch, name), field.name) for batch in (batches[1], expected))
            np.testing.assert_array_equal(left, right)
    paper, v2 = read_scores(paths[1])
    np.testing.assert_array_equal(paper.total, expected.paper.total)
    np.testing.assert_array_equal(v2.sharpness, expected.v2.sharpness)


def test_a_shard_holds_all_that_is_needed_to_make_it_again(written):
    batch = read_shard(written[1][0])
    again = simulate_spectra(batch.parameters, GRID, batch.keys)
    np.testing.assert_array_equal(again.counts, batch.counts)


def test_a_shard_says_what_it_is(written):
    about = shard_attributes(written[1][2])
    assert about["seed"] == 3
    assert about["first"] == 8
    assert about["spectra"] == 2
    assert about["recipe"] == written[0].recipe
    with h5py.File(written[1][0]) as file:
        assert file["entry/data"].attrs["NX_class"] == "NXdata"
        assert file["entry/data/energy"].attrs["units"] == "eV"


def test_a_truncated_shard_is_named_and_skipped_only_on_request(written):
    path = written[1][1]
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BrokenShard, match=r"shard_00001\.h5 is cut off") as error:
        list(read_dataset(path.parent))
    assert "\n" not in str(error.value)
    with pytest.warns(UserWarning, match=r"skipped: .*shard_00001\.h5"):
        batches = list(read_dataset(path.parent, skip_broken=True))
    assert [len(batch) for batch in batches] == [4, 2]


def test_a_shard_that_is_missing_between_others_is_named_and_skipped_only_on_request(written):
    _, paths = written
    paths[1].unlink()
    with pytest.raises(BrokenShard, match=r"shard_00001\.h5 is missing; the command that wrote") as error:
        list(read_dataset(paths[0].parent))
    assert "\n" not in str(error.value)
    with pytest.warns(UserWarning, match=r"skipped: .*shard_00001\.h5 is missing"):
        assert [len(batch) for batch in read_dataset(paths[0].parent, skip_broken=True)] == [4, 2]


def test_a_shard_with_fewer_spectra_than_it_says_is_named_and_made_again(written):
    sampler, paths = written
    with h5py.File(paths[0], "r+") as file:
        for name in ("data/counts", "keys"):
            short = file["entry"][name][:3]
            del file["entry"][name]
            file["entry"][name] = short
    with pytest.raises(BrokenShard, match=r"shard_00000\.h5 says that it holds 4 spectra, but has 3"):
        read_shard(paths[0])
    write_dataset(paths[0].parent, sampler, 3, 10, per_shard=4)
    assert len(read_shard(paths[0])) == 4


def test_a_run_that_was_stopped_goes_on_where_it_was(written):
    sampler, paths = written
    kept, before = paths[0].stat().st_mtime_ns, paths[1].read_bytes()
    paths[1].write_bytes(before[:1000])
    paths[2].unlink()
    reported = []
    write_dataset(paths[0].parent, sampler, 3, 10, per_shard=4, done=reported.append)
    assert paths[0].stat().st_mtime_ns == kept
    assert sum(reported) == 10
    assert [len(read_shard(path)) for path in paths] == [4, 4, 2]
    np.testing.assert_array_equal(read_shard(paths[1]).counts, sampler.take(3, np.arange(4, 8)).counts)


def test_another_data_set_is_not_mixed_in(written):
    sampler, paths = written
    with pytest.raises(ValueError, match="belongs to another data set: its seed is 3, not 4"):
        write_dataset(paths[0].parent, sampler, 4, 10, per_shard=4)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    batch = Sampler.natural("published", GRID).take(0, np.arange(2))
    monkeypatch.setattr("beamgym.physics.arpes.recipes.shards._small", lambda counts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_shard(tmp_path / "shard_00000.h5", batch)
    assert list(tmp_path.iterdir()) == []


def test_processes_write_the_same_shards(tmp_path):
    sampler = Sampler.natural("published", GRID)
    alone, together = (
        write_dataset(tmp_path / name, sampler, 1, 6, 3, workers) for name, workers in (("a", 0), ("b", 1))
    )
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(read_shard(a).counts, read_shard(b).counts)


def test_other_files_and_missing_ones_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no shards in"):
        list(read_dataset(tmp_path))
    with pytest.raises(FileNotFoundError, match="no shard"):
        read_shard(shard_path(tmp_path, 0))
    with h5py.File(shard_path(tmp_path, 0), "w") as file:
        file.attrs["format"] = "other"
    with pytest.raises(BrokenShard, match="no ARPES shard"):
        read_shard(shard_path(tmp_path, 0))
    with pytest.raises(TypeError, match=r"seed is 1\.5; give a whole number"):
        write_dataset(tmp_path, Sampler.natural("published", GRID), 1.5, 10)
    with pytest.raises(ValueError, match="count ≥ 1"):
        write_dataset(tmp_path, Sampler.natural("published", GRID), 0, 0)
