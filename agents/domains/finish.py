"""Calibrates a trained network of domains, and writes its bundle with its card."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from gymnasium import spaces
from scipy.optimize import minimize_scalar
from torch import Tensor

from beamgym.agents.domains.data import CutBatch, checked_cuts
from beamgym.agents.domains.net import DomainNet
from beamgym.agents.domains.trainer import DomainsTrainer, answers
from beamgym.agents.export import NetworkBundle, export_graph, write_network
from beamgym.envs.bundles import Encoder, Training
from beamgym.envs.domains import BINS, DOMAINS_ENV_ID, ENCODER, NUMBERS, said
from beamgym.physics.arpes.domains import CANVAS
from beamgym.physics.arrays import Float64Array

CALIBRATION_SEED: Final = 2_000_003
_CALIBRATED, _REFERENCE = 2_000, 24
_FALSE: Final = 0.04
"""Share of calibration cuts with one domain, and two bands or more, that may be split: below the 5 % asked for."""
_HELD = 0.6827
_TOLERANCE = 2e-3  # float32; logits reach some tens

_TEXT = """# Domains in one ARPES cut

From counts over energy and angle to the number of domains (one, two, three), their offsets along the slit and their
weights, each with its error.

| | |
|---|---|
| learnt from | {usual:,} simulated cuts of usual resolution, {wide:,} of any; any dispersion of the recipe `full` |
| seen as | counted anew each time, {low:.0e} to {high:.0e} electrons; mirrored; cut to smaller windows |
| network | convolutions, their features laid over themselves at every shift, {size:,} weights |
| selected by | loss on cuts of other seeds: {best:.4f} |
| more than one domain | from a probability of {split:.3f}: {false:.0%} of single domains with two bands are split |
| errors | {spread:.3g} (offsets), {weight_spread:.3g} (weights) times what the network says: 68 % lie within |
| CPU time | {minutes:.0f} minutes of one core for the training, cuts included; seed {seed} |
| again | `{command}` |

For: cuts of 10° to 30° and 0.24 eV or more below the Fermi level whose bands are seen. Not for: domains that differ
across the slit or in azimuth, which show other bands; a Rashba pair, which is two copies along the slit and cannot be
told from two domains by one cut. Probabilities hold for simulated cuts of which about three in four show one domain.
Figures: `beamgym benchmark arpes-domains`; docs/domains.md.
"""


class _Observing(torch.nn.Module):
    def __init__(self, net: DomainNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: dict[str, Tensor]) -> Tensor:
        """Return the network's answer to the cuts of an observation."""
        answer: Tensor = self.net(observation["counts"], observation["rows"], observation["columns"])
        return answer


def finish_domains(trainer: DomainsTrainer, path: str | Path, command: str, overwrite: bool = False) -> Path:
    """Calibrate a trained network and write its bundle; returns the bundle's directory."""
    net = trainer.net.eval()
    batch = checked_cuts(CALIBRATION_SEED, _CALIBRATED, (1, 2))
    settings = calibrated(answers(net, batch).numpy().astype(np.float64), batch)
    config = trainer.config
    card = _TEXT.format(
        usual=config.usual,
        wide=config.wide,
        low=config.events[0],
        high=config.events[1],
        size=net.size,
        best=trainer.best,
        false=_FALSE,
        minutes=trainer.cpu_s / 60.0,
        seed=trainer.seed,
        command=command,
        **settings,
    )
    training = Training(
        command=command,
        algorithm="supervised, cross entropies and normal errors",
        seeds=(trainer.seed, trainer.seed),
        steps=trainer.epoch * config.steps * config.batch,
    )
    return export_domains(net, Path(path), Encoder(name=ENCODER, parameters=settings), training, card, batch, overwrite)


def calibrated(answer: Float64Array, batch: CutBatch) -> dict[str, Any]:
    """Return the probability from which a cut is split, and the factors on errors, by cuts of known domains.

    Parameters
    ----------
    answer : (n, 7 + 5 · 48) of the network
    batch : with one and two domains
    """
    odds = np.logaddexp(answer[:, 1], answer[:, 2]) - answer[:, 0]
    several = batch.number > 1

    def unlikely(single: float) -> float:
        return float(np.logaddexp(0.0, np.where(several, single - odds, odds - single)).sum())

    single = float(minimize_scalar(unlikely, bounds=(-4.0, 4.0), method="bounded").x)
    more = 1.0 / (1.0 + np.exp(np.clip(single - odds, -50.0, 50.0)))
    crowded = (batch.number == 1) & (batch.bands >= 2)
    split = float(np.quantile(more[crowded], 1.0 - _FALSE))
    offsets, weights = [], []
    for row in np.flatnonzero(batch.number == 2):
        one = said(answer[row], split, single=single)
        if one.number == 2:
            offsets.append(abs(one.offset_deg[1] - batch.offset_deg[row, 1]) / max(one.offset_error_deg[1], 1e-6))
            weights.append(abs(one.weight[0] - batch.weight[row, 0]) / one.weight_error[0])
    spread, weight_spread = (float(np.quantile(off, _HELD)) if off else 1.0 for off in (offsets, weights))
    named = {"split": split, "spread": spread, "weight_spread": weight_spread, "single": single}
    return {name: round(value, 4) for name, value in named.items()}


def export_domains(
    net: DomainNet, path: Path, encoder: Encoder, training: Training, card: str, batch: CutBatch, overwrite: bool
) -> Path:
    """Write a network of domains as a bundle, all or nothing.

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the network
    """
    rows, columns = CANVAS.shape
    space = spaces.Dict(
        {
            "counts": spaces.Box(0.0, 1e7, (rows, columns), np.float32),
            "rows": spaces.Box(0.0, 1.0, (rows,), np.float32),
            "columns": spaces.Box(0.0, 1.0, (columns,), np.float32),
        }
    )
    given = {name: getattr(batch, name)[:_REFERENCE].astype(np.float32) for name in ("counts", "rows", "columns")}
    with torch.no_grad():
        told = net(*(torch.from_numpy(given[name]) for name in ("counts", "rows", "columns"))).numpy()

    def write(graph: Path) -> None:
        export_graph(_Observing(net), space, graph, output="domains")
        _strip(graph)

    described = NetworkBundle(
        kind="domains",
        env_id=DOMAINS_ENV_ID,
        space=space,
        answer=spaces.Box(-1e4, 1e4, (NUMBERS + 5 * BINS,), np.float32),
        units={
            "counts": "electrons",
            "rows": "1 where measured",
            "columns": "1 where measured",
            "domains": "log odds of the number, logits of weights, histograms of offsets by columns of 0.25°",
        },
        encoder=encoder,
        training=training,
        given=given,
        answers=told.astype(np.float32),
        card=card,
        tolerance=_TOLERANCE,
    )
    return write_network(described, path, write, overwrite)


def _strip(path: Path) -> None:
    """Take out of a graph what its exporter noted about its own source."""
    graph = onnx.load(str(path))
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(graph, str(path))
