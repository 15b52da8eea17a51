"""The guard's decisions about exposures and frames: dose, shutter, freshness, shape, saturation, content."""

import math
from collections.abc import Mapping, Sequence

from beamgym.hardware_bridge.guard.rules.decision import Decision, Interval, Number, refused, shown

ALIKE_SHARE = 0.9
"""A frame of whose telling pixels so many are the same as on an earlier one is that one. Frames of one scene have 0.4
at most, where a pixel holds one count."""

POOR_FRAMES = 2
"""After so many frames in a row without the sample one longer exposure decides."""

NEAR_FRAMES = 16
"""Numbers of driver and plugin that differ by no more are one numbering, and differ by a lag."""


def exposure(exposure_s: Number, allowed_s: Interval) -> Decision:
    """Item 10: an exposure is within the detector's range, seconds."""
    low, high = (float(side) for side in allowed_s)
    if low <= float(exposure_s) <= high:
        return Decision(10, True)
    return refused(10, f"an exposure of {shown(exposure_s)} s is outside the file's {shown(low)} to {shown(high)} s")


def dose(spent_s: Number, exposure_s: Number, budget_s: Number | None) -> Decision:
    """Item 10: the exposure fits into what is left of the dose, in seconds of open shutter."""
    # Judged before the exposure, so that the budget is never exceeded but by what an abort takes to close.
    if budget_s is None or float(spent_s) + float(exposure_s) <= float(budget_s):
        return Decision(10, True)
    return refused(
        10,
        f"{shown(spent_s)} s of {shown(budget_s)} s of dose are spent; {shown(exposure_s)} s more exceed it",
    )


def shutter(position: str, asked: str) -> Decision:
    """Item 10: the shutter is where it was sent; both are "open" or "closed", or "unknown"."""
    if position == asked:
        return Decision(10, True)
    why = ": it did not follow, or its server does not answer" if position == "unknown" else ""
    return refused(10, f"the shutter was to be {asked} and is {position}{why}; look at it before going on")


def shutter_command(value: int, exposing: bool) -> Decision:
    """Item 10: the shutter is opened for an exposure and by nothing else; it may be closed at any time."""
    # Opened by hand it would count dose that no exposure asked for, and nobody would close it.
    if value == 0 or exposing:
        return Decision(10, True)
    return refused(10, "the shutter opens for an exposure only; trigger the detector instead")


def attenuated(value: Number, low: Number | None, high: Number | None) -> Decision:
    """Item 10: the beam before the shutter is weakened as the file says, at the moment in which it is to open."""
    # Written so that nan is refused.
    above = low is None or float(value) >= float(low)
    if above and (high is None or float(value) <= float(high)) and not math.isnan(float(value)):
        return Decision(10, True)
    return refused(
        10,
        f"the attenuator reads {shown(value)}, allowed are {shown(low)} to {shown(high)}: the shutter does not open "
        "onto such a beam; put the attenuator in",
    )


def count_rate(
    hottest_per_s: Number | None,
    total_per_s: Number | None,
    max_pixel_per_s: Number | None,
    max_total_per_s: Number | None,
) -> Decision:
    """Item 10: neither a frame's hottest pixel nor all of them counted faster than the file allows.

    Parameters
    ----------
    hottest_per_s, total_per_s : above the frame's darkest pixels, a second; None where they were not looked for
    max_pixel_per_s, max_total_per_s : the ceilings; None where the file has none
    """
    for what, rate, most in (
        ("hottest pixel", hottest_per_s, max_pixel_per_s),
        ("frame", total_per_s, max_total_per_s),
    ):
        if most is not None and rate is not None and not float(rate) <= float(most):
            return refused(
                10, f"the {what} counted {shown(rate)} a second, allowed are {shown(most)}; put the attenuator in"
            )
    return Decision(10, True)


