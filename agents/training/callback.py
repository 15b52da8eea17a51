"""What happens between the updates of a reinforcement learning: checkpoints, the critic's head start, progress."""

from typing import Protocol

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from beamgym.agents.beliefs import ProposalPolicy
from beamgym.agents.training.config import TrainingConfig


class Keeper(Protocol):
    """A training, as the callback needs it."""

    config: TrainingConfig

    def checkpoint_rl(self) -> None:
        """Save and evaluate the state."""
        ...

    def save_if_due(self, timesteps: int) -> None:
        """Save where it is time to, or where the training is to stop; then it stops."""
        ...

    def tell(self, phase: str, done: int, total: int) -> None:
        """Report progress."""
        ...


class TrainingCallback(BaseCallback):
    """Lets the critic learn alone at first, checkpoints, and reports progress.

    Parameters
    ----------
    trainer : whose model learns
    done : steps made before, when a training is resumed
    """

    def __init__(self, trainer: Keeper, done: int) -> None:
        super().__init__()
        config = trainer.config
        self.trainer, self.over, self.whole = trainer, False, done
        self.alone = config.critic_first - done // (config.n_envs * config.n_steps)
        self.due = done + config.checkpoint_every

    def _on_rollout_start(self) -> None:
        self._let_actor_learn(self.alone <= 0)
        self.alone -= 1
        self.whole = self.num_timesteps
        if self.num_timesteps >= self.due:
            self.due += self.trainer.config.checkpoint_every
            self.trainer.checkpoint_rl()
        self.trainer.save_if_due(self.whole)
        self.trainer.tell(type(self.model).__name__, self.num_timesteps, self.trainer.config.n_timesteps)

    def _on_step(self) -> bool:
        # Within a rollout of PPO nothing has been learnt yet: what is saved is the state at its beginning.
        self.trainer.save_if_due(self.whole if isinstance(self.model, OnPolicyAlgorithm) else self.num_timesteps)
        return True

    def _on_training_end(self) -> None:
        self.over = True
        self._let_actor_learn(True)

    def _let_actor_learn(self, learn: bool) -> None:
        policy = self.model.policy
        if not isinstance(policy, ProposalPolicy):
            return
        decisions_only = self.trainer.config.tune == "decisions" and not self.over
        chosen = {*map(id, policy.decision_parameters())} if decisions_only else None
        for parameter in policy.actor_parameters():
            parameter.requires_grad_(learn and (chosen is None or id(parameter) in chosen))
