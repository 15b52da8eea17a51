"""Bands found in a cube: the theory aligned, each band by a Markov random field, or all of them by a joint model."""

from beamgym.physics.bands.reconstruct.align import SCALES, Alignment, AlignSettings, align
from beamgym.physics.bands.reconstruct.joint import JointResult, JointSettings, polish, reconstruct_joint
from beamgym.physics.bands.reconstruct.mrf import MrfResult, MrfSettings, log_intensity, reconstruct_mrf
from beamgym.physics.bands.reconstruct.pointwise import pointwise_fits

__all__ = [
    "SCALES",
    "AlignSettings",
    "Alignment",
    "JointResult",
    "JointSettings",
    "MrfResult",
    "MrfSettings",
    "align",
    "log_intensity",
    "pointwise_fits",
    "polish",
    "reconstruct_joint",
    "reconstruct_mrf",
]