def fresh(
    counter_before: int | None,
    counter: int | None,
    counter_required: bool,
    time_s: Number | None,
    asked_s: Number,
    now_s: Number,
    max_age_s: Number,
    clock_offset_s: Number = 0.0,
    clock_uncertain_s: Number | None = None,
    lasts_s: Number = 0.0,
    stamped_at: str = "unknown",
    last_time_s: Number | None = None,
) -> Decision:
    """Item 6: a frame began after its trigger and came soon after its end, by its counter and by its own clock.

    Parameters
    ----------
    counter_before, counter : the detector's frame counter before the trigger and after; None where it gives none, as
        before its first frame
    time_s : the frame's own time, Unix seconds by its own clock; None where the detector gives none
    asked_s, now_s : when it was triggered, and when the exposure was reported done, by our clock
    max_age_s : a frame comes so long after the end of its exposure, at most
    clock_offset_s, clock_uncertain_s : how far its clock is ahead of ours, and how well that is known; None in a log
        that is older than this, where ``max_age_s`` stood for both
    lasts_s : its exposure
    stamped_at : what the time says: the "begin" of the exposure, its "end", or "unknown"
    last_time_s : the time of the frame before it
    """
    if counter is None and counter_required:
        return refused(6, "the detector gives no frame counter; choose one that does, or set counter_required: false")
    if counter is not None and counter_before is not None and counter <= counter_before:
        return refused(
            6,
            f"the frame counter went from {counter_before} to {counter}: this is an old frame, or a new server, or "
            "another client has ended the exposure",
        )
    counted = counter is not None and counter_before is not None
    if time_s is None:
        return Decision(6, True) if counted else refused(6, "nothing tells this frame's age: no counter and no time")
    if clock_uncertain_s is None:
        return _within(float(asked_s) - float(time_s), float(time_s) - float(now_s), float(max_age_s))
    if last_time_s is not None and float(time_s) <= float(last_time_s):
        return refused(
            6,
            "the frame's clock did not go on since the frame before it: it is an old frame, or its clock was set back; "
            "restart the camera, or see to its clock",
        )
    ours_s, lasts = float(time_s) - float(clock_offset_s), float(lasts_s)
    begun_s = ours_s - (lasts if stamped_at == "end" else 0.0)
    # The latest moment at which it can have ended: a time that is not said to be the end may be the begin.
    ended_s = ours_s + (0.0 if stamped_at == "end" else lasts)
    early, ahead = float(asked_s) - begun_s, ours_s - float(now_s)
    if not max(early, ahead) <= float(clock_uncertain_s):
        return _of_another_time(early, ahead, float(clock_uncertain_s))
    late = float(now_s) - ended_s - float(clock_uncertain_s)
    if late <= float(max_age_s):
        return Decision(6, True)
    return refused(
        6,
        f"the frame came {shown(late)} s after its exposure's end, max_age_s is {shown(max_age_s)}; raise it where "
        "the read-out takes longer",
    )


def _within(early: float, late: float, max_age_s: float) -> Decision:
    """Judge as logs were judged whose frames had no measured clock."""
    if early <= max_age_s and late <= max_age_s:
        return Decision(6, True)
    return _of_another_time(early, late, max_age_s)


def _of_another_time(early: float, ahead: float, uncertain_s: float) -> Decision:
    old = f"{shown(ahead)} s in the future" if early <= uncertain_s else f"begun {shown(early)} s before its trigger"
    return refused(
        6,
        f"the frame was {old}, by clocks that agree within {shown(uncertain_s)} s; it is an old frame, or "
        "synchronise the clocks",
    )


def counted(
    driver_before: int | None,
    driver: int | None,
    plugin_before: int | None,
    plugin: int | None,
    dropped_before: int | None,
    dropped: int | None,
    queued: int | None,
) -> Decision:
    """Item 6: the driver counted the one frame of the trigger, and the array plugin shows that one; None is not told.

    Parameters
    ----------
    driver_before, driver : frames that the driver had taken before the trigger, and after it
    plugin_before, plugin : number of the frame that the plugin shows
    dropped_before, dropped : frames that the plugin could not take
    queued : frames that wait for it
    """
    if dropped_before is not None and dropped is not None and dropped > dropped_before:
        return refused(6, f"the array plugin dropped {dropped - dropped_before} frames; enlarge its queue")
    if queued:
        return refused(6, f"{queued} frames wait in the array plugin's queue: it shows an old one; wait and restart it")
    if driver_before is None or driver is None:
        return Decision(6, True)
    if driver - driver_before != 1:
        return refused(
            6, f"the driver counted {driver - driver_before} frames for one trigger; set it to one frame a trigger"
        )
    if plugin_before is None or plugin is None:
        return Decision(6, True)
    # Drivers may number their frames from anywhere; only numbers that are near are one numbering, and a lag.
    if plugin != driver and abs(plugin - driver) <= NEAR_FRAMES:
        return refused(
            6,
            f"the array plugin shows frame {plugin}, the driver has taken {driver}: the image is of another trigger; "
            "restart the plugin, or set driver_counter: '' where the two are never alike",
        )
    if plugin - plugin_before == 1:
        return Decision(6, True)
    gone_on = plugin - plugin_before
    return refused(6, f"the array plugin went on by {gone_on} frames, the driver by 1; restart the plugin")


def modes_kept(modes: Mapping[str, str], modes_before: Mapping[str, str]) -> Decision:
    """Item 6: the camera's modes, region, binning and orientation are those of when the guard was armed."""
    for name, before in modes_before.items():
        if modes.get(name, before) != before:
            return refused(
                6, f"the camera's {name} went from {before} to {modes[name]} since the guard was armed; set it back"
            )
    return Decision(6, True)


def exposed(planned_s: Number, exposed_s: Number | None) -> Decision:
    """Item 10: a frame was exposed for as long as it was planned, by the camera's own word; None is not told."""
    # One per cent and half a millisecond: cameras round to their clock, and the adapters allow as much.
    if exposed_s is None or abs(float(exposed_s) - float(planned_s)) <= 0.01 * float(planned_s) + 5e-4:
        return Decision(10, True)
    return refused(
        10,
        f"the camera exposed for {shown(exposed_s)} s, not for {shown(planned_s)} s: another client sets its exposure; "
        "end that one",
    )


