"""What is refused is refused in one line, and nothing remains of it: what follows is what it would have been."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import beamgym  # noqa: F401 - registers the environments

SPOTS, DECISIONS = "beamgym/LaueAlign-v0", "beamgym/LaueAlign-v1"
TWICE = np.diag([1.0, 1.0, 2.0])
MODES = list(AutoresetMode)


def many(n=3, mode="NextStep", name=SPOTS, **options):
    return gym.make_vec(name, num_envs=n, vectorization_mode="vector_entry_point", autoreset_mode=mode, **options)


def after_an_end(mode):
    """Return three environments, the first of which has just ended, and what it takes to go on."""
    env = many(3, mode)
    env.reset(seed=0)
    declared = np.zeros((3, 4), np.float32)
    declared[:, 3] = 1.0, -1.0, -1.0
    assert env.step(declared)[2].tolist() == [True, False, False]
    if mode is AutoresetMode.DISABLED:
        env.reset(options={"reset_mask": np.array([True, False, False])})
    return env


def line_of(error, words, call, *args, **options):
    with pytest.raises(error, match=words) as caught:
        call(*args, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("action", [np.zeros((1, 4)), np.zeros(4), np.zeros((3, 1)), np.zeros((2, 4)), 0.0])
def test_another_shape_is_refused_on_the_step_after_an_end_too(mode, action):
    env = after_an_end(mode)
    line_of(ValueError, r"has shape .*; expected \(3, 4\)", env.step, action)
    env.step(np.zeros((3, 4)))


@pytest.mark.parametrize("action", [2, [2], [[2, 2, 2]], [2.0, 2.0, 2.0]])
def test_one_choice_for_all_is_refused_on_the_step_after_an_end_too(action):
    env = many(3, name=DECISIONS, observation="estimate", action="decisions", exposures=1)
    env.reset(seed=0)
    assert np.any(env.step(np.zeros(3, int))[2:4])
    line_of(ValueError, "expected 3 whole numbers", env.step, action)


WRONG = [
    (np.zeros((3, 4), np.complex128), "complex numbers"),
    (np.full((3, 4), 1j), "complex numbers"),
    (np.full((3, 4), "0.5"), "strings"),
    ({"move": np.zeros((3, 4))}, "is a dict"),
    ([[0, 0, 0, 0], [0], [0]], "differ in length"),
    (np.full((3, 4), None), "objects"),
]


@pytest.mark.parametrize(("action", "words"), WRONG)
def test_what_holds_no_real_numbers_is_refused(action, words):
    for mode in MODES:
        line_of((TypeError, ValueError), words, after_an_end(mode).step, action)


def test_one_environment_refuses_them_too():
    env = gym.make(SPOTS, disable_env_checker=True)
    env.reset(seed=0)
    line_of(TypeError, "complex numbers", env.step, np.full(4, 1j))
    line_of(TypeError, "strings", env.step, ["0.5"] * 4)
    line_of(TypeError, "objects", env.step, {"move": 0})
    env.step(np.zeros(4))


REFUSED = [
    {"mount": TWICE},
    {"mount": np.full((3, 3), np.nan)},
    {"mount": np.eye(2)},
    {"positions": np.full(6, 1e6)},
    {"positions": [0.0]},
    {"place": 1},
]


@pytest.mark.parametrize("options", REFUSED)
def test_of_a_refused_reset_nothing_remains(options):
    for made in (lambda: gym.make(SPOTS), lambda: many(2)):
        env, plain = made(), made()
        for each in (env, plain):
            each.reset(seed=1)
        with pytest.raises(ValueError, match=r"mount|position|place"):
            env.reset(options=options)
        with pytest.raises(ValueError, match=r"mount|position|place"):
            env.reset(seed=7, options=options)
        assert env.unwrapped.np_random.bit_generator.state == plain.unwrapped.np_random.bit_generator.state
        np.testing.assert_array_equal(env.reset()[0]["spots"], plain.reset()[0]["spots"])


def test_a_refused_first_reset_begins_nothing():
    env = many(2)
    with pytest.raises(ValueError, match="mount"):
        env.reset(seed=1, options={"mount": TWICE})
    with pytest.raises(ValueError, match=r"call reset\(\)"):
        env.step(np.zeros((2, 4)))


def test_a_seed_goes_to_the_masked_rows_alone_as_in_gymnasiums_own_vector():
    own = SyncVectorEnv([lambda: gym.make(SPOTS)] * 3, autoreset_mode=AutoresetMode.DISABLED)
    for seed in (100, [100, 200, None]):
        shown = []
        for env in (own, many(3, AutoresetMode.DISABLED)):
            env.reset(seed=5)
            env.reset(seed=seed, options={"reset_mask": np.array([True, False, False])})
            shown.append(env.reset()[0]["spots"])
        np.testing.assert_array_equal(*shown)


def test_a_row_without_a_seed_has_one_of_its_own_the_first_time():
    env, other = many(2), many(2)
    first, second = (each.reset(seed=[3, None])[0]["spots"] for each in (env, other))
    np.testing.assert_array_equal(first[0], second[0])
    assert not np.array_equal(first[1], second[1])


@pytest.mark.parametrize(
    "mask", [[0, 1, 2], np.array([1, 0, 0]), np.array([1.0, 0.0, 0.0]), [np.nan, 0, 0], ["a", "", ""]]
)
def test_a_mask_of_anything_but_truth_values_is_refused(mask):
    env = many(3, AutoresetMode.DISABLED)
    env.reset(seed=0)
    line_of(TypeError, "reset_mask holds .* 3 of True and False", env.reset, options={"reset_mask": mask})


def test_environments_that_never_began_cannot_be_stepped():
    env = many(3, AutoresetMode.DISABLED)
    env.reset(seed=0, options={"reset_mask": np.array([True, False, True])})
    line_of(ValueError, r"environment 1 has not begun; call reset\(\)", env.step, np.zeros((3, 4)))
    env.reset(options={"reset_mask": np.array([False, True, False])})
    env.step(np.zeros((3, 4)))


def test_environments_that_a_first_reset_left_out_draw_a_seed():
    firsts = []
    for _ in range(2):
        env = many(2, AutoresetMode.DISABLED)
        env.reset(seed=3, options={"reset_mask": np.array([True, False])})
        firsts.append(env.reset(options={"reset_mask": np.array([False, True])})[0]["spots"])
    np.testing.assert_array_equal(firsts[0][0], firsts[1][0])
    assert not np.array_equal(firsts[0][1], firsts[1][1])


@pytest.mark.parametrize("seed", [np.array(3), np.ones((2, 2), int), "12", b"12", {1: 2}, [1.0, 2.0], [True, 1]])
def test_what_is_no_seed_is_refused(seed):
    line_of(TypeError, "the seed is", many(2).reset, seed=seed)


def test_options_that_are_no_dict_are_refused():
    for env in (many(2), gym.make(SPOTS, disable_env_checker=True)):
        line_of(TypeError, r"options is \[1\]; give a dict", env.reset, options=[1])


@pytest.mark.parametrize("number", [0, -1, 2.0, "3", None, True])
def test_a_number_of_environments_that_cannot_be_is_refused(number):
    line_of((TypeError, ValueError), r"num_envs is .*1 or more", many, number)


@pytest.mark.parametrize("mode", ["same-step", None, 1])
def test_the_autoreset_modes_are_named(mode):
    line_of(ValueError, "choose 'NextStep' or 'SameStep' or 'Disabled'", many, 2, mode)


@pytest.mark.parametrize(("make", "more"), [(gym.make, {}), (gym.make_vec, {"vectorization_mode": "sync"})])
def test_threads_are_of_the_native_vector_form(make, more):
    line_of(TypeError, r"native vector form: gym.make_vec\(…, threads=2\)", make, SPOTS, threads=2, **more)


@pytest.mark.parametrize("value", ["yes", "no", 1, 0.0, None])
@pytest.mark.parametrize("option", ["curriculum", "flat"])
def test_what_is_either_true_or_false_is_taken_as_nothing_else(option, value):
    line_of(TypeError, f"{option} is {value!r}; give True or False", gym.make, SPOTS, **{option: value})
    gym.make(SPOTS, **{option: np.False_})


def test_the_distance_of_a_curriculum_is_checked():
    for angle in (0.1, 181.0, np.nan):
        line_of(ValueError, "start_within_deg is", gym.make, SPOTS, curriculum=True, start_within_deg=angle)
    line_of(TypeError, "start_within_deg is", gym.make, SPOTS, curriculum=True, start_within_deg="near")


def test_of_one_wrong_name_the_nearest_is_told_alone():
    with pytest.raises(TypeError) as caught:
        gym.make(DECISIONS, observaton="estimate")
    assert str(caught.value).startswith("unknown option observaton; did you mean observation? (unexpected keyword")
    line_of(TypeError, "unknown option colour; LaueAlign takes action, beam", gym.make, DECISIONS, colour=1)
