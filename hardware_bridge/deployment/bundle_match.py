"""Is this bundle for this instrument? Everything its manifest says is held against the instrument, before it moves.

A policy meets only what it was trained with: the same axes in the same order, turning the same way, limits within the
instrument's, the same panel, crystal, target, beam and scale of its actions. Each difference is one line.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from beamgym.envs.arpes_spot import SpotContext
from beamgym.envs.bundles import DetectorSpec, Manifest, Setting, SpotSetting, TrainedAxis
from beamgym.envs.kinds import kind_of, kind_of_environment, resolve
from beamgym.envs.laue_align import AlignContext
from beamgym.hardware_bridge.instrument_file import Context, InstrumentFile, context_of
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.tasks import deployable
from beamgym.physics.goniometer import goniometer, goniometer_names
from beamgym.physics.instrument import Axis, Float64Array
from beamgym.physics.laue.detector import Detector

CORNER_MM = 2.0
"""How far a corner of the panel may be from where it was in training, which itself shifts it by half a millimetre."""
DIRECTION_DEG = 1.0
"""How far an axis or the panel's edges may point from where they did."""
ZERO = 0.01
"""How far an axis's zero may be off, in its unit."""
CELL_SHARE, CELL_DEG = 0.005, 0.3
"""How far the cell's edges (relative) and angles may be off: the same phase at another temperature or composition."""
_SHARE = 1e-3  # pixels that are the same but for calibration
_ROUNDING = 1e-6  # limits that are the same but for a motor controller's own digits


class BundleMismatch(ValueError):
    """A bundle for another instrument, crystal or task."""


def match_bundle(manifest: Manifest, file: InstrumentFile, context: Context | None = None) -> None:
    """Refuse a bundle that was not made for an instrument.

    Parameters
    ----------
    manifest : what the bundle says about itself
    file : the instrument
    context : the instrument's context where it is known, with the limits that really hold; made from the file else

    Raises
    ------
    BundleMismatch : with the first difference in one line: what, in the bundle, at the instrument, and what to do
    """
    if manifest.kind != "policy":
        raise BundleMismatch(f"the bundle is a {manifest.kind}, not a policy; deploy a policy's bundle")
    _check_environment(manifest, file)
    try:
        here = context if context is not None else context_of(file)
        difference = next(_differences(manifest, here), None)
    except BundleMismatch:
        raise
    except ValueError as error:
        raise BundleMismatch(f"instrument {file.name!r}: {error}") from None
    if difference is not None:
        raise BundleMismatch(f"the bundle is not for instrument {file.name!r}: {difference}")


def bundle_limits(manifest: Manifest) -> dict[str, tuple[float, float]]:
    """Return the axes' limits a policy was trained with, by name: its observations are fractions of that travel.

    Given to ``context_of`` and ``InstrumentFile.physics_axes`` as motor limits they narrow the instrument's own.
    """
    kind = kind_of_environment(manifest.env_id)
    setting = None if kind is None else manifest.setting_of(kind)
    return {axis.name: axis.limits for axis in setting.axes} if setting is not None else {}


def _check_environment(manifest: Manifest, file: InstrumentFile) -> None:
    fitting = deployable(file.kind)
    if manifest.env_id not in fitting:
        raise BundleMismatch(
            f"the bundle is for {manifest.env_id}, and instrument {file.name!r} can stand for {', '.join(fitting)}; "
            "train a policy for one of these, in this version"
        )


def _differences(manifest: Manifest, context: Context) -> Iterator[str]:
    kind = kind_of(context)
    setting = manifest.setting_of(kind)
    if setting is None:
        raise BundleMismatch("the bundle says nothing about its instrument; export it anew with its context")
    yield from resolve(bridge_kind(kind.name).differences)(setting, context)


def laue_differences(setting: Setting, context: AlignContext) -> Iterator[str]:
    """Yield what sets a Laue instrument apart from the one of a training."""
    yield from _axes(setting.axes, context.goniometer.axes, setting.goniometer)
    yield from _panel(setting.detector, context.detector)
    yield from _crystal(setting, context)
    yield from _numbers(setting, context)


def arpes_differences(setting: SpotSetting, context: SpotContext) -> Iterator[str]:
    """Yield what sets an ARPES instrument apart from the one of a training."""
    yield from _axes(setting.axes, context.stage.axes, "")
    yield from _spectrum(setting, context)


def plain_differences(setting: Any, context: Context) -> Iterator[str]:
    """Yield what sets any instrument apart from the one of a training: its axes, then every other entry.

    Parameters
    ----------
    setting : of the bundle's manifest, of the class that the kind's row names
    context : of the instrument
    """
    yield from _axes(setting.axes, context.instrument_axes, "")
    here = type(setting).of(context)
    for key in type(setting).model_fields:
        then, now = getattr(setting, key), getattr(here, key)
        if key != "axes" and then != now:
            yield f"{key} was {then} in training, here it is {now}; set it to that, or train for this instrument"


def _axes(bundle: list[TrainedAxis], here: tuple[Axis, ...], preset: str) -> Iterator[str]:
    trained, found = [axis.name for axis in bundle], [axis.name for axis in here]
    if trained != found:
        yield (
            f"it was trained with the axes {', '.join(trained)}, the instrument has {', '.join(found)}; name and order "
            "them alike, or train for this instrument"
        )
        return
    known = goniometer(preset).axes if preset in goniometer_names() else (None,) * len(bundle)
    for spec, axis, named in zip(bundle, here, known, strict=False):
        yield from _axis(spec, axis, named)


