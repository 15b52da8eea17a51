"""Domains in ARPES spectra: how many, where along the slit, and how much of each; estimators and simulated cuts."""

from beamgym.physics.arpes.domains.answer import MOST, CutDomains, alone, pair
from beamgym.physics.arpes.domains.autocorrelation import AutocorrelationSettings, autocorrelation_fit
from beamgym.physics.arpes.domains.canvas import CANVAS, Canvas, onto_canvas, whole_canvas
from beamgym.physics.arpes.domains.mixture import MixtureScan, MixtureSettings, decided, mixture_fit, scan_copies
from beamgym.physics.arpes.domains.peaks import PeakSettings, mdc_peaks
from beamgym.physics.arpes.domains.simulated import POPULATIONS, SMALLEST_DEG, SimulatedCuts, simulated_cuts

__all__ = [
    "CANVAS",
    "MOST",
    "POPULATIONS",
    "SMALLEST_DEG",
    "AutocorrelationSettings",
    "Canvas",
    "CutDomains",
    "MixtureScan",
    "MixtureSettings",
    "PeakSettings",
    "SimulatedCuts",
    "alone",
    "autocorrelation_fit",
    "decided",
    "mdc_peaks",
    "mixture_fit",
    "onto_canvas",
    "pair",
    "scan_copies",
    "simulated_cuts",
    "whole_canvas",
]
