"""Writes a trained denoiser as a bundle: graph, checksums, reference tiles, a card, and its calibration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from gymnasium import spaces

from beamgym.agents.denoising.data import Frames
from beamgym.agents.denoising.nets import Denoiser
from beamgym.agents.export import NetworkBundle, export_graph, write_network
from beamgym.envs.bundles import MIN_FRAMES, Encoder, Training
from beamgym.envs.denoising import DENOISER_ENV_ID, ENCODER, TILE
from beamgym.physics.instrument import Float32Array

INPUT = spaces.Dict({"counts": spaces.Box(0.0, 1e7, (TILE, TILE), np.float32)})
_ANSWER = spaces.Box(-20.0, 20.0, (2, TILE, TILE), np.float32)
_UNITS = {"counts": "counts", "rates": "log of the rate in counts, and log of its relative standard deviation"}
_TOLERANCE = 5e-4  # float32, of logarithms


@dataclass(frozen=True)
class DenoiserOrigin:
    """The origin of a denoiser: command, algorithm, seed and number of patches, and what was measured afterwards."""

    command: str
    algorithm: str
    seed: int
    patches: int
    scene: str
    calibration: dict[str, Any]


class _Observing(torch.nn.Module):
    def __init__(self, net: Denoiser) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the network's answer to the tiles of an observation."""
        answer: torch.Tensor = self.net(observation["counts"])
        return answer


def reference_tiles(frames: Frames, seed: int = 2_000_009) -> Float32Array:
    """Return tiles of counted frames by which a bundle is checked whenever it is loaded."""
    draw, tiles = np.random.default_rng(seed), []
    for number in range(MIN_FRAMES):
        frame = frames.first[number % len(frames.first)]
        whole = np.pad(frame, [(0, max(0, TILE - length)) for length in frame.shape], mode="reflect")[:TILE, :TILE]
        tiles.append(whole if frames.counted else draw.poisson(whole))
    return np.stack(tiles).astype(np.float32)


def export_denoiser(
    net: Denoiser, path: str | Path, origin: DenoiserOrigin, card: str, tiles: Float32Array, overwrite: bool = False
) -> Path:
    """Write a denoiser's bundle, all or nothing.

    Parameters
    ----------
    net : trained
    path : the bundle's directory
    origin : where it comes from
    card : Markdown
    tiles : (n, 240, 240) counts, see ``reference_tiles``
    overwrite : replace a bundle that is there

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the network
    """
    net = net.eval()
    with torch.no_grad():
        answer = net(torch.from_numpy(tiles)).numpy()
    rounded = np.round(answer * 2**14) / np.float32(2**14)  # below the tolerance, and packs to half the size

    def write(graph: Path) -> None:
        export_graph(_Observing(net), INPUT, graph, output="rates")
        _strip(graph)

    described = NetworkBundle(
        kind="denoiser",
        env_id=DENOISER_ENV_ID,
        space=INPUT,
        answer=_ANSWER,
        units=_UNITS,
        encoder=Encoder(name=ENCODER, parameters={"scene": origin.scene, **origin.calibration}),
        training=Training(
            command=origin.command, algorithm=origin.algorithm, seeds=(origin.seed, origin.seed), steps=origin.patches
        ),
        given={"counts": tiles},
        answers=rounded.astype(np.float32),
        card=card,
        tolerance=_TOLERANCE,
    )
    return write_network(described, Path(path), write, overwrite)


def _strip(path: Path) -> None:
    """Take out of a graph what its exporter noted about its own source, a third of the file."""
    graph = onnx.load(str(path))
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(graph, str(path))
