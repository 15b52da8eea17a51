"""Every parameter of an ``Experiment`` by name, as written beside a spectrum."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.experiment.conditions import Conditions
from beamgym.physics.arpes.experiment.labels import self_energy_at
from beamgym.physics.arpes.experiment.parts import Value
from beamgym.physics.arrays import Float64Array

ERLAB_NAMES: Final = {"photon_energy_ev": "hv", "temperature_k": "sample_temp"}
"""Parameters that carry erlab's names."""

PIXELS: Final = {"eV": "energy_pixel_ev", "alpha": "slit_pixel_deg", "beta": "deflection_pixel_deg"}
"""Names of the pixel sizes along the axes."""

_DEEPEST = 4  # objects inside objects; what lies deeper is named, not opened


def experiment_record(conditions: Conditions, axes: Mapping[str, Float64Array]) -> dict[str, Value]:
    """Return every parameter of an experiment by name.

    Parameters
    ----------
    conditions : under which it was measured
    axes : of the spectrum; of a map with the energies it was integrated over as ``eV``

    Returns
    -------
    Numbers, text and arrays. Parts are joined by dots, ``bands.terms`` or ``domains.1.tilt_deg``; one that is left out
    is ``none``. Functions are recorded by name, with their bound parameters, and the constants and names in their body;
    the self-energy also by its values along ``eV``.
    """
    out: dict[str, Value] = {}
    for field in fields(conditions):
        value = getattr(conditions, field.name)
        if field.name == "geometry":
            _record_fields("", value, out, 1)
        else:
            _record(ERLAB_NAMES.get(field.name, field.name), value, out, 0)
    sigma = self_energy_at(conditions, axes["eV"])
    out["self_energy.real_ev"], out["self_energy.imag_ev"] = sigma.real.copy(), sigma.imag.copy()
    for name, axis in axes.items():
        out[PIXELS[name]] = float((axis[-1] - axis[0]) / (axis.size - 1))
    return out


def _record(name: str, value: Any, out: dict[str, Value], depth: int) -> None:
    if value is None:
        out[name] = "none"
    elif isinstance(value, str):
        out[name] = value
    elif isinstance(value, bool | np.bool_ | int | np.integer):
        out[name] = int(value)
    elif isinstance(value, float | np.floating):
        out[name] = float(value)
    elif isinstance(value, np.ndarray | list | tuple) and _numbers(value) is not None:
        array = _numbers(value)
        out[name] = array.item() if array is not None and array.ndim == 0 else array  # type: ignore[assignment]
    elif isinstance(value, list | tuple):
        out[name] = len(value)
        for i, part in enumerate(value):
            _record(f"{name}.{i}", part, out, depth + 1)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            _record(f"{name}.{key}", part, out, depth + 1)
    elif (is_dataclass(value) and not isinstance(value, type)) or not callable(value):
        out[name] = type(value).__name__
        _record_fields(f"{name}.", value, out, depth + 1)
    else:
        _record_function(name, value, out, depth + 1)


def _numbers(value: Any) -> NDArray[Any] | None:
    """Return numbers as an array, or nothing where they are none; an empty list is no array of numbers."""
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        return None
    if array.dtype == np.bool_:
        return array.astype(np.int64)
    return array if array.dtype.kind in "iufc" and (array.size or isinstance(value, np.ndarray)) else None


def _record_fields(prefix: str, value: Any, out: dict[str, Value], depth: int) -> None:
    """Record a dataclass's fields, or the public attributes of any other object."""
    if depth > _DEEPEST:
        return
    names = [field.name for field in fields(value)] if is_dataclass(value) else list(getattr(value, "__dict__", ()))
    for name in names:
        if not name.startswith("_"):
            _record(f"{prefix}{name}", getattr(value, name), out, depth)


def _record_function(name: str, function: Callable[..., Any], out: dict[str, Value], depth: int) -> None:
    bound: dict[str, Any] = {}
    if isinstance(function, functools.partial):
        bound = _bound(function)
        function = function.func
    out[name] = getattr(function, "__qualname__", type(function).__name__)
    if inspect.isfunction(function):
        bound = {**_captured(function), **_defaults(function), **bound}
        constants = [c for c in function.__code__.co_consts if isinstance(c, int | float) and not isinstance(c, bool)]
        if constants:
            out[f"{name}.constants"] = np.array(constants, dtype=np.float64)
        if function.__code__.co_names:
            out[f"{name}.names"] = " ".join(function.__code__.co_names)
    else:
        own = {"self": function.__self__} if inspect.ismethod(function) else getattr(function, "__dict__", {})
        bound = {**{key: part for key, part in own.items() if not key.startswith("_")}, **bound}
    if depth <= _DEEPEST:
        for key, part in bound.items():
            _record(f"{name}.{key}", part, out, depth)


def _bound(function: functools.partial[Any]) -> dict[str, Any]:
    """Return a partial function's arguments by name where its signature tells them, else by number."""
    try:
        return dict(inspect.signature(function.func).bind_partial(*function.args, **function.keywords).arguments)
    except (TypeError, ValueError):
        return {**{str(i): value for i, value in enumerate(function.args)}, **function.keywords}


def _captured(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what a function reads from around it: enclosed values, and numbers of its module."""
    around = inspect.getclosurevars(function)
    numbers = {name: value for name, value in around.globals.items() if isinstance(value, int | float | np.ndarray)}
    return {**numbers, **around.nonlocals}


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {part.name: part.default for part in parameters if part.default is not inspect.Parameter.empty}
