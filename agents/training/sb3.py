"""Trains a policy with Stable-Baselines3 from a configuration: pretraining, PPO, selection, resumable at any moment."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.logger import Logger, configure
from stable_baselines3.common.utils import set_random_seed

from beamgym.agents.decisions import ModelPolicy, learnt, put_back, put_statistics, statistics
from beamgym.agents.evaluation import PolicyResult, episode_pictures, evaluate_in, first_seed
from beamgym.agents.training.align_pretraining import fit_dictionary, pretrain_align
from beamgym.agents.training.callback import TrainingCallback
from beamgym.agents.training.config import (
    AlignPretrainingConfig,
    RecordedConfig,
    SearchPretrainingConfig,
    TrainingConfig,
)
from beamgym.agents.training.imitation import Decisions, imitate, read_decisions
from beamgym.agents.training.pretraining import RESUMED_SEEDS, make_optimiser
from beamgym.agents.training.records import (
    BEST,
    Interrupts,
    RunFolder,
    SaveClock,
    log_hyperparameters,
    log_pictures,
    put_replay,
    replay_state,
)
from beamgym.agents.training.sb3_model import make_model, training_envs
from beamgym.agents.training.search_pretraining import pretrain_search

Progress = Callable[[str, int, int], None]
"""Called with the phase, how much of it is done, and how much there is."""

DICTIONARY_SEEDS = 2**19
"""Offset of the dictionary's environment seeds from the training's first one."""

MAY_CHANGE = ("n_timesteps", "checkpoint_every", "threads")
"""Keys that a training may be resumed with otherwise: how long it is, and what changes nothing of it."""

_ALIGN_CURVES = {
    **{name: name for name in ("dictionary_loss", "amend_loss", "gate_loss", "declare_loss")},
    "success_rate": "learner_success_rate",
}
_SEARCH_CURVES = {"loss": "loss", "success_rate": "learner_success_rate", "beam_s": "learner_beam_s"}
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
        folder.check(env_id, config, seed, resume, MAY_CHANGE)
        self.env_id, self.config, self.folder, self.seed, self.progress = env_id, config, folder, seed, progress
        torch.set_num_threads(config.torch_threads)
        self.first_seed = first_seed("training", seed)
        self.envs = training_envs(env_id, config)
        self._decisions = self._read_decisions()
        self.model = make_model(config, self.envs, self.first_seed % 2**31)
        self._saved: dict[str, Any] = (folder.load() or {}) if resume else {}
        rollout = self.model.n_envs * int(getattr(self.model, "n_steps", 1))  # the last one is played to its end
        if self._saved.get("timesteps", 0) >= config.n_timesteps + rollout:
            raise ValueError(
                f"{folder.path} holds a training of {self._saved['timesteps']} steps; resume it with as many or more, "
                f"not with {config.n_timesteps}"
            )
        if self._saved:
            put_back(self.model, self._saved)
        folder.begin(env_id, config, seed)
        self.logger: Logger = configure(str(folder.path / "tensorboard"), ["tensorboard"])
        self.model.set_logger(self.logger)
        self._judge = training_envs(env_id, config, min(_MOST_TOGETHER, config.selection_episodes), "Disabled")
        self.interrupts, self._clock = Interrupts(), SaveClock()
        self.on_selection: Callable[[int, PolicyResult], None] = lambda samples, result: None
        self.on_trained: Callable[[], None] = lambda: None
        self._began = time.process_time() - float(self._saved.get("cpu_s", 0.0))

    def run(self) -> PolicyResult:
        """Train to the end; the model then holds the best state by the selection seeds, whose figures are returned.

        Ctrl-C and SIGTERM leave a checkpoint; a process that is killed loses a minute, or one update where that takes
        longer.
        """
        with self.interrupts.noted():
            return self._run()

    def _run(self) -> PolicyResult:
        log_hyperparameters(self.logger, self.config.model_dump(mode="json"))
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
            put_statistics(self.model, best.get("normaliser") or {})
        self.on_trained()
        result = self.select()
        self.folder.note("cpu_s", round(self._cpu_s(), 1))
        self.folder.note("selected", result.as_dict())
        self._log_selection(result)
        return result

    @property
    def resumed_at(self) -> int:
        """Environment steps of the checkpoint that a run goes on from, pretraining included; 0 without one."""
        return int(self._saved.get("samples", 0)) + int(self._saved.get("timesteps", 0))

    @property
    def samples(self) -> int:
        """Environment steps so far: those of the pretraining and those of PPO."""
        return int(self._saved.get("samples", 0)) + int(self.model.num_timesteps)

    def select(self) -> PolicyResult:
        """Run the policy as it is on the selection seeds."""
        self.model.policy.set_training_mode(False)
        episodes = self.config.selection_episodes
        policy, leave = ModelPolicy(self.model), lambda done: self.interrupts.leave()
        return evaluate_in(policy, self._judge, episodes, self.seed, purpose="selection", progress=leave)

    def _pretrain_align(self, settings: AlignPretrainingConfig) -> PolicyResult:
        start = int(self._saved.get("samples", 0))
        extractor: Any = self.model.policy.features_extractor
        policy: Any = self.model.policy
        optimiser = make_optimiser(extractor, settings)
        if start == 0:
            self.progress("dictionary", 0, settings.dictionary_samples)
            fit_dictionary(extractor, self.envs, settings.dictionary_samples, self.first_seed + DICTIONARY_SEEDS)
        else:
            optimiser.load_state_dict(self._saved["warm_optimiser"])
        steps = pretrain_align(policy, self.envs, settings, self.first_seed, start, optimiser)
        return self._followed("warm_start", steps, settings.samples, optimiser, _ALIGN_CURVES)

    def _pretrain_search(self, settings: SearchPretrainingConfig) -> PolicyResult:
        start = int(self._saved.get("samples", 0))
        extractor: Any = self.model.policy.features_extractor
        optimiser = make_optimiser(extractor, settings)
        if "warm_optimiser" in self._saved:
            optimiser.load_state_dict(self._saved["warm_optimiser"])
        steps = pretrain_search(extractor, self.envs, settings, self.first_seed, start, optimiser)
        return self._followed("search_start", steps, settings.samples, optimiser, _SEARCH_CURVES)

    def _followed(
        self,
        name: str,
        steps: Iterator[Any],
        samples: int,
        optimiser: torch.optim.Optimizer,
        curves: Mapping[str, str],
    ) -> PolicyResult:
        """Follow a pretraining to its end: checkpoints by steps and by time, curves, and what selection says."""
        result, due = None, int(self._saved.get("samples", 0)) + self.config.checkpoint_every
        for step in steps:
            self.progress(name.replace("_", " "), step.samples, samples)
            at_hand = step.samples >= due or step.samples >= samples
            if at_hand or self._clock.due or self.interrupts.asked:
                self._save(samples=step.samples, warm_optimiser=optimiser.state_dict())
            self.interrupts.leave()
            if at_hand:
                due += self.config.checkpoint_every
                result = self.select()
                for field, curve in curves.items():
                    self.logger.record(f"{name}/{curve}", getattr(step, field))
                self._log_selection(result, name, step.samples)
        return result or self.select()

    def _read_decisions(self) -> Decisions | None:
        """Return what the recorded runs hold, before anything is written; None where none are named."""
        if self.config.recorded is None:
            return None
        spaces: Any = (self.envs.single_observation_space, self.envs.single_action_space)
        return read_decisions(self.config.recorded, self.env_id, *spaces)

    def _imitate(self, decisions: Decisions, settings: RecordedConfig) -> PolicyResult:
        begun: dict[str, Any] = self._saved.get("recorded", {})
        passes = imitate(self.model, decisions, settings, self.first_seed % 2**31, begun)
        for epoch, (loss, optimiser) in enumerate(passes, start=int(begun.get("epochs", 0))):
            self.progress("recorded", epoch + 1, settings.epochs)
            self.logger.record("recorded/loss", loss)
            self.logger.dump(epoch)
            if self._clock.due or self.interrupts.asked:
                samples = int(self._saved.get("samples", 0))
                self._save(samples=samples, recorded={"epochs": epoch + 1, "optimiser": optimiser.state_dict()})
            self.interrupts.leave()
        result = self.select()
        self._log_selection(result, "recorded", settings.epochs)
        return result

    def _log_selection(self, result: PolicyResult, group: str = "selection", step: int | None = None) -> None:
        """Write a state's figures and the film of its first selection episode."""
        at = self.model.num_timesteps if step is None else step
        self.logger.record(f"{group}/success_rate", result.success_rate)
        for metric in result.metric_set.metrics:
            self.logger.record(f"{group}/{metric.name}", result.value(metric.name))
        self.logger.dump(at)
        log_pictures(self.logger, self.pictures(), at)

    def pictures(self) -> list[NDArray[np.uint8]]:
        """Return pictures (h, w, 3) uint8 of one episode on a selection seed, that of its start first."""
        seed = first_seed("selection", self.seed)
        return episode_pictures(ModelPolicy(self.model), self.env_id, seed, self.config.env_kwargs)

    def _ppo(self) -> None:
        done = int(self._saved.get("timesteps", 0))
        if "ppo_optimiser" in self._saved:
            self.model.policy.optimizer.load_state_dict(self._saved["ppo_optimiser"])
        self.model.num_timesteps = done
        left = self.config.n_timesteps - done
        if left <= 0:
            return
        self._seed_ppo(done)
        if done > 0:
            put_replay(self.model, self._saved.get("replay", {}))
        self.model.learn(left, callback=TrainingCallback(self, done), reset_num_timesteps=False, log_interval=1)
        self._save_ppo()
        self._take("ppo", self.select(), again=True)

    def _seed_ppo(self, done: int) -> None:
        """Begin PPO's episodes and exploration; those of a resumed training are not the ones it began with."""
        envs: Any = self.model.env
        envs.seed(self.first_seed + done % RESUMED_SEEDS)  # PPO itself would seed them with the network's 31 bits
        if done > 0:
            set_random_seed((self.first_seed + done) % 2**31)

    def checkpoint_rl(self) -> None:
        """Save and evaluate the state."""
        self._save_ppo()
        result = self.select()
        self._take(f"ppo_{self.model.num_timesteps}", result)
        self._log_selection(result)

    def save_if_due(self, timesteps: int) -> None:
        """Save where it is time to; where the training was asked to stop, save and stop.

        Raises
        ------
        KeyboardInterrupt, SystemExit : after Ctrl-C, after SIGTERM
        """
        if self._clock.due or self.interrupts.asked:
            self._save_ppo(timesteps)
        self.interrupts.leave()

    def tell(self, phase: str, done: int, total: int) -> None:
        """Report progress."""
        self.progress(phase, done, total)

    def _take(self, name: str, result: PolicyResult, again: bool = False) -> None:
        """Write a state's metrics under a name, and the state itself where it is the best so far."""
        figures = self.folder.figures()
        if again or name not in figures:
            self.folder.note(name, result.as_dict())
        self.on_selection(self.samples, result)
        if "best_score" not in figures or score(result) > figures["best_score"]:
            best = {"policy": self.model.policy.state_dict(), "normaliser": statistics(self.model)}
            self.folder.save(best, BEST)
            self.folder.note("best_score", score(result))
            self.folder.note("best_state", name)

    def _save_ppo(self, timesteps: int | None = None) -> None:
        done = self.model.num_timesteps if timesteps is None else timesteps
        state = {**learnt(self.model), "replay": replay_state(self.model)}
        if "policy.optimizer" in state:
            state["ppo_optimiser"] = state.pop("policy.optimizer")
        self._save(samples=int(self._saved.get("samples", 0)), timesteps=done, **state)

    def _save(self, **more: Any) -> None:
        self._saved = {"policy": self.model.policy.state_dict(), "cpu_s": self._cpu_s(), **more}
        self.folder.save(self._saved)
        self._clock.restart()

    def _cpu_s(self) -> float:
        return time.process_time() - self._began


def score(result: PolicyResult) -> float:
    """Return the number by which trained states are ranked: success rate less the price of what was spent.

    A budget of 20 exposures is worth a tenth of success, one of 120 seconds a fifth.
    """
    spent = float(getattr(result.episodes, result.metric_set.spent).mean())
    return result.success_rate - result.metric_set.price * spent
