"""Hyperparameters of what comes before reinforcement learning: supervised pretraining, and imitation of records."""

from pydantic import Field

from beamgym.agents.configs.network import Strict

_MOST_STARTS = 2**19  # environment seeds that are kept for the dictionary, of the 2**20 that a user's seed has


class AlignPretrainingConfig(Strict):
    """Hyperparameters of an alignment policy's supervised pretraining; see agents/training/align_pretraining.py."""

    dictionary_samples: int = Field(
        300_000, gt=0, le=_MOST_STARTS, description="random starts for the closed-form dictionary"
    )
    samples: int = Field(1_000_000, gt=0, description="observations to learn from, each used once")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam, at the beginning")
    final_learning_rate: float = Field(3e-5, gt=0, description="of Adam, at the end; a cosine lies between")
    declare_within: float = Field(
        0.75, gt=0, le=1, description="share of the tolerance within which declaring is taught"
    )
    declare_caution: float = Field(2.0, gt=0, description="weight of a wrong declaration against a missed one")
    help: float = Field(
        0.15,
        ge=0,
        le=1,
        description="share of moves that the teacher makes, missing the goal by 0.03 to 16 degrees, "
        "so that every distance is seen",
    )
    abandon: float = Field(0.1, ge=0, lt=1, description="share of steps at which an episode is given up for a new one")


class SearchPretrainingConfig(Strict):
    """Hyperparameters of a search's supervised pretraining; see agents/training/search_pretraining.py."""

    samples: int = Field(600_000, gt=0, description="environment steps")
    learn_share: float = Field(0.5, gt=0, le=1, description="share of steps that are followed by a gradient step")
    learning_rate: float = Field(1.5e-3, gt=0, description="of Adam, at the beginning")
    final_learning_rate: float = Field(3e-5, gt=0, description="of Adam, at the end; a cosine lies between")
    wander: float = Field(0.1, ge=0, le=1, description="share of steps to anywhere, so that more states are seen")
    abandon: float = Field(0.003, ge=0, lt=1, description="share of steps at which an episode is given up")
    go_on: float = Field(0.3, ge=0, lt=1, description="share of declarations that are put off")


class RecordedConfig(Strict):
    """Hyperparameters of learning from recorded episodes; see agents/training/imitation.py."""

    runs: list[str] = Field(..., min_length=1, description="folders of runs, or their `training.h5`")
    epochs: int = Field(30, gt=0, description="passes over all their decisions")
    batch_size: int = Field(64, gt=0, description="decisions of a gradient step")
    learning_rate: float = Field(1e-4, gt=0, description="of Adam")
    successes_only: bool = Field(
        True, description="leave out episodes that were no success by what could be seen, or broke off"
    )
