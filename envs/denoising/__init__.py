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

__all__ = [
    "DENOISER_ENV_ID",
    "ENCODER",
    "FIELD",
    "HALO",
    "TILE",
    "Denoised",
    "FrameDenoiser",
    "noise_ratio",
    "shipped_denoiser",
]
