"""What a trained denoiser makes of a counted frame: its rate, how far off that may be, and whether to believe it."""

from beamgym.envs.denoising.denoiser import (
    DENOISER_ENV_ID,
    ENCODER,
    FIELD,
    HALO,
    TILE,
    Denoised,
    FrameDenoiser,
    noise_ratio,
    shipped_denoiser,
)
from beamgym.envs.denoising.peaks import (
    GROUND_ENCODER,
    MOST_RISE,
    GroundNetwork,
    MeasuredPeak,
    check_places,
    shipped_ground,
)
from beamgym.envs.denoising.surroundings import FEATURES, CountedFrame, Surroundings, hidden_box, profile, surroundings

__all__ = [
    "DENOISER_ENV_ID",
    "ENCODER",
    "FEATURES",
    "FIELD",
    "GROUND_ENCODER",
    "HALO",
    "MOST_RISE",
    "TILE",
    "CountedFrame",
    "Denoised",
    "FrameDenoiser",
    "GroundNetwork",
    "MeasuredPeak",
    "Surroundings",
    "check_places",
    "hidden_box",
    "noise_ratio",
    "profile",
    "shipped_denoiser",
    "shipped_ground",
    "surroundings",
]
