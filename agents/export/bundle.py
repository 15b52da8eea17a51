"""Exports an SB3 model as a bundle: an ONNX graph from raw observation to clipped action, manifest, reference, card."""

import copy
import hashlib
import json
import logging
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
from stable_baselines3.common.vec_env import VecNormalize, VecTransposeImage

import beamgym
from beamgym.agents.export.decided import decided
from beamgym.agents.export.deterministic import DeterministicPolicy
from beamgym.envs.bundles import (
    CARD,
    MANIFEST,
    MAX_REFERENCE,
    MIN_REFERENCE,
    MODEL,
    REFERENCE,
    REFERENCE_TOLERANCE,
    Encoder,
    OnnxModel,
    SpaceSpec,
    Training,
    manifest_class,
    named_spaces,
    scale_of,
    setting_entries,
)
from beamgym.envs.kinds import find_kind, kind_of_environment, resolve
from beamgym.physics.files import replacing_folder

BUNDLE_TOLERANCE = 1e-5
"""How far the graph's action may be from the model's own, for actions up to 1; float32 products differ by some 1e-7."""

COMMON_UNITS = {
    "budget": "remaining exposures, or beam time, / budget",
    "action": "dimensionless, -1..1; the last number declares above 0",
}
"""What the numbers are that environments of every kind have; what else is observed, the kind's row says."""


@dataclass(frozen=True)
class Origin:
    """The origin of a model, for the manifest's ``training`` and ``encoder``.

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
    observations: Mapping[str, NDArray[Any]] | None = None,
    observation_space: spaces.Space[Any] | None = None,
    normaliser: VecNormalize | None = None,
    card: str = "",
    overwrite: bool = False,
) -> Path:
    """Write a bundle, all or nothing.

    Parameters
    ----------
    model : PPO, A2C, SAC, TD3 or TQC with a Box action
    context : the environment's, which is described where its kind says how; None for an environment without one
    path : the bundle's directory; its last part is the bundle's name
    origin : where the model comes from
    observations : (n, ...) arrays by name, n from 200 to 4096, raw as the environment gives them; drawn from the
        space where none are given, which says less than observations of real episodes. Those at which rounding alone
        decides the action are left out: processors would differ there
    observation_space : of one environment, raw; that of the model's environment where none is given
    normaliser : its observation statistics go into the graph; the one around the model's environment, if there is one,
        where none is given
    card : Markdown; a short one is made where it is empty
    overwrite : replace a bundle that is there

    Returns
    -------
    The bundle's directory

    Raises
    ------
    ValueError : too few observations, a directory that is there, or a graph that disagrees with the model
    """
    normaliser = normaliser or model.get_vec_normalize_env()
    space = observation_space or raw_space(model)
    given = sampled(space) if observations is None else observations
    with replacing_folder(path, overwrite) as draft, _on_cpu(model):
        policy = DeterministicPolicy(model, space, normaliser).eval()
        given = _clear(policy, scale_of(SpaceSpec.of(model.action_space)), given)
        _write(draft, policy, model, context, origin, given, space, normaliser, card)
        _check_equality(OnnxModel.load(draft), model, normaliser, given)
    return Path(path)


def raw_space(model: BaseAlgorithm) -> spaces.Space[Any]:
    """Return the observation space of the model's environment, before SB3 normalises it or moves an image's channel.

    Raises
    ------
    ValueError : for a model without an environment
    """
    env = model.get_env()
    if env is None:
        raise ValueError("the model has no environment; give the observation_space of the one it was trained in")
    while isinstance(env, VecNormalize | VecTransposeImage):
        env = env.venv
    space: spaces.Space[Any] = env.observation_space
    return space


def sampled(space: spaces.Space[Any], count: int = MIN_REFERENCE) -> dict[str, NDArray[Any]]:
    """Return observations (count, ...) by name, drawn from a space with a generator of their own."""
    parts = {name: copy.deepcopy(part) for name, part in named_spaces(space).items()}
    for seed, part in enumerate(parts.values()):
        part.seed(seed)
    return {name: np.stack([part.sample() for _ in range(count)]) for name, part in parts.items()}


def export_graph(
    policy: torch.nn.Module, observation_space: spaces.Space[Any], path: Path, output: str = "action"
) -> None:
    """Write a network as ONNX with the observation's names as inputs, one output and a free batch dimension."""
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
            output_names=[output],
            opset_version=18,
            dynamo=True,
            optimize=False,  # its optimiser takes a summand of 1e-18, there to keep a root from 0, for no summand
            verbose=False,
        )
        program.save(str(path), external_data=False)


