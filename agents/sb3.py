"""Trains a policy with Stable-Baselines3 from a configuration: warm start, PPO, selection, resumable at any moment."""

import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.logger import Logger, configure

from beamgym.agents.evaluate import PolicyResult, evaluate_in, make_vector_env
from beamgym.agents.extractors import AlignExtractor
from beamgym.agents.policy import PolicyState
from beamgym.agents.proposal_policy import ProposalPolicy
from beamgym.agents.run_folder import BEST, RunFolder
from beamgym.agents.sb3_vec import NativeVecEnv
from beamgym.agents.seeds import first_seed
from beamgym.agents.training_config import PolicyKwargs, TrainingConfig
from beamgym.agents.training_log import log_hyperparameters
from beamgym.agents.warm_start import WarmStart, WarmStartProgress, fit_dictionary, make_optimiser, warm_start
from beamgym.envs.task import Observation, Truth
from beamgym.envs.vector_env import InstrumentVectorEnv

Progress = Callable[[str, int, int], None]
"""Called with the phase, how much of it is done, and how much there is."""


class ModelPolicy:
    """An SB3 model as a Policy, for selection while it trains."""

    oracle = False

    def __init__(self, model: PPO, name: str = "training") -> None:
        self.model, self.name = model, name

    def start(self, context: Any, n: int) -> PolicyState:
        """Return empty memories."""
        return [None] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return the model's deterministic actions (n, a)."""
        return self.model.predict(observation, deterministic=True)[0], state  # type: ignore[arg-type]


