"""Exports an SB3 model as a bundle: one ONNX graph from raw observation to clipped action, and what vouches for it."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

import beamgym
from beamgym.agents.deterministic import DeterministicPolicy
from beamgym.envs.onnx_manifest import (
    CARD,
    MANIFEST,
    MODEL,
    REFERENCE,
    AxisSpec,
    DetectorSpec,
    Encoder,
    Manifest,
    Setting,
    SpaceSpec,
    Training,
)
from beamgym.envs.onnx_model import OnnxModel, named_spaces

MIN_REFERENCE = 200
EQUALITY = 1e-5
"""How far the graph's action may be from the model's own; float32 matrix products differ by a few 1e-7."""

UNITS = {
    "spots": "rows [nx, ny, nz, log intensity, present]; unit plane normals in the lab frame",
    "expected": "as spots, of the target pattern at the goal pose",
    "axes": "rows [fraction of travel, margin to the low limit / 180 deg, to the high limit / 180 deg, present]",
    "last_move": "rotation vector in the lab frame / 180 deg, and 1 where it was shortened",
    "budget": "remaining exposures / budget",
    "target": "goal orientation, crystal to lab, row by row; tolerance / 20 degrees",
    "image": "grey levels 0..255",
    "action": "dimensionless, -1..1; the last number declares above 0",
}


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: what the manifest's ``training`` and ``encoder`` say.

    Parameters
    ----------
    env_id : the environment's id with version
    command : the command that trains it again
    seeds : first and last environment seed of the training
    steps : environment steps of the training
    encoder : name of the observation encoder, with its parameters
    """

    env_id: str
    command: str
    seeds: tuple[int, int]
    steps: int = 0
    encoder: str = "spots"
    encoder_parameters: Mapping[str, Any] | None = None


def export_bundle(
    model: BaseAlgorithm,
    context: Any,
    path: str | Path,
    *,
    origin: Origin,
    observations: Mapping[str, NDArray[Any]],
    observation_space: spaces.Space[Any],
    normaliser: VecNormalize | None = None,
    card: str = "",
    overwrite: bool = False,
) -> Path:
    """Write a bundle, all or nothing.

    Parameters
    ----------
    model : PPO, A2C, SAC, TD3 or another SB3 model with a Box action
    context : the environment's AlignContext, or None for an environment without one
    path : the bundle's directory; its last part is the bundle's name
    origin : where the model comes from
    observations : (n, ...) arrays by name, n at least 200, raw as the environment gives them
    observation_space : of one environment, raw
    normaliser : its observation statistics go into the graph
    card : Markdown; a short one is made where it is empty
    overwrite : replace a bundle that is there

    Returns
    -------
    The bundle's directory

    Raises
    ------
    ValueError : too few observations, a directory that is there, or a graph that disagrees with the model
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise ValueError(f"{path} exists; choose another name or overwrite it")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent)) / path.name
    try:
        draft.mkdir()
        with _on_cpu(model):
            _write(draft, model, context, origin, observations, observation_space, normaliser, card)
            _check_equality(OnnxModel.load(draft), model, normaliser, observations)
        if path.exists():
            os.replace(path, draft.parent / "replaced")
        os.replace(draft, path)
    finally:
        shutil.rmtree(draft.parent)
    return path


def setting_of(context: Any) -> Setting | None:
    """Describe an AlignContext for the manifest."""
    if context is None or not hasattr(context, "goniometer"):
        return None
    detector = context.detector
    return Setting(
        crystal=context.crystal.name,
        cell=_row(context.crystal.cell),
        goniometer=context.goniometer.name,
        axes=[_axis(axis) for axis in context.goniometer.axes],
        target=context.target.label,
        detector=DetectorSpec(
            origin_mm=_triple(detector.origin_mm),
            fast=_triple(detector.fast),
            slow=_triple(detector.slow),
            pixel_mm=float(detector.pixel_mm),
            shape=(int(detector.shape[0]), int(detector.shape[1])),
        ),
        band_kev=_row(context.beam.band_kev),
        tolerance_deg=float(context.tolerance_deg),
        max_rotation_deg=float(context.max_rotation_deg),
        action=context.action,
        exposures=int(context.exposures),
    )


def export_graph(policy: DeterministicPolicy, observation_space: spaces.Space[Any], path: Path) -> None:
    """Write a policy as ONNX with the observation's names as inputs, "action" as output and a free batch dimension."""
    names = list(named_spaces(observation_space))
    example = {
        name: torch.from_numpy(np.stack([space.sample() for _ in range(2)]))
        for name, space in named_spaces(observation_space).items()
    }
    batch = torch.export.Dim("batch", min=1, max=2**20)
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            policy,
            kwargs={"observation": example},
            dynamic_shapes={"observation": {name: {0: batch} for name in names}},
            input_names=names,
            output_names=["action"],
            opset_version=18,
            dynamo=True,
            optimize=False,  # its optimiser takes a summand of 1e-18, there to keep a root from 0, for no summand
            verbose=False,
        )
        program.save(str(path), external_data=False)


