"""The methods of the suite: a network out of a bundle as one more, and rivals tuned on scenes of their own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from beamgym.agents.denoising import Rival, rivals
from beamgym.envs.denoising import FrameDenoiser, shipped_denoiser
from beamgym.physics.arrays import BoolArray, Float64Array

NETWORK = "network"
USUAL = ("raw", "gaussian", "median", "nlm", "tv")


def _named(name: str) -> FrameDenoiser:
    """Return the denoiser of a bundle's directory, or a shipped one by its name."""
    shipped = Path(str(files("beamgym.envs.models"))) / name
    return FrameDenoiser.load(shipped if not Path(name).is_dir() and shipped.is_dir() else Path(name))


def as_method(denoiser: FrameDenoiser) -> Rival:
    """Return a denoiser as a method; what it masks is 0."""

    def method(counts: Float64Array, mask: BoolArray) -> Float64Array:
        rate = denoiser(counts, mask).rate
        rate[mask] = 0.0
        return rate

    return Rival(denoiser.name, "bundle", method)


def tuned(names: Sequence[str], score: Callable[[Rival], float]) -> dict[str, Rival]:
    """Return the best setting of every rival by a score that is larger for better, judged on tuning scenes only."""
    return {name: max(settings, key=score) for name, settings in rivals(tuple(names)).items()}


@dataclass(frozen=True)
class Asked:
    """What is judged: how many frames, of which seed, which bundles beside the shipped one, and whom to tell."""

    frames: int
    seed: int
    bundles: tuple[str, ...]
    told: Callable[[str], None]

    def denoisers(self, scene: str) -> list[FrameDenoiser]:
        """Return the shipped network, and those that were named."""
        return [shipped_denoiser(scene), *map(_named, self.bundles)]

    def named(self, names: Sequence[str]) -> list[FrameDenoiser]:
        """Return shipped networks by name, and those that were asked for."""
        return [_named(name) for name in (*names, *self.bundles)]

    def networks(self, scene: str) -> list[Rival]:
        """Return the same as methods."""
        return [as_method(denoiser) for denoiser in self.denoisers(scene)]
