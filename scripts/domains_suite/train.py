"""`beamgym train domains-arpes`: the network that counts domains in a cut."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import typer

from beamgym.physics.files import write_text
from beamgym.scripts.scorer.train import ScorerRun

DOMAINS = "domains-arpes"
"""What this training is called."""


def train_domains(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Train the network of domains, calibrate it, export it, and note its figures.

    Raises
    ------
    ValueError : a bundle that is there, or a folder that holds another training
    """
    from beamgym.agents.domains import DomainsTrainer, finish_domains, load_domains_config
    from beamgym.agents.training import RunFolder

    config = load_domains_config(run.config)
    folder = RunFolder(run.folder or Path("runs") / f"{DOMAINS}-{run.seed}")
    target = run.bundle or folder.path / DOMAINS
    if target.exists() and not run.overwrite:
        raise ValueError(f"{target} exists; add --overwrite to replace it, or choose another --bundle")
    trainer = DomainsTrainer(config, folder, run.seed, run.resume, progress=progress)
    trainer.run()
    words = ["beamgym", "train", DOMAINS, "--seed", str(run.seed)]
    command = shlex.join(words + (["--config", run.config.name] if run.config is not None else []))
    typer.echo(f"bundle: {finish_domains(trainer, target, command, run.overwrite)}")
    if run.json_file is not None:
        write_text(run.json_file, json.dumps(folder.figures(), indent=1) + "\n")
