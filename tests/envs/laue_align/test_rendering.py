"""Pictures of LaueAlign episodes: of one size, unchanged by drawing, and saying what is so."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from PIL import Image

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_drawing import rendering
from beamgym.envs.laue_drawing.rendering_pattern import inside
from beamgym.envs.pictures.files import episode_strip, save_gif
from beamgym.envs.pictures.parts import BLUE, VERMILION, grey_levels
from beamgym.physics.orientation import rotation_vector_deg

SIZE = (600, 900, 3)
PATTERN = (slice(28, 584), slice(16, 572))


def _make(name: str = "beamgym/LaueAlign-v0", **options: Any) -> Any:
    env = gym.make(name, render_mode="rgb_array", disable_env_checker=True, **options)
    env.reset(seed=4)
    return env.unwrapped


def _home(env: Any) -> None:
    """Turn the crystal onto its goal by the truth."""
    loop = env.loop
    context = loop.task.context
    truth = loop.instrument.truth()["orientation"]
    goal = context.target.goal(truth, loop.state.goals)
    turn = rotation_vector_deg(goal @ truth.transpose(0, 2, 1))
    env.step(np.append(encode_rotation(turn, context.max_rotation_deg)[0], -1.0))


def _share(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Count the pattern's pixels of one colour."""
    return int((np.abs(picture[PATTERN].astype(int) - colour) < 12).all(axis=-1).sum())


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"frames": "rendered", "level": "hard"},
        {"goniometer": "two-arc", "target": "axis [001] x"},
        {"goniometer": "psic", "target": "plane (100) (010)", "action": "axes", "detector": "side"},
        {"name": "beamgym/LaueAlignImage-v0"},
        {"exposures": 200},
    ],
)
def test_every_picture_of_every_kind_of_episode_has_one_size(options: dict[str, Any]) -> None:
    env = _make(**options)
    pictures = [env.render()]
    for seed in range(2):
        env.action_space.seed(seed)
        env.step(np.append(env.action_space.sample()[:-1], -1.0))
        pictures.append(env.render())
    env.step(np.append(np.zeros(env.action_space.shape[0] - 1), 1.0))
    pictures.append(env.render())
    assert all(picture.shape == SIZE and picture.dtype == np.uint8 for picture in pictures)
    assert (pictures[0] != pictures[1]).any()


def test_drawing_changes_nothing_in_the_episode() -> None:
    drawn, plain = _make(frames="rendered"), _make(frames="rendered")
    for seed in range(2):
        drawn.render()
        drawn.action_space.seed(seed)
        action = np.append(drawn.action_space.sample()[:-1], -1.0)
        one, two = drawn.step(action), plain.step(action)
        assert one[1] == two[1]
        for key, values in one[0].items():
            np.testing.assert_array_equal(values, two[0][key])


def test_the_same_state_gives_the_same_picture_and_a_fresh_array() -> None:
    env = _make()
    first, second = env.render(), env.render()
    np.testing.assert_array_equal(first, second)
    first[:] = 0
    assert second.any()


def test_circles_turn_blue_when_the_crystal_comes_home() -> None:
    env = _make(level="easy")
    away = env.render()
    _home(env)
    home = env.render()
    assert _share(away, VERMILION) > 3 * _share(away, BLUE)
    assert _share(home, BLUE) > 5 * _share(home, VERMILION)


def test_the_circles_stand_where_the_spots_of_the_goal_are_found() -> None:
    env = _make(level="easy", frames="rendered")
    _home(env)
    drawn = rendering.LaueRenderer(env.loop.task.context).pattern
    expected = drawn.expected(env.loop.state, env.loop.instrument.truth()["orientation"], 0)
    found = drawn.found(env.loop.frame, 0)
    assert found is not None
    away = np.linalg.norm(expected.position[:, None] - found.position[None], axis=-1).min(axis=1)
    assert np.median(away) < 1.0  # pixels of the picture; the camera's own are 1.1 of them


def test_an_axis_target_shows_the_pattern_of_the_goal_nearest_to_the_crystal() -> None:
    env = _make(level="easy", target="axis [001] x")
    _home(env)
    drawn = rendering.LaueRenderer(env.loop.task.context).pattern
    expected = drawn.expected(env.loop.state, env.loop.instrument.truth()["orientation"], 0)
    lit = inside(expected, drawn.found(env.loop.frame, 0))
    assert lit.mean() > 0.6


