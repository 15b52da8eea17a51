"""The composed scorer's model card: purpose, training data, errors, and limits."""

from beamgym.agents.composed.trainer import ComposedTrainer

_TEXT = """# ARPES scorer (composed)

A network that scores ARPES spectra: S (sharpness), B (signal to background) and F (features) as distributions, N
(counts) counted, and the total, 0 to 10 points, composed of them by the formulas of `paper` and `v2`
(docs/arpes_scores.md) with what is uncertain carried through; and a novelty above 1 for spectra unlike those it was
trained on.

| | |
|---|---|
| input | counts of any grid from 24 x 24 pixels, added up to 64 x 64 cells; which rows were measured is said |
| network | seven convolutions of {widths} channels beside the numbers, {parameters:,} parameters |
| trained on | {spectra:,} spectra of this project's simulators only, each learnt from {looks} times |
| pairs | five in six: two places on one way of getting worse: blur, a second domain, background, fewer electrons |
| worlds | `published`, `full`, curves of any shape, over backgrounds and behind detectors of many kinds; surfaces |
| how | Laplace likelihood of components; differences and order of totals within pairs |
| optimiser | AdamW at {learning_rate}, one cycle, batch {batch}; convolutions in bfloat16; seed {seed} |
| selected by | ladders of {ladders} spectra of each world, none of them trained on |
| intervals | measured on {calibration:,} other spectra |
| novelty | {ood_spectra:,} other spectra, and as many and more pictures that are none, cut ones and bandless films |
| epochs | {epochs} of {each:,} spectra |
| hours | {hours:.2f} of CPU time of the training process, beside {workers} process that makes spectra |
| again | `{command}` |

On validation spectra, none of them trained on: mean absolute error of the `v2` total {v2:.3f}, of S {s:.3f}, of B
{b:.3f}; mean rank correlation of simulated ladders {mean:.3f}, {backwards:.1%} of them backwards.

It expects electrons (fractions of them are fine). Give the energies of the rows where they do not span −0.55 to 0.15 eV
about the Fermi level. Not for: core levels; spectra without bands, which it flags. The figures that count are those of
`beamgym benchmark arpes-scorer` and `beamgym benchmark arpes-scorer --ladders`, on other spectra again.
"""


def composed_card(trainer: ComposedTrainer, command: str) -> str:
    """Return the card of a finished training, in Markdown."""
    config = trainer.config
    epochs = trainer.folder.figures()["epochs"]
    best = min(epochs, key=trainer.figure)
    return _TEXT.format(
        widths=", ".join(map(str, config.widths)),
        parameters=trainer.net.size,
        spectra=trainer.epoch * config.batches_per_epoch * config.batch,
        looks=config.looks,
        learning_rate=config.learning_rate,
        batch=config.batch,
        seed=trainer.seed,
        ladders=config.ladder_spectra,
        calibration=config.calibration,
        ood_spectra=config.ood_spectra,
        epochs=trainer.epoch,
        each=config.spectra_per_epoch,
        hours=trainer.cpu_s / 3600.0,
        workers=trainer.workers,
        command=command,
        v2=best["validation/v2"],
        s=best["validation/v2_s"],
        b=best["validation/v2_b"],
        mean=best["ladders/mean"],
        backwards=best["ladders/backwards"],
    )
