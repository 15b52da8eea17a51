"""Checks of an ``Experiment`` when it is made."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from beamgym.physics.arpes.experiment.conditions import Conditions
from beamgym.physics.arpes.experiment.parts import Domain

_SIGNED = ("photon_energy_ev", "work_function_ev", "charging_ev")
_POSITIVE_OR_ZERO = ("temperature_k", "energy_fwhm_ev", "angle_fwhm_deg", "electrons_per_pulse")


def check_experiment(conditions: Conditions) -> None:
    """Check what can be checked before anything is measured.

    Raises
    ------
    ValueError : numbers that are not finite, negative widths, temperatures or pulses, several orientations, no domain
        with a share, band weights that are no list of numbers ≥ 0, a gap together with kz broadening
    TypeError : domains that are not ``Domain``
    """
    for name in (*_SIGNED, *_POSITIVE_OR_ZERO):
        number = _one_number(name, getattr(conditions, name))
        if name in _POSITIVE_OR_ZERO and number < 0:
            raise ValueError(f"{name} must not be negative; found {number:g}")
    conditions.space_charge.apply(conditions.electrons_per_pulse, conditions.spot_mm, conditions.energy_fwhm_ev)
    for name in ("polar_deg", "tilt_deg", "azimuth_deg"):
        _one_number(name, getattr(conditions.geometry, name))
    _check_domains(conditions.domains)
    if conditions.band_weights is not None:
        weights = np.asarray(conditions.band_weights, dtype=np.float64)
        if weights.ndim > 1 or not np.all(np.isfinite(weights) & (weights >= 0)):
            raise ValueError("band_weights must be one number ≥ 0 for every band")
    if conditions.gap is not None and conditions.kz is not None:
        raise ValueError("a gap and kz broadening cannot be combined in one experiment; leave one out")


def _one_number(name: str, value: object) -> float:
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, not {value!r}") from None
    if array.shape != ():
        raise ValueError(f"{name} must be one number, found shape {array.shape}; make an experiment for each")
    if not np.isfinite(array):
        raise ValueError(f"{name} must be finite; found {array}")
    return float(array)


def _check_domains(domains: Iterable[Domain]) -> None:
    if not isinstance(domains, list | tuple):
        raise TypeError(f"domains must be a list of Domain, not {domains!r}")
    for domain in domains:
        if not isinstance(domain, Domain):
            raise TypeError(f"domains must hold Domain(share, polar_deg, …), not {domain!r}")
    if not sum(domain.share for domain in domains) > 0:
        raise ValueError("an experiment needs a domain with a share above 0; leave domains out for a single one")
