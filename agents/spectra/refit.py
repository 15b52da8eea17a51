"""Trains the ood classifier of a shipped scorer again, from its bundle alone; every score stays as it is."""

from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from beamgym.agents.spectra.card import refitted_card
from beamgym.agents.spectra.config import ScorerConfig
from beamgym.agents.spectra.export import ScorerOrigin, export_scorer
from beamgym.agents.spectra.net import BACKBONES, ScorerNet
from beamgym.agents.spectra.ood import train_ood_classifier
from beamgym.agents.spectra.windows import Progress, usual_and_cut
from beamgym.envs.bundles import CARD, MODEL, OnnxModel

_TRAINED_AGAIN = "doubt."  # the classifier's weights in a network's state
_NOT_IN_A_GRAPH = "num_batches_tracked"
_WITHIN = "net."


def refit_ood(
    bundle: str | Path,
    target: str | Path,
    config: ScorerConfig,
    seed: int,
    command: str,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a scorer's bundle with its ood classifier trained again.

    Parameters
    ----------
    bundle : directory of a network that ``beamgym train arpes-scorer`` exported
    target : directory of the new one
    config : says on how many spectra, and whether on published ones only
    seed : of the ood pictures and of the training
    command : what the card says of how to do it again
    overwrite : replace a bundle that is there
    progress : called with phase, done and total

    Returns
    -------
    The new bundle's directory

    Raises
    ------
    BundleError : a bundle that cannot be read
    ValueError : one that holds no such network, a target that is there, or a score that would change by a bit
    """
    model, net = OnnxModel.load(bundle), load_net(bundle)
    usual, cut = usual_and_cut(config.novelty, config.usual, progress)
    train_ood_classifier(net.doubt, usual, cut, seed)
    made = model.manifest.training
    origin = ScorerOrigin(made.command, made.algorithm, made.seeds[0], made.steps)
    card = refitted_card((Path(bundle) / CARD).read_text(encoding="utf-8"), net.size, config.novelty, command)
    return export_scorer(net, target, origin, card, overwrite, unchanged=model)


def load_net(bundle: str | Path) -> ScorerNet:
    """Return the network of a scorer's bundle, as it was exported.

    Raises
    ------
    BundleError : a bundle that cannot be read
    ValueError : one that holds no network of ``ScorerNet``
    """
    manifest = OnnxModel.load(bundle).manifest
    backbone = manifest.training.algorithm.split(",")[0]
    if manifest.kind != "scorer" or backbone not in BACKBONES:
        raise ValueError(f"{bundle} holds no scoring network; give a bundle that beamgym train arpes-scorer wrote")
    net = ScorerNet(backbone)
    weights = _weights(Path(bundle) / MODEL)
    wanted = {name for name in net.state_dict() if not name.endswith(_NOT_IN_A_GRAPH)}
    old = {name for name in wanted if name.startswith(_TRAINED_AGAIN)}
    if missing := sorted(wanted - old - weights.keys()):
        raise ValueError(f"{bundle} lacks the weights {missing[0]}; it was written by another version of beamgym")
    net.load_state_dict({name: weights[name] for name in wanted - old}, strict=False)
    net.eval()
    return net


def _weights(graph: Path) -> dict[str, torch.Tensor]:
    tensors = onnx.load(str(graph)).graph.initializer
    return {
        tensor.name.removeprefix(_WITHIN): torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in tensors
    }
