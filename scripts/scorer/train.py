"""`beamgym train arpes-scorer` and `arpes-boosting`: train the network that scores spectra, and the trees beside it."""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from beamgym.physics.files import write_text

SCORER, COMPOSED = "arpes-scorer", "arpes-scorer-composed"
BOOSTING, TWO_STAGE = "arpes-boosting", "arpes-two-stage"
CHOOSER = "spot-chooser"
_BOOSTING_SPECTRA = 40 * 32768  # as many as the shipped network's training


@dataclass(frozen=True)
class ScorerRun:
    """What the command line asked for; see ``beamgym train --help``."""

    config: Path | None
    folder: Path | None
    seed: int
    resume: bool
    bundle: Path | None
    overwrite: bool
    workers: int
    json_file: Path | None
    refit: Path | None = None


def train_scorer(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Train a scorer, export it, and note its figures."""
    from beamgym.agents.spectra import ScorerOrigin, ScorerTrainer, export_scorer, load_scorer_config, scorer_card
    from beamgym.agents.training import RunFolder

    config = load_scorer_config(run.config)
    folder = RunFolder(run.folder or Path("runs") / f"{SCORER}-{run.seed}")
    target = run.bundle or folder.path / "arpes-scorer-small"
    _check_target(target, run.overwrite)
    trainer = ScorerTrainer(config, folder, run.seed, run.resume, run.workers, progress=progress)
    found = trainer.run()
    command = _command(SCORER, run)
    spectra = config.fixed or trainer.epoch * config.batches_per_epoch * config.batch
    origin = ScorerOrigin(command, f"{config.backbone}, {config.loss}", run.seed, spectra)
    written = export_scorer(trainer.net, target, origin, scorer_card(trainer, found, command), run.overwrite)
    typer.echo(f"mean absolute error on validation spectra: paper total {found.paper:.3f}, v2 total {found.v2:.3f}")
    typer.echo(f"bundle: {written}")
    if run.json_file is not None:
        write_text(run.json_file, json.dumps(folder.figures(), indent=1) + "\n")


def train_composed(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Train a composed scorer, measure its intervals, teach it what to flag, export it, and note its figures."""
    from beamgym.agents.composed import (
        ComposedTrainer,
        calibrate,
        composed_card,
        export_composed,
        load_composed_config,
        train_window_ood,
    )
    from beamgym.agents.spectra import ScorerOrigin
    from beamgym.agents.training import RunFolder

    if run.refit is not None:
        raise ValueError(f"--refit-novelty is for {SCORER}; {COMPOSED} learns what it flags at the end of a training")
    config = load_composed_config(run.config)
    folder = RunFolder(run.folder or Path("runs") / f"{COMPOSED}-{run.seed}")
    target = run.bundle or folder.path / COMPOSED
    _check_target(target, run.overwrite)
    trainer = ComposedTrainer(config, folder, run.seed, run.resume, run.workers, progress=progress)
    trainer.run()
    calibrate(trainer.net, config.calibration, progress)
    train_window_ood(trainer.net, config.ood_spectra, run.seed, progress)
    command = _command(COMPOSED, run)
    spectra = trainer.epoch * config.batches_per_epoch * config.batch
    origin = ScorerOrigin(command, "composed, laplace and pairs", run.seed, spectra)
    written = export_composed(trainer.net, target, origin, composed_card(trainer, command), run.overwrite)
    typer.echo(f"bundle: {written}")
    if run.json_file is not None:
        write_text(run.json_file, json.dumps(folder.figures(), indent=1) + "\n")


def train_chooser(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Fly, train the network that chooses among exposures, export it, and note its figures."""
    from beamgym.agents.chooser import ChooserTrainer, export_chooser, load_chooser_config
    from beamgym.agents.training import RunFolder

    if run.refit is not None:
        raise ValueError(f"--refit-novelty is for {SCORER}; {CHOOSER} has no novelty")
    config = load_chooser_config(run.config)
    folder = RunFolder(run.folder or Path("runs") / f"{CHOOSER}-{run.seed}")
    target = run.bundle or folder.path / CHOOSER
    _check_target(target, run.overwrite)
    trainer = ChooserTrainer(config, folder, run.seed, run.resume, progress)
    trainer.run()
    written = export_chooser(trainer, target, _command(CHOOSER, run), run.overwrite)
    found = trainer.validated()
    typer.echo(
        f"on the flights of selection a good site comes first in {found['selection/right']:.1%}, by the largest "
        f"estimate in {found['selection/estimate']:.1%}; one was exposed in {found['selection/any']:.1%}"
    )
    typer.echo(f"bundle: {written}")
    if run.json_file is not None:
        write_text(run.json_file, json.dumps(folder.figures(), indent=1) + "\n")


def refit_scorer(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Train the ood classifier of a scorer's bundle again, and write the bundle with the same scores."""
    from beamgym.agents.spectra import load_scorer_config, refit_ood

    if run.refit is None or run.folder or run.resume or run.json_file:
        raise ValueError("--refit-novelty takes --bundle, --config, --seed and --overwrite only; it needs no run")
    target = run.bundle or Path("runs") / run.refit.name
    _check_target(target, run.overwrite)
    command = f"{_command(SCORER, run)} --refit-novelty {run.refit.name}"
    config = load_scorer_config(run.config)
    typer.echo(f"bundle: {refit_ood(run.refit, target, config, run.seed, command, run.overwrite, progress)}")


def train_two_stage(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Grow the trees that predict the components, and export them."""
    from beamgym.agents.composed import RIVAL_BUNDLE, RIVAL_SPECTRA, train_rival

    _check_trees(TWO_STAGE, run)
    target = run.bundle or Path("runs") / RIVAL_BUNDLE
    _check_target(target, run.overwrite)
    command = _command(TWO_STAGE, run)
    written = train_rival(target, RIVAL_SPECTRA, run.seed, command, run.overwrite, progress)
    typer.echo(f"bundle: {written}")


def _check_trees(name: str, run: ScorerRun) -> None:
    if run.config or run.folder or run.resume or run.json_file or run.refit:
        raise ValueError(f"{name} takes --bundle, --seed, --overwrite and --workers only; trees grow in one go")


def train_trees(run: ScorerRun, progress: Callable[[str, int, int], None]) -> None:
    """Grow the trees of the gradient-boosting baseline and export them."""
    from beamgym.agents.spectra import BOOSTING_BUNDLE, train_boosting

    _check_trees(BOOSTING, run)
    target = run.bundle or Path("runs") / BOOSTING_BUNDLE
    _check_target(target, run.overwrite)
    command = _command(BOOSTING, run)
    written = train_boosting(target, _BOOSTING_SPECTRA, run.seed, command, run.workers, run.overwrite, progress)
    typer.echo(f"bundle: {written}")


def _check_target(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists; add --overwrite to replace it, or choose another --bundle")


def _command(what: str, run: ScorerRun) -> str:
    parts = ["beamgym", "train", what, "--seed", str(run.seed)]
    return shlex.join(parts + (["--config", run.config.name] if run.config is not None else []))
