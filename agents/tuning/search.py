"""Trials of hyperparameters, one training each, led by Optuna's sampler and cut short by its pruner.

Akiba et al., Optuna, KDD 2019. The study lies in the folder as an SQLite file, the training of each trial in a folder
of its own: whatever ends the process, what was learnt stays, and the trial that was cut goes on from its checkpoint.
"""

import fcntl
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from beamgym.agents.evaluation import PolicyResult
from beamgym.agents.training import RunFolder, Trainer, TrainingConfig, score
from beamgym.agents.tuning.space import Space, applied, suggested
from beamgym.physics.files import write_text
from beamgym.physics.jobs import Executor

STUDY, BEST = "study.db", "best.yml"
_FOLDER, _LOCK = "folder", "lock"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Tried:
    """One trial that has ended.

    Parameters
    ----------
    number : in the order in which they began
    state : "complete", "pruned" (cut short as worse than the median at that step) or "refused" (values that do not go
        together)
    score : of the best state by the selection episodes: success less a price of what was spent
    values : of the hyperparameters
    """

    number: int
    state: str
    score: float
    values: dict[str, Any]


def search(
    env_id: str,
    config: TrainingConfig,
    space: Space,
    folder: Path,
    trials: int,
    seed: int = 0,
    progress: Progress = lambda phase, done, total: None,
    told: Callable[[Tried], None] = lambda tried: None,
    executor: Executor | None = None,
    at_once: int = 1,
) -> list[Tried]:
    """Try hyperparameters until so many trials have ended, those of earlier calls in the same folder included.

    Parameters
    ----------
    env_id : a registered environment
    config : what is not tried
    space : what is
    folder : of the study; one process at a time
    trials : how many
    seed : of the trainings, all alike, and of the sampler
    progress : of the training under way
    told : called when a trial has ended
    executor : where trials are trained, on this machine; one after another in this process by default
    at_once : trials that an executor is given together: none of them knows how the others will end

    Returns
    -------
    All trials that have ended, the best first

    Raises
    ------
    ValueError : Optuna is not installed, a key of the space is none, or another search runs in the folder
    """
    optuna = _optuna()
    _check_keys(config, space)
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        study = _study(optuna, env_id, folder, seed)
        _take_up_again(optuna, study)
        while (left := trials - len(_ended(study))) > 0:
            if executor is not None:
                cases = _cases(study, env_id, config, space, folder, seed, min(at_once, left))
                for place, value in executor.run(_trained_apart, cases):
                    state = optuna.trial.TrialState.PRUNED if value is None else optuna.trial.TrialState.COMPLETE
                    study.tell(cases[place].number, value, state=state)
                    told(_tried(study.trials[cases[place].number]))
                continue
            trial = study.ask()
            name = _named(trial)
            try:
                study.tell(trial, _trained(optuna, trial, env_id, config, space, folder / name, seed, progress))
            except optuna.TrialPruned:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            told(_tried(study.trials[trial.number]))
    return sorted(map(_tried, _ended(study)), key=lambda tried: tried.score, reverse=True)


@dataclass(frozen=True)
class _Case:
    """A trial that a process of its own trains; what it tries is suggested there."""

    env_id: str
    config: TrainingConfig
    space: Space
    folder: str
    seed: int
    number: int
    trial_id: int
    name: str


def _cases(
    study: Any, env_id: str, config: TrainingConfig, space: Space, folder: Path, seed: int, at_once: int
) -> list[_Case]:
    asked = [study.ask() for _ in range(at_once)]
    return [
        _Case(env_id, config, space, str(folder), seed, trial.number, trial._trial_id, _named(trial)) for trial in asked
    ]


def _trained_apart(case: _Case) -> float | None:
    """Train a trial of a study that lies on the disk; return its score, None where it was cut short."""
    optuna, folder = _optuna(), Path(case.folder)
    study = _study(optuna, case.env_id, folder, case.seed)
    # Trials of one round begin from the same study; only the seed tells their suggestions apart.
    study.sampler = optuna.samplers.TPESampler(seed=case.seed + 1000 * case.number)
    trial = optuna.trial.Trial(study, case.trial_id)
    try:
        return _trained(
            optuna, trial, case.env_id, case.config, case.space, folder / case.name, case.seed, lambda *given: None
        )
    except optuna.TrialPruned:
        return None


