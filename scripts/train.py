"""beamgym train: train a policy from a configuration, resume a training that was cut, export the bundle."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from beamgym.physics.files import write_text
from beamgym.scripts.command_line import IMPORTED, check_output, run
from beamgym.scripts.denoise_suite.train import GROUND_PREFIX, PREFIX, train_denoiser
from beamgym.scripts.domains_suite.train import DOMAINS, train_domains
from beamgym.scripts.scorer.train import (
    BOOSTING,
    CHOOSER,
    COMPOSED,
    SCORER,
    TWO_STAGE,
    ScorerRun,
    refit_scorer,
    train_chooser,
    train_composed,
    train_scorer,
    train_trees,
    train_two_stage,
)
from beamgym.scripts.settings import Settings, read_settings


def train_command(
    env_id: Annotated[
        str,
        typer.Argument(
            help="environment, such as beamgym/LaueAlign-v0; arpes-scorer-composed, spot-chooser, denoiser-laue or …"
        ),
    ] = "beamgym/LaueAlign-v0",
    config: Annotated[
        Path | None, typer.Option(help="YAML of hyperparameters, in rl-zoo3's form; the shipped one by default")
    ] = None,
    algo: Annotated[
        str | None, typer.Option(help="ppo, sac, dqn, tqc or ppo_lstm; by default the configuration's, else ppo")
    ] = None,
    run_folder: Annotated[
        Path | None, typer.Option("--run", help="folder of this training; runs/ENV-SEED by default")
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the training")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the folder's last checkpoint")] = False,
    bundle: Annotated[Path | None, typer.Option(help="where to write the bundle; RUN/bundle by default")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="replace a bundle that is there")] = False,
    beside: Annotated[
        list[Path] | None,
        typer.Option(help="folder of a finished training for the card to report; repeats"),
    ] = None,
    settings: Settings = None,
    timesteps: Annotated[int | None, typer.Option(min=0, help="PPO steps, instead of the configuration's")] = None,
    workers: Annotated[int, typer.Option(min=0, help="processes that make spectra for a scorer")] = 1,
    refit: Annotated[
        Path | None,
        typer.Option("--refit-novelty", help="a scorer's bundle: learn anew what it flags, keep its scores"),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the figures to this file")] = None,
) -> None:
    """Train a policy or a scorer; TensorBoard curves, checkpoints and figures go to the run's folder."""
    check_output(json_file)
    if env_id in (CHOOSER, COMPOSED, SCORER, BOOSTING, TWO_STAGE, DOMAINS) or env_id.startswith(
        (PREFIX, GROUND_PREFIX)
    ):
        if timesteps is not None or beside or algo is not None or settings:
            raise ValueError(f"--timesteps and --beside are for policies, --algo and --set too, and not for {env_id}")
        _train_scorer(env_id, ScorerRun(config, run_folder, seed, resume, bundle, overwrite, workers, json_file, refit))
        return
    if refit is not None:
        raise ValueError(f"--refit-novelty is for {SCORER}; {env_id} has no novelty")
    _train_policy(
        PolicyRun(
            env_id,
            config,
            algo,
            run_folder,
            seed,
            resume,
            bundle,
            overwrite,
            tuple(beside or ()),
            timesteps,
            json_file,
            tuple(settings or ()),
        )
    )


