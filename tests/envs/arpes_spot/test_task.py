"""ArpesSpot: find the best spot of a cleaved sample in the beam time there is, and declare it."""

import warnings
from dataclasses import fields, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from matplotlib.backends.backend_agg import FigureCanvasAgg
from stable_baselines3.common.env_checker import check_env as check_sb3

from beamgym.envs.arpes_spot.context import SpotContext, SpotReward
from beamgym.envs.arpes_spot.factory import ArpesSpotOptions, build
from beamgym.envs.arpes_spot.rendering import SpotRenderer
from beamgym.envs.arpes_spot.scoring import shipped_scorer
from beamgym.envs.arpes_spot.task import ArpesSpotTask
from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS, spectrum_to_uint8
from beamgym.envs.make import make_env, make_vector_env
from beamgym.physics.arpes.score.direct import direct_scores
from beamgym.physics.arpes.simulator import ARPES_READOUT_S, FIRST_DWELL_S
from beamgym.physics.arpes.stage import LONGEST_DWELL_S, SHORTEST_DWELL_S
from beamgym.physics.arpes.surface.levels import SURFACE_LEVELS, SurfaceNumbers
from beamgym.physics.arpes.surface.surface import NEAR_BEST, REFERENCE_DWELL_S, TOP_SHARE
from beamgym.physics.instrument import FrameFailed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "environments" / "arpes_spot.md"
KEYS = {"spectrum", "position", "scores", "exposure", "best", "map", "last_move", "budget"}
SHORT, HALF_SECOND = -1.0, 0.0  # third number of an action: shortest dwell, and the middle of the scale


def action(x=0.0, y=0.0, dwell=SHORT, declare=-1.0):
    return np.array([x, y, dwell, declare], dtype=np.float32)


def best_place(env, row=0):
    """Return the best place of the map as an absolute action."""
    drawn = env.loop.instrument.score_map(row)
    place = np.argwhere(drawn.points == drawn.best)[0]
    return drawn.centres_mm[place[1]], drawn.centres_mm[place[0]]


def written(figure, renderer):
    """Yield everything written in a figure as (the axes it belongs to, its box in pixels)."""
    for axes in figure.axes:
        parts = [axes.xaxis, axes.yaxis, axes.title, axes.get_legend(), *axes.texts]
        for box in (part.get_tightbbox(renderer) for part in parts if part is not None):
            if box is not None and box.width > 1:
                yield axes, box
    for text in figure.texts:
        yield text, text.get_window_extent(renderer)


