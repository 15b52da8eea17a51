"""beamgym train: train a policy from a configuration, resume a training that was cut, export the bundle."""

import json
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from beamgym.physics.files import write_text
from beamgym.scripts.command_line import IMPORTED, check_output, run
from beamgym.scripts.scorer.train import BOOSTING, SCORER, ScorerRun, refit_scorer, train_scorer, train_trees


def train_command(
    env_id: Annotated[
        str, typer.Argument(help="environment, such as beamgym/LaueAlign-v0; or arpes-scorer, arpes-boosting")
    ] = "beamgym/LaueAlign-v0",
    config: Annotated[Path | None, typer.Option(help="YAML of hyperparameters; the shipped one by default")] = None,
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
    if env_id in (SCORER, BOOSTING):
        if timesteps is not None or beside:
            raise ValueError(f"--timesteps and --beside are for policies; {env_id} has neither")
        asked = ScorerRun(config, run_folder, seed, resume, bundle, overwrite, workers, json_file, refit)
        bars = _Bars()
        try:
            verb = train_trees if env_id == BOOSTING else train_scorer if refit is None else refit_scorer
            verb(asked, bars.show)
        finally:
            bars.close()
        return
    if refit is not None:
        raise ValueError(f"--refit-novelty is for {SCORER}; {env_id} has no novelty")
    from beamgym.agents.export import export_trained
    from beamgym.agents.training import RunFolder, Trainer, load_config, log_episode_gif

    settings = load_config(env_id, config)
    if timesteps is not None:
        settings = settings.model_copy(update={"n_timesteps": timesteps})
    folder = RunFolder(run_folder or Path("runs") / f"{env_id.rsplit('/', maxsplit=1)[-1]}-{seed}")
    target = bundle or folder.path / "bundle"
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists; add --overwrite to replace it, or choose another --bundle")
    others = [RunFolder(path) for path in beside or []]
    for other in others:
        other.check_finished()
    bars = _Bars()
    trainer = Trainer(env_id, settings, folder, seed, resume, bars.show)
    try:
        result = trainer.run()
    finally:
        bars.close()
    log_episode_gif(trainer)
    written = export_trained(trainer, target, _command(env_id, config, seed, timesteps), result, overwrite, others)
    typer.echo(
        f"success {result.success_rate:.3f}, exposures (median) {result.exposures_median:g} on the selection seeds"
    )
    typer.echo(f"bundle: {written}")
    if json_file is not None:
        write_text(json_file, json.dumps(folder.figures(), indent=1) + "\n")


def _command(env_id: str, config: Path | None, seed: int, timesteps: int | None) -> str:
    """Return the command that trains the same policy again, wherever it is run."""
    imports = [word for name in IMPORTED for word in ("--import", name)]
    parts = ["beamgym", *imports, "train", env_id, "--seed", str(seed)]
    if config is not None:
        parts += ["--config", config.name]
    return shlex.join(parts + (["--timesteps", str(timesteps)] if timesteps is not None else []))


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