class Trainer:
    """One training of one environment in one folder.

    Parameters
    ----------
    env_id : a registered environment with a native vector form
    config : hyperparameters
    folder : where everything goes
    seed : the user's number; moved into the training range of seeds
    resume : go on from the folder's last checkpoint
    progress : called as things move on
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
        folder.begin(env_id, config, seed, resume)
        self.env_id, self.config, self.folder, self.seed, self.progress = env_id, config, folder, seed, progress
        torch.set_num_threads(1)
        self.first_seed = first_seed("training", seed)
        self.envs = training_envs(env_id, config)
        self.model = make_model(config, NativeVecEnv(self.envs), self.first_seed % 2**31)
        self.logger: Logger = configure(str(folder.path / "tensorboard"), ["tensorboard"])
        self.model.set_logger(self.logger)
        self._saved = folder.load() if resume else None
        if self._saved is not None:
            self.model.policy.load_state_dict(self._saved["policy"])

    def run(self) -> PolicyResult:
        """Train to the end; the model then holds the best state by the selection seeds, whose figures are returned."""
        began = time.process_time()
        log_hyperparameters(self.logger, self.config)
        if self.config.warm_start is not None:
            self._warm(WarmStart(**self.config.warm_start.model_dump()))
            self._take("warm_start")
        if self.config.n_timesteps > 0:
            self._ppo()
        best = self.folder.load(BEST)
        if best is not None:
            self.model.policy.load_state_dict(best["policy"])
        result = self.select()
        spent = time.process_time() - began + self.folder.figures().get("cpu_s", 0.0)
        self.folder.note("cpu_s", round(spent, 1))
        self.folder.note("selected", result.as_dict())
        return result

    def select(self) -> PolicyResult:
        """Run the policy as it is on the selection seeds."""
        config = self.config
        kwargs = {name: value for name, value in config.env_kwargs.items() if name != "level"}
        level = config.env_kwargs.get("level", "real")
        env = make_vector_env(self.env_id, min(128, config.selection_episodes), level, kwargs)
        self.model.policy.set_training_mode(False)
        return evaluate_in(ModelPolicy(self.model), env, config.selection_episodes, self.seed, purpose="selection")

    def _warm(self, settings: WarmStart) -> None:
        saved = self._saved or {}
        start = int(saved.get("samples", 0))
        extractor = self.model.policy.features_extractor
        optimiser = make_optimiser(extractor, settings)
        if start == 0:
            self.progress("dictionary", 0, settings.dictionary_samples)
            fit_dictionary(extractor, self.envs, settings.dictionary_samples, self.first_seed + 2**19)
        elif "warm_optimiser" in saved:
            optimiser.load_state_dict(saved["warm_optimiser"])
        due = start + self.config.checkpoint_every
        for step in warm_start(self.model.policy, self.envs, settings, self.first_seed, start, optimiser):
            self.progress("warm start", step.samples, settings.samples)
            if step.samples >= due or step.samples >= settings.samples:
                due += self.config.checkpoint_every
                self._log_warm(step)
                self._save(samples=step.samples, warm_optimiser=optimiser.state_dict())

    def _log_warm(self, step: WarmStartProgress) -> None:
        result = self.select()
        for name in ("dictionary_loss", "amend_loss", "gate_loss", "declare_loss"):
            self.logger.record(f"warm_start/{name}", getattr(step, name))
        self.logger.record("selection/success_rate", result.success_rate)
        self.logger.record("selection/exposures_median", result.exposures_median)
        self.logger.dump(step.samples)

    def _take(self, name: str) -> PolicyResult:
        """Evaluate; note the figures under a name, and keep the state where it is the best so far."""
        result, figures = self.select(), self.folder.figures()
        if name not in figures:
            self.folder.note(name, result.as_dict())
        if "best_score" not in figures or score(result) > figures["best_score"]:
            self.folder.save({"policy": self.model.policy.state_dict()}, BEST)
            self.folder.note("best_score", score(result))
        return result

    def _ppo(self) -> None:
        saved = self._saved or {}
        done = int(saved.get("timesteps", 0))
        if "ppo_optimiser" in saved:
            self.model.policy.optimizer.load_state_dict(saved["ppo_optimiser"])
        self.model.num_timesteps = done
        left = self.config.n_timesteps - done
        if left <= 0:
            return
        watch = _Watch(self, first=done == 0)
        self.envs.reset(seed=self.first_seed + 2**18 + done)
        self.model.learn(left, callback=CallbackList([watch]), reset_num_timesteps=False, log_interval=1)
        self._take("ppo")

    def checkpoint_ppo(self) -> None:
        """Save and judge the state in the midst of PPO."""
        samples = self.config.warm_start.samples if self.config.warm_start else 0
        optimiser = self.model.policy.optimizer.state_dict()
        self._save(samples=samples, timesteps=self.model.num_timesteps, ppo_optimiser=optimiser)
        result = self._take(f"ppo_{self.model.num_timesteps}")
        self.logger.record("selection/success_rate", result.success_rate)
        self.logger.record("selection/exposures_median", result.exposures_median)

    def _save(self, **more: Any) -> None:
        self._saved = {"policy": self.model.policy.state_dict(), **more}
        self.folder.save(self._saved)


class _Watch(BaseCallback):
    """Lets the critic learn alone at first, checkpoints, and reports progress."""

    def __init__(self, trainer: Trainer, first: bool) -> None:
        super().__init__()
        self.trainer, self.alone = trainer, trainer.config.critic_first if first else 0
        self.due = trainer.model.num_timesteps + trainer.config.checkpoint_every

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
        self._let_actor_learn(True)

    def _let_actor_learn(self, learn: bool) -> None:
        if isinstance(self.model.policy, ProposalPolicy):
            for parameter in self.model.policy.actor_parameters():
                parameter.requires_grad_(learn)


def score(result: PolicyResult) -> float:
    """Rank states of a policy: success first, then exposures spared (a whole budget is worth a tenth of all successes)."""
    return result.success_rate - 0.005 * float(result.episodes.exposures.mean())


def training_envs(env_id: str, config: TrainingConfig) -> InstrumentVectorEnv:
    """Make the native vector environment a training runs in."""
    made = gym.make_vec(
        env_id,
        num_envs=config.n_envs,
        vectorization_mode="vector_entry_point",
        autoreset_mode="SameStep",
        **config.env_kwargs,
    )
    env = made.unwrapped
    if not isinstance(env, InstrumentVectorEnv):
        raise TypeError(f"{env_id} has no native vector form; found {type(env).__name__}")
    return env


def make_model(config: TrainingConfig, envs: NativeVecEnv, seed: int) -> PPO:
    """Make the PPO model of a configuration, on the CPU."""
    policy, kwargs = _policy(config.policy, config.policy_kwargs)
    names = ("n_steps", "batch_size", "n_epochs", "gamma", "gae_lambda", "clip_range", "ent_coef", "vf_coef")
    chosen = {name: getattr(config, name) for name in (*names, "max_grad_norm", "target_kl", "learning_rate")}
    return PPO(policy, envs, policy_kwargs=kwargs, seed=seed, device="cpu", **chosen)


def _policy(name: str, config: PolicyKwargs) -> tuple[Any, dict[str, Any]]:
    kwargs: dict[str, Any] = {"log_std_init": config.log_std_init}
    if config.net_arch is not None:
        kwargs["net_arch"] = config.net_arch
    if config.extractor == "align":
        kwargs |= {"features_extractor_class": AlignExtractor, "features_extractor_kwargs": config.extractor_kwargs}
        return ProposalPolicy, kwargs
    if config.extractor_kwargs:
        kwargs["features_extractor_kwargs"] = config.extractor_kwargs
    return name, kwargs
