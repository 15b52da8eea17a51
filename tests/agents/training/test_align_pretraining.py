"""The teacher knows the way home; the losses pull towards it; what is carried out is mixed as the settings say."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from beamgym.agents.beliefs.dictionary import spread_orientations
from beamgym.agents.beliefs.extractors import Estimates
from beamgym.agents.training.align_pretraining import losses, mixed_actions
from beamgym.agents.training.config import AlignPretrainingConfig
from beamgym.agents.training.teacher import OUT_OF_REACH_DEG, AlignTeacher
from beamgym.envs.actions import decode_rotation, encode_rotation
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix

N = 40


def make(env_id="beamgym/LaueAlign-v0", **options):
    options = {"level": "easy", "autoreset_mode": "SameStep", **options}
    return gym.make_vec(env_id, num_envs=N, vectorization_mode="vector_entry_point", **options).unwrapped


@pytest.fixture(scope="module")
def envs():
    return make()


@pytest.fixture
def teacher(envs):
    envs.reset(seed=5)
    return AlignTeacher(envs)


def nearest(turns):
    return turns[np.arange(len(turns)), np.linalg.norm(turns, axis=-1).argmin(axis=1)]


def test_the_teachers_turns_bring_every_equivalent_goal_home(envs, teacher):
    turns = teacher.turns_deg()
    target, orientation = teacher.context.target, envs.loop.instrument.truth()["orientation"]
    reachable = np.linalg.norm(turns, axis=-1) < 181
    assert reachable.any(axis=1).all()
    for goal in range(turns.shape[1]):
        turned = rotation_matrix(turns[:, goal]) @ orientation
        assert target.error_deg(turned)[reachable[:, goal]].max(initial=0) < 1e-4


def test_carrying_out_the_teachers_turn_leaves_what_the_motors_leave(envs, teacher):
    """At the level easy nothing is hidden but the motors' steps and the sphere of confusion."""
    turns = nearest(teacher.turns_deg())
    action = np.concatenate([encode_rotation(turns, 90.0), -np.ones((N, 1))], axis=1)
    _, _, _, _, info = envs.step(action.astype(np.float32))
    free = ~info["limited"]
    assert free.mean() > 0.5
    assert info["misorientation_deg"][free].max() < 0.05


def test_goals_out_of_reach_are_further_than_any_that_is_within():
    envs = make(goniometer="two-arc")
    envs.reset(seed=1)
    lengths = np.linalg.norm(AlignTeacher(envs).turns_deg(), axis=-1)
    away = ~envs.loop.state.goals
    assert away.any()
    assert lengths[away].min() > OUT_OF_REACH_DEG / 2
    assert lengths[~away].max() <= 180.0 + 1e-6


def test_an_entry_turned_by_its_turn_is_a_goal_and_stands_for_the_nearest_orientations(envs, teacher):
    rotations, target = teacher.rotations, teacher.context.target
    chosen = spread_orientations(random_orientations(make_keys(2, np.arange(300))), rotations, 25)
    turns = teacher.set_entries(chosen)
    home = rotation_matrix(np.degrees(turns)) @ chosen
    assert target.error_deg(home).max() < 1e-4
    assert np.degrees(np.linalg.norm(turns, axis=1)).max() < 62.9, "the largest misorientation of the cubic group"
    orientation = envs.loop.instrument.truth()["orientation"]
    angles = np.array([misorientation_deg(orientation, np.broadcast_to(one, (N, 3, 3)), rotations) for one in chosen])
    np.testing.assert_allclose(angles[teacher.entry(), np.arange(N)], angles.min(axis=0), atol=0.05)


def test_tasks_without_a_pose_to_turn_to_are_refused_with_the_remedy():
    with pytest.raises(TypeError, match="train without warm_start"):
        AlignTeacher(make("beamgym/LaueZone-v0"))
    with pytest.raises(ValueError, match="found 'axis' and 'rotation'"):
        AlignTeacher(make(target="axis [001] x"))
    with pytest.raises(ValueError, match="found 'pose' and 'axes'"):
        AlignTeacher(make(action="axes"))


