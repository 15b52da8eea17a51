"""Observations at which rounding decides the action are told from those at which the policy does."""

import numpy as np
import pytest
import torch
from torch import nn

from beamgym.agents.export.decided import ROUNDING, decided


class BestEntry(nn.Module):
    """Takes the turn of the entry with the larger score, as a dictionary of patterns does."""

    def __init__(self):
        super().__init__()
        self.score = nn.Linear(2, 2, bias=False)
        nn.init.eye_(self.score.weight)
        self.register_buffer("turns", torch.tensor([[-0.5], [0.5]]))

    def forward(self, observation):
        return self.turns[self.score(observation["seen"]).argmax(dim=1)]


@pytest.mark.parametrize(
    ("lead", "stands"), [(0.0, False), (0.1 * ROUNDING, False), (-0.1 * ROUNDING, False), (1e-4, True), (-0.3, True)]
)
def test_an_action_stands_where_one_entry_leads_by_more_than_rounding(lead, stands):
    seen = np.array([[1.0, 1.0 + lead]] * 3, dtype=np.float32)
    assert decided(BestEntry(), {"seen": seen}, 1e-4).tolist() == [stands] * 3


def test_every_action_of_a_smooth_policy_stands():
    torch.manual_seed(0)
    policy = Smooth()
    seen = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    assert decided(policy, {"seen": seen}, 1e-4).all()


def test_asking_changes_neither_weights_nor_the_random_numbers_of_others():
    policy = BestEntry()
    before, state = policy.score.weight.clone(), torch.get_rng_state()
    decided(policy, {"seen": np.ones((2, 2), dtype=np.float32)}, 1e-4)
    assert torch.equal(policy.score.weight, before)
    assert torch.equal(torch.get_rng_state(), state)


class Smooth(nn.Module):
    """Two layers and a tanh."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))

    def forward(self, observation):
        return self.net(observation["seen"])