class TestTheInterface:
    @pytest.mark.parametrize("image", [False, True])
    @pytest.mark.parametrize("level", SURFACE_LEVELS)
    def test_both_checkers_are_content(self, level, image):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            env = make_env("arpes", level=level, image=image, render_mode="rgb_array", surfaces=2)
            check_gymnasium(env, skip_render_check=True)
            check_sb3(env)
        assert [str(each.message) for each in told] == []

    def test_observations_hold_what_was_measured_and_never_the_truth(self):
        env = make_env("arpes")
        observation, info = env.reset(seed=1)
        assert set(observation) == KEYS
        assert observation["spectrum"].shape == (64, 64, 1)
        assert info["cost"]["exposures"] == 1
        assert info["cost"]["exposure_s"] == FIRST_DWELL_S
        assert "place_score" not in info
        assert set(make_env("arpes", image=True).observation_space) == {"spectrum", "position"}

    def test_the_scores_observed_follow_from_the_counts_alone(self):
        """The same counts give the same observation, whatever surface they came from."""
        env = make_env("arpes", score="truth")
        env.reset(seed=1)
        observation, *_ = env.step(action(0.2, 0.3, 0.5))
        seen = direct_scores(env.loop.frame.image, env.loop.task.context.grid.slit_step_deg).labels()[0]
        np.testing.assert_allclose(observation["scores"], seen * [1, 1, 1, 0.1], rtol=1e-6)
        truth = env.loop.instrument.truth()
        hidden = {name: values + 1.0 for name, values in truth.items()}
        judged, _ = env.loop.task.judge(env.loop.state, hidden)
        again = env.loop.task.observe(judged)
        assert all(np.array_equal(again[name][0], observation[name]) for name in observation)

    def test_vector_rows_equal_single_environments(self):
        vector = make_vector_env("arpes", 3, level="hard")
        singles = [make_env("arpes", level="hard") for _ in range(3)]
        together, _ = vector.reset(seed=40)
        alone = [env.reset(seed=40 + i)[0] for i, env in enumerate(singles)]
        rng = np.random.default_rng(0)
        for _ in range(5):
            for i in range(3):
                for name in together:
                    assert np.array_equal(together[name][i], alone[i][name]), name
            actions = rng.uniform(-0.8, 0.8, (3, 4)).astype(np.float32)
            actions[:, 3] = -1.0
            together, reward, terminated, truncated, info = vector.step(actions)
            steps = [env.step(row) for env, row in zip(singles, actions, strict=True)]
            alone = [step[0] for step in steps]
            assert [step[1] for step in steps] == reward.tolist()
            assert [step[2] for step in steps] == terminated.tolist()
            assert [step[3] for step in steps] == truncated.tolist()
            assert [step[4]["place_score"] for step in steps] == info["place_score"].tolist()

    def test_the_same_seed_gives_the_same_episode_and_the_next_another(self):
        env = make_env("arpes")
        first, again = env.reset(seed=9)[0]["spectrum"], env.reset(seed=9)[0]["spectrum"]
        assert np.array_equal(first, again)
        assert not np.array_equal(first, env.reset()[0]["spectrum"])

    @pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
    def test_ended_rows_begin_anew(self, mode):
        env = make_vector_env("arpes", 2, autoreset_mode=mode, surfaces=2)
        env.reset(seed=0)
        env.step(np.stack([action(0.5, 0.5, 1.0)] * 2))
        declared = np.stack([action(declare=1.0), action()])
        observation, _, terminated, _, info = env.step(declared)
        assert terminated.tolist() == [True, False]
        if mode == "SameStep":
            assert info["_final_obs"].tolist() == [True, False]
        else:
            observation = env.step(np.stack([action()] * 2))[0]
        chart = observation["map"].reshape(2, MAP_CELLS, MAP_CELLS, MAP_LAYERS)
        assert (chart[0, ..., 1] > 0).sum() == 1
        assert (chart[1, ..., 1] > 0).sum() > 1
        assert observation["budget"][0] == pytest.approx(1 - (FIRST_DWELL_S + ARPES_READOUT_S) / 120.0)

    def test_the_picture_is_rgb_and_changes_with_the_place(self):
        env = make_env("arpes", render_mode="rgb_array")
        env.reset(seed=0)
        before = env.render()
        env.step(action(0.4, -0.3))
        assert before.shape == (540, 960, 3)
        assert before.dtype == np.uint8
        assert (before != env.render()).any()

    @pytest.mark.parametrize("level", SURFACE_LEVELS)
    def test_nothing_written_in_the_picture_is_cut_off_or_covers_anything_else_written(self, level):
        env = make_env("arpes", level=level)
        env.reset(seed=1)
        for x in np.linspace(-0.5, 0.5, 6):
            env.step(action(x, 0.1, 0.5))
        figure = SpotRenderer(env.loop.task.context).figure(env.loop)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        boxes = list(written(figure, canvas.get_renderer()))
        for _, box in boxes:
            np.testing.assert_array_equal(np.clip(box.get_points(), 0, [960, 540]), box.get_points())
        for (one, first), (other, second) in combinations(boxes, 2):
            assert one is other or not first.overlaps(second), (one, other)
        said = [axes.get_ylabel() for axes in figure.axes]
        assert said[:2] == ["y / mm", "points (noise-free, 2 s)"]
        assert [text.get_text() for text in figure.axes[3].get_legend().get_texts()] == [
            "scored at its own dwell",
            "best so far",
        ]
        assert [text.get_text() for text in figure.axes[3].texts] == ["needed, noise-free at 2 s"]

    def test_a_place_better_than_the_best_of_the_grid_lacks_nothing(self):
        env = make_env("arpes", surfaces=1)
        env.reset(seed=1)
        truth = env.loop.instrument.truth()
        better = {**truth, "place_score": truth["best"] + 0.01}
        _, verdict = env.loop.task.judge(env.loop.state, better)
        assert verdict.metrics["shortfall"][0] == 0.0


