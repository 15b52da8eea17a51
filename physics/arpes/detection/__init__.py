"""From bands to counts: resolution, background, the detector's response and its noise."""

from beamgym.physics.arpes.detection.background import Background, shirley
from beamgym.physics.arpes.detection.blur_kernels import REACH
from beamgym.physics.arpes.detection.kernels import BOLTZMANN_EV, DENSITY_WAVE, NO_GAP, PAIRING
from beamgym.physics.arpes.detection.measures_kernels import (
    LANES,
    add_to,
    folded,
    four_sums,
    lane_sum,
    lower,
    raise_to,
    row_sum,
)
from beamgym.physics.arpes.detection.noise import count, read_adc
from beamgym.physics.arpes.detection.noise_kernels import INVERSE, count_events, count_poisson, plain_sum
from beamgym.physics.arpes.detection.resolution import FWHM_PER_SIGMA, blur
from beamgym.physics.arpes.detection.response import Response, SpaceCharge, centre, gain_map, mesh
from beamgym.physics.arpes.detection.spectrum import Grid, Rendered, Scene, Window, band_intensity, detected, render

__all__ = [
    "BOLTZMANN_EV",
    "DENSITY_WAVE",
    "FWHM_PER_SIGMA",
    "INVERSE",
    "LANES",
    "NO_GAP",
    "PAIRING",
    "REACH",
    "Background",
    "Grid",
    "Rendered",
    "Response",
    "Scene",
    "SpaceCharge",
    "Window",
    "add_to",
    "band_intensity",
    "blur",
    "centre",
    "count",
    "count_events",
    "count_poisson",
    "detected",
    "folded",
    "four_sums",
    "gain_map",
    "lane_sum",
    "lower",
    "mesh",
    "plain_sum",
    "raise_to",
    "read_adc",
    "render",
    "row_sum",
    "shirley",
]
