"""Writes a trained chooser as a bundle with its card."""

from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces

from beamgym.agents.baselines.choosing import CANDIDATES, ENCODER, INPUT
from beamgym.agents.chooser.flights import EACH, ENV_ID
from beamgym.agents.chooser.network import ChooserNet
from beamgym.agents.chooser.trainer import ChooserTrainer
from beamgym.agents.export import NetworkBundle, export_graph, write_network
from beamgym.envs.bundles import MIN_REFERENCE, Encoder, Training

_ANSWER = spaces.Box(-30.0, 30.0, (CANDIDATES,), np.float32)
_UNITS = {
    "candidates": "see beamgym.agents.baselines.choosing.Looks",
    "logits": "log odds that each candidate's site is among the best of its surface",
}
_TOLERANCE = 1e-3

_TEXT = """# Chooser of spots

Of the exposures of a search for the best site of a cleaved sample, which one is of a site among the best.

| | |
|---|---|
| input | the {candidates} exposures that read best: readings, neighbours at four distances, belief of the site |
| output | log odds of each |
| network | layers of {width}, every candidate by itself and beside mean and largest of all; {size:,} weights |
| learnt from | {flights:,} flights over surfaces of ArpesSpot-v1, level `real`, {each} looks each, and their truth |
| loss | cross entropy of whether each is of a site among the best, and how many points beyond it is |
| selected by | cross entropy on {selection} flights over other surfaces |
| seed | {seed}, of weights and order; surfaces are the same for every seed |
| CPU time | {seconds:.0f} s of one core, beside the flights |
| again | `{command}` |

At the ends of those {selection} flights a good site had been exposed in {any:.1%}; the chooser's first is good in
{right:.1%} (it says {told:.1%}), the largest estimate in {estimate:.1%}. `choosing-survey` plays by it; figures:
docs/environments/arpes_spot.md. Not for: other levels, stages or scorers than those of the training, for which its
probabilities were not measured.
"""


class _Observing(torch.nn.Module):
    def __init__(self, net: ChooserNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the network's answer to the candidates of an observation."""
        answer: torch.Tensor = self.net(observation["candidates"])
        return answer


def export_chooser(trainer: ChooserTrainer, path: str | Path, command: str, overwrite: bool = False) -> Path:
    """Write a finished training's bundle, all or nothing; returns its directory.

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the network
    """
    net = trainer.net.eval()
    shown = np.resize(trainer.held.shown, (MIN_REFERENCE, *trainer.held.shown.shape[1:]))
    given = shown.astype(np.float16).astype(np.float32)  # packs to half the size
    with torch.no_grad():
        answers = net(torch.from_numpy(given)).numpy()
    described = NetworkBundle(
        kind="chooser",
        env_id=ENV_ID,
        space=INPUT,
        answer=_ANSWER,
        units=_UNITS,
        encoder=Encoder(name=ENCODER),
        training=Training(
            command=command,
            algorithm="supervised, cross entropy",
            seeds=(0, trainer.config.flights - 1),
            steps=len(trainer.looked.shown),
        ),
        given={"candidates": given},
        answers=answers,
        card=chooser_card(trainer, command),
        tolerance=_TOLERANCE,
    )
    return write_network(
        described, Path(path), lambda graph: export_graph(_Observing(net), INPUT, graph, "logits"), overwrite
    )


def chooser_card(trainer: ChooserTrainer, command: str) -> str:
    """Return the card of a finished training, in Markdown."""
    config, figures = trainer.config, min(trainer.folder.figures()["epochs"], key=lambda epoch: epoch[trainer.figure])
    return _TEXT.format(
        candidates=CANDIDATES,
        width=config.width,
        size=trainer.net.size,
        flights=config.flights,
        each=EACH,
        selection=config.selection_flights,
        seed=trainer.seed,
        seconds=trainer.cpu_s,
        command=command,
        **{name: figures[f"selection/{name}"] for name in ("any", "right", "told", "estimate")},
    )
