"""The calibration, the card and the bundle of a network that tells the ground under peaks."""

from pathlib import Path

import numpy as np
import torch
from gymnasium import spaces

from beamgym.agents.denoising.ground.trainer import GroundNet, GroundTrainer
from beamgym.agents.export import NetworkBundle, export_graph, write_network
from beamgym.envs.bundles import Encoder, Training
from beamgym.envs.denoising import DENOISER_ENV_ID, FEATURES, GROUND_ENCODER
from beamgym.physics.instrument import Float32Array

INPUT = spaces.Dict({"surroundings": spaces.Box(-30.0, 30.0, (FEATURES,), np.float32)})
_ANSWER = spaces.Box(-10.0, 10.0, (2,), np.float32)
_UNITS = {
    "surroundings": "logarithms of counts in cells over those expected of the level beside the peak, of these, of the "
    "level, and of the peak's standard deviations in pixels",
    "rates": "log of the ground over the level beside the peak, and log of its relative standard deviation",
}
_HELD, _PROVED, _TOLERANCE = 0.6827, 64, 1e-4

_TEXT = """# The ground under weak peaks: {scene}

From the counts about a place to the ground that is expected under a peak there. The peak's own counts are hidden from
it, so that what is left of them is the peak's, without a bias towards nothing.

| | |
|---|---|
| learnt from | {places:,} places in {frames:,} frames whose expected counts are known, satellites taken out |
| network | three layers, {size:,} weights, of the counts in 180 cells |
| loss | Poisson deviance of the ground under the peak |
| selected by | the same of the tuning split: {best:.3f} of the peak's own variance |
| uncertainty | {spread:.3g} times what the network says, so that 68 % of the tuning split's places lie within it |
| noise | simulated Poisson counts ("detector-realistic simulation"); no measured frame |
| CPU time | {minutes:.0f} minutes of one core; seed {seed} |
| again | `{command}` |

For: peaks at known places, of a known width, that are too weak to be fitted with their ground. Not for: places beside
which another peak stands that is in no list; widths of more than 9 pixels; frames of another kind. Figures:
`beamgym benchmark denoise --scene diffraction`; docs/denoising.md.
"""


class _Observing(torch.nn.Module):
    def __init__(self, net: GroundNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, observation: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the network's answer to surroundings."""
        answer: torch.Tensor = self.net(observation["surroundings"])
        return answer


def finish_ground(trainer: GroundTrainer, path: str | Path, command: str, overwrite: bool = False) -> Path:
    """Calibrate a trained network and write its bundle; returns the bundle's directory."""
    net = trainer.net.eval()
    spread, given = ground_spread(trainer), trainer.checks.told[:_PROVED]
    with torch.no_grad():
        answers: Float32Array = net(torch.from_numpy(given)).numpy()
    config = trainer.config
    places = trainer.epoch * config.steps * config.batch
    card = _TEXT.format(
        scene=config.scene,
        places=places,
        frames=config.frames,
        size=net.size,
        best=trainer.best,
        spread=spread,
        minutes=trainer.cpu_s / 60.0,
        seed=trainer.seed,
        command=command,
    )
    described = NetworkBundle(
        kind="denoiser",
        env_id=DENOISER_ENV_ID,
        space=INPUT,
        answer=_ANSWER,
        units=_UNITS,
        encoder=Encoder(name=GROUND_ENCODER, parameters={"scene": config.scene, "spread": round(spread, 4)}),
        training=Training(
            command=command, algorithm="ground, hidden peak", seeds=(trainer.seed, trainer.seed), steps=places
        ),
        given={"surroundings": given},
        answers=answers,
        card=card,
        tolerance=_TOLERANCE,
    )
    return write_network(
        described, Path(path), lambda graph: export_graph(_Observing(net), INPUT, graph, output="rates"), overwrite
    )


@torch.no_grad()
def ground_spread(trainer: GroundTrainer) -> float:
    """Return what makes the uncertainties as large as the errors on the tuning split are."""
    checks = trainer.checks
    answer = trainer.net(torch.from_numpy(checks.told)).numpy().astype(np.float64)
    off = np.abs(checks.level * np.exp(answer[:, 0]) / checks.ground - 1.0) / np.exp(answer[:, 1])
    return float(np.quantile(off, _HELD))
