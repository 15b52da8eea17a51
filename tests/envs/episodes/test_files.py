"""Episodes come back from their file as they were written, and what is none is refused in one line."""

import h5py
import numpy as np
import pytest

from beamgym.envs.episodes.episode import Episode
from beamgym.envs.episodes.files import EPISODES, append_episode, episode_files, read_episodes


def an_episode(steps, seed=0):
    rng = np.random.default_rng(seed)
    return Episode(
        {"spots": rng.random((steps + 1, 5), dtype=np.float32), "image": np.full((steps + 1, 4, 4, 1), 7, np.uint8)},
        rng.random((steps, 3), dtype=np.float32),
        rng.random(steps),
        np.arange(steps) == steps - 1,
        np.zeros(steps, np.bool_),
        {"readback": rng.random((steps + 1, 2))},
        {"success": steps > 2, "ending": "declared", "axes": [{"name": "phi", "limits": [-1.0, 1.0]}]},
    )


def same(a, b):
    pairs = [(getattr(a, name), getattr(b, name)) for name in ("actions", "rewards", "terminations", "truncations")]
    pairs += [(a.observations[name], b.observations[name]) for name in a.observations]
    pairs += [(a.infos[name], b.infos[name]) for name in a.infos]
    return a.about == b.about and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in pairs)


def test_they_come_back_in_their_order_to_the_last_bit(tmp_path):
    path, written = tmp_path / EPISODES, [an_episode(steps, steps) for steps in (3, 0, *range(1, 11))]
    for episode in written:
        append_episode(path, episode)
    read = list(read_episodes(path))
    assert [episode.steps for episode in read] == [episode.steps for episode in written]
    assert all(same(a, b) for a, b in zip(read, written, strict=True))
    assert [episode.success for episode in read] == [episode.steps > 2 for episode in written]


def test_the_layout_is_minaris(tmp_path):
    append_episode(tmp_path / EPISODES, an_episode(3))
    with h5py.File(tmp_path / EPISODES) as file:
        group = file["episode_0"]
        assert {*group} == {"observations", "actions", "rewards", "terminations", "truncations", "infos"}
        assert (group.attrs["total_steps"], len(group["observations/spots"]), len(group["actions"])) == (3, 4, 3)


def test_the_files_of_a_folder_are_found_once_each(tmp_path):
    for name in ("b", "a", "a/rearmed-2"):
        (tmp_path / name).mkdir(exist_ok=True)
        append_episode(tmp_path / name / EPISODES, an_episode(1))
    found = episode_files([tmp_path / "b" / EPISODES, tmp_path])
    names = [path.parent.relative_to(tmp_path).as_posix() for path in found]
    assert names == ["b", "a/rearmed-2", "a"] or names == ["b", "a", "a/rearmed-2"]


@pytest.mark.parametrize(("make", "line"), [(False, "there is no .*runs"), (True, "no run in .* has a file training")])
def test_a_place_without_episodes_is_one_line(tmp_path, make, line):
    if make:
        (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match=line):
        episode_files([tmp_path / "runs"])


def test_another_file_is_one_line(tmp_path):
    (tmp_path / "text.h5").write_text("no HDF5", encoding="utf-8")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["episode_0"] = 1
    for name in ("text.h5", "other.h5"):
        with pytest.raises(ValueError, match=f"{name} holds no recorded episodes"):
            list(read_episodes(tmp_path / name))


def test_lengths_that_do_not_go_together_are_refused():
    with pytest.raises(ValueError, match=r"observations/x has 2 rows; it must have T \+ 1 = 3"):
        Episode({"x": np.zeros((2, 1))}, np.zeros((2, 1), np.float32), np.zeros(2), np.ones(2, bool), np.ones(2, bool))
