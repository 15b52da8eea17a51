"""The scorer's model card: purpose, training data, errors, and limits."""

import re

from beamgym.agents.spectra.ood import OOD_PER_SPECTRUM
from beamgym.agents.spectra.scorer import ScorerTrainer, Validation
from beamgym.envs.arpes_spot import COMPONENTS

_TEXT = """# ARPES scorer ({backbone})

A network that scores ARPES spectra: S (sharpness), B (signal to background), N (counts) and the total, 0 to 10 points,
by the published reading (`paper`) and by `v2` (docs/arpes_scores.md), each with its expected absolute error, and a
novelty above 1 for spectra unlike those it was trained on.

| | |
|---|---|
| input | counts of any grid from 64 x 64 pixels, added up to 64 x 64 cells; see `beamgym.envs.arpes_spot` |
| network | {backbone} backbone beside an intensity branch, {parameters:,} parameters |
| trained on | {spectra:,} spectra of this project's simulators only{fixed}: {mixture} |
| how | {loss} loss, Adam at {learning_rate}, {schedule} schedule, batch {batch}, changes {changes}; seed {seed} |
{ood}
| epochs | {epochs} of {each:,} spectra; the best on validation spectra was kept |
| hours | {hours:.2f} of CPU time of the training process, beside {workers} process that makes spectra |
| again | `{command}` |

Mean absolute errors on {validation:,} validation spectra, none of them trained on:

| reading | S | B | N | total |
|---|---|---|---|---|
{rows}
{closing}"""

_OOD_ROW = "| novelty | "

_CLOSING = """
N is counted, not guessed. `paper` scores of surfaces do not exist and were not learnt. The figures that count are those
of `beamgym benchmark arpes-scorer --spectra 5000 --seed 0`, on other spectra again.

It expects electrons (fractions of them are fine) over −0.55 to 0.15 eV and ±15°, energy rising along the rows. Another
unit makes N, and with it the totals, wrong: scale it first. Not for: spectra with fewer than 64 pixels along an axis;
energies far from the Fermi level (core levels); windows without the Fermi level. Most spectra unlike the training's are
flagged, not all; so is about one in 200 of those that are like them. docs/arpes_scorer.md has the shares.
"""


def scorer_card(trainer: ScorerTrainer, found: Validation, command: str) -> str:
    """Return the card of a finished training, in Markdown."""
    config = trainer.config
    return _TEXT.format(
        backbone=config.backbone,
        parameters=trainer.net.size,
        spectra=trainer.epoch * config.batches_per_epoch * config.batch,
        fixed="" if config.fixed is None else f" ({config.fixed:,} of them, again and again)",
        mixture=", ".join(f"{source.share:.0%} {source.kind} at {source.size}²" for source in config.mixture),
        loss=config.loss,
        learning_rate=config.learning_rate,
        schedule=config.schedule,
        batch=config.batch,
        changes=", ".join(config.changes) or "none",
        seed=trainer.seed,
        ood=_ood_row(config.novelty),
        epochs=trainer.epoch,
        each=config.spectra_per_epoch,
        hours=trainer.cpu_s / 3600.0,
        workers=trainer.workers,
        command=command,
        validation=config.validation,
        closing=_CLOSING,
        rows="\n".join(_row(name, found.mae[first : first + 4]) for name, first in (("paper", 0), ("v2", 4))),
    )


def refitted_card(card: str, parameters: int, spectra: int, command: str) -> str:
    """Return the card of a scorer whose ood classifier was trained again by ``command``, on ``spectra`` spectra.

    Raises
    ------
    ValueError : a card without the row "novelty", as cards call the ood value
    """
    head, found, rest = card.partition(_OOD_ROW)
    if not found:
        raise ValueError("the bundle's card has no row for the novelty; give a bundle that beamgym train wrote")
    table = rest.partition("\n")[2].partition(_CLOSING[:20])[0]
    head = re.sub(r"[\d,]+ parameters", f"{parameters:,} parameters", head)
    return f"{head}{_ood_row(spectra)[:-2]}; anew by `{command}` |\n{table}{_CLOSING}"


def _ood_row(spectra: int) -> str:
    number = spectra // 256 * 256
    odd = OOD_PER_SPECTRUM * number + number // 4
    return f"{_OOD_ROW}learnt on {number:,} other spectra and {odd:,} pictures that are none or cut |"


def _row(name: str, mae: object) -> str:
    values = " | ".join(f"{value:.3f}" for value, _ in zip(mae, COMPONENTS, strict=True))  # type: ignore[call-overload]
    return f"| {name} | {values} |"