@contextmanager
def _on_cpu(model: BaseAlgorithm) -> Iterator[None]:
    """Lend the model's policy to the CPU, and put it back where and how it was: training may go on after an export."""
    device, training = model.policy.device, model.policy.training
    model.policy.to("cpu")
    try:
        yield
    finally:
        model.policy.to(device)
        model.policy.set_training_mode(training)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's notes on libraries that are not installed and not needed."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _write(
    folder: Path,
    model: BaseAlgorithm,
    context: Any,
    origin: Origin,
    observations: Mapping[str, NDArray[Any]],
    observation_space: spaces.Space[Any],
    normaliser: VecNormalize | None,
    card: str,
) -> None:
    count = min(len(values) for values in observations.values())
    if count < MIN_REFERENCE:
        raise ValueError(f"{count} reference observations were given; a bundle needs at least {MIN_REFERENCE}")
    policy = DeterministicPolicy(model, observation_space, normaliser).eval()
    export_graph(policy, observation_space, folder / MODEL)
    actions = predict_raw(model, normaliser, observations)
    pairs = {f"observation/{name}": np.asarray(values) for name, values in observations.items()}
    np.savez_compressed(folder / REFERENCE, allow_pickle=False, action=actions, **pairs)
    (folder / CARD).write_text(card or _plain_card(folder.name, origin), encoding="utf-8")
    parts = named_spaces(observation_space)
    manifest = Manifest(
        beamgym_version=beamgym.__version__,
        env_id=origin.env_id,
        observation_space={name: SpaceSpec.of(space) for name, space in parts.items()},
        action_space=SpaceSpec.of(model.action_space),
        units={name: UNITS[name] for name in (*parts, "action") if name in UNITS},
        encoder=Encoder(name=origin.encoder, parameters=dict(origin.encoder_parameters or {})),
        normaliser="inside the graph" if normaliser is not None else "none",
        training=Training(
            command=origin.command, algorithm=type(model).__name__, seeds=origin.seeds, steps=origin.steps
        ),
        setting=setting_of(context),
        files={name: _digest(folder / name) for name in (MODEL, REFERENCE, CARD)},
    )
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def predict_raw(
    model: BaseAlgorithm, normaliser: VecNormalize | None, observations: Mapping[str, NDArray[Any]]
) -> NDArray[np.float32]:
    """Return SB3's own deterministic actions (n, a) for raw observations."""
    raw: Any = dict(observations) if isinstance(model.observation_space, spaces.Dict) else observations["observation"]
    seen = raw if normaliser is None else normaliser.normalize_obs(raw)
    action: NDArray[np.float32] = model.predict(seen, deterministic=True)[0].astype(np.float32)
    return action


def _check_equality(
    bundle: OnnxModel,
    model: BaseAlgorithm,
    normaliser: VecNormalize | None,
    observations: Mapping[str, NDArray[Any]],
) -> None:
    worst = float(np.abs(bundle.predict(observations) - predict_raw(model, normaliser, observations)).max())
    if worst > EQUALITY:
        raise ValueError(f"the exported graph differs from the model by {worst:.2g}, more than {EQUALITY:.0e}")


def _plain_card(name: str, origin: Origin) -> str:
    return (
        f"# {name}\n\nA policy for `{origin.env_id}`, trained on environment seeds {origin.seeds[0]} to "
        f"{origin.seeds[1]} by\n\n```\n{origin.command}\n```\n"
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _axis(axis: Any) -> AxisSpec:
    unit: Any = "deg" if axis.kind == "rotation" else "mm"
    return AxisSpec(name=axis.name, kind=axis.kind, limits=axis.limits, unit=unit)


def _row(values: Any) -> Any:
    return tuple(float(value) for value in np.ravel(values))  # how many there must be, the manifest checks


def _triple(values: Any) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in np.ravel(values))
    return x, y, z
