"""Episodes in Minari's layout: read by h5py as Minari's page says, and by Minari itself where it is installed."""

import json

import h5py
import numpy as np
import pytest
from gymnasium import spaces

from beamgym.envs.episodes import Episode, episode_files, read_episodes, write_minari
from beamgym.envs.episodes.minari import described

ID = "beamgym/Toy/expert-v0"
PARTS = spaces.Dict({"turn": spaces.Box(-4, 4, (2,), np.float32), "image": spaces.Box(0, 255, (8, 6, 1), np.uint8)})
BOX, CHOICE = spaces.Box(-1, 1, (3,), np.float32), spaces.Discrete(4)


def drawn(space, count, seed):
    if isinstance(space, spaces.Dict):
        return {name: drawn(part, count, seed) for name, part in space.items()}
    space.seed(seed)
    return np.stack([space.sample() for _ in range(count)])


def episode(seen, done, steps, seed):
    observations = drawn(seen, steps + 1, seed)
    last = np.arange(steps) == steps - 1
    return Episode(
        observations if isinstance(observations, dict) else {"observation": observations},
        drawn(done, steps, seed),
        np.linspace(0.0, 1.0, steps),
        last,
        np.zeros(steps, np.bool_),
        {"success": np.append(np.zeros(steps, np.bool_), True)},
        {"env_id": "beamgym/LaueAlign-v0", "seed": seed, "success": True},
    )


def written(root, seen, done, **more):
    episodes = [episode(seen, done, steps, steps) for steps in (1, 4, 2)]
    return episodes, write_minari(root, ID, iter(episodes), seen, done, **more)


CASES = pytest.mark.parametrize(("seen", "done"), [(PARTS, BOX), (BOX, CHOICE), (BOX, spaces.MultiDiscrete([2, 3]))])


@CASES
def test_the_layout_is_that_of_minaris_page(tmp_path, seen, done):
    episodes, folder = written(tmp_path, seen, done, about={"algorithm_name": "expert"})
    assert folder == tmp_path / ID
    content = json.loads((folder / "data" / "metadata.json").read_text())
    assert (content["dataset_id"], content["total_episodes"], content["total_steps"]) == (ID, 3, 7)
    assert (content["data_format"], content["jpeg_encoding"], content["algorithm_name"]) == ("hdf5", False, "expert")
    assert json.loads(content["action_space"]) == described(done)
    with h5py.File(folder / "data" / "main_data.hdf5") as file:
        assert list(file) == ["episode_0", "episode_1", "episode_2"]
        for group, wanted in zip(file.values(), episodes, strict=True):
            assert group.attrs["total_steps"] == wanted.steps
            assert group.attrs["seed"] == wanted.about["seed"]
            np.testing.assert_array_equal(group["actions"], wanted.actions)
            np.testing.assert_array_equal(group["rewards"], wanted.rewards)
            found = group["observations"]
            found = {"observation": found} if isinstance(found, h5py.Dataset) else found
            assert set(found) == set(wanted.observations)
            for name, values in wanted.observations.items():
                np.testing.assert_array_equal(found[name], values)


@CASES
def test_training_reads_it_as_it_reads_runs(tmp_path, seen, done):
    episodes, _ = written(tmp_path, seen, done)
    (file,) = episode_files([tmp_path])
    for found, wanted in zip(read_episodes(file), episodes, strict=True):
        assert found.success
        assert found.about == wanted.about
        assert set(found.observations) == set(wanted.observations)
        np.testing.assert_array_equal(found.actions, wanted.actions)


@CASES
def test_minari_itself_reads_it(tmp_path, monkeypatch, seen, done):
    minari = pytest.importorskip("minari", reason="minari is not installed")
    episodes, _ = written(tmp_path, seen, done)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    dataset = minari.load_dataset(ID)
    assert (dataset.observation_space, dataset.action_space) == (seen, done)
    assert (dataset.total_episodes, dataset.total_steps) == (3, 7)
    for found, wanted in zip(dataset.iterate_episodes(), episodes, strict=True):
        np.testing.assert_array_equal(found.actions, wanted.actions)
        parts = found.observations if isinstance(seen, spaces.Dict) else {"observation": found.observations}
        for name, values in wanted.observations.items():
            np.testing.assert_array_equal(parts[name], values)
    assert {one["seed"] for one in dataset.storage.get_episode_metadata(range(3))} == {1, 4, 2}


def test_without_spaces_boxes_are_made_about_the_arrays(tmp_path):
    folder = write_minari(tmp_path, ID, [episode(PARTS, BOX, 3, 0)])
    content = json.loads((folder / "data" / "metadata.json").read_text())
    found = json.loads(content["observation_space"])["subspaces"]
    assert {name: (part["shape"], part["dtype"]) for name, part in found.items()} == {
        "turn": ([2], "float32"),
        "image": ([8, 6, 1], "uint8"),
    }


def test_what_cannot_be_written_is_one_line_and_nothing_is_left(tmp_path):
    with pytest.raises(ValueError, match="give one such as beamgym/LaueAlign/calibrating-v0"):
        write_minari(tmp_path, "../up", [episode(BOX, BOX, 1, 0)])
    with pytest.raises(ValueError, match="there is no episode with a step"):
        write_minari(tmp_path, ID, [])
    assert not list(tmp_path.rglob("*.hdf5"))
    written(tmp_path, BOX, BOX)
    with pytest.raises(ValueError, match="exists"):
        written(tmp_path, BOX, BOX)
    written(tmp_path, PARTS, BOX, overwrite=True)
