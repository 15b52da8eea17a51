"""check_policy passes what decides row by row, and names the call of what does not."""

import numpy as np
import pytest

from beamgym.envs.checks import CheckFailed, check_policy
from beamgym.envs.policy import CannotPlay, drawing_seed

ID = "beamgym/LaueZone-v0"  # three numbers an action: two steps, and the declaration


class Still:
    """A sound policy: does nothing, and counts its steps in its memory."""

    name = "still"
    oracle = False

    def start(self, context, n):
        return [0] * n

    def act(self, observation, state, truth=None):
        return np.zeros((len(state), 3), np.float32), [used + 1 for used in state]


def play(**methods):
    check_policy(type("Broken", (Still,), methods)(), ID)


def test_a_sound_policy_passes():
    check_policy(Still(), ID)
    check_policy(Still(), ID, n=1, steps=2, seed=4, moves=3)


def test_one_array_is_handed_over_as_it_is_to_agents():
    class Flat(Still):
        def act(self, observation, state, truth=None):
            assert observation["observation"].shape == (len(state), 84, 84, 1)
            return super().act(observation, state, truth)

    check_policy(Flat(), ID, flat=True)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8])
def test_choices_are_whole_numbers_of_any_kind(kind):
    class Choosing(Still):
        def act(self, observation, state, truth=None):
            return np.full(len(state), 1, kind), state

    check_policy(Choosing(), "beamgym/LaueAlign-v1", observation="estimate", action="decisions")


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        (99, r"actions: are \[99, 99\]; return whole numbers from 0 to"),
        (-1, r"actions: are \[-1, -1\]; return whole numbers from 0 to"),
        (0.0, r"actions: holds float64; return an integer array of shape \(2,\)"),
    ],
)
def test_what_is_no_choice_is_refused(choice, complaint):
    class Wrong(Still):
        def act(self, observation, state, truth=None):
            return np.full(len(state), choice), state

    with pytest.raises(CheckFailed, match=complaint):
        check_policy(Wrong(), "beamgym/LaueAlign-v1", n=2, observation="estimate", action="decisions")


def test_draws_may_come_from_the_seeds_and_from_nothing_else():
    class Drawing(Still):
        made = 0

        def start_from(self, context, seeds):
            return [np.random.default_rng(seed) for seed in seeds]

        def act(self, observation, state, truth=None):
            return np.array([each.uniform(-1, 1, 3) for each in state], np.float32), state

    class Counting(Drawing):
        def start_from(self, context, seeds):
            type(self).made += 1
            return super().start_from(context, [seed + self.made for seed in seeds])

    check_policy(Drawing(), ID)
    with pytest.raises(CheckFailed, match="decides otherwise when the same episodes are played again"):
        check_policy(Counting(), ID)


def test_one_that_draws_is_not_told_the_seeds_of_the_environment():
    told = []

    class Listening(Still):
        def start_from(self, context, seeds):
            told.append(list(seeds))
            return [0] * len(seeds)

    check_policy(Listening(), ID, n=2, seed=7)
    assert told[0] == told[1] == [drawing_seed(7), drawing_seed(8)]
    assert not set(told[0]) & {7, 8}
    assert [told[2], told[3]] == [[told[0][0]], [told[0][1]]]


def test_seeds_to_draw_from_differ():
    assert len({drawing_seed(seed) for seed in range(2000)}) == 2000


def test_that_it_cannot_play_is_an_honest_answer():
    def start(self, context, n):
        raise CannotPlay("this one needs spots")

    with pytest.raises(CannotPlay, match="needs spots"):
        play(start=start)


def acting(change):
    """Return an act whose actions are changed."""

    def act(self, observation, state, truth=None):
        return change(np.zeros((len(state), 3), np.float32), observation), state

    return act


def remembers_in_itself(self, observation, state, truth=None):
    self.calls = getattr(self, "calls", 0) + 1
    return np.full((len(state), 3), -0.01 * min(self.calls, 50), np.float32), state


def draws_anew(self, observation, state, truth=None):
    return np.random.default_rng().uniform(-1.0, 0.0, (len(state), 3)).astype(np.float32), state


def changes_what_it_sees(self, observation, state, truth=None):
    observation["budget"][:] = 0.0
    return np.zeros((len(state), 3), np.float32), state


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [
        ({"name": ""}, "name: is ''; give the name that tables are to show"),
        ({"oracle": 1}, "oracle: is 1; say True where it must be handed the truth"),
        (
            {"start": lambda self, context, n: None},
            r"start\(context, 3\): returned a NoneType; return one entry of mem",
        ),
        ({"start": lambda self, context, n: [0]}, r"start\(context, 3\): returned 1 entries; return one entry"),
        ({"act": acting(lambda actions, seen: actions.astype(float))}, "actions: are float64; return float32"),
        ({"act": acting(lambda actions, seen: actions[:, :2])}, r"actions: has shape \(3, 2\); return a float array"),
        ({"act": acting(lambda actions, seen: actions + 2)}, "actions: run from 2 to 2; stay within the action space"),
        ({"act": acting(lambda actions, seen: actions * np.nan)}, "run from nan to nan; stay within the action space"),
        (
            {"act": acting(lambda actions, seen: actions - np.float32(len(actions) / 10))},
            r"row 0 alone gives \[-0.1.*\], among others \[-0.3.*\]; decide every row by itself",
        ),
        ({"act": remembers_in_itself}, "decides otherwise when the same episodes are played again; remember in the st"),
        ({"act": draws_anew}, "decides otherwise when the same episodes are played again"),
        ({"act": changes_what_it_sees}, r"changed observation\['budget'\]; work on a copy"),
        (
            {"act": lambda self, observation, state: None},
            r"act\(observation, state, truth=None\): raised TypeError: .*3 positional arguments but 4 were given",
        ),
        ({"act": lambda self, observation, state, truth=None: None}, "returned a NoneType; return the actions"),
        ({"act": lambda self, observation, state, truth=None: truth["a"]}, "raised TypeError: .*; return the actions"),
    ],
)
def test_a_broken_one_is_told_what_to_do(methods, complaint):
    with pytest.raises(CheckFailed, match=complaint) as error:
        play(**methods)
    assert "\n" not in str(error.value)


def test_what_is_no_policy_is_told_what_it_lacks():
    with pytest.raises(CheckFailed, match=r"object: has no name, oracle, start, act; envs.policy.Policy asks"):
        check_policy(object(), ID)


def test_an_oracle_is_handed_the_truth_of_its_rows():
    def act(self, observation, state, truth=None):
        assert truth["orientation"].shape == (len(state), 3, 3)
        return np.zeros((len(state), 3), np.float32), state

    play(oracle=True, act=act)
