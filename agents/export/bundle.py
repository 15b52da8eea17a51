"""Exports an SB3 model as a bundle: an ONNX graph from raw observation to clipped action, manifest, reference, card."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

import beamgym
from beamgym.agents.decisions import DeterministicPolicy, Normaliser, Passed, flat_parts, passed_wrappers, raw_space
from beamgym.agents.export.graph import export_graph
from beamgym.agents.export.references import Reference, check_equality, make_reference, sampled
from beamgym.envs.bundles import (
    CARD,
    MANIFEST,
    MIN_REFERENCE,
    MODEL,
    REFERENCE,
    STATE,
    Encoder,
    OnnxModel,
    SpaceSpec,
    Training,
    manifest_class,
    named_spaces,
    setting_entries,
)
from beamgym.envs.kinds import find_kind, kind_of_environment, resolve
from beamgym.physics.files import replacing_folder

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
    algorithm : what trained the state that is exported, where it is not what the model's class says
    """

    env_id: str
    command: str
    seeds: tuple[int, int]
    steps: int = 0
    encoder: str = "spots"
    encoder_parameters: Mapping[str, Any] | None = None
    algorithm: str = ""


def export_bundle(
    model: BaseAlgorithm,
    context: Any,
    path: str | Path,
    *,
    origin: Origin,
    observations: Mapping[str, NDArray[Any]] | None = None,
    observation_space: spaces.Space[Any] | None = None,
    normaliser: Normaliser = None,
    harmless: Collection[str] = (),
    card: str = "",
    overwrite: bool = False,
) -> Path:
    """Write a bundle, all or nothing.

    Parameters
    ----------
    model : of SB3 or sb3-contrib (see ``ALGORITHMS``), with a Box, Discrete or MultiDiscrete action. Around its
        environment may stand VecNormalize, VecFrameStack and VecTransposeImage: they go into the graph
    context : the environment's, which is described where its kind says how; None for an environment without one
    path : the bundle's directory; its last part is the bundle's name
    origin : where the model comes from
    observations : (n, ...) arrays by name, n from 200 to 4096, raw as the environment gives them; drawn from the
        space where none are given, which says less than observations of real episodes. Those at which rounding alone
        decides the action are left out: processors would differ there
    observation_space : of one environment, raw; that of the model's environment where none is given
    normaliser : its observation statistics go into the graph; the one around the model's environment, if there is one,
        where none is given. False says that a model without an environment saw its observations as they are
    harmless : names of wrappers around the environment that change neither observations nor actions
    card : Markdown; a short one is made where it is empty
    overwrite : replace a bundle that is there

    Returns
    -------
    The bundle's directory

    Raises
    ------
    ValueError : too few observations, a directory that is there, a wrapper that would be missing, a model of which
        nobody says what it saw, or a graph that disagrees with the model
    TypeError : another kind of policy or action
    """
    passed = passed_wrappers(model, normaliser, harmless)
    space = observation_space or raw_space(model)
    with replacing_folder(path, overwrite) as draft, _on_cpu(model):
        policy = DeterministicPolicy(model, space, passed).eval()
        given = observations or sampled(space, 2 * MIN_REFERENCE if policy.memory else MIN_REFERENCE)
        reference = make_reference(policy, model, passed, space, given)
        _write(draft, policy, model, context, origin, reference, space, passed, card)
        check_equality(OnnxModel.load(draft), reference)
    return Path(path)


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


def _write(
    folder: Path,
    policy: DeterministicPolicy,
    model: BaseAlgorithm,
    context: Any,
    origin: Origin,
    reference: Reference,
    observation_space: spaces.Space[Any],
    passed: Passed,
    card: str,
) -> None:
    export_graph(policy, observation_space, folder / MODEL, memory=policy.memory)
    np.savez_compressed(folder / REFERENCE, allow_pickle=False, **reference.arrays())
    (folder / CARD).write_text(card or _plain_card(folder.name, origin), encoding="utf-8")
    parts = named_spaces(observation_space)
    described = setting_entries(context)
    kind = find_kind(context) or kind_of_environment(origin.env_id)
    units = {**COMMON_UNITS, **({} if kind is None else resolve(kind.units))}
    if flat := flat_parts(model):
        units["observation"] = "; ".join(f"{name}: {units[name]}" for name in flat if name in units)
    normalised = any(isinstance(one, VecNormalize) and one.norm_obs for one in passed)
    if policy.memory:
        described = {**described, STATE: {name: SpaceSpec.of(part) for name, part in policy.memory.items()}}
    manifest = manifest_class(described)(
        beamgym_version=beamgym.__version__,
        env_id=origin.env_id,
        observation_space={name: SpaceSpec.of(space) for name, space in parts.items()},
        action_space=SpaceSpec.of(model.action_space),
        units={name: units[name] for name in (*parts, "action") if name in units},
        encoder=_encoder(model, origin, parts),
        normaliser="inside the graph" if normalised else "none",
        training=Training(
            command=origin.command,
            algorithm=origin.algorithm or type(model).__name__,
            seeds=origin.seeds,
            steps=origin.steps,
        ),
        **described,
        files={name: _digest(folder / name) for name in (MODEL, REFERENCE, CARD)},
    )
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _encoder(model: BaseAlgorithm, origin: Origin, parts: Collection[str]) -> Encoder:
    """Return which encoder gave what a model saw, and of which parts one array of the environment's own was made."""
    flat: list[Any] = list(flat_parts(model))
    name = "estimate" if "estimate" in (flat or parts) else origin.encoder
    return Encoder(name=name, parameters={**(origin.encoder_parameters or {}), **({"flat": flat} if flat else {})})


def _plain_card(name: str, origin: Origin) -> str:
    return (
        f"# {name}\n\nA policy for `{origin.env_id}`, trained on environment seeds {origin.seeds[0]} to "
        f"{origin.seeds[1]} by\n\n```\n{origin.command}\n```\n"
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
