"""check_task passes pure rules, and says of others which call is not pure or returns what nobody can use."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium import spaces

from beamgym.envs.checks import CheckFailed, check_task, check_world


def test_a_sound_task_passes(lamp):
    check_task(lamp.Task(), lamp.World)


def test_it_is_played_until_the_end_too(lamp):
    check_task(lamp.Task(), lamp.World, steps=12)


def changes_the_state(self, state):
    state.light[:] = state.light + 1.0
    return super(type(self), self).observe(state)


def counts_its_calls(self, state, truth=None):
    self.count = getattr(self, "count", 0) + 1
    same, verdict = super(type(self), self).judge(state, truth)
    return same, replace(verdict, reward=verdict.reward + self.count)


def needs_truth(self, state, truth=None):
    return super(type(self), self).judge(state, dict(truth))


def shows_truth(self, state, truth=None):
    state, verdict = super(type(self), self).judge(state, truth)
    return (state if truth is None else replace(state, light=np.clip(truth["brightest"], 0.1, 0.9))), verdict


def leaves_the_range(self, state, action):
    command = super(type(self), self).target(state, action)
    return replace(command, target=state.place + 40.0 * action[:, :1])


def changes_the_action(self, state, action):
    action[:] = np.clip(action, -0.5, 0.5)
    return super(type(self), self).target(state, action)


def ignores_the_mask(self, state, command, report, frame, mask):
    return super(type(self), self).advance(replace(state, light=state.light / 2.0), command, report, frame, mask)


def counts_its_looks(self, state):
    self.looks = getattr(self, "looks", 0) + 1
    seen = super(type(self), self).observe(state)
    return {**seen, "light": (0 * seen["light"] + self.looks % 7 / 7).astype(np.float32)}


def begins_everywhere(self, previous, positions, frame, mask, truth=None):
    state = super(type(self), self).start(previous, positions, frame, mask, truth)
    return state if previous is None else replace(state, light=state.light / 2.0)


def looks_at_the_batch(self, state):
    seen = super(type(self), self).observe(state)
    return {**seen, "light": (0 * seen["light"] + seen["light"].mean()).astype(np.float32)}


def observing(**arrays):
    def observe(self, state):
        return {**super(type(self), self).observe(state), **{name: make(state) for name, make in arrays.items()}}

    return observe


def costing(change):
    return lambda self, state: change(super(type(self), self).costs(state))


def judging(**parts):
    def judge(self, state, truth=None):
        state, verdict = super(type(self), self).judge(state, truth)
        return state, replace(verdict, **{name: make(verdict) for name, make in parts.items()})

    return judge


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [
        (
            {"observe": changes_the_state},
            r"observe\(LampState\): changed what it was given, at \[0\].light; keep every",
        ),
        ({"target": changes_the_action}, r"changed what it was given, at \[1\]; keep everything in the state"),
        ({"judge": counts_its_calls}, "judge.*returned something else for the same arguments, at .*reward; keep every"),
        ({"judge": needs_truth}, "raised TypeError: .*; on hardware there is no truth: judge by what was seen"),
        (
            {"judge": shows_truth},
            r"judge\(state, truth\): changed the observation 'light' by the truth; observe what an",
        ),
        ({"target": leaves_the_range}, r"sends slide to \[.*\]; shorten the move into 0 to 10 and set limited"),
        (
            {"advance": ignores_the_mask},
            r"advance\(…, mask\): changed 'light' of a row whose mask is False; leave those",
        ),
        (
            {"observe": looks_at_the_batch},
            "step 0: light: differs when a row is played alone|of a row whose mask is False",
        ),
        ({"observe": observing(light=lambda state: state.light[:, None])}, r"'light'\]: holds float64; return float32"),
        ({"observe": observing(light=lambda state: np.float32(2 + state.place))}, "runs from 7 to 7; stay within its"),
        ({"observe": observing(more=lambda state: state.light)}, "returned light, place, more; return those of obs"),
        ({"observe": observing(place=lambda state: state.light)}, r"has shape \(3,\); return a .* of shape \(3, 1\)"),
        (
            {"costs": costing(lambda costs: {**costs, "dose": -1.0 - costs["dose"]})},
            r"'dose'\]: is .*; return what was",
        ),
        (
            {"observe": counts_its_looks},
            r"observe\(state\): returned something else for the same state, at light; keep",
        ),
        (
            {"start": begins_everywhere},
            r"start\(previous, …, mask\): changed '\w+' of a row whose mask is False; leave",
        ),
        ({"costs": costing(lambda costs: None)}, r"costs\(state\): returned a NoneType; return exposures, motor_s"),
        ({"costs": costing(lambda costs: {"dose": costs["dose"]})}, "names no exposures, motor_s, exposure_s, instr"),
        ({"judge": judging(terminated=lambda verdict: verdict.reward)}, "terminated: holds float64; return a bool"),
        ({"judge": judging(reward=lambda verdict: verdict.reward * np.nan)}, "reward: is not finite; pay a finite"),
        ({"judge": judging(metrics=lambda verdict: {"a": 1.0})}, r"metrics\['a'\]: has no batch dimension; return an"),
        (
            {"judge": lambda self, state, truth=None: state},
            "returned a LampState; return the state and an envs.task.Ver",
        ),
    ],
)
def test_a_broken_one_is_told_what_to_do(lamp, broken, methods, complaint):
    with pytest.raises(CheckFailed, match=complaint) as error:
        check_task(broken(lamp.Task, **methods)(), lamp.World)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        (
            "action_space",
            spaces.MultiBinary(3),
            r"action_space: is MultiBinary\(3\); give a float32 gymnasium.spaces.Box",
        ),
        ("action_space", spaces.Box(-np.inf, np.inf, (2,)), "with finite ends"),
        ("observation_space", spaces.Box(0, 1, (2,)), "observation_space: is a Box; give a gymnasium.spaces.Dict"),
        ("settings", None, "settings: is a NoneType; give physics.instrument.AcquireSettings"),
    ],
)
def test_wrong_spaces_are_named(lamp, name, value, complaint):
    task = lamp.Task()
    setattr(task, name, value)
    with pytest.raises(CheckFailed, match=complaint):
        check_task(task, lamp.World)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"sample": ""}, "SimpleNamespace: has no action_size; envs.task.Context asks for them all"),
        ({"sample": None, "action_size": 2}, 'sample: is None; give a name, or "" where nothing stands in the beam'),
        ({"sample": "", "action_size": 3}, "action_size: is 3; give 2, the numbers of an action in action_space"),
    ],
)
def test_what_everybody_reads_of_a_context_is_named(lamp, given, complaint):
    task = lamp.Task()
    task.context = SimpleNamespace(instrument_axes=lamp.World().axes, **given)
    with pytest.raises(CheckFailed, match=complaint):
        check_task(task, lamp.World)


def test_nobody_declares_before_the_last_step(lamp, broken):
    seen = []

    def target(self, state, action):
        seen.append(action.copy())
        return super(type(self), self).target(state, action)

    check_task(broken(lamp.Task, target=target)(), lamp.World, steps=3)
    assert [bool((action[:, -1] <= 0.0).all()) for action in seen[:3]] == [True, True, False]


@pytest.mark.parametrize("check", ["check_world", "check_task"])
def test_a_world_in_the_place_of_its_maker_is_named(lamp, check):
    checks = {"check_world": check_world, "check_task": lambda world: check_task(lamp.Task(), world)}
    with pytest.raises(CheckFailed, match=r"make_world: is a LampWorld; give what makes one .*: lambda n: LampWorld"):
        checks[check](lamp.World(3))
