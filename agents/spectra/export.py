"""Writes a trained scorer as a bundle: graph, checksums, reference spectra and a card."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces

from beamgym.agents.export import NetworkBundle, export_graph, write_network
from beamgym.agents.spectra.data import make_examples
from beamgym.agents.spectra.net import ScorerNet
from beamgym.envs.arpes_spot import COMPONENTS, FEATURES, SCORE_DEFINITIONS, SIDE
from beamgym.envs.bundles import Encoder, OnnxModel, Training
from beamgym.physics.instrument import Float32Array

SCORER_ENV_ID = "beamgym/ArpesSpot-v0"
SCORER_TOLERANCE = 1e-3
"""How far a graph's scores may be from the model's: float32, on a scale of 0 to 10."""

SCORES = len(SCORE_DEFINITIONS) * len(COMPONENTS)
"""Columns of the graph's answer that are scores; uncertainties and the ood value follow."""

_REFERENCE_SEED = 1_000_005
_REFERENCES = 200

SCORER_ENCODER = Encoder(
    name="scoring", parameters={"components": list(COMPONENTS), "readings": list(SCORE_DEFINITIONS)}
)

INPUT = spaces.Dict(
    {
        "image": spaces.Box(0.0, 8.0, (SIDE, SIDE), np.float32),
        "intensity": spaces.Box(0.0, 10.0, (FEATURES,), np.float32),
    }
)
"""What a scorer is given; see ``envs.arpes_spot.scorer_input``."""

SCORER_UNITS = {
    "image": "square root of counts over their mean, rows energy rising, columns slit angle",
    "intensity": "see beamgym.envs.arpes_spot.scoring.scorer_input",
    "features": "see beamgym.agents.spectra.boosting.boosting_features",
    "scores": "S, B, N, total by each reading, the expected absolute errors of those, and the novelty",
}


class _Observing(torch.nn.Module):
    """A network called with the observation as one mapping, as the exporter of policies calls one."""

    def __init__(self, net: torch.nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the network's scores."""
        scores: torch.Tensor = self.net(observation["image"], observation["intensity"])
        return scores


@dataclass(frozen=True)
class ScorerOrigin:
    """The origin of a scorer: the command that trains it again, its algorithm, and the spectra of its training."""

    command: str
    algorithm: str
    seed: int
    spectra: int


@dataclass(frozen=True)
class Reference:
    """Reference of a scorer: its input ``space``, at least 200 inputs ``given`` (n, ...), and their ``scores``.

    The first columns must be those of ``exact`` (n, k) to the last bit, where it is given. ``encoder`` and ``units``
    say what the inputs and the answer are, where they are not those of ``scorer_input``.
    """

    space: spaces.Dict
    given: dict[str, Float32Array]
    scores: Float32Array
    exact: Float32Array | None = None
    encoder: Encoder = field(default_factory=lambda: SCORER_ENCODER)
    units: dict[str, str] = field(default_factory=lambda: SCORER_UNITS)
    least: float = 0.0


def export_scorer(
    net: ScorerNet,
    path: str | Path,
    origin: ScorerOrigin,
    card: str,
    overwrite: bool = False,
    unchanged: OnnxModel | None = None,
) -> Path:
    """Write a scorer's bundle, all or nothing.

    Parameters
    ----------
    net : trained, with its ood value calibrated
    path : the bundle's directory
    origin : where it comes from
    card : Markdown
    overwrite : replace a bundle that is there
    unchanged : a scorer whose scores the new one must give, to the last bit

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the network or with the older scorer
    """
    examples = make_examples(_REFERENCE_SEED, 0, _REFERENCES)
    net = net.cpu().eval()
    with torch.no_grad():
        scores = net(torch.from_numpy(examples.image), torch.from_numpy(examples.intensity)).numpy()

    def write(graph: Path) -> None:
        export_graph(_Observing(net).eval(), INPUT, graph, output="scores")

    given = {"image": examples.image, "intensity": examples.intensity}
    exact = None if unchanged is None else unchanged.predict(given, batch=None)[:, :SCORES]
    return write_scorer_bundle(Path(path), write, Reference(INPUT, given, scores, exact), origin, card, overwrite)


def write_scorer_bundle(
    path: Path,
    write: Callable[[Path], None],
    reference: Reference,
    origin: ScorerOrigin,
    card: str,
    overwrite: bool = False,
) -> Path:
    """Write a bundle around any graph that scores; ``write(file)`` writes the graph. See ``export_scorer``."""
    described = NetworkBundle(
        kind="scorer",
        env_id=SCORER_ENV_ID,
        space=reference.space,
        answer=spaces.Box(reference.least, 10.0, reference.scores.shape[1:], np.float32),
        units={name: reference.units[name] for name in (*reference.space.spaces, "scores")},
        encoder=reference.encoder,
        training=Training(
            command=origin.command, algorithm=origin.algorithm, seeds=(origin.seed, origin.seed), steps=origin.spectra
        ),
        given=reference.given,
        answers=reference.scores,
        card=card,
        tolerance=SCORER_TOLERANCE,
    )

    def exact(answers: Float32Array) -> None:
        if reference.exact is not None and not np.array_equal(answers[:, :SCORES], reference.exact):
            raise ValueError("the new graph's scores are not the old one's; export it where the old one was exported")

    return write_network(described, path, write, overwrite, exact)
