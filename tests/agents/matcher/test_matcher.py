"""The matcher's parts: what it sees, how it weighs and moves, and that it learns on crystals that are drawn for it."""

import numpy as np
import pytest
import torch

from beamgym.agents.matcher import (
    REGIMES,
    Matcher,
    by_product,
    by_votes,
    by_weights,
    draws,
    load,
    proposed,
    train,
    training,
)
from beamgym.agents.matcher.candidates import Candidate, normals_of
from beamgym.agents.matcher.features import NO_TRUE_RAY, UNITS, sight, true_rays
from beamgym.agents.matcher.network import _sinkhorn, _step
from beamgym.agents.matcher.training import batch_of, examples, loss_of
from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.matching import vote_pairs
from beamgym.physics.orientation import misorientation_deg, rotation_matrix
from beamgym.scripts.matcher.command import subject_of


@pytest.fixture(scope="module")
def quartz():
    return subject_of(load_crystal("quartz"))


@pytest.fixture(scope="module")
def few(quartz):
    """Four frames of few true spots among many false ones, by a camera that is nearly where it should be."""
    return next(draws(quartz, REGIMES["few true, many false"], 5001, 1))


@pytest.fixture(scope="module")
def silicon():
    return subject_of(load_crystal("Si"))


def test_frames_are_the_same_for_the_same_seed_and_others_for_another(quartz, few):
    again, other = (next(draws(quartz, REGIMES["few true, many false"], seed, 1)) for seed in (5001, 5002))
    np.testing.assert_array_equal(again.shots[3].position_px, few.shots[3].position_px)
    assert not np.array_equal(other.mount, few.mount)


def test_a_frame_has_eight_to_twelve_true_spots(few):
    for t in range(4):
        shown = np.count_nonzero(true_rays(few.first(t + 1)) != NO_TRUE_RAY) / (t + 1)
        assert 7 <= shown <= 13  # a false spot may lie on a ray


@pytest.mark.parametrize("change", [0, 1, 2, 5])
def test_rays_move_as_the_matcher_is_told(few, change):
    amount = np.zeros(6)
    amount[change] = 0.1 * UNITS[change]
    plain, moved = Candidate(few.mount), Candidate(rotation_matrix(amount[:3]) @ few.mount, amount[5])
    one, two = sight(few, plain), sight(few, moved)
    far_out = one.features[..., 0] > 0.4  # about the centre the radius itself turns
    same = (one.ray == two.ray) & (one.ray > 0) & far_out
    shift = (one.off_mm - two.off_mm)[same]
    off = np.abs(shift - 0.1 * one.by[same][:, :, change])
    assert np.median(off) < 0.01
    assert off.max() < 0.06
    assert same.sum() > 100


def test_weighted_least_squares_takes_a_turn_back(few):
    turn = np.array([0.4, -0.3, 0.5])
    seen = sight(few, Candidate(rotation_matrix(-turn) @ few.mount))
    weight = (seen.ray == true_rays(few)[:, None]).astype(np.float64) / 0.1**2
    parts = (torch.from_numpy(each)[None] for each in (weight, seen.by, seen.off_mm))
    change = _step(*parts, torch.zeros((1, len(UNITS)), dtype=torch.float64))[0].numpy()
    left = rotation_matrix(change[:3]) @ rotation_matrix(-turn) @ few.mount
    assert misorientation_deg(left, few.mount, np.eye(3)[None]) < 0.3


def test_each_spot_is_given_out_once_and_a_ray_hardly_more_than_once():
    logit, ray = torch.randn(2, 30, 3, generator=torch.Generator().manual_seed(1)) + 2.0, torch.arange(90) % 17
    weight = _sinkhorn(logit, torch.zeros(()), ray.view(1, 30, 3).expand(2, -1, -1)).exp()
    assert torch.allclose(weight.sum(-1), torch.ones(2, 30), atol=1e-5)
    given = torch.zeros(2, 17).index_add(1, ray, weight[..., :-1].flatten(1))
    assert given.max() < 2.0  # rows alone would give each ray five


def test_images_under_the_crystals_rotations_are_judged_alike(quartz, few):
    torch.manual_seed(0)
    images = [Candidate(few.mount @ turn) for turn in quartz.crystal.rotations]
    odds, _, change = Matcher()(*batch_of([sight(few, each) for each in images]))
    assert torch.allclose(odds, odds[0].expand(len(images)), atol=1e-3)
    assert torch.allclose(change[:, :6], change[:1, :6].expand(len(images), -1), atol=1e-2)


def test_votes_find_the_crystal_among_false_spots_and_the_adjustment_settles_it(silicon):
    few = next(draws(silicon, REGIMES["few true, many false"], 5001, 1))
    found, seconds = proposed(few, 1)
    assert len(found) > 1
    assert min(misorientation_deg(each.mount, few.mount, silicon.crystal.rotations) for each in found[:3]) < 2.0
    assert by_votes(few, found, seconds).found
    assert by_product(few)[-1].found


def test_no_orientation_with_fewer_votes_than_are_asked_for_is_kept(few):
    normals, sines = normals_of(few)
    table = few.subject.estimator.indexer.table
    cells, resolution = table.bright_map(0.5, 1500)
    best, votes = np.zeros((4, 3, 3)), np.zeros(4, dtype=np.int64)
    pairs = np.array([(i, i + 60) for i in range(100)])
    never = np.full(len(normals) + 1, len(normals), dtype=np.int64)
    arguments = (normals, table.peak_limits(sines), pairs, *table.seeds, np.radians(0.5), cells, resolution)
    assert vote_pairs(*arguments, never, best, votes) > 0
    assert votes.max() == 0
    vote_pairs(*arguments, np.zeros_like(never), best, votes)
    assert votes.min() > 0


def test_ten_steps_make_the_loss_smaller(silicon):
    torch.manual_seed(0)
    net, chosen = Matcher(), list(examples(silicon, 9))[:24]
    assert 0 < sum(each.right for each in chosen) < len(chosen)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss, _ = loss_of(net, chosen)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]


def test_training_goes_on_from_its_file(tmp_path, monkeypatch):
    for name, value in (("EPISODES", 1), ("BATCH", 8), ("STEPS", 1)):
        monkeypatch.setattr(training, name, value)
    file = tmp_path / "matcher.pt"
    numbers = []
    for _ in range(2):
        train(10.0, 3, subject_of, file, steps=1)
        numbers.append(torch.load(file, weights_only=True)["crystals"])
    assert numbers[1] > numbers[0] > 0
    assert not load(file).training


def test_fixed_weights_find_what_the_votes_propose_and_the_matcher_answers_too(silicon):
    torch.manual_seed(0)
    few = next(draws(silicon, REGIMES["few true, many false"], 5001, 1)).first(2)
    found, seconds = proposed(few, 1)
    plain = by_weights(few, found, seconds)
    assert plain.first
    assert plain.found
    answer = by_weights(few, found, seconds, Matcher())
    assert answer.first is not None
    assert answer.seconds > seconds
