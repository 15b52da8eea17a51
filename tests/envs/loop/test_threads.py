"""Threads share out the samples of a vector environment and change no bit of what it returns."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from beamgym.envs import ENVIRONMENTS
from beamgym.envs.loop import threads as loop_threads
from beamgym.physics import row_threads

pytestmark = pytest.mark.filterwarnings("ignore:threads is:RuntimeWarning")  # a machine of one core may test this

SAMPLES, STEPS = 5, 5
SMALL = {
    "beamgym/LaueAlign-v0": {"exposures": 4},
    "beamgym/LaueAlignImage-v0": {"exposures": 4, "size": 40},
    "beamgym/LaueAlign-v1": {"exposures": 3},
    "beamgym/LaueAlignImage-v1": {"exposures": 3, "size": 36},
    "beamgym/LaueZone-v0": {"moves": 3},
    "beamgym/LaueZone-v1": {"moves": 3},
    "beamgym/ArpesSpot-v0": {"beam_time_s": 12.0, "surfaces": 2},
    "beamgym/ArpesSpotImage-v0": {"beam_time_s": 12.0, "surfaces": 2, "score": "truth"},
    "beamgym/ArpesSpot-v1": {"beam_time_s": 12.0, "surfaces": 2},
    "beamgym/ArpesSpotImage-v1": {"beam_time_s": 12.0, "surfaces": 2, "score": "truth"},
    "beamgym/PlateScan-v0": {"beam_time_s": 40.0, "crystals": 6},
    "beamgym/DiffractometerAlign-v0": {"beam_time_s": 60.0, "crystal": "Si"},
    "beamgym/ArpesAlign-v0": {"beam_time_s": 40.0},
}
"""Options that make an episode short; an id without a line here is stepped as it is."""

CASES = {name.removeprefix("beamgym/"): (name, SMALL.get(name, {})) for name in ENVIRONMENTS if "lamp" not in name}
CASES["many-crystals"] = ("beamgym/LaueAlign-v0", {"exposures": 4, "crystals": ["Si", "Al2O3"]})


@pytest.fixture(autouse=True)
def every_row_shared(monkeypatch):
    """Share out runs of one row, so that a vector of five exercises what a large one does."""
    monkeypatch.setattr(row_threads, "LEAST_ROWS", 1)


def make(case, threads, mode):
    name, options = CASES[case]
    return gym.make_vec(name, num_envs=SAMPLES, autoreset_mode=mode, threads=threads, **options)


def actions(size, seed=0):
    rng = np.random.default_rng(seed)
    found = rng.uniform(-1, 1, (STEPS, SAMPLES, size)).astype(np.float32)
    found[..., -1] = np.where(rng.random((STEPS, SAMPLES)) < 0.2, 1.0, -1.0)
    return found


def played(env, moves):
    """What an environment returns of a reset and some steps; ended rows are begun anew where nothing else does it."""
    found = [env.reset(seed=7)]
    for action in moves:
        found.append(env.step(action))
        ended = found[-1][2] | found[-1][3]
        if env.metadata["autoreset_mode"] is AutoresetMode.DISABLED and ended.any():
            found.append(env.reset(options={"reset_mask": ended}))
    return found


def assert_same(one, two, rows=None):
    """Compare what was returned bit by bit: of infos the rows of which something is said."""
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for name in one:
            said = one.get(f"_{name}")
            assert_same(one[name], two[name], rows if said is None else said)
    elif isinstance(one, tuple | list):
        for first, second in zip(one, two, strict=True):
            assert_same(first, second)
    else:
        chosen = slice(None) if rows is None else rows
        assert one.dtype == two.dtype
        if one.dtype == object:  # the last observations of ended episodes, each by itself
            assert_same(one[chosen].tolist(), two[chosen].tolist())
            return
        np.testing.assert_array_equal(one[chosen], two[chosen])


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("case", CASES)
def test_threads_change_no_bit_in_any_autoreset_mode(case, mode):
    alone, shared = make(case, 1, mode), make(case, 2, mode)
    moves = actions(alone.single_action_space.shape[0])
    first, second = played(alone, moves), played(shared, moves)
    assert len(first) == len(second)
    for one, two in zip(first, second, strict=True):
        assert_same(one, two)
    assert any(step[2].any() or step[3].any() for step in first if len(step) == 5)
    shared.close()


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("case", ["LaueZone-v0", "ArpesSpot-v0", "many-crystals"])
def test_it_returns_what_single_environments_return(case, mode):
    name, options = CASES[case]
    together = make(case, 2, mode)
    singles = SyncVectorEnv([lambda: gym.make(name, **options)] * SAMPLES, autoreset_mode=mode)
    moves = actions(together.single_action_space.shape[0], seed=1)
    for one, two in zip(played(singles, moves), played(together, moves), strict=True):
        assert_same(one[0], two[0])
        if len(one) == 5:
            assert_same(one[1:4], two[1:4])


def test_what_is_looked_at_between_steps_holds_the_rows_of_every_thread():
    alone, shared = (make("LaueAlign-v0", threads, "SameStep") for threads in (1, 3))
    for env in (alone, shared):
        env.reset(seed=1, options={"positions": np.arange(6.0 * SAMPLES).reshape(SAMPLES, 6) / 6})
        env.step(actions(4)[0])
    for one, two in (
        (alone.loop.instrument.truth(), shared.loop.instrument.truth()),
        (alone.loop.costs(), shared.loop.costs()),
    ):
        assert_same(dict(one), dict(two))
    np.testing.assert_array_equal(alone.loop.state.goals, shared.loop.state.goals)
    np.testing.assert_array_equal(alone.loop.frame.found.position_px, shared.loop.frame.found.position_px)
    np.testing.assert_array_equal(alone.loop.instrument.positions(), shared.loop.instrument.positions())
    assert len(shared.contexts) == SAMPLES


def test_pictures_are_those_of_one_thread():
    options = {"num_envs": 2, "render_mode": "rgb_array"}
    drawn = []
    for threads in (1, 2):
        env = gym.make_vec("beamgym/LaueZone-v0", threads=threads, **options)
        env.reset(seed=3)
        drawn.append(env.render())
    for one, two in zip(*drawn, strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_action_that_cannot_be_moves_nothing_in_any_thread():
    env = make("LaueAlign-v0", 2, "SameStep")
    env.reset(seed=0)
    before = env.loop.instrument.positions()
    wrong = actions(4)[0]
    wrong[-1, 0] = np.nan
    with pytest.raises(ValueError, match="row 4"):
        env.step(wrong)
    np.testing.assert_array_equal(env.loop.instrument.positions(), before)


def test_more_threads_than_cores_is_one_line_of_warning(monkeypatch):
    monkeypatch.setattr(loop_threads, "cores", lambda: 2)
    with pytest.warns(RuntimeWarning, match="2 cores") as caught:
        assert loop_threads.checked_threads(3, 10) == 3
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)
    with pytest.warns(RuntimeWarning, match="2 cores") as caught:
        gym.make_vec("beamgym/LaueZone-v1", num_envs=3, threads=3)
    assert [each.filename for each in caught] == [__file__]  # the user's line, not one of the libraries'
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert loop_threads.checked_threads(2, 1) == 1


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_that_cannot_be_are_refused_in_one_line(threads):
    with pytest.raises((TypeError, ValueError), match=r"threads is .*1 or more"):
        gym.make_vec("beamgym/LaueZone-v0", num_envs=2, threads=threads)
