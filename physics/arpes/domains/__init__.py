"""Domains in ARPES spectra: how many, where along the slit, and how much of each; estimators and simulated cuts."""

from beamgym.physics.arpes.domains.answer import MOST, CutDomains, alone, pair
from beamgym.physics.arpes.domains.autocorrelation import AutocorrelationSettings, autocorrelation_fit
from beamgym.physics.arpes.domains.canvas import CANVAS, Canvas, onto_canvas, whole_canvas
from beamgym.physics.arpes.domains.mixture import MixtureScan, MixtureSettings, decided, mixture_fit, scan_copies
from beamgym.physics.arpes.domains.peaks import PeakSettings, mdc_peaks
from beamgym.physics.arpes.domains.sample import PatternRelation, SampleDomains, sample_domains
from beamgym.physics.arpes.domains.simulated import (
    POPULATIONS,
    SMALLEST_DEG,
    SimulatedCuts,
    SimulatedSample,
    simulated_cuts,
    simulated_sample,
)

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
    "PatternRelation",
    "PeakSettings",
    "SampleDomains",
    "SimulatedCuts",
    "SimulatedSample",
    "alone",
    "autocorrelation_fit",
    "decided",
    "mdc_peaks",
    "mixture_fit",
    "onto_canvas",
    "pair",
    "sample_domains",
    "scan_copies",
    "simulated_cuts",
    "simulated_sample",
    "whole_canvas",
]