def test_without_truth_no_misorientation_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    env = _make()
    written: list[str] = []
    text = rendering.ImageDraw.ImageDraw.text

    def note(self: Any, place: Any, words: str, *args: Any, **kwargs: Any) -> None:
        written.append(words)
        text(self, place, words, *args, **kwargs)

    monkeypatch.setattr(rendering.ImageDraw.ImageDraw, "text", note)
    env.render()
    error = env.loop.task.context.target.error_deg(env.loop.instrument.truth()["orientation"])[0]
    assert f"{error:.1f}°" in written
    assert "not known here" not in written
    written.clear()
    monkeypatch.delattr(type(env.loop.instrument), "truth")  # what is left is an instrument, and no World
    assert env.render().shape == SIZE
    assert "not known here" in written
    assert f"{error:.1f}°" not in written


def test_each_sample_of_a_vector_environment_is_drawn_as_its_own() -> None:
    envs = gym.make_vec(
        "beamgym/LaueAlign-v0", num_envs=3, vectorization_mode="vector_entry_point", render_mode="rgb_array"
    )
    envs.reset(seed=4)
    pictures = envs.render()
    assert len(pictures) == 3
    assert (pictures[0] != pictures[1]).any()
    np.testing.assert_array_equal(pictures[0], _make().render())


def test_drawing_before_the_first_reset_says_what_to_do() -> None:
    env = gym.make("beamgym/LaueAlign-v0", render_mode="rgb_array", disable_env_checker=True).unwrapped
    with pytest.raises(ValueError, match=r"call reset\(\) before render\(\)"):
        env.render()


def test_grey_does_not_depend_on_gain_and_keeps_small_spots_of_large_images() -> None:
    image = np.random.default_rng(1).poisson(100.0, (2048, 2048)).astype(np.uint16)
    image[1003, 1501] = 30000
    grey = grey_levels(image, 512, 512)
    assert grey.shape == (512, 512)
    assert grey[250, 375] > 0.6
    np.testing.assert_allclose(grey_levels(3 * image, 512, 512), grey, atol=0.02)


def test_a_gif_holds_every_picture_and_shows_the_last_one_longest(tmp_path: Path) -> None:
    frames = [np.full((60, 90, 3), 40 * i, dtype=np.uint8) for i in range(4)]
    path = save_gif(frames, tmp_path / "episode.gif", fps=4)
    with Image.open(path) as gif:
        durations = []
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
        assert gif.size == (90, 60)
    assert durations == [250, 250, 250, 750]


def test_a_thin_coloured_ring_on_much_grey_keeps_its_colour_in_a_gif(tmp_path: Path) -> None:
    levels = np.random.default_rng(3).integers(0, 256, (200, 300, 1), dtype=np.uint8)
    frame = np.repeat(levels, 3, axis=2)
    frame[100, 20:40] = (0, 114, 178)
    with Image.open(save_gif([frame], tmp_path / "ring.gif")) as gif:
        found = np.asarray(gif.convert("RGB")).astype(int)
    assert np.abs(found[100, 20:40] - (0, 114, 178)).max() <= 12
    assert np.abs(found - frame.astype(int)).mean() < 4.0


def test_a_strip_shows_the_first_and_the_last_picture(tmp_path: Path) -> None:
    frames = [np.full((60, 90, 3), 20 * i, dtype=np.uint8) for i in range(9)]
    strip = episode_strip(frames, tmp_path / "strip.png", pictures=3, width=900)
    assert strip[5, 5, 0] == 0
    assert strip[5, -5, 0] == 160
    assert strip[5, 450, 0] == 80
    with Image.open(tmp_path / "strip.png") as written:
        np.testing.assert_array_equal(np.asarray(written), strip)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "there are no pictures"),
        ([np.zeros((4, 4), np.uint8)], r"shape \(4, 4\)"),
        ([np.zeros((4, 4, 3))], "of float64"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], "different sizes"),
    ],
)
def test_what_is_no_sequence_of_pictures_is_refused(tmp_path: Path, frames: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        save_gif(frames, tmp_path / "never.gif")
    assert not (tmp_path / "never.gif").exists()
