"""Where a training's time goes, phase by phase; and that threads change nothing of what is learnt."""

import numpy as np
import pytest
import torch

from beamgym.agents.training.align_pretraining import pretrain_align
from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.sb3_model import make_model, training_envs
from beamgym.agents.training.search_pretraining import pretrain_search
from beamgym.agents.training.shares import training_shares

ALIGN, SEARCH, N = "beamgym/LaueAlign-v0", "beamgym/ArpesSpot-v0", 8
SHAPE = {"n_envs": N, "n_steps": 4, "batch_size": 16, "n_epochs": 1}
WARM = TrainingConfig.model_validate(
    {
        **SHAPE,
        "n_timesteps": 64,
        "env_kwargs": {"level": "easy", "exposures": 3},
        "policy_kwargs": {
            "extractor": "align",
            "extractor_kwargs": {"width": 16, "entries": 30, "map_pixels": 12, "channels": 2},
            "net_arch": {"pi": [], "vf": [8]},
        },
        "tune": "decisions",
        "warm_start": {"samples": 100_000},
    }
)
SEEKING = TrainingConfig.model_validate(
    {
        **SHAPE,
        "n_timesteps": 0,
        "env_kwargs": {"score": "truth", "surfaces": 2},
        "policy_kwargs": {
            "extractor": "search",
            "extractor_kwargs": {"channels": 4},
            "net_arch": {"pi": [], "vf": [8]},
        },
        "search_start": {"samples": 100_000},
    }
)


@pytest.mark.parametrize(
    ("env_id", "config", "phases"), [(ALIGN, WARM, ["warm start", "PPO"]), (SEARCH, SEEKING, ["search start"])]
)
def test_every_phase_of_a_configuration_has_its_shares(env_id, config, phases):
    found = training_shares(env_id, config, 0.05)
    assert [phase.phase for phase in found] == phases
    for phase in found:
        assert phase.steps_per_s > 0
        assert 0.0 < phase.simulation < 1.0
        assert 0.0 < phase.learning < 1.0
        assert phase.simulation + phase.acting + phase.learning == pytest.approx(1.0)


@pytest.mark.filterwarnings("ignore:threads is:RuntimeWarning")
def test_threads_change_nothing_of_what_a_pretraining_learns():
    for env_id, config in ((ALIGN, WARM), (SEARCH, SEEKING)):
        learnt = []
        for threads in (1, 2):
            torch.manual_seed(0)
            envs = training_envs(env_id, config.model_copy(update={"threads": threads}))
            policy = make_model(config, envs, 0).policy
            steps = (
                pretrain_align(policy, envs, config.warm_start, 5)
                if config.warm_start
                else pretrain_search(policy.features_extractor, envs, config.search_start, 5)
            )
            for _ in range(4):
                next(steps)
            learnt.append(torch.cat([value.double().flatten() for value in policy.state_dict().values()]).numpy())
        np.testing.assert_array_equal(*learnt)


@pytest.mark.parametrize(("environments", "threads"), [(8, 1), (32, 2), (64, 3)])
def test_few_environments_are_not_shared_out(monkeypatch, environments, threads):
    monkeypatch.setattr("beamgym.agents.training.sb3_model.cores", lambda: 3)
    monkeypatch.setattr("beamgym.envs.loop.threads.cores", lambda: 3)
    assert training_envs(ALIGN, WARM, environments).threads == threads
