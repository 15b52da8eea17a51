"""`beamgym train denoiser-…`: the networks that denoise counted frames."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import typer

from beamgym.physics.files import write_text
from beamgym.scripts.scorer.train import ScorerRun

PREFIX, GROUND_PREFIX = "denoiser-", "ground-"
"""What the name of every denoiser begins with, and that of every network that tells the ground under peaks."""


def train_denoiser(name: str, run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Train a denoiser, measure what is usual of its noise, export it, and note its figures.

    Raises
    ------
    ValueError : an unknown denoiser, or a bundle that is there
    """
    from beamgym.agents.denoising import DenoiserTrainer, finish, load_denoiser_config
    from beamgym.agents.denoising.ground import GroundTrainer, finish_ground, load_ground_config
    from beamgym.agents.training import RunFolder

    folder = RunFolder(run.folder or Path("runs") / f"{name}-{run.seed}")
    target = run.bundle or folder.path / name
    words = ["beamgym", "train", name, "--seed", str(run.seed)]
    command = shlex.join(words + (["--config", run.config.name] if run.config is not None else []))
    if name.startswith(GROUND_PREFIX):
        ground = load_ground_config(name, run.config)
        _check_target(target, run)
        told = GroundTrainer(ground, folder, run.seed, run.resume, progress)
        told.run()
        written = finish_ground(told, target, command, run.overwrite)
    else:
        config = load_denoiser_config(name, run.config)
        _check_target(target, run)
        trainer = DenoiserTrainer(config, folder, run.seed, run.resume, progress=progress)
        trainer.run()
        written = finish(trainer, target, command, run.overwrite)
    typer.echo(f"bundle: {written}")
    if run.json_file is not None:
        write_text(run.json_file, json.dumps(folder.figures(), indent=1) + "\n")


def _check_target(target: Path, run: ScorerRun) -> None:
    if target.exists() and not run.overwrite:
        raise ValueError(f"{target} exists; add --overwrite to replace it, or choose another --bundle")
