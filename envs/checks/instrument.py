"""check_instrument: what every instrument keeps, simulated or real."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.checks.contents import changed, contents, first_difference, frame_arrays, rows_of
from beamgym.envs.checks.failure import answer, demand, demand_array, demand_names, failed
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    Float64Array,
    Frame,
    FrameFailed,
    Instrument,
    MoveFailed,
    MoveReport,
    Peaks,
    World,
)

Moves = Literal["none", "in place", "all"]

STEP_SHARE = 0.05
"""Share of its range by which an axis is moved in a check."""


def check_instrument(
    instrument: Instrument, settings: AcquireSettings | None = None, moves: Moves | None = None
) -> None:
    """Check that something keeps the contract of an Instrument.

    Parameters
    ----------
    instrument : real (n = 1) or a World, which is reset first
    settings : how to expose; AcquireSettings() by default
    moves : "none" only reads and exposes; "in place" also sends the axes to where they stand; "all" also moves each by
        a twentieth of its range, and asks for positions outside the limits, which must be refused. By default "all" for
        a World and "none" for a real instrument: say otherwise only where you would do the same by hand.

    Raises
    ------
    CheckFailed : names the call, what came back, and what to return instead
    FrameFailed, MoveFailed : the instrument itself refused an exposure, or a move within its limits
    """
    demand_names(instrument, ("n", "axes", "context", "positions", "move", "acquire"), "physics.instrument.Instrument")
    simulated = isinstance(instrument, World)
    moves = moves or ("all" if simulated else "none")
    demand(moves in get_args(Moves), "moves", f"is {moves!r}", f"choose from {', '.join(get_args(Moves))}")
    _check_size(instrument, simulated)
    if simulated:
        answer("reset(keys, mask)", lambda: _reset(instrument), "a World begins anew wherever the mask is True")
    _check_axes(instrument)
    _check_frames(instrument, settings or AcquireSettings())
    if moves != "none":
        _check_move_in_place(instrument)
    if moves == "all":
        _check_a_move_of_some(instrument)
        _check_impossible_moves(instrument)


def _check_size(instrument: Instrument, simulated: bool) -> None:
    n = instrument.n
    demand(isinstance(n, (int, np.integer)) and n >= 1, "n", f"is {n!r}", "give the number of samples, 1 or more")
    real = "a real instrument holds one sample (a simulated one is a World: it has reset and truth)"
    demand(simulated or n == 1, "n", f"is {n}", real)


def _reset(instrument: Any) -> None:
    instrument.reset(make_keys(np.arange(instrument.n)), np.ones(instrument.n, dtype=np.bool_))


def _check_axes(instrument: Instrument) -> None:
    axes = instrument.axes
    remedy = "give a tuple of physics.instrument.Axis"
    demand(isinstance(axes, tuple) and axes, "axes", f"is {type(axes).__name__} of {_length(axes)}", remedy)
    for axis in axes:
        demand(isinstance(axis, Axis), "axes", f"holds a {type(axis).__name__}", remedy)
        low, high = axis.limits
        demand(
            low < high, f"axes: {axis.name}", f"has limits {axis.limits}", "give the lowest and the highest position"
        )
    names = [axis.name for axis in axes]
    demand(len(set(names)) == len(names), "axes", f"are called {', '.join(names)}", "give each a name of its own")
    _positions(instrument)


def _positions(instrument: Instrument) -> Float64Array:
    shape = (instrument.n, len(instrument.axes))
    read = answer("positions()", instrument.positions, "return the readback of every axis")
    demand_array("positions()", read, shape)
    demand(np.isfinite(read).all(), "positions()", "holds NaN or infinity", "return where every axis stands")
    again = instrument.positions()
    own = "return a copy: who keeps a readback must not see it change"
    demand(not np.shares_memory(read, again), "positions()", "returns the same array twice", own)
    return read


def _check_frames(instrument: Instrument, settings: AcquireSettings) -> None:
    n = instrument.n
    every, first_only = np.ones(n, dtype=np.bool_), np.arange(n) == 0
    one = _exposed(instrument, settings, every)
    kept = contents(frame_arrays(one))
    two = _exposed(instrument, settings, first_only)
    counted = (two.counter - one.counter).tolist()
    remedy = "count one up where the mask is True and nowhere else"
    demand(counted == first_only.astype(int).tolist(), "acquire(): counter", f"went up by {counted}", remedy)
    repeated = first_difference(rows_of(frame_arrays(one), ~first_only), rows_of(frame_arrays(two), ~first_only))
    remedy = "repeat the last frame of rows whose mask is False"
    demand(not repeated, f"acquire(): {repeated}", "changed in a row that was not exposed", remedy)
    later = changed(kept, contents(frame_arrays(one)))
    demand(not later, f"acquire(): {later}", "of the frame before was changed", "return fresh arrays with every frame")


def _exposed(instrument: Instrument, settings: AcquireSettings, mask: Any) -> Frame:
    call = "acquire(settings, mask)"
    frame = answer(call, lambda: instrument.acquire(settings, mask), "return a Frame", (FrameFailed,))
    demand(isinstance(frame, Frame), call, f"returned a {type(frame).__name__}", "return a physics.instrument.Frame")
    n = instrument.n
    for name, kinds in (("exposure_s", "f"), ("counter", "iu"), ("time_s", "f")):
        demand_array(f"acquire(): {name}", getattr(frame, name), (n,), kinds)
    if frame.image is not None:
        demand_array("acquire(): image", frame.image, (n, -1, -1), "uif")
    if frame.found is not None:
        _check_peaks("acquire(): found", frame.found, n)
    elif type(frame).peaks is not Frame.peaks:
        _check_peaks("acquire(): peaks()", frame.peaks(), n)
    elif frame.image is None:
        failed(call, "returned a frame with neither image nor found peaks", "give one of them")
    elif frame.finder is not None:
        with suppress(FrameFailed):  # too bright or too dark to be searched, which is for the finder to say
            _check_peaks("acquire(): peaks()", frame.peaks(), n)
    return frame


def _check_peaks(call: str, peaks: Any, n: int) -> None:
    demand(isinstance(peaks, Peaks), call, f"is a {type(peaks).__name__}", "give physics.instrument.Peaks")
    demand_array(f"{call}.intensity", peaks.intensity, (n, -1))
    longest = peaks.intensity.shape[1]
    demand_array(f"{call}.position_px", peaks.position_px, (n, longest, 2))
    demand_array(f"{call}.count", peaks.count, (n,), "iu")
    demand_array(f"{call}.saturated", peaks.saturated, (n, longest), "b")
    remedy = f"count the real rows, at most the {longest} there are"
    demand(((peaks.count >= 0) & (peaks.count <= longest)).all(), f"{call}.count", f"is {peaks.count.tolist()}", remedy)


def _moved(instrument: Instrument, target: Float64Array, mask: Any) -> MoveReport:
    call = "move(target, mask)"
    given = contents((target, mask))
    report = answer(call, lambda: instrument.move(target, mask), "return a MoveReport", (MoveFailed,))
    remedy = "return a physics.instrument.MoveReport"
    demand(isinstance(report, MoveReport), call, f"returned a {type(report).__name__}", remedy)
    demand(contents((target, mask)) == given, call, "changed the arrays it was given", "work on a copy")
    demand_array("move(): readback", report.readback, target.shape)
    demand_array("move(): duration_s", report.duration_s, (instrument.n,))
    idle = np.where(mask, 0.0, report.duration_s)
    remedy = "give seconds, 0 where the mask is False"
    bad = (report.duration_s < 0.0).any() or idle.any()
    demand(not bad, "move(): duration_s", f"is {report.duration_s.tolist()} for mask {mask.tolist()}", remedy)
    return report


def _check_move_in_place(instrument: Instrument) -> None:
    low, high = np.array([axis.limits for axis in instrument.axes]).T
    target = np.clip(_positions(instrument), low, high)
    _moved(instrument, target, np.ones(instrument.n, dtype=np.bool_))


def _check_a_move_of_some(instrument: Instrument) -> None:
    """Move the first row towards the middle of every axis; the others must stay, and it must come nearer."""
    low, high = np.array([axis.limits for axis in instrument.axes]).T
    before = np.clip(_positions(instrument), low, high)
    target = before + np.where(before > (low + high) / 2.0, -STEP_SHARE, STEP_SHARE) * (high - low)
    mask = np.arange(instrument.n) == 0
    known = truth_of(instrument)
    after = _moved(instrument, target, mask).readback
    nearer = np.abs(after - target)[0] < np.abs(target - before)[0]
    stuck = [axis.name for axis, came in zip(instrument.axes, nearer, strict=True) if not came]
    remedy = "drive where the mask is True, or raise MoveFailed"
    demand(not stuck, "move(target, mask)", f"left {', '.join(stuck)} where it was", remedy)
    other = first_difference(rows_of(known, ~mask), rows_of(truth_of(instrument), ~mask))
    remedy = "leave rows whose mask is False alone"
    demand(not other, "move(target, mask)", f"changed truth()[{other!r}] of a row whose mask is False", remedy)


def _check_impossible_moves(instrument: Instrument) -> None:
    low, high = np.array([axis.limits for axis in instrument.axes]).T
    here = np.clip(_positions(instrument), low, high)
    outside, nowhere = here.copy(), here.copy()
    outside[-1, -1], nowhere[-1, 0] = high[-1] + 0.5 * (high[-1] - low[-1]), np.nan
    for target, what in ((outside, "outside the limits"), (nowhere, "with NaN")):
        _check_refusal(instrument, target, f"move() to a target {what}")


def _check_refusal(instrument: Instrument, target: Float64Array, call: str) -> None:
    remedy = "raise physics.instrument.MoveFailed and move nothing; never clip"
    before = truth_of(instrument)
    try:
        instrument.move(target, np.ones(instrument.n, dtype=np.bool_))
    except MoveFailed:
        pass
    except Exception as error:
        failed(call, f"raised {type(error).__name__}", remedy)
    else:
        failed(call, "was made", remedy)
    moved = first_difference(before, truth_of(instrument))
    demand(not moved, call, f"was refused, but changed truth()[{moved!r}]", remedy)


def truth_of(instrument: Any) -> dict[str, NDArray[Any]]:
    """Return copies of what a World knows, after checking its form; nothing of a real instrument, which knows none."""
    if not isinstance(instrument, World):
        return {}
    truth = answer("truth()", instrument.truth, "return a mapping of names to arrays")
    mapping = isinstance(truth, Mapping) and len(truth) > 0
    demand(mapping, "truth()", f"returned {type(truth).__name__}", "return a mapping of names to arrays")
    for name, values in truth.items():
        rows = values.shape[:1] if isinstance(values, np.ndarray) else None
        remedy = "give an array, the batch dimension first"
        demand(rows == (instrument.n,), f"truth()[{name!r}]", f"begins with {rows}", remedy)
    return {name: values.copy() for name, values in truth.items()}


def _length(value: Any) -> str:
    return str(len(value)) if hasattr(value, "__len__") else "unknown length"
