"""Trains a policy with Stable-Baselines3 from a configuration: pretraining, PPO, selection, resumable at any moment."""

import time
from collections.abc import Callable
from typing import Any

import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.utils import set_random_seed

from beamgym.agents.beliefs import ProposalPolicy
from beamgym.agents.evaluation import PolicyResult, evaluate_in, first_seed
from beamgym.agents.training.align_pretraining import (
    AlignProgress,
    fit_dictionary,
    pretrain_align,
)
from beamgym.agents.training.config import (
    AlignPretrainingConfig,
    RecordedConfig,
    SearchPretrainingConfig,
    TrainingConfig,
)
from beamgym.agents.training.imitation import Decisions, imitate, read_decisions
from beamgym.agents.training.log import log_hyperparameters
from beamgym.agents.training.pretraining import RESUMED_SEEDS, make_optimiser
from beamgym.agents.training.run_folder import BEST, RunFolder
from beamgym.agents.training.sb3_model import ModelPolicy, make_model, training_envs
from beamgym.agents.training.search_pretraining import pretrain_search

Progress = Callable[[str, int, int], None]
"""Called with the phase, how much of it is done, and how much there is."""

DICTIONARY_SEEDS = 2**19
"""Offset of the dictionary's environment seeds from the training's first one."""

_MOST_TOGETHER = 128  # selection episodes run side by side


