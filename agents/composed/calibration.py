"""What share of errors lies within how many scales: measured after the training, on spectra of no training."""

import numpy as np
import torch

from beamgym.agents.composed.data import make_pairs
from beamgym.agents.composed.net import ComposedNet
from beamgym.agents.composed.trainer import Progress, inputs
from beamgym.envs.arpes_spot import LEVELS

CALIBRATION_SEED = 2_000_005
_BATCH = 256


@torch.no_grad()
def calibrate(net: ComposedNet, spectra: int, progress: Progress) -> None:
    """Set how many scales from the median each level of the outputs' distributions lies, on ``spectra`` spectra.

    The median is left where the network says: only the spread about it is measured, on both sides apart.
    """
    net.eval()
    away = []
    batches = spectra // _BATCH
    for i in range(batches):
        pairs = make_pairs(CALIBRATION_SEED, i, _BATCH)
        means, scales = net.heads(*inputs(pairs))
        off = (torch.from_numpy(pairs.labels) - means) / scales
        away.append(torch.where(torch.from_numpy(pairs.known), off, torch.nan).numpy())
        progress("calibration", i + 1, batches)
    found = np.nanquantile(np.concatenate(away), LEVELS, axis=0).T
    found[:, LEVELS.index(0.5)] = 0.0
    net.quantiles.copy_(torch.from_numpy(np.sort(found, axis=1).astype(np.float32)))
