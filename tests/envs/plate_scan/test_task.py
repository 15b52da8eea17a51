"""The rules of PlateScan: what an action does, what counts, and what never ends an episode by accident."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.baselines.plate import BASELINES
from beamgym.agents.evaluation import evaluate
from beamgym.envs.plate_scan import FIELDS, PlateScanOptions, build, task_over
from beamgym.envs.plate_scan.outline_table import OutlineTable, reach_at
from beamgym.physics.mosaic.outline import Outline

AGAIN, NEXT, QUIT, KEEP = -1.0, 1.0, 1.0, -1.0
SQUARE = Outline("1", np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]]), 0.5)


def made(n=4, **options):
    envs = gym.make_vec("beamgym/PlateScan-v0", n, "vector_entry_point", **{"crystals": 6, **options})
    envs.reset(seed=2)
    return envs


def step(envs, first, place=(0.0, 0.3), long=0.0, quits=KEEP, stops=-1.0):
    action = np.tile(np.array([first, *place, long, quits, stops], np.float32), (envs.num_envs, 1))
    return envs.step(action)


def state_of(envs):
    return envs.unwrapped.loop.state


class TestOutlines:
    def test_a_square_keeps_its_area_and_its_corners(self):
        table = OutlineTable.of([[SQUARE]], 2)
        assert table.present.tolist() == [[True, False]]
        assert table.area_mm2[0, 0] == pytest.approx(4.0, rel=0.02)
        assert reach_at(table.reach_mm[0, 0], np.array([0.0, np.pi / 4]))[1] == pytest.approx(np.sqrt(2.0), rel=1e-6)

    def test_a_place_stays_inside_however_far_out_the_action_points(self):
        table = OutlineTable.of([[SQUARE]], 1)
        for angle in np.linspace(0.0, 6.0, 13):
            pointed = 3.0 * np.array([[np.cos(angle), np.sin(angle)]])
            x, y = table.place(np.zeros(1, dtype=np.int64), pointed, 0.3)[0]
            assert min(x, y) > 0.0
            assert max(x, y) < 2.0


class TestActions:
    def test_next_goes_to_the_nearest_unfinished_crystal_and_again_stays(self):
        envs = made()
        before = envs.unwrapped.loop.task.observe(state_of(envs))["next"]
        seen, *_ = step(envs, NEXT)
        assert np.allclose(seen["present"][:, :2], before[:, :2], atol=1e-6)
        crystal = state_of(envs).crystal.copy()
        step(envs, AGAIN)
        assert (state_of(envs).crystal == crystal).all()
        assert (state_of(envs).looks[np.arange(4), crystal] == 2).all()

    def test_the_exposure_is_logarithmic_between_its_ends(self):
        envs = made(1)
        taken = []
        for long in (-1.0, 0.0, 1.0):
            *_, info = step(envs, AGAIN, long=long)
            taken.append(info["cost"]["exposure_s"][0])
        assert taken == pytest.approx([0.1, np.sqrt(6.0), 60.0], rel=1e-6)

    def test_giving_up_settles_what_does_not_index_and_leaves_alone_what_does(self):
        envs = made(16)
        step(envs, NEXT, long=-1.0)
        first, indexed = state_of(envs).crystal.copy(), state_of(envs).indexed.copy()
        step(envs, NEXT, quits=QUIT)
        rows = np.arange(16)
        assert (state_of(envs).given_up[rows, first] == ~indexed[rows, first]).all()
        assert not indexed[rows, first].all()

    def test_with_anywhere_the_crystal_nearest_to_the_named_point_is_next(self):
        envs = made(3, action="anywhere", crystals=9)
        middles = envs.unwrapped.loop.task.context.fractions(state_of(envs).plates.centre_mm)
        action = np.zeros((3, 8), np.float32)
        action[:, 0], action[:, 7], action[:, 3] = 1.0, -1.0, 0.5
        action[:, 1:3] = middles[np.arange(3), [0, 4, 8]]
        envs.step(action)
        assert state_of(envs).crystal.tolist() == [0, 4, 8]


class TestEnds:
    def test_stopping_counts_only_beside_the_middle(self):
        envs = made()
        *_, terminated, _, _ = step(envs, NEXT, place=(0.3, 0.0), stops=1.0)
        assert not terminated.any()
        *_, terminated, _, _ = step(envs, NEXT, place=(0.0, 0.0), stops=1.0)
        assert terminated.all()

    def test_fresh_gaussian_policies_seldom_stop(self):
        rng, envs, stopped = np.random.default_rng(0), made(64, crystals=24), 0
        for _ in range(20):
            *_, terminated, _, _ = envs.step(rng.normal(size=(64, 6)).clip(-1.0, 1.0).astype(np.float32))
            stopped += terminated.sum()
        assert stopped <= 0.01 * 64 * 20

    def test_a_plate_on_which_nothing_is_left_is_done(self):
        envs = made(8)
        ended = np.zeros(8, dtype=np.bool_)
        for _ in range(8):
            *_, terminated, truncated, _ = step(envs, NEXT, quits=QUIT, long=0.2)
            ended |= terminated
            assert not truncated.any()
        assert ended.all()

    def test_the_budget_truncates(self):
        envs = made(2, beam_time_s=70.0)
        *_, truncated, _ = step(envs, NEXT, long=1.0)
        assert not truncated.any()
        *_, truncated, _ = step(envs, AGAIN, long=1.0)
        assert truncated.all()


class TestPay:
    def test_what_is_paid_adds_up_to_what_is_known_less_the_beam_time(self):
        envs = made(8)
        total = np.zeros(8)
        for _ in range(5):
            _, reward, *_ = step(envs, NEXT, quits=QUIT)
            total += reward
        state = state_of(envs)
        first_s = 1.0 + envs.unwrapped.loop.task.context.readout_s
        assert total == pytest.approx(state.worth - 1.0 * (state.spent_s - first_s) / 3600.0, abs=1e-9)
        assert state.worth.max() > 0.3

    def test_what_is_believed_wrongly_weighs_as_stated(self):
        paid = {}
        for weight in (1.0, 5.0):
            envs, total = made(8, wrong=weight, crystals=12), np.zeros(8)
            for _ in range(12):
                _, reward, _, _, info = step(envs, NEXT)
                total += reward
            paid[weight] = total
        assert info["wrong_share"].any()
        assert paid[1.0] - paid[5.0] == pytest.approx(4.0 * info["wrong_share"])

    def test_rate_pays_at_the_end_what_is_known_per_hour(self):
        envs = made(8, reward="rate")
        for _ in range(4):
            _, reward, *_ = step(envs, NEXT)
            assert not reward.any()
        worth = state_of(envs).worth
        _, reward, _, _, info = step(envs, NEXT, place=(0.0, 0.0), stops=1.0)
        assert reward == pytest.approx(worth / (state_of(envs).spent_s / 3600.0))
        assert (info["known_per_hour"] >= reward - 1e-9).all()

    def test_a_believed_crystal_of_two_grains_costs_its_mass(self):
        task, world = build(PlateScanOptions(crystals=6), 64)
        from beamgym.envs.loop import EpisodeLoop

        loop = EpisodeLoop(task, world)
        every = np.ones(64, dtype=np.bool_)
        loop.reset(np.arange(64, dtype=np.uint64), every)
        action = np.tile(np.array([NEXT, 0.0, 0.3, 0.3, QUIT, -1.0]), (64, 1))
        for _ in range(6):
            step_ = loop.step(action, every)
        wrong = step_.verdict.metrics["wrong_share"]
        state, truth = loop.state, world.truth()
        grains = (state.plates.mass_share * (state.believed & (truth["what"] == 1))).sum(axis=1)
        assert (wrong >= grains - 1e-12).all()
        assert grains.max() > 0.05
        assert state.worth == pytest.approx(step_.verdict.metrics["known_share"] - wrong)


def test_the_baselines_rank_as_they_should():
    def known(name, **options):
        return evaluate(BASELINES[name](), "beamgym/PlateScan-v0", 16, 0, env_kwargs=options).finals

    oracle, quick, fixed, chance = (known(name) for name in ("true-crystals", "quick-scan", "serpentine", "random"))
    rate = "known_per_hour_median"
    assert oracle[rate] > quick[rate] > fixed[rate] > chance[rate]
    assert oracle["wrong_share_median"] <= quick["wrong_share_median"] <= fixed["wrong_share_median"]


def test_frames_that_are_indexed_are_read_like_those_of_the_model():
    env = gym.make("beamgym/PlateScan-v0", crystals=2, frames="spots")
    env.reset(seed=1)
    seen, _, _, _, info = env.step(np.array([NEXT, 0.0, 0.3, 0.2, KEEP, -1.0], np.float32))
    assert seen["present"][FIELDS.index("looks")] == pytest.approx(1.0 / 8.0)
    assert seen["present"][FIELDS.index("spots")] > 0.2
    assert info["known_share"] + info["wrong_share"] == pytest.approx(seen["plate"][1], abs=1e-6)


def test_over_an_instrument_it_needs_outlines_and_what_frames_are_read_by():
    task, world = build(PlateScanOptions(crystals=2, frames="spots"), 1)
    with pytest.raises(ValueError, match="outlines of this plate"):
        task_over(task.context)
    world.reset(np.zeros(1, np.uint64), np.ones(1, dtype=np.bool_))
    outlines = world.world.outlines()
    over = task_over(replace(task.context, outlines=outlines))
    frame = world.world.acquire(over.settings, np.ones(1, dtype=np.bool_))
    state = over.start(None, world.positions(), frame, np.ones(1, dtype=np.bool_))
    assert state.plates.present.all()
    assert state.plates.area_mm2[0] == pytest.approx([outline.area_mm2 for outline in outlines], rel=0.1)
    with pytest.raises(ValueError, match="no material, camera and beam"):
        task_over(replace(task.context, optics=None))


def test_options_that_cannot_be_are_refused_in_one_line():
    for options, message in (
        ({"crystals": 0}, "choose 1 to 400"),
        ({"material": "Si"}, "frames='spots'"),
        ({"observation": "map"}, "all or present"),
        ({"action": "steps"}, "'nearest' or 'anywhere'"),
        ({"reward": "sparse"}, "'dense' or 'rate'"),
        ({"beam_time_s": 0.0}, "above 1"),
    ):
        with pytest.raises(ValueError, match=message) as error:
            gym.make("beamgym/PlateScan-v0", **options)
        assert "\n" not in str(error.value)