def estimates(coarse=(0.0, 0.0, 0.0), fine=(0.0, 0.0, 0.0), entry=(0.0, 0.0, 0.0)):
    """Return one observation's estimates, zero but for what is given; every one can be differentiated by."""
    values = [torch.zeros(1, 4), torch.tensor([entry]), torch.tensor([coarse]), torch.tensor([fine])]
    values += [torch.zeros(1), torch.zeros(1), torch.zeros(1, 2)]
    return Estimates(*(value.requires_grad_() for value in values))


def gradients(found, turns, near=0.0, entry=2, caution=1.0):
    parts = losses(found, torch.tensor([entry]), torch.tensor([turns]), torch.tensor([near]), caution)
    parts.sum().backward()
    return parts.detach()


def test_scores_rise_at_the_true_entry_and_fall_elsewhere():
    found = estimates()
    gradients(found, [[0.1, 0.0, 0.0]])
    assert found.scores.grad[0, 2] < 0
    assert (found.scores.grad[0, [0, 1, 3]] > 0).all()


def test_the_amended_rotation_is_pulled_to_the_nearest_goal_only():
    found = estimates(coarse=(0.1, 0.0, 0.0), entry=(0.1, 0.0, 0.0))
    gradients(found, [[0.2, -0.1, 0.0], [-1.0, 0.0, 0.0]])
    assert found.coarse.grad[0, 0] < 0, "grows towards 0.2"
    assert found.coarse.grad[0, 1] > 0, "falls towards -0.1"
    assert found.coarse.grad[0, 2] == 0


def test_an_amendment_is_pulled_to_the_goal_of_its_own_entry_even_where_another_is_nearer_by_now():
    found = estimates(coarse=(0.9, 0.0, 0.0), entry=(0.1, 0.0, 0.0))
    gradients(found, [[0.15, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert found.coarse.grad[0, 0] > 0, "falls back towards 0.15"


def test_a_wrong_guess_is_not_amended():
    found = estimates(coarse=(0.1, 0.0, 0.0), entry=(1.5, 0.0, 0.0))
    gradients(found, [[0.2, 0.0, 0.0]])
    assert found.coarse.grad is None or found.coarse.grad.abs().max() == 0


@pytest.mark.parametrize(("fine", "sign"), [((0.2, 0.0, 0.0), -1), ((0.9, 0.0, 0.0), 1)])
def test_the_gate_opens_where_the_registration_is_the_nearer(fine, sign):
    found = estimates(coarse=(0.3, 0.0, 0.0), fine=fine)
    gradients(found, [[0.21, 0.0, 0.0]])
    assert torch.sign(found.gate.grad) == sign


def test_declaring_is_taught_near_the_goal_and_warned_against_elsewhere():
    near, far, warned = estimates(), estimates(), estimates()
    gradients(near, [[0.0, 0.0, 0.0]], near=1.0)
    gradients(far, [[0.5, 0.0, 0.0]], near=0.0)
    gradients(warned, [[0.5, 0.0, 0.0]], near=0.0, caution=3.0)
    assert near.declare.grad < 0 < far.declare.grad
    assert warned.declare.grad == pytest.approx(3 * float(far.declare.grad))


def mixed(turns, **settings):
    proposal = np.random.default_rng(0).uniform(-0.5, 0.5, (len(turns), 4)).astype(np.float32)
    action = mixed_actions(proposal, turns, AlignPretrainingConfig(**settings), 90.0, np.random.default_rng(1))
    return proposal, action


def test_without_help_and_abandon_the_learner_acts_alone():
    proposal, action = mixed(np.full((50, 2, 3), 10.0), help=0, abandon=0)
    np.testing.assert_array_equal(action, proposal)


def test_the_teachers_moves_miss_the_nearest_goal_by_a_little_or_much_and_never_declare():
    turns = np.tile([[[80.0, 0.0, 0.0], [0.0, 20.0, 0.0]]], (2000, 1, 1))
    _, action = mixed(turns, help=1, abandon=0)
    assert (action[:, 3] == -1).all()
    miss = np.linalg.norm(decode_rotation(action[:, :3].astype(float), 90.0) - turns[:, 1], axis=1)
    low, middle, high = np.percentile(miss, [1, 50, 99])
    assert low < 0.1
    assert 0.3 < middle < 3
    assert 10 < high < 60


def test_abandoned_episodes_are_declared_in_their_share():
    _, action = mixed(np.full((4000, 1, 3), 10.0), help=0.5, abandon=0.25)
    assert (action[:, 3] == 1.0).mean() == pytest.approx(0.25, abs=0.03)