class TestTheGame:
    @pytest.mark.parametrize("level", ["easy", "real"])
    def test_whoever_knows_the_best_place_goes_there_declares_and_succeeds(self, level):
        env, won = make_env("arpes", level=level, score="truth"), []
        for seed in range(8):
            env.reset(seed=seed)
            env.step(action(*best_place(env)))
            _, reward, terminated, truncated, info = env.step(action(declare=1.0))
            assert terminated
            assert not truncated
            assert info["cost"]["instrument_s"] == 0.0
            assert reward == pytest.approx(0.1 * info["place_score"], abs=1e-9)
            won.append(info["is_success"])
            assert isinstance(info["is_success"], bool)
        assert np.mean(won) >= 0.85

    def test_declaring_in_a_bad_place_fails_and_passing_through_a_good_one_does_not_count(self):
        env = make_env("arpes", level="easy")
        env.reset(seed=2)
        good = env.step(action(*best_place(env)))
        assert good[4]["shortfall"] < NEAR_BEST
        assert not good[2]
        env.step(action(-0.99, -0.99))
        *_, info = env.step(action(declare=1.0))
        assert info["is_success"] is False
        assert info["shortfall"] > 1.0

    def test_with_stop_truth_the_good_place_ends_it_and_declaring_means_nothing(self):
        env = make_env("arpes", level="easy", stop="truth")
        env.reset(seed=2)
        assert not env.step(action(-0.9, -0.9, declare=1.0))[2]
        *_, terminated, _, info = env.step(action(*best_place(env)))
        assert terminated
        assert info["is_success"] is True

    def test_success_is_the_top_percent_of_the_sample_or_close_to_the_best(self):
        env = make_env("arpes", surfaces=4)
        for seed in range(4):
            env.reset(seed=seed)
            drawn = env.loop.instrument.score_map(0)
            points = np.sort(drawn.points[np.isfinite(drawn.points)])
            top = points[-round(TOP_SHARE * len(points))]
            assert drawn.threshold == min(top, points[-1] - NEAR_BEST)

    def test_chance_rarely_succeeds(self):
        env, rng, won = make_vector_env("arpes", 32), np.random.default_rng(0), []
        env.reset(seed=0)
        places = rng.uniform(-0.6, 0.6, (32, 4))
        places[:, 3] = -1
        *_, info = env.step(places)
        threshold = env.loop.instrument.truth()["threshold"]
        won.append((info["place_score"] >= threshold).mean())
        assert np.mean(won) < 0.2

    def test_time_is_travel_settling_dwell_and_read_out(self):
        env = make_env("arpes", level=SurfaceNumbers(backlash_mm=0.0, readback_noise_mm=0.0))
        env.reset(seed=0)
        observation, *_, info = env.step(action(0.5, 0.0, 1.0))
        assert info["cost"]["motor_s"] == pytest.approx(0.5 / 0.5 + 0.2)
        assert info["cost"]["exposure_s"] == pytest.approx(LONGEST_DWELL_S)
        spent = FIRST_DWELL_S + ARPES_READOUT_S + info["cost"]["instrument_s"]
        assert observation["budget"] == pytest.approx(1.0 - spent / 120.0)
        *_, info = env.step(action(0.5, 0.0, -1.0))
        assert info["cost"]["exposure_s"] == pytest.approx(SHORTEST_DWELL_S)
        assert info["cost"]["motor_s"] == 0.0
        assert info["cost"]["dose"] == info["cost"]["exposure_s"]

    def test_what_does_not_fit_into_the_beam_time_is_not_begun_and_ends_the_episode(self):
        env = make_env("arpes", beam_time_s=10.0)
        env.reset(seed=0)
        assert not env.step(action(0.4, 0.0, 1.0))[3]
        before = env.loop.instrument.positions()
        _, _, terminated, truncated, info = env.step(action(-0.9, 0.9, 1.0))
        assert truncated
        assert not terminated
        assert info["cost"]["exposures"] == 0
        np.testing.assert_allclose(env.loop.instrument.positions(), before, atol=0.01)
        assert env.loop.state.spent_s[0] <= 10.0

    def test_one_may_still_declare_when_no_time_is_left(self):
        env = make_env("arpes", beam_time_s=1.5)
        env.reset(seed=0)
        _, _, terminated, truncated, _ = env.step(action(declare=1.0))
        assert terminated
        assert not truncated

    def test_a_long_game_keeps_its_last_places(self):
        env = make_env("arpes", beam_time_s=60.0, stage="piezo", surfaces=1)
        env.reset(seed=0)
        rng, over, steps = np.random.default_rng(0), False, 1
        while not over:
            x, y = rng.uniform(-0.05, 0.05, 2)
            _, _, _, over, info = env.step(action(x, y))
            steps += info["cost"]["exposures"]
        assert steps > 256
        assert env.loop.state.used[0] == steps
        assert env.loop.state.spent_s[0] <= 60.0 + 1e-9


