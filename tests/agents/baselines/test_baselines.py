"""Baselines on the real task: each does what its name says, row by row and within the budget."""

from types import SimpleNamespace

import numpy as np
import pytest

from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.baselines.align.index_and_refine import IndexAndRefine
from beamgym.agents.baselines.align.nelder_mead import NelderMead, mismatch
from beamgym.agents.baselines.align.true_pose import TruePose
from beamgym.agents.baselines.moves import exposures_left, positions_of, rotating_action
from beamgym.agents.baselines.no_op import NoOp
from beamgym.agents.baselines.random import Random
from beamgym.agents.baselines.zone.true_axis import TrueAxis
from beamgym.agents.evaluation.evaluator import Episodes, context_of, evaluate_in, make_vector_env, run_episodes
from beamgym.agents.policies.find import find_policy
from beamgym.envs.checks import check_policy
from beamgym.envs.laue_align.decisions import AGAIN, DECLARE, GO, LOOK
from beamgym.envs.laue_align.factory import LaueAlignOptions, build
from beamgym.envs.laue_align.task import reach
from beamgym.envs.laue_views.observations import axis_rows
from beamgym.envs.policy import CannotPlay
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

ID = "beamgym/LaueAlign-v0"
EVERY = (Random, NoOp, TruePose, NelderMead, IndexAndMove, IndexAndRefine, Calibrating)


@pytest.fixture(scope="module")
def env():
    return make_vector_env(ID, 24, "real", {})


@pytest.fixture(scope="module")
def single():
    return make_vector_env(ID, 1, "real", {})


@pytest.mark.parametrize("baseline", EVERY)
def test_a_baseline_plays_a_row_as_it_would_alone(env, single, baseline):
    together = run_episodes(baseline(), env, range(500, 506))
    alone = run_episodes(baseline(), single, range(502, 503))
    for name in Episodes.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[2], err_msg=name)


BY_AXES = {"action": "axes", "goniometer": "two-arc"}
PLAYED = [
    *((baseline, {}) for baseline in EVERY),
    *((baseline, BY_AXES) for baseline in EVERY if baseline is not IndexAndRefine),
    pytest.param(IndexAndRefine, BY_AXES, marks=pytest.mark.slow),  # it commands axes as IndexAndMove does
]


@pytest.mark.parametrize(("baseline", "options"), PLAYED)
def test_a_baseline_keeps_the_contract_of_a_policy(baseline, options):
    check_policy(baseline(), ID, **options)


@pytest.mark.parametrize("baseline", [each for each in EVERY if each is not IndexAndRefine])  # a test of its own
def test_every_baseline_ends_by_declaring_within_the_budget(env, baseline):
    episodes = run_episodes(baseline(), env, range(700, 724))
    assert episodes.ended.all()
    assert episodes.exposures.max() <= 20
    assert episodes.exposures.min() >= 1


def test_random_draws_are_not_moved_by_rounding(env):
    observation, _ = env.reset(seed=list(range(24)))
    rounded = {name: values * np.float32(1.0 + 1e-6) for name, values in observation.items()}
    policy, played = Random(), []
    for seen in (observation, rounded):
        memory = policy.start_from(context_of(env), range(24))
        first, memory = policy.act(seen, memory)
        played.append((first, policy.act(seen, memory)[0]))
    np.testing.assert_array_equal(*played)
    assert not np.array_equal(*played[0]), "another step draws anew"
    assert len(np.unique(played[0][0][:, 0])) > 20, "and another seed"


def test_random_draws_from_what_it_sees_where_there_is_no_seed(env):
    observation, _ = env.reset(seed=list(range(24)))
    policy = Random()
    together = policy.act(observation, policy.start(context_of(env), 24))[0]
    alone = policy.act({name: values[3:4] for name, values in observation.items()}, policy.start(context_of(env), 1))
    np.testing.assert_array_equal(alone[0][0], together[3])
    assert not np.array_equal(together[0], together[1])


def test_random_counts_exposures_where_its_budget_is_not_observed_by_itself():
    world = make_vector_env("beamgym/LaueAlign-v1", 24, "real", {"observation": "estimate", "exposures": 5})
    episodes = run_episodes(Random(), world, range(24))
    assert episodes.ended.all()
    assert episodes.exposures.max() == 5


