"""`beamgym train denoiser-…`: the networks that denoise counted frames."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import typer

from beamgym.physics.files import write_text
from beamgym.scripts.scorer.train import ScorerRun

PREFIX = "denoiser-"
"""What the name of every denoiser begins with."""


def train_denoiser(name: str, run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Train a denoiser, measure what is usual of its noise, export it, and note its figures.

    Raises
    ------
    ValueError : an unknown denoiser, or a bundle that is there
    """
    from beamgym.agents.denoising import DenoiserTrainer, finish, load_denoiser_config
    from beamgym.agents.training import RunFolder

    config = load_denoiser_config(name, run.config)
    folder = RunFolder(run.folder or Path("runs") / f"{name}-{run.seed}")
    target = run.bundle or folder.path / name
    if target.exists() and not run.overwrite:
        raise ValueError(f"{target} exists; add --overwrite to replace it, or choose another --bundle")
    trainer = DenoiserTrainer(config, folder, run.seed, run.resume, progress=progress)
    trainer.run()
    words = ["beamgym", "train", name, "--seed", str(run.seed)]
    command = shlex.join(words + (["--config", run.config.name] if run.config is not None else []))
    typer.echo(f"bundle: {finish(trainer, target, command, run.overwrite)}")
    if run.json_file is not None:
        write_text(run.json_file, json.dumps(folder.figures(), indent=1) + "\n")