class TestTheActions:
    def test_absolute_ones_are_fractions_of_the_travel(self):
        env = make_env("arpes")
        env.reset(seed=0)
        observation, *_ = env.step(action(0.5, -0.25))
        np.testing.assert_allclose(observation["position"], [0.5, -0.25], atol=0.005)
        np.testing.assert_allclose(observation["last_move"], [0.25, -0.125, 0.0], atol=0.005)

    def test_steps_follow_the_cube_law_and_are_shortened_at_the_end_of_the_travel(self):
        env = make_env("arpes", action="steps", max_step_mm=0.8)
        env.reset(seed=0)
        observation, *_, info = env.step(action(0.5, 0.0))
        assert observation["position"][0] == pytest.approx(0.1, abs=0.005)
        assert info["limited"] is False
        env.step(action(1.0, 0.0))
        observation, *_, info = env.step(action(1.0, 0.0))
        assert info["limited"] is True
        assert observation["last_move"][2] == 1.0
        assert observation["position"][0] == pytest.approx(1.0, abs=0.005)

    def test_the_dwell_runs_logarithmically(self):
        env = make_env("arpes")
        env.reset(seed=0)
        *_, info = env.step(action(dwell=HALF_SECOND))
        assert info["cost"]["exposure_s"] == pytest.approx(np.sqrt(SHORTEST_DWELL_S * LONGEST_DWELL_S))

    def test_nan_raises(self):
        env = make_env("arpes")
        env.reset(seed=0)
        with pytest.raises(ValueError, match="must be finite"):
            env.step(action(x=np.nan))


class TestTheMapAndTheSpectrum:
    def test_the_map_marks_where_it_was_and_what_was_scored_there(self):
        env = make_env("arpes")
        env.reset(seed=1)
        for x, y in ((0.55, 0.3), (0.55, 0.3), (-0.4, 0.1)):
            observation, *_ = env.step(action(x, y, 0.5))
        chart = observation["map"].reshape(MAP_CELLS, MAP_CELLS, MAP_LAYERS)
        visits = {(int((y + 1) * 16), int((x + 1) * 16)) for x, y in ((0.55, 0.3), (-0.4, 0.1))}
        marked = {tuple(cell) for cell in np.argwhere(chart[..., 1] > 0)}
        assert visits <= marked
        assert len(marked) <= 3 + 1
        assert chart[int(1.3 * 16), int(1.55 * 16), 1] == pytest.approx(2 / 8)
        assert chart[..., 0].max() == pytest.approx(observation["best"][0])

    def test_the_best_so_far_is_remembered_with_its_place(self):
        env = make_env("arpes")
        observation, _ = env.reset(seed=1)
        totals, places = [observation["scores"][3]], [observation["position"]]
        for x in np.linspace(-0.6, 0.6, 8):
            observation, *_ = env.step(action(x, 0.2, 0.5))
            totals.append(observation["scores"][3])
            places.append(observation["position"])
        first = int(np.argmax(totals))
        assert observation["best"][0] == pytest.approx(totals[first])
        np.testing.assert_allclose(observation["best"][1:], places[first], atol=0.002)

    def test_grey_is_the_root_of_the_counts_over_their_largest(self):
        counts = np.random.default_rng(0).poisson(5.0, (3, 64, 64)).astype(np.float32)
        expected = 255.0 * np.sqrt(counts / counts.max(axis=(1, 2), keepdims=True))
        grey = spectrum_to_uint8(counts, (64, 64))[..., 0]
        assert np.abs(grey - expected).max() <= 1.0
        assert spectrum_to_uint8(np.zeros((1, 64, 64), np.float32), (64, 64)).max() == 0
        with pytest.raises(FrameFailed, match="this task was made for"):
            spectrum_to_uint8(counts, (128, 128))
        counts[1, 2, 3] = np.nan
        with pytest.raises(FrameFailed, match="NaN"):
            spectrum_to_uint8(counts, (64, 64))


