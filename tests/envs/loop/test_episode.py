"""The one loop: who moves, who exposes, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.loop.episode import EpisodeLoop
from beamgym.envs.task import finite_action
from beamgym.physics.instrument import MoveFailed, World

N = 3
EVERYBODY = np.ones(N, bool)
KEYS = np.arange(N, dtype=np.uint64)


class Recorder:
    """A World that writes down what is asked of it."""

    def __init__(self, world):
        self._world, self.calls = world, []
        self.n, self.axes, self.context, self.start_options = world.n, world.axes, world.context, world.start_options

    def reset(self, keys, mask, **start):
        self.calls.append(("reset", mask.tolist()))
        self._world.reset(keys, mask, **start)

    def truth(self):
        return self._world.truth()

    def positions(self):
        return self._world.positions()

    def move(self, target, mask):
        self.calls.append(("move", mask.tolist()))
        return self._world.move(target, mask)

    def acquire(self, settings, mask):
        self.calls.append(("acquire", mask.tolist()))
        return self._world.acquire(settings, mask)


@pytest.fixture
def loop():
    task, world = build(LaueAlignOptions(level="easy", exposures=3), N, False)
    return EpisodeLoop(task, Recorder(world))


def acts(*declares):
    return np.array([[0.2, 0.1, 0.0, 1.0 if declare else -1.0] for declare in declares])


def test_a_reset_draws_then_exposes(loop):
    loop.reset(KEYS, EVERYBODY)
    assert loop.simulated
    assert isinstance(loop.instrument, World)
    assert loop.instrument.calls == [("reset", [True] * 3), ("acquire", [True] * 3)]


def test_a_step_moves_then_exposes_those_that_act_and_do_not_declare(loop):
    loop.reset(KEYS, EVERYBODY)
    loop.instrument.calls.clear()
    loop.step(acts(False, True, False), np.array([True, True, False]))
    assert loop.instrument.calls == [("move", [True, False, False]), ("acquire", [True, False, False])]


def test_where_all_declare_nothing_is_asked_of_the_instrument(loop):
    loop.reset(KEYS, EVERYBODY)
    loop.instrument.calls.clear()
    step = loop.step(acts(True, True, True), EVERYBODY)
    assert loop.instrument.calls == []
    assert step.verdict.terminated.all()


def test_where_all_budgets_are_spent_nothing_is_asked_of_the_instrument(loop):
    loop.reset(KEYS, EVERYBODY)
    for _ in range(2):
        assert not loop.step(acts(False, False, False), EVERYBODY).verdict.truncated.any()
    loop.instrument.calls.clear()
    assert loop.step(acts(False, False, False), EVERYBODY).verdict.truncated.all()
    assert loop.instrument.calls == []


def test_rows_that_do_not_act_keep_their_state(loop):
    loop.reset(KEYS, EVERYBODY)
    before = loop.observation()
    step = loop.step(acts(False, False, False), np.array([False, True, False]))
    for name, values in step.observation.items():
        np.testing.assert_array_equal(values[[0, 2]], before[name][[0, 2]])
    assert not np.array_equal(step.observation["spots"][1], before["spots"][1])
    assert step.costs["exposures"].tolist() == [0, 1, 0]


def test_a_reset_of_some_rows_leaves_the_others_in_their_episodes(loop):
    loop.reset(KEYS, EVERYBODY)
    before = loop.step(acts(False, False, False), EVERYBODY).observation
    loop.reset(KEYS + np.uint64(10), np.array([True, False, False]))
    after = loop.observation()
    for name, values in after.items():
        np.testing.assert_array_equal(values[1:], before[name][1:])
    assert after["budget"][:, 0] == pytest.approx([2 / 3, 1 / 3, 1 / 3])


def test_a_task_does_not_change_the_state_that_it_is_given(loop):
    loop.reset(KEYS, EVERYBODY)
    state, kept = loop.state, {name: np.copy(value) for name, value in vars(loop.state).items() if name != "frame"}
    loop.step(acts(False, True, False), EVERYBODY)
    for name, value in kept.items():
        np.testing.assert_array_equal(getattr(state, name), value)


def test_observing_twice_gives_equal_and_separate_arrays(loop):
    loop.reset(KEYS, EVERYBODY)
    one, two = loop.observation(), loop.observation()
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])
        assert not np.shares_memory(values, two[name])
        values[...] = 0
    assert loop.observation()["spots"].any()


def test_a_failed_move_ends_the_step_with_the_old_state(loop):
    loop.reset(KEYS, EVERYBODY)
    state = loop.state

    def stuck(target, mask):
        raise MoveFailed("j1 did not arrive")

    loop.instrument.move = stuck
    with pytest.raises(MoveFailed, match="j1"):
        loop.step(acts(False, False, False), EVERYBODY)
    assert loop.state is state


def test_a_start_for_a_world_that_takes_none_is_refused(loop):
    del loop.instrument.start_options
    bare = EpisodeLoop(loop.task, loop.instrument)
    with pytest.raises(ValueError, match="unknown reset option mount; there are none"):
        bare.reset(KEYS, EVERYBODY, {"mount": np.eye(3)})


@pytest.mark.parametrize("what", ["step", "observation", "costs"])
def test_nothing_can_be_asked_before_the_first_reset(loop, what):
    arguments = (acts(False, False, False), EVERYBODY) if what == "step" else ()
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        getattr(loop, what)(*arguments)


class TestFiniteAction:
    def test_it_clips_to_the_box(self, loop):
        wide = finite_action(np.array([[2.0, -3.0, 0.5, 0.0]]), loop.task.action_space, 1)
        assert wide.tolist() == [[1.0, -1.0, 0.5, 0.0]]

    @pytest.mark.parametrize("shape", [(4,), (2, 4), (3, 3), (3, 4, 1)])
    def test_another_shape_is_refused(self, loop, shape):
        with pytest.raises(ValueError, match="expected"):
            finite_action(np.zeros(shape), loop.task.action_space, 3)

    def test_the_row_that_is_not_finite_is_named(self, loop):
        action = np.zeros((300, 4))
        action[217, 2] = np.nan
        with pytest.raises(ValueError, match="row 217") as caught:
            finite_action(action, loop.task.action_space, 300)
        assert "\n" not in str(caught.value)


def test_judging_twice_pays_the_potential_once(loop):
    loop.reset(KEYS, EVERYBODY)
    truth = loop.instrument.truth()
    state, first = loop.task.judge(replace(loop.state), truth)
    _, second = loop.task.judge(state, truth)
    gamma = loop.task.reward.gamma
    cost = loop.task.reward.time_cost * loop.costs()["instrument_s"]
    np.testing.assert_allclose(first.reward, (gamma - 1) * state.potential - cost)
    np.testing.assert_allclose(second.reward, first.reward)