def test_random_chooses_where_actions_are_choices():
    options = {"observation": "estimate", "flat": True, "action": "decisions", "exposures": 6}
    world = make_vector_env("beamgym/LaueAlign-v1", 24, "real", options)
    played = evaluate_in(Random(), world, 24, seed=0).episodes
    assert played.ended.all()
    assert 1 < played.exposures.max() <= 6
    policy, choices = Random(), []
    memory = policy.start_from(context_of(world), range(24))
    for _ in range(4):
        chosen, memory = policy.act({"array": np.zeros((24, 8), np.float32)}, memory)
        choices.extend(chosen)
    assert set(choices) == {GO, LOOK, AGAIN, DECLARE}


def test_no_op_takes_the_first_exposure_and_no_other(env):
    episodes = run_episodes(NoOp(), env, range(24))
    assert (episodes.exposures == 1).all()
    assert (episodes.motor_s == 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"action": "axes"},
        {"goniometer": "two-arc"},
        {"target": "axis [001] x"},
        {"target": "plane (100) (010)"},
        {"max_rotation_deg": 20.0},
    ],
)
def test_true_pose_and_indexing_align_whatever_the_task(options):
    world = make_vector_env(ID, 16, "real", options)
    for policy in (TruePose(), IndexAndMove()):
        result = evaluate_in(policy, world, 16, seed=3)
        assert result.success_rate >= 15 / 16, policy.name
        assert result.exposures_median <= (5 if "max_rotation_deg" in options else 3), policy.name


@pytest.mark.parametrize("stop", ["truth", "declare"])
@pytest.mark.parametrize("system", ["cubic", "tetragonal", "hexagonal"])
def test_the_oracle_finds_the_zone_axis_of_an_unknown_crystal(stop, system):
    world = make_vector_env("beamgym/LaueZone-v0", 16, "real", {"stop": stop, "system": system})
    result = evaluate_in(TrueAxis(), world, 16, seed=0)
    assert result.success_rate == 1.0
    assert result.exposures_median <= 10, "at most 90 degrees away, 10 degrees a move"


def test_indexing_says_that_it_cannot_play_with_an_unknown_cell():
    world = make_vector_env("beamgym/LaueZone-v0", 1, "real", {})
    with pytest.raises(CannotPlay, match="hides it"):
        evaluate_in(IndexAndMove(), world, 1, seed=0)


def test_the_oracle_is_at_least_as_accurate_as_indexing(env):
    oracle, indexing = (evaluate_in(policy, env, 48, seed=5) for policy in (TruePose(), IndexAndMove()))
    assert oracle.misorientation_deg_median < indexing.misorientation_deg_median < 0.15
    assert oracle.success_rate == 1.0


def test_the_oracle_does_not_play_without_the_truth(env):
    observation, _ = env.reset(seed=list(range(24)))
    policy = TruePose()
    with pytest.raises(ValueError, match="oracle"):
        policy.act(observation, policy.start(context_of(env), 24))


def test_a_pattern_without_spots_is_looked_around_not_an_error(env):
    observation, _ = env.reset(seed=list(range(24)))
    observation["spots"] = np.zeros_like(observation["spots"])
    policy = IndexAndMove()
    actions, memory = policy.act(observation, policy.start(context_of(env), 24))
    assert (actions[:, 3] < 0).all()
    assert (np.abs(actions[:, :3]).max(axis=1) > 0).all()
    assert {entry.tries for entry in memory} == {1}


def test_positions_and_budget_are_read_back_from_the_observation(env):
    observation, _ = env.reset(seed=list(range(24)))
    context = context_of(env)
    np.testing.assert_allclose(positions_of(observation, context), env.loop.instrument.positions(), atol=1e-4)
    assert (exposures_left(observation, context) == 19).all()


@pytest.mark.parametrize("action", ["rotation", "axes"])
def test_rotate_asks_for_the_rotation_it_was_given(action):
    head = goniometer("six-axis")
    context = SimpleNamespace(goniometer=head, action=action, max_rotation_deg=90.0)
    wanted = rotation_matrix(np.array([[20.0, -5.0, 30.0]]))
    here = head.home()[None]
    move = rotating_action(wanted, here, context)[:, :-1].astype(np.float64)
    if action == "rotation":
        turned = 90.0 * np.linalg.norm(move) ** 2 * move
        np.testing.assert_allclose(rotation_matrix(turned), wanted, atol=1e-6)
    else:
        made = head.rotation(here + 90.0 * move**3) @ np.swapaxes(head.rotation(here), -1, -2)
        np.testing.assert_allclose(made, wanted, atol=1e-5)