class TestTheReward:
    def test_dense_pays_the_rise_of_the_best_less_the_time(self):
        env = make_env("arpes", score="truth")
        env.reset(seed=5)
        best = env.loop.state.reached[0]
        for x in (-0.5, 0.1, 0.4, 0.2):
            _, reward, _, _, info = env.step(action(x, 0.3))
            rise = max(info["place_score"] - best, 0.0)
            assert reward == pytest.approx(0.1 * rise - SpotReward().time_cost * info["cost"]["instrument_s"])
            best = max(best, info["place_score"])

    def test_sparse_pays_success_alone(self):
        env = make_env("arpes", reward="sparse", level="easy")
        env.reset(seed=2)
        assert env.step(action(*best_place(env)))[1] == 0.0
        assert env.step(action(declare=1.0))[1] == 1.0

    def test_without_truth_nothing_is_claimed_and_the_observed_scores_are_paid(self):
        env = make_env("arpes")
        env.reset(seed=5)
        env.step(action(0.2, 0.2))
        task, state = env.loop.task, replace(env.loop.state, declared=np.ones(1, np.bool_))
        before = state.reached[0]
        judged, verdict = task.judge(state)
        assert verdict.terminated.all()
        assert not verdict.is_success.any()
        assert verdict.metrics == {}
        seen = float(state.scores[0, 3])
        rise = max(seen - before, 0.0)
        spent = task.costs(state)["instrument_s"][0]
        assert verdict.reward[0] == pytest.approx(0.1 * (rise + seen) - SpotReward().time_cost * spent)
        assert judged.reached[0] == max(before, seen)


class TestTheNetworksScores:
    def test_they_are_what_is_observed_and_what_is_paid(self):
        env = make_env("arpes", surfaces=1)
        env.reset(seed=1)
        before = env.loop.state.scores[0, 3]
        observation, reward, *_, info = env.step(action(0.2, 0.3, 0.5))
        seen = shipped_scorer()(env.loop.frame.image)[0]
        np.testing.assert_allclose(observation["scores"], seen * [1, 1, 1, 0.1], atol=1e-5)
        rise = max(float(seen[3] - before), 0.0)
        assert reward == pytest.approx(0.1 * rise - SpotReward().time_cost * info["cost"]["instrument_s"], abs=1e-5)

    def test_a_row_of_many_is_scored_as_it_is_alone(self):
        counts = make_vector_env("arpes", 8, surfaces=8).reset(seed=3)[0]["spectrum"][..., 0].astype(np.float32)
        together = shipped_scorer()(counts)
        alone = np.concatenate([shipped_scorer()(row[None]) for row in counts])
        np.testing.assert_allclose(together, alone, atol=1e-4)


