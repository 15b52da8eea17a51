"""A card and a manifest name what was really done: a supervised start that was kept is not called PPO."""

from types import SimpleNamespace

import pytest

from beamgym.agents.export.trained import account, trained_by
from beamgym.agents.policies.find import zoo
from beamgym.envs.bundles import OnnxModel


class PPO:
    """Stands for SB3's."""

    def __init__(self, steps):
        self.num_timesteps = steps


def trainer(steps, kept, *figures, **config):
    held = {name: {} for name in figures} | ({"best_state": kept} if kept else {})
    return SimpleNamespace(
        model=PPO(steps), config=SimpleNamespace(**config), folder=SimpleNamespace(figures=lambda: held)
    )


@pytest.mark.parametrize(
    ("made", "algorithm", "sentence"),
    [
        (
            trainer(0, "search_start", "search_start"),
            "supervised pretraining",
            "Done: supervised pretraining. Selection kept the state after the supervised pretraining alone.",
        ),
        (
            trainer(64, "warm_start", "warm_start", "ppo"),
            "supervised pretraining",
            "then 64 steps of PPO. Selection kept the state after the supervised pretraining alone.",
        ),
        (
            trainer(64, "ppo_32", "ppo_32"),
            "PPO",
            "Done: 64 steps of PPO. Selection kept the state after 32 steps of PPO.",
        ),
        (trainer(64, "ppo", "recorded"), "PPO", "cloning of recorded episodes, then 64 steps of PPO. Selection kept"),
        (trainer(0, "recorded", "recorded"), "behaviour cloning of recorded episodes", "recorded episodes alone."),
        (trainer(64, "", "ppo"), "PPO", "Selection kept the state after the last phase."),
        (
            trainer(64, "ppo", normalize=True, frame_stack=4),
            "PPO",
            "normalised observations and the last 4 observations",
        ),
    ],
)
def test_the_account_names_phases_and_the_state_that_was_kept(made, algorithm, sentence):
    assert trained_by(made) == algorithm
    assert sentence in account(made)


def test_the_shipped_search_is_not_called_ppo_since_its_supervised_start_was_kept():
    assert OnnxModel.load(zoo()["arpes-spot"]).manifest.training.algorithm == "supervised pretraining"
    assert "the selection kept the supervised start" in (zoo()["arpes-spot"] / "CARD.md").read_text()