def frame_form(shape: Sequence[int], expected: Sequence[int], kind: str) -> Decision:
    """Item 6 (shape) and 20 (kind): a frame has the detector's shape and holds real numbers, never Python objects."""
    # Before the shape: an array of objects could run code of theirs when it is looked at.
    if kind not in ("u", "i", "f"):
        return refused(20, f"the frame holds data of kind {kind!r}; only plain numbers are read")
    if tuple(shape) == tuple(expected):
        return Decision(6, True)
    return refused(6, f"the frame has shape {tuple(shape)}, the file says {tuple(expected)} (slow, fast)")


def not_repeated(
    digest: str,
    last_digest: str | None,
    earlier_digests: Sequence[str] = (),
    alike_share: Number = 0.0,
    blank: bool = False,
) -> Decision:
    """Item 6: a frame is none of the last ten, nor one of them turned, mirrored or changed in a few pixels.

    Parameters
    ----------
    digest, last_digest, earlier_digests : of its pixels, of those of the frame before it, and of the ones before that
    alike_share : largest share of pixels that show something and are the same as on one of those, in any orientation
    blank : it shows nothing, or a few counts: such frames are alike without being one, and ``content`` judges them
    """
    # The counter and the clock can be wrong together; pixels with noise cannot be equal by chance.
    if blank:
        return Decision(6, True)
    if digest == last_digest or digest in earlier_digests:
        which = "the one before" if digest == last_digest else "an earlier one"
        return refused(6, f"the frame equals {which} pixel for pixel; the camera repeats itself, restart it")
    if float(alike_share) < ALIKE_SHARE:
        return Decision(6, True)
    return refused(
        6,
        "the frame is an earlier one, turned, mirrored or changed in a few pixels; the camera repeats itself, "
        "restart it",
    )


def saturation(share: Number, max_share: Number) -> Decision:
    """Item 6: the share of saturated pixels, 0 to 1, is no larger than ``max_saturated``; one that is nan is."""
    # A share of nan compares as false, and is refused.
    if float(share) <= float(max_share):
        return Decision(6, True)
    return refused(
        6,
        f"{100 * float(share):.3g} % of the pixels are saturated or not finite, allowed {100 * float(max_share):.3g} %",
    )


def content(
    spots: int | None,
    blank: bool,
    saturated_share: Number,
    longer: bool,
    present: bool | None = None,
    poor_before: int = 0,
    says: str = "",
) -> Decision:
    """Item 18: a frame shows something a policy was made for: neither empty nor, twice in a row, without the sample.

    Parameters
    ----------
    spots : found spots; None where the task is not about spots
    blank : every pixel has the same value
    saturated_share : share of full pixels, 0 to 1
    longer : whether this is already the longer exposure that an empty frame, or a second poor one, is given
    present : whether the kind's own test sees the sample; None where there is no such test
    poor_before : frames in a row, before this one, that were empty or on which the sample was not seen
    says : what the test saw, in words
    """
    # Whatever the file allows: no policy was trained on frames of which more than half is full.
    if float(saturated_share) > 0.5:
        return refused(18, "more than half of the frame is saturated; no policy knows such frames")
    empty = blank or spots == 0
    if not empty and present is not False:
        return Decision(18, True)
    seen = "the frame is blank" if blank else "no spots were found" if empty else says
    # An empty frame at once; of frames that show something, two in a row: a good one may have few spots.
    again = empty or poor_before + 1 >= POOR_FRAMES
    # Once more and longer: near the edge of a sample a short exposure may show too little, and that is no fault.
    if not longer:
        return Decision(18, True, f"{seen}; it is taken once more, with a longer exposure" if again else "")
    if not empty and poor_before < POOR_FRAMES:
        return Decision(18, True)
    return refused(18, f"{seen}, even after a longer exposure; look at beam, sample and detector")


def same_sample(change_deg: Number | None, allowed_deg: Number) -> Decision:
    """Item 18: a success is claimed of the sample with which the run began, whose pattern turned as the axes did.

    Parameters
    ----------
    change_deg : by how much the sample sits otherwise on what carries it, by the last frame and by earlier ones; None
        where the frames do not tell
    allowed_deg : the largest angle that is no change
    """
    # nan is an angle that nobody knows, and no proof
    if change_deg is None or float(change_deg) <= float(allowed_deg):
        return Decision(18, True)
    return refused(
        18,
        f"the pattern did not turn as the axes did: it is {shown(change_deg)} degrees off, {shown(allowed_deg)} are "
        "allowed; this is another sample, an old frame, or an axis that slipped: look at all three",
    )


def exposure_limit_s(exposure_s: float, timeout_s: float) -> float:
    """Item 5: an exposure has its own time, and the file's timeout on top, seconds."""
    return exposure_s + timeout_s