@dataclass(frozen=True)
class PolicyRun:
    """The training of a policy, as the command line asks for it; see the options of `beamgym train`."""

    env_id: str
    config: Path | None
    algo: str | None
    folder: Path | None
    seed: int
    resume: bool
    bundle: Path | None
    overwrite: bool
    beside: tuple[Path, ...]
    timesteps: int | None
    json_file: Path | None
    options: tuple[str, ...] = ()

    def target(self, folder: Path) -> Path:
        """Return where the bundle goes; raises ValueError where something is there that may not be replaced."""
        target = self.bundle or folder / "bundle"
        if target.exists() and not self.overwrite:
            raise ValueError(f"{target} exists; add --overwrite to replace it, or choose another --bundle")
        return target

    def command(self) -> str:
        """Return the command that trains the same policy again, wherever it is run."""
        imports = [word for name in IMPORTED for word in ("--import", name)]
        parts = ["beamgym", *imports, "train", self.env_id, "--seed", str(self.seed)]
        if self.config is not None:
            parts += ["--config", self.config.name]
        if self.algo is not None:
            parts += ["--algo", self.algo]
        parts += [word for each in self.options for word in ("--set", each)]
        return shlex.join(parts + (["--timesteps", str(self.timesteps)] if self.timesteps is not None else []))


def _train_scorer(name: str, asked: ScorerRun) -> None:
    scorer = train_scorer if asked.refit is None else refit_scorer
    if name.startswith((PREFIX, GROUND_PREFIX)):
        if asked.refit is not None:
            raise ValueError(f"--refit-novelty is for {SCORER}; {name} has no novelty")
        with _bars() as show:
            train_denoiser(name, asked, show)
        return
    verbs = {BOOSTING: train_trees, CHOOSER: train_chooser, COMPOSED: train_composed, TWO_STAGE: train_two_stage}
    verbs[DOMAINS] = train_domains
    verb = {**verbs, SCORER: scorer}[name]
    with _bars() as show:
        verb(asked, show)


def _train_policy(asked: PolicyRun) -> None:
    """Train, export the bundle, and print the figures."""
    from beamgym.agents.export import export_trained
    from beamgym.agents.training import RunFolder, Trainer, load_config

    settings = load_config(asked.env_id, asked.config, asked.algo)
    if asked.options:
        options = {**settings.env_kwargs, **read_settings(asked.env_id, asked.options)}
        settings = settings.model_copy(update={"env_kwargs": options})
    if asked.timesteps is not None:
        settings = settings.model_copy(update={"n_timesteps": asked.timesteps})
    name = f"{asked.env_id.rsplit('/', maxsplit=1)[-1]}-{asked.seed}"
    folder = RunFolder(asked.folder or Path("runs") / name)
    target = asked.target(folder.path)
    others = [RunFolder(path) for path in asked.beside]
    for other in others:
        other.check_finished()
    with _bars() as show:
        trainer = Trainer(asked.env_id, settings, folder, asked.seed, asked.resume, show)
        if asked.config is not None and (line := settings.defaults_in_words()):
            _say(f"{asked.config} leaves out {line}: beamgym's defaults, which are not rl-zoo3's")
        if trainer.resumed_at:
            _say(f"going on from step {trainer.resumed_at:,}")
        trainer.on_trained = lambda: _say("evaluating and exporting")
        result = trainer.run()
    written = export_trained(trainer, target, asked.command(), result, asked.overwrite, others)
    typer.echo(
        f"success {result.success_rate:.3f}, exposures (median) {result.exposures_median:g} on the selection seeds"
    )
    typer.echo(f"bundle: {written}")
    if asked.json_file is not None:
        write_text(asked.json_file, json.dumps(folder.figures(), indent=1) + "\n")


def _say(line: str) -> None:
    """Print a line of progress, above the bar that is open."""
    tqdm.write(line, file=sys.stderr)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    """Give what shows the progress of a phase, and close the last bar at the end."""
    bars = _Bars()
    try:
        yield bars.show
    finally:
        bars.close()


class _Bars:
    """One progress bar per phase."""

    def __init__(self) -> None:
        self._phase = ""
        self._bar: Any = None

    def show(self, phase: str, done: int, total: int) -> None:
        """Move the bar of a phase to ``done`` out of ``total``."""
        if phase != self._phase or self._bar is None:
            self.close()
            self._phase, self._bar = phase, tqdm(total=total, desc=phase, unit_scale=True, mininterval=2.0)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Close the bar that is open."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


if __name__ == "__main__":
    run(train_command)
