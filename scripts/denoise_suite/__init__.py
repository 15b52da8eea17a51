"""The suite `beamgym benchmark denoise`: what a denoiser is worth on its task, beside rivals that were tuned for it."""
