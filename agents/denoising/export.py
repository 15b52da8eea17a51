"""Writes a trained denoiser as a bundle: graph, checksums, reference tiles, a card, and its calibration."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from gymnasium import spaces

import beamgym
from beamgym.agents.denoising.data import Frames
from beamgym.agents.denoising.nets import Denoiser
from beamgym.agents.export import export_graph
from beamgym.envs.bundles import (
    CARD,
    MANIFEST,
    MIN_FRAMES,
    MODEL,
    REFERENCE,
    Encoder,
    Manifest,
    OnnxModel,
    SpaceSpec,
    Training,
)
from beamgym.envs.denoising import DENOISER_ENV_ID, ENCODER, TILE
from beamgym.physics.files import replacing_folder
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
    with replacing_folder(Path(path), overwrite) as draft:
        export_graph(_Observing(net), INPUT, draft / MODEL, output="rates")
        _strip(draft / MODEL)
        pairs = {"observation/counts": tiles}
        np.savez_compressed(draft / REFERENCE, allow_pickle=False, action=rounded.astype(np.float32), **pairs)
        (draft / CARD).write_text(card, encoding="utf-8")
        _write_manifest(draft, origin)
        found = OnnxModel.load(draft).predict({"counts": tiles}, batch=None)
        worst = float(np.abs(found - answer).max())
        if worst > _TOLERANCE:
            raise ValueError(f"the exported graph differs from the model by {worst:.2g}, more than {_TOLERANCE:.0e}")
    return Path(path)


def _strip(path: Path) -> None:
    """Take out of a graph what its exporter noted about its own source, a third of the file."""
    graph = onnx.load(str(path))
    for part in (graph, graph.graph, *graph.graph.node, *graph.graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(graph, str(path))


def _write_manifest(folder: Path, origin: DenoiserOrigin) -> None:
    manifest = Manifest(
        kind="denoiser",
        beamgym_version=beamgym.__version__,
        env_id=DENOISER_ENV_ID,
        observation_space={name: SpaceSpec.of(space) for name, space in INPUT.items()},
        action_space=SpaceSpec.of(_ANSWER),
        units=_UNITS,
        encoder=Encoder(name=ENCODER, parameters={"scene": origin.scene, **origin.calibration}),
        normaliser="none",
        training=Training(
            command=origin.command, algorithm=origin.algorithm, seeds=(origin.seed, origin.seed), steps=origin.patches
        ),
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (MODEL, REFERENCE, CARD)},
    )
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")
