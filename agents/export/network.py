"""Any network that is no policy as a bundle: graph, manifest, reference and card, written whole or not at all."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gymnasium import spaces

import beamgym
from beamgym.envs.bundles import CARD, MANIFEST, MODEL, REFERENCE, Encoder, Manifest, OnnxModel, SpaceSpec, Training
from beamgym.physics.files import replacing_folder
from beamgym.physics.instrument import Float32Array


@dataclass(frozen=True)
class NetworkBundle:
    """What a bundle says of a network.

    Parameters
    ----------
    kind : as in the manifest
    env_id : the environment it belongs to
    space, answer : what it is given, and what it gives
    units : of each part of what it is given, and of its answer
    encoder : what makes its input
    training : where it comes from
    given : (n, ...) inputs by name, by which the graph is checked whenever it is loaded
    answers : (n, ...) the network's own answers to them
    card : Markdown
    tolerance : how far the graph's answers may be from those
    """

    kind: str
    env_id: str
    space: spaces.Dict
    answer: spaces.Box
    units: dict[str, str]
    encoder: Encoder
    training: Training
    given: dict[str, Float32Array] = field(repr=False)
    answers: Float32Array = field(repr=False)
    card: str = field(repr=False)
    tolerance: float


def write_network(
    bundle: NetworkBundle,
    path: Path,
    write: Callable[[Path], None],
    overwrite: bool = False,
    check: Callable[[Float32Array], None] | None = None,
) -> Path:
    """Write a network's bundle, all or nothing.

    Parameters
    ----------
    bundle : what is said of it
    path : its directory
    write : writes the graph to a file
    overwrite : replace a bundle that is there
    check : is given the graph's answers to the reference, and raises where they will not do

    Raises
    ------
    ValueError : a directory that is there, or a graph that disagrees with the network
    """
    with replacing_folder(path, overwrite) as draft:
        write(draft / MODEL)
        pairs = {f"observation/{name}": values for name, values in bundle.given.items()}
        np.savez_compressed(draft / REFERENCE, allow_pickle=False, action=bundle.answers, **pairs)
        (draft / CARD).write_text(bundle.card, encoding="utf-8")
        text = json.dumps(_manifest(bundle, draft).model_dump(mode="json"), indent=1, ensure_ascii=False)
        (draft / MANIFEST).write_text(text + "\n", encoding="utf-8")
        answers = OnnxModel.load(draft).predict(bundle.given, batch=None)
        worst = float(np.abs(answers - bundle.answers).max())
        if worst > bundle.tolerance:
            raise ValueError(
                f"the exported graph differs from the model by {worst:.2g}, more than {bundle.tolerance:.0e}"
            )
        if check is not None:
            check(answers)
    return path


def _manifest(bundle: NetworkBundle, folder: Path) -> Manifest:
    return Manifest(
        kind=bundle.kind,  # type: ignore[arg-type]  # validated there
        beamgym_version=beamgym.__version__,
        env_id=bundle.env_id,
        observation_space={name: SpaceSpec.of(space) for name, space in bundle.space.items()},
        action_space=SpaceSpec.of(bundle.answer),
        units=bundle.units,
        encoder=bundle.encoder,
        normaliser="none",
        training=bundle.training,
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (MODEL, REFERENCE, CARD)},
    )