class Trainer:
    """One training of one environment in one folder.

    Parameters
    ----------
    env_id : a registered environment with a native vector form
    config : hyperparameters
    folder : where everything goes; untouched where anything else is wrong
    seed : the user's number; moved into the training range of seeds
    resume : go on from the folder's last checkpoint
    progress : called as things move on

    Raises
    ------
    ValueError, TypeError : a folder that clashes, or a configuration that this environment cannot take
    """

    def __init__(
        self,
        env_id: str,
        config: TrainingConfig,
        folder: RunFolder,
        seed: int = 0,
        resume: bool = False,
        progress: Progress = lambda phase, done, total: None,
    ) -> None:
        folder.check(env_id, config, seed, resume)
        self.env_id, self.config, self.folder, self.seed, self.progress = env_id, config, folder, seed, progress
        torch.set_num_threads(config.torch_threads)
        self.first_seed = first_seed("training", seed)
        self.envs = training_envs(env_id, config)
        self._decisions = self._read_decisions()
        self.model = make_model(config, self.envs, self.first_seed % 2**31)
        self._saved: dict[str, Any] = (folder.load() or {}) if resume else {}
        if self._saved:
            self.model.policy.load_state_dict(self._saved["policy"])
        folder.begin(env_id, config, seed)
        self.logger: Logger = configure(str(folder.path / "tensorboard"), ["tensorboard"])
        self.model.set_logger(self.logger)
        self._judge = training_envs(env_id, config, min(_MOST_TOGETHER, config.selection_episodes), "Disabled")
        self._began = time.process_time() - float(self._saved.get("cpu_s", 0.0))

    def run(self) -> PolicyResult:
        """Train to the end; the model then holds the best state by the selection seeds, whose figures are returned."""
        log_hyperparameters(self.logger, self.config)
        if self.config.warm_start is not None and "timesteps" not in self._saved:
            self._take("warm_start", self._pretrain_align(self.config.warm_start))
        if self.config.search_start is not None and "timesteps" not in self._saved:
            self._take("search_start", self._pretrain_search(self.config.search_start))
        if self._decisions is not None and self.config.recorded is not None and "timesteps" not in self._saved:
            self._take("recorded", self._imitate(self._decisions, self.config.recorded))
        if self.config.n_timesteps > 0:
            self._ppo()
        best = self.folder.load(BEST)
        if best is not None:
            self.model.policy.load_state_dict(best["policy"])
        result = self.select()
        self.folder.note("cpu_s", round(self._cpu_s(), 1))
        self.folder.note("selected", result.as_dict())
        self._log_selection(result)
        self.logger.dump(self.model.num_timesteps)
        return result

    @property
    def samples(self) -> int:
        """Environment steps so far: those of the pretraining and those of PPO."""
        return int(self._saved.get("samples", 0)) + self.model.num_timesteps

    def select(self) -> PolicyResult:
        """Run the policy as it is on the selection seeds."""
        self.model.policy.set_training_mode(False)
        episodes = self.config.selection_episodes
        return evaluate_in(ModelPolicy(self.model), self._judge, episodes, self.seed, purpose="selection")

    def _pretrain_align(self, settings: AlignPretrainingConfig) -> PolicyResult:
        start = int(self._saved.get("samples", 0))
        extractor: Any = self.model.policy.features_extractor
        policy: Any = self.model.policy
        optimiser, result = make_optimiser(extractor, settings), None
        if start == 0:
            self.progress("dictionary", 0, settings.dictionary_samples)
            fit_dictionary(extractor, self.envs, settings.dictionary_samples, self.first_seed + DICTIONARY_SEEDS)
        else:
            optimiser.load_state_dict(self._saved["warm_optimiser"])
        due = start + self.config.checkpoint_every
        for step in pretrain_align(policy, self.envs, settings, self.first_seed, start, optimiser):
            self.progress("warm start", step.samples, settings.samples)
            if step.samples >= due or step.samples >= settings.samples:
                due += self.config.checkpoint_every
                result = self.select()
                self._log_align(step, result)
                self._save(samples=step.samples, warm_optimiser=optimiser.state_dict())
        return result or self.select()

    def _pretrain_search(self, settings: SearchPretrainingConfig) -> PolicyResult:
        start = int(self._saved.get("samples", 0))
        extractor: Any = self.model.policy.features_extractor
        optimiser, result = make_optimiser(extractor, settings), None
        if "warm_optimiser" in self._saved:
            optimiser.load_state_dict(self._saved["warm_optimiser"])
        due = start + self.config.checkpoint_every
        for step in pretrain_search(extractor, self.envs, settings, self.first_seed, start, optimiser):
            self.progress("search start", step.samples, settings.samples)
            if step.samples >= due or step.samples >= settings.samples:
                due += self.config.checkpoint_every
                result = self.select()
                for name in ("loss", "success_rate", "beam_s"):
                    self.logger.record(f"search_start/{name}", getattr(step, name))
                self._log_selection(result, "search_start")
                self.logger.dump(step.samples)
                self._save(samples=step.samples, warm_optimiser=optimiser.state_dict())
        return result or self.select()

    def _read_decisions(self) -> Decisions | None:
        """Return what the recorded runs hold, before anything is written; None where none are named."""
        if self.config.recorded is None:
            return None
        spaces: Any = (self.envs.single_observation_space, self.envs.single_action_space)
        return read_decisions(self.config.recorded, self.env_id, *spaces)

    def _imitate(self, decisions: Decisions, settings: RecordedConfig) -> PolicyResult:
        for epoch, loss in enumerate(imitate(self.model, decisions, settings, self.first_seed % 2**31)):
            self.progress("recorded", epoch + 1, settings.epochs)
            self.logger.record("recorded/loss", loss)
            self.logger.dump(epoch)
        result = self.select()
        self._log_selection(result, "recorded")
        return result

    def _log_align(self, step: AlignProgress, result: PolicyResult) -> None:
        for name in ("dictionary_loss", "amend_loss", "gate_loss", "declare_loss"):
            self.logger.record(f"warm_start/{name}", getattr(step, name))
        self.logger.record("warm_start/learner_success_rate", step.success_rate)
        self._log_selection(result, "warm_start")
        self.logger.dump(step.samples)

    def _log_selection(self, result: PolicyResult, group: str = "selection") -> None:
        self.logger.record(f"{group}/success_rate", result.success_rate)
        for metric in result.metric_set.metrics:
            self.logger.record(f"{group}/{metric.name}", result.value(metric.name))

    def _ppo(self) -> None:
        done = int(self._saved.get("timesteps", 0))
        if "ppo_optimiser" in self._saved:
            self.model.policy.optimizer.load_state_dict(self._saved["ppo_optimiser"])
        self.model.num_timesteps = done
        left = self.config.n_timesteps - done
        if left <= 0:
            return
        self._seed_ppo(done)
        self.model.learn(left, callback=TrainingCallback(self, done), reset_num_timesteps=False, log_interval=1)
        self._take("ppo", self.select())
        self._save_ppo()

    def _seed_ppo(self, done: int) -> None:
        """Begin PPO's episodes and exploration; those of a resumed training are not the ones it began with."""
        envs: Any = self.model.env
        envs.seed(self.first_seed + done % RESUMED_SEEDS)  # PPO itself would seed them with the network's 31 bits
        if done > 0:
            set_random_seed((self.first_seed + done) % 2**31)

    def checkpoint_ppo(self) -> None:
        """Save and evaluate the state during PPO."""
        self._save_ppo()
        result = self.select()
        self._take(f"ppo_{self.model.num_timesteps}", result)
        self._log_selection(result)

    def _take(self, name: str, result: PolicyResult) -> None:
        """Write a state's metrics under a name, and the state itself where it is the best so far."""
        figures = self.folder.figures()
        if name not in figures:
            self.folder.note(name, result.as_dict())
        if "best_score" not in figures or score(result) > figures["best_score"]:
            self.folder.save({"policy": self.model.policy.state_dict()}, BEST)
            self.folder.note("best_score", score(result))

    def _save_ppo(self) -> None:
        optimiser = self.model.policy.optimizer.state_dict()
        samples = int(self._saved.get("samples", 0))
        self._save(samples=samples, timesteps=self.model.num_timesteps, ppo_optimiser=optimiser)

    def _save(self, **more: Any) -> None:
        self._saved = {"policy": self.model.policy.state_dict(), "cpu_s": self._cpu_s(), **more}
        self.folder.save(self._saved)

    def _cpu_s(self) -> float:
        return time.process_time() - self._began


class TrainingCallback(BaseCallback):
    """Lets the critic learn alone at first, checkpoints, and reports progress.

    Parameters
    ----------
    trainer : whose model learns
    done : steps made before, when a training is resumed
    """

    def __init__(self, trainer: Trainer, done: int) -> None:
        super().__init__()
        config = trainer.config
        self.trainer, self.over = trainer, False
        self.alone = config.critic_first - done // (config.n_envs * config.n_steps)
        self.due = done + config.checkpoint_every

    def _on_rollout_start(self) -> None:
        self._let_actor_learn(self.alone <= 0)
        self.alone -= 1
        if self.num_timesteps >= self.due:
            self.due += self.trainer.config.checkpoint_every
            self.trainer.checkpoint_ppo()
        self.trainer.progress("PPO", self.num_timesteps, self.trainer.config.n_timesteps)

    def _on_step(self) -> bool:
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


def score(result: PolicyResult) -> float:
    """Return the number by which trained states are ranked: success rate less the price of what was spent.

    A budget of 20 exposures is worth a tenth of success, one of 120 seconds a fifth.
    """
    spent = float(getattr(result.episodes, result.metric_set.spent).mean())
    return result.success_rate - result.metric_set.price * spent