def _axis(spec: TrainedAxis, axis: Axis, named: Axis | None) -> Iterator[str]:
    present = TrainedAxis.of(axis)
    if (spec.kind, spec.unit) != (present.kind, present.unit):
        yield f"axis {axis.name!r} was a {spec.kind} in {spec.unit}, here it is a {present.kind} in {present.unit}"
    room = _ROUNDING * max(abs(limit) for limit in spec.limits)
    if spec.limits[0] < axis.limits[0] - room or spec.limits[1] > axis.limits[1] + room:
        yield (
            f"axis {axis.name!r} went from {spec.limits[0]:g} to {spec.limits[1]:g} {spec.unit} in training, here only "
            f"from {axis.limits[0]:g} to {axis.limits[1]:g}; train with these limits"
        )
    then = spec if spec.vector is not None else TrainedAxis.of(named) if named is not None else present
    turn, turn_here = _turn(then), _turn(present)
    if _angle_deg(turn, turn_here) > DIRECTION_DEG:
        yield (
            f"axis {axis.name!r} turned about {_list(turn)} in training, here about {_list(turn_here)}; correct vector "
            "and sign, turn the motor's own direction round (EPICS: .DIR), or train for this instrument"
        )
    if then.zero is not None and abs(then.zero - axis.zero) > ZERO:
        yield f"axis {axis.name!r} had its zero at {then.zero:g}, here at {axis.zero:g}; train with this zero"


def _panel(bundle: DetectorSpec, here: Detector) -> Iterator[str]:
    if tuple(bundle.shape) != here.shape:
        yield f"the detector had {tuple(bundle.shape)} pixels, here it has {here.shape}; train for this detector"
        return
    if abs(bundle.pixel_mm / here.pixel_mm - 1.0) > _SHARE:
        yield f"the detector's pixels had {bundle.pixel_mm:g} mm, here {here.pixel_mm:g} mm; train for this detector"
    then = Detector(
        np.array(bundle.origin_mm), np.array(bundle.fast), np.array(bundle.slow), bundle.pixel_mm, here.shape
    )
    away = float(np.linalg.norm(then.corners_mm() - here.corners_mm(), axis=1).max())
    if away > CORNER_MM:
        yield (
            f"a corner of the detector is {away:.1f} mm from where it was in training, more than {CORNER_MM:g}; "
            "correct origin_mm, fast and slow, or train for this place"
        )


def _crystal(bundle: Setting, here: AlignContext) -> Iterator[str]:
    then, now = np.array(bundle.cell), np.asarray(here.crystal.cell)
    if (np.abs(now[:3] / then[:3] - 1) > CELL_SHARE).any() or (np.abs(now[3:] - then[3:]) > CELL_DEG).any():
        yield (
            f"it was trained on {bundle.crystal}, cell {_list(then)}; {here.crystal.name} here has {_list(now)}; "
            "train on this crystal"
        )
    if bundle.crystal != here.crystal.name:
        yield f"it was trained on {bundle.crystal}, the crystal here is {here.crystal.name}; train on this crystal"
    if bundle.target != here.target.label:
        yield f"its target was {bundle.target}, here it is {here.target.label}; correct laue: target, or train for it"


def _numbers(bundle: Setting, here: AlignContext) -> Iterator[str]:
    for key in ("tolerance_deg", "max_rotation_deg", "action", "exposures"):
        then, now = getattr(bundle, key), getattr(here, key)
        if then != now:
            yield f"{key} was {then} in training, here it is {now}; set laue: {key}: {then}"
    if not np.allclose(bundle.band_kev, here.band_kev, rtol=0.01):
        yield f"its beam went from {_list(bundle.band_kev)} keV, here from {_list(here.band_kev)}; correct laue: beam"


def _spectrum(bundle: SpotSetting, here: SpotContext) -> Iterator[str]:
    if tuple(bundle.shape) != here.grid.shape:
        yield f"its spectra had {tuple(bundle.shape)} pixels, here they have {here.grid.shape}; train for this detector"
    for key, now in (("energy_ev", here.grid.energy_ev), ("slit_deg", here.grid.slit_deg)):
        then, ends = getattr(bundle, key), (float(now[0]), float(now[-1]))
        if not np.allclose(then, ends, atol=0.01 * (then[1] - then[0])):
            yield f"{key} went from {_list(then)} in training, here from {_list(ends)}; set detector: {key} as there"
    for key in ("beam_time_s", "action", "max_step_mm"):
        then, found = getattr(bundle, key), getattr(here, key)
        if then != found:
            yield f"{key} was {then} in training, here it is {found}; set arpes: {key}: {then}"


def _turn(spec: TrainedAxis) -> Float64Array:
    """Return the direction about or along which a growing position moves the sample, (3,)."""
    return np.array(spec.vector or (0.0, 0.0, 0.0)) * (spec.sign or 1)


def _angle_deg(one: Float64Array, other: Float64Array) -> float:
    if not one.any() and not other.any():
        return 0.0
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(one @ other / length, -1.0, 1.0)))) if length else 180.0


def _list(values: object) -> str:
    return " ".join(f"{value:.4g}" for value in np.ravel(np.asarray(values, dtype=np.float64) + 0.0))