class TestMistakes:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"score": "oracle"}, "unknown score 'oracle'; choose one of 'composed', 'cnn', 'truth'"),
            ({"score": "me"}, "unknown score 'me'"),
            ({"reward": "much"}, "unknown reward 'much'"),
            ({"action": "wish"}, "unknown action 'wish'"),
            ({"stop": "never"}, "unknown stop 'never'"),
            ({"beam_time_s": 0.0}, "beam_time_s is 0"),
            ({"size": 84}, "size is 84"),
            ({"material": "mud"}, "unknown material 'mud'"),
            ({"level": ["real"]}, "unknown level .*; choose one of easy"),
            ({"stage": ["piezo"]}, "unknown stage .*; choose one of stepper"),
        ],
    )
    def test_they_are_told_in_one_line(self, options, message):
        with pytest.raises(ValueError, match=message) as caught:
            make_env("arpes", **options)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"beam": 3}, "beam is 3; give a BeamFootprint"),
            ({"geography": 3}, "geography is 3; give a Geography, as measured_surface"),
            ({"surfaces": 1.5}, "surfaces is 1.5; give a whole number"),
        ],
    )
    def test_things_of_another_kind_are_told_before_the_first_episode(self, options, message):
        with pytest.raises(TypeError, match=message) as caught:
            make_env("arpes", **options)
        assert "\n" not in str(caught.value)

    def test_an_unknown_option_is_named(self):
        with pytest.raises(TypeError, match="unknown option colour; ArpesSpot takes"):
            make_env("arpes", colour="red")

    def test_a_frame_without_spectra_is_refused(self):
        task, world = build(ArpesSpotOptions(), 1)
        world.reset(np.zeros(1, np.uint64), np.ones(1, np.bool_))
        frame = world.acquire(task.settings, np.ones(1, np.bool_))
        bare = type(frame)(frame.exposure_s, frame.counter, frame.time_s)
        with pytest.raises(FrameFailed, match="gives no spectra"):
            task.start(None, world.positions(), bare, np.ones(1, np.bool_))


def page_table(first):
    """Return the page's table whose first heading is ``first`` as {code of the first cell: the other cells}."""
    rows, inside = {}, False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if not cells:
            inside = False
        elif cells[0] == first:
            inside = True
        elif inside and not set(cells[0]) <= {"-"}:
            rows[cells[0].strip("`")] = cells[1:]
    return rows


class TestThePage:
    def test_its_options_and_defaults_are_those_of_the_code(self):
        told = {name: cells[0].strip("`") for name, cells in page_table("option").items()}
        defaults = {item.name: item.default for item in fields(ArpesSpotOptions)}
        assert told == {
            name: f'"{value}"' if isinstance(value, str) else str(value) for name, value in defaults.items()
        }

    def test_its_observations_are_those_of_the_space(self):
        told = {name: cells[0].strip("`") for name, cells in page_table("key").items()}
        assert told == {name: str(box.shape) for name, box in make_env("arpes", version=1).observation_space.items()}

    def test_its_levels_are_those_of_the_code(self):
        rows = page_table("number")
        assert list(rows) == [item.name for item in fields(SurfaceNumbers)]
        for name, cells in rows.items():
            for level, cell in zip(("easy", "real", "hard"), cells, strict=False):
                assert float(cell) == getattr(SURFACE_LEVELS[level], name), f"{name} of {level}"

    def test_its_numbers_are_those_of_the_code(self):
        text = PAGE.read_text(encoding="utf-8")
        assert f"{REFERENCE_DWELL_S:g} s" in text
        assert f"within {NEAR_BEST:g} points" in text
        assert f"top {100 * TOP_SHARE:g} %" in text
        assert f"{SHORTEST_DWELL_S:g} s to {LONGEST_DWELL_S:g} s" in text
        assert f"− {SpotReward().time_cost:g} · beam seconds" in text
        assert f"read-out {ARPES_READOUT_S:g} s" in text


def test_a_task_can_be_made_over_another_scorer():
    task, world = build(ArpesSpotOptions(), 2)
    told = ArpesSpotTask(task.context, scorer=lambda counts: np.full((len(counts), 4), 0.5, np.float32))
    ones = np.ones(2, np.bool_)
    world.reset(np.arange(2, dtype=np.uint64), ones)
    state = told.start(None, world.positions(), world.acquire(told.settings, ones), ones)
    np.testing.assert_allclose(told.observe(state)["scores"], [[0.5, 0.5, 0.5, 0.05]] * 2)
    assert isinstance(told.context, SpotContext)