@contextmanager
def _on_cpu(model: BaseAlgorithm) -> Iterator[None]:
    """Move the model's policy to the CPU within a block, and restore device and mode: training may go on afterwards."""
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


def _clear(
    policy: DeterministicPolicy, scale: float, observations: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the observations without those at which rounding alone decides the action."""
    count = min(len(values) for values in observations.values())
    if count < MIN_REFERENCE:
        raise ValueError(f"{count} reference observations were given; a bundle needs at least {MIN_REFERENCE}")
    if count > MAX_REFERENCE:
        raise ValueError(f"{count} reference observations were given; a bundle holds at most {MAX_REFERENCE}")
    clear = decided(policy, observations, REFERENCE_TOLERANCE * scale)
    if clear.sum() < MIN_REFERENCE:
        raise ValueError(
            f"at {count - clear.sum()} of {count} reference observations rounding alone decides the action, and a "
            f"bundle needs {MIN_REFERENCE} others; give more observations, or train on"
        )
    return {name: np.asarray(values)[clear] for name, values in observations.items()}


def _write(
    folder: Path,
    policy: DeterministicPolicy,
    model: BaseAlgorithm,
    context: Any,
    origin: Origin,
    observations: Mapping[str, NDArray[Any]],
    observation_space: spaces.Space[Any],
    normaliser: VecNormalize | None,
    card: str,
) -> None:
    export_graph(policy, observation_space, folder / MODEL)
    actions = predict_raw(model, normaliser, observations)
    pairs = {f"observation/{name}": np.asarray(values) for name, values in observations.items()}
    np.savez_compressed(folder / REFERENCE, allow_pickle=False, action=actions, **pairs)
    (folder / CARD).write_text(card or _plain_card(folder.name, origin), encoding="utf-8")
    parts = named_spaces(observation_space)
    described = setting_entries(context)
    kind = find_kind(context) or kind_of_environment(origin.env_id)
    units = {**COMMON_UNITS, **({} if kind is None else resolve(kind.units))}
    manifest = manifest_class(described)(
        beamgym_version=beamgym.__version__,
        env_id=origin.env_id,
        observation_space={name: SpaceSpec.of(space) for name, space in parts.items()},
        action_space=SpaceSpec.of(model.action_space),
        units={name: units[name] for name in (*parts, "action") if name in units},
        encoder=Encoder(name=origin.encoder, parameters=dict(origin.encoder_parameters or {})),
        normaliser="inside the graph" if normaliser is not None else "none",
        training=Training(
            command=origin.command, algorithm=type(model).__name__, seeds=origin.seeds, steps=origin.steps
        ),
        **described,
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
    tolerance = BUNDLE_TOLERANCE * scale_of(bundle.manifest.action_space)
    if not worst <= tolerance:
        raise ValueError(f"the exported graph differs from the model by {worst:.2g}, more than {tolerance:.0e}")


def _plain_card(name: str, origin: Origin) -> str:
    return (
        f"# {name}\n\nA policy for `{origin.env_id}`, trained on environment seeds {origin.seeds[0]} to "
        f"{origin.seeds[1]} by\n\n```\n{origin.command}\n```\n"
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