def spot_list(normals, rows):
    out = np.zeros((1, rows, 5), dtype=np.float32)
    out[0, : len(normals), :3] = normals
    out[0, : len(normals), 3:] = 1.0
    return out.reshape(1, -1)


def test_the_mismatch_is_0_on_the_pattern_and_1_far_from_it():
    normals = rotation_matrix(np.array([[0, 10, 0], [0, -20, 5], [0, 3, 30.0]])) @ np.array([-1.0, 0, 0])
    expected = spot_list(normals, 48)
    assert mismatch({"spots": spot_list(normals, 64), "expected": expected})[0] == pytest.approx(0.0, abs=1e-3)
    assert mismatch({"spots": spot_list(-normals, 64), "expected": expected})[0] == pytest.approx(1.0, abs=1e-3)
    assert mismatch({"spots": spot_list(np.zeros((0, 3)), 64), "expected": expected})[0] == pytest.approx(1.0, abs=1e-3)
    turned = normals @ rotation_matrix(np.array([1.0, 0, 0])).T
    closer = normals @ rotation_matrix(np.array([0.5, 0, 0])).T
    far, near = (mismatch({"spots": spot_list(seen, 64), "expected": expected})[0] for seen in (turned, closer))
    assert 0 < near < far < 1


def play(start_deg, budget, normals):
    """Run Nelder-Mead on a pattern of few spots without noise; return the misorientations it exposed at."""
    head = goniometer("six-axis")
    context = build(LaueAlignOptions(goniometer=head, exposures=budget), 1)[0].context
    positions, policy = head.home()[None], NelderMead()
    mount = head.rotation(positions)[0].T @ rotation_matrix(start_deg)
    state, errors = policy.start(context, 1), []
    for used in range(1, budget + 2):
        turned = head.rotation(positions)[0] @ mount
        errors.append(float(np.linalg.norm(rotation_vector_deg(turned))))
        observation = {
            "spots": spot_list(normals @ turned.T, 64),
            "expected": spot_list(normals, 48),
            "axes": axis_rows(positions, head.axes),
            "budget": np.array([[1 - used / budget]], dtype=np.float32),
        }
        action, state = policy.act(observation, state)
        if action[0, 3] > 0:
            return errors
        move = action[:, :3].astype(np.float64)
        positions, _ = reach(head, positions, 90.0 * np.linalg.norm(move) ** 2 * move)
    raise AssertionError("it never declared")


FEW = rotation_matrix(np.array([[0, 25, 0], [0, -30, 10], [0, 0, 35.0]])) @ np.array([-1.0, 0, 0])


def test_nelder_mead_aligns_a_simple_pattern_when_exposures_are_plenty():
    errors = play(np.array([9.0, -6.0, 4.0]), 300, FEW)
    assert errors[0] > 11
    assert errors[-1] < 0.25
    assert len(errors) < 150


def test_nelder_mead_spends_its_last_exposure_on_the_best_pose_seen():
    errors = play(np.array([9.0, -6.0, 4.0]), 12, FEW)
    assert len(errors) == 12
    assert min(abs(errors[-1] - error) for error in errors[:-1]) < 1e-3
    assert errors[-1] < errors[0]


def test_images_are_refused_by_a_baseline_that_reads_spots_alone():
    with pytest.raises(CannotPlay, match="spots"):
        NelderMead().act({"image": np.zeros((1, 84, 84, 1))}, [None])


@pytest.mark.parametrize("name", ["random", "no-op", "true-pose", "nelder-mead", "index-and-move"])
def test_a_rival_that_turns_goniometers_says_so_where_there_is_none(name):
    policy = find_policy(name, ID)
    env = make_vector_env("beamgym/ArpesSpot-v0", 1, "easy")
    with pytest.raises(CannotPlay) as error:
        evaluate_in(policy, env, 1, 0)
    assert "\n" not in str(error.value)
