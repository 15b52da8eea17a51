"""The scorer's model card: what it is for, what it was trained on, how far it is off, and what it is not for."""

from beamgym.agents.scorer import ScorerTrainer, Validation
from beamgym.envs.scoring import COMPONENTS

_TEXT = """# ARPES scorer ({backbone})

A network that scores ARPES spectra: S (sharpness), B (signal to background), N (counts) and the total, 0 to 10 points,
by the published reading (`paper`) and by `v2` (docs/arpes_scores.md), each with its expected absolute error, and a
novelty above 1 for spectra unlike those it was trained on.

| | |
|---|---|
| input | counts of any grid from 64 x 64 pixels, added up to 64 x 64 cells; see `beamgym.envs.scoring.encode_spectra` |
| network | {backbone} backbone beside an intensity branch, {parameters:,} parameters |
| trained on | {spectra:,} spectra of this project's simulators only{fixed}: {mixture} |
| how | {loss} loss, Adam at {learning_rate}, {schedule} schedule, batch {batch}, changes {changes}; seed {seed} |
| novelty | learnt on {novelty:,} other spectra and as many pictures that are none (inverted, turned, noise, lines, …) |
| epochs | {epochs} of {each:,} spectra; the best on validation spectra was kept |
| hours | {hours:.2f} of CPU time of the training process, beside {workers} process that makes spectra |
| again | `{command}` |

Mean absolute errors on {validation:,} validation spectra, none of them trained on:

| reading | S | B | N | total |
|---|---|---|---|---|
{rows}

N is counted, not guessed. `paper` scores of surfaces do not exist and were not learnt. The figures that count are those
of `beamgym benchmark arpes-scorer --spectra 5000 --seed 0`, on other spectra again.

Not for: spectra with fewer than 64 pixels along an axis; energies far from the Fermi level (core levels); detectors
whose counts are not electrons (scale them first: N is read off their sum). A spectrum like none of the training's is
flagged; so is about one in 200 of those that are like them.
"""


def scorer_card(trainer: ScorerTrainer, found: Validation, command: str) -> str:
    """Return the card of a finished training, in Markdown."""
    config = trainer.config
    return _TEXT.format(
        backbone=config.backbone,
        parameters=sum(weights.numel() for weights in trainer.net.parameters()),
        spectra=trainer.epoch * config.batches_per_epoch * config.batch,
        fixed="" if config.fixed is None else f" ({config.fixed:,} of them, again and again)",
        mixture=", ".join(f"{source.share:.0%} {source.kind} at {source.size}²" for source in config.mixture),
        loss=config.loss,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        batch=config.batch,
        changes=", ".join(config.changes) or "none",
        seed=trainer.seed,
        novelty=config.novelty // 256 * 256,
        epochs=trainer.epoch,
        each=config.spectra_per_epoch,
        hours=trainer.cpu_s / 3600.0,
        workers=trainer.workers,
        command=command,
        validation=config.validation,
        rows="\n".join(_row(name, found.mae[first : first + 4]) for name, first in (("paper", 0), ("v2", 4))),
    )


def _row(name: str, mae: object) -> str:
    values = " | ".join(f"{value:.3f}" for value, _ in zip(mae, COMPONENTS, strict=True))  # type: ignore[call-overload]
    return f"| {name} | {values} |"
