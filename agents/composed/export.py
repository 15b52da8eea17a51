"""Writes a composed scorer as a bundle: graph, checksums, reference spectra and a card."""

from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces

from beamgym.agents.composed.data import LABELS, make_pairs
from beamgym.agents.composed.net import ComposedNet
from beamgym.agents.export import export_graph
from beamgym.agents.spectra import Reference, ScorerOrigin, write_scorer_bundle
from beamgym.envs.arpes_spot import LEVELS, NUMBERS, SIDE, WINDOW_ENCODER
from beamgym.envs.bundles import Encoder

INPUT = spaces.Dict(
    {
        "image": spaces.Box(0.0, 8.0, (SIDE, SIDE), np.float32),
        "seen": spaces.Box(0.0, 1.0, (SIDE,), np.float32),
        "numbers": spaces.Box(0.0, 10.0, (NUMBERS,), np.float32),
    }
)
"""What a composed scorer is given; see ``envs.arpes_spot.window_input``."""

UNITS = {
    "image": "square root of counts over their mean, rows energy rising, columns slit angle",
    "seen": "1 for rows that were measured, 0 for others",
    "numbers": "see beamgym.envs.arpes_spot.window_input.window_input",
    "scores": "values at the encoder's levels of each of its outputs, one output after another, and the novelty",
}

_GIVEN = ("image", "seen", "numbers")
_REFERENCE_SEED, _REFERENCES = 2_000_009, 200


class _Observing(torch.nn.Module):
    """A network called with the observation as one mapping, as the exporter of policies calls one."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the network's answer."""
        answer: torch.Tensor = self.net(*(observation[name] for name in _GIVEN))
        return answer


def export_composed(
    net: ComposedNet, path: str | Path, origin: ScorerOrigin, card: str, overwrite: bool = False
) -> Path:
    """Write a composed scorer's bundle, all or nothing.

    Parameters
    ----------
    net : trained and calibrated
    path : the bundle's directory
    origin : where it comes from
    card : Markdown
    overwrite : replace a bundle that is there

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the network
    """
    net = net.eval()
    pairs = make_pairs(_REFERENCE_SEED, 0, _REFERENCES)
    given = {name: getattr(pairs, name) for name in _GIVEN}
    with torch.no_grad():
        scores = net(*(torch.from_numpy(part) for part in given.values())).numpy()

    def write(graph: Path) -> None:
        export_graph(_Observing(net).eval(), INPUT, graph, output="scores")

    encoder = Encoder(name=WINDOW_ENCODER, parameters={"outputs": list(LABELS), "levels": list(LEVELS)})
    reference = Reference(INPUT, given, scores, encoder=encoder, units=UNITS, least=-3.0)
    return write_scorer_bundle(Path(path), write, reference, origin, card, overwrite)