def _named(trial: Any) -> str:
    """Return the name of a trial's folder, and keep it with the trial: one that is taken up again has the same."""
    name = str(trial.user_attrs.get(_FOLDER, f"trial-{trial.number}"))
    trial.set_user_attr(_FOLDER, name)
    return name


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system gives back however the process ends."""
    with (folder / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"another search runs in {folder}; wait for its end, or give another --run") from None
        yield


def write_best(env_id: str, config: TrainingConfig, best: Tried, folder: Path) -> Path:
    """Write the best trial's configuration, as ``beamgym train --config`` takes it; return the file."""
    chosen = applied(config, best.values).model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump({env_id: chosen}, sort_keys=False)
    write_text(folder / BEST, f"# Trial {best.number}, score {best.score:.3f}\n{text}")
    return folder / BEST


def _optuna() -> Any:
    try:
        optuna = import_module("optuna")
    except ModuleNotFoundError:
        raise ValueError("the search needs Optuna, which is not installed: pip install 'beamgym[tune]'") from None
    optuna.logging.set_verbosity(logging.WARNING)
    return optuna


def _check_keys(config: TrainingConfig, space: Space) -> None:
    """Raise ValueError for a key that no configuration has, before anything is trained."""
    for name, part in space.items():
        if not isinstance(part, list):
            applied(config, {name: part.low})
            continue
        errors = []
        for choice in part:
            try:
                applied(config, {name: choice})
            except ValueError as error:
                errors.append(error)
        if len(errors) == len(part) and "does not divide" not in str(errors[0]):
            raise ValueError(f"{name}: none of its choices is taken: {errors[0]}")


def _study(optuna: Any, env_id: str, folder: Path, seed: int) -> Any:
    study = optuna.create_study(
        study_name=env_id,
        storage=f"sqlite:///{folder / STUDY}",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    # Each process draws anew: the first suggestions of one that goes on are not those of the one before.
    study.sampler = optuna.samplers.TPESampler(seed=seed + 1000 * len(study.trials))
    return study


def _take_up_again(optuna: Any, study: Any) -> None:
    """Let the trials of a process that has ended go on in their folders: they are asked for first."""
    running = optuna.trial.TrialState.RUNNING
    for cut in study.get_trials(deepcopy=False, states=(running,)):
        study.tell(cut.number, state=optuna.trial.TrialState.FAIL)
        if cut.params:
            attributes = {_FOLDER: cut.user_attrs.get(_FOLDER, f"trial-{cut.number}")}
            study.enqueue_trial(cut.params, user_attrs=attributes)


def _trained(
    optuna: Any,
    trial: Any,
    env_id: str,
    config: TrainingConfig,
    space: Space,
    path: Path,
    seed: int,
    progress: Progress,
) -> float:
    """Train as a trial suggests and return its score; raises TrialPruned for what is worse than the others."""
    try:
        chosen = applied(config, suggested(trial, space))
    except ValueError as error:
        trial.set_user_attr("refused", str(error))
        raise optuna.TrialPruned from None
    folder = RunFolder(path)
    trainer = Trainer(env_id, chosen, folder, seed, folder.begun, progress)

    def look(step: int, result: PolicyResult) -> None:
        trial.report(score(result), step)
        if trial.should_prune():
            raise optuna.TrialPruned

    trainer.on_selection = look
    trainer.run()
    return float(folder.figures()["best_score"])


def _ended(study: Any) -> list[Any]:
    return [trial for trial in study.trials if trial.state.name in ("COMPLETE", "PRUNED")]


def _tried(trial: Any) -> Tried:
    refused = "refused" in trial.user_attrs
    values = {key: json.loads(value) if isinstance(value, str) else value for key, value in trial.params.items()}
    reported = list(trial.intermediate_values.values())
    reached = trial.value if trial.value is not None else max(reported, default=float("-inf"))
    return Tried(trial.number, "refused" if refused else trial.state.name.lower(), float(reached), values)
