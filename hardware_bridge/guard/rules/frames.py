"""The guard's decisions about exposures and frames: dose, shutter, freshness, shape, saturation, content."""

from collections.abc import Sequence

from beamgym.hardware_bridge.guard.rules.decision import Decision, Interval, Number, refused, shown


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
    return refused(10, f"the shutter was to be {asked} and is {position}; look at it before going on")


def shutter_command(value: int, exposing: bool) -> Decision:
    """Item 10: the shutter is opened for an exposure and by nothing else; it may be closed at any time."""
    # Opened by hand it would count dose that no exposure asked for, and nobody would close it.
    if value == 0 or exposing:
        return Decision(10, True)
    return refused(10, "the shutter opens for an exposure only; trigger the detector instead")


def fresh(
    counter_before: int | None,
    counter: int | None,
    counter_required: bool,
    time_s: Number | None,
    asked_s: Number,
    now_s: Number,
    max_age_s: Number,
) -> Decision:
    """Item 6: a frame was taken after it was asked for, by its counter and by its clock.

    Parameters
    ----------
    counter_before, counter : the detector's frame counter before the trigger and after; None where it gives none, as
        before its first frame
    time_s : the frame's own time, Unix seconds; None where the detector gives none
    asked_s, now_s : when it was asked for, and now, by our clock
    max_age_s : how far the frame's time may lie outside of that: the clocks' disagreement
    """
    if counter is None and counter_required:
        return refused(6, "the detector gives no frame counter; choose one that does, or set counter_required: false")
    if counter is not None and counter_before is not None and counter <= counter_before:
        return refused(
            6, f"the frame counter went from {counter_before} to {counter}: this is an old frame, or a new server"
        )
    counted = counter is not None and counter_before is not None
    if time_s is None:
        return Decision(6, True) if counted else refused(6, "nothing tells this frame's age: no counter and no time")
    early, late = float(asked_s) - float(time_s), float(time_s) - float(now_s)
    if early <= float(max_age_s) and late <= float(max_age_s):
        return Decision(6, True)
    old = f"{shown(early)} s before it was asked for" if early > 0 else f"{shown(late)} s in the future"
    return refused(6, f"the frame was taken {old}, max_age_s is {shown(max_age_s)}; synchronise the clocks")


def frame_form(shape: Sequence[int], expected: Sequence[int], kind: str) -> Decision:
    """Item 6 (shape) and 20 (kind): a frame has the detector's shape and holds real numbers, never Python objects."""
    # Before the shape: an array of objects could run code of theirs when it is looked at.
    if kind not in ("u", "i", "f"):
        return refused(20, f"the frame holds data of kind {kind!r}; only plain numbers are read")
    if tuple(shape) == tuple(expected):
        return Decision(6, True)
    return refused(6, f"the frame has shape {tuple(shape)}, the file says {tuple(expected)} (slow, fast)")


def not_repeated(digest: str, last_digest: str | None) -> Decision:
    """Item 6: a frame is not, pixel for pixel, the one before: noise never repeats itself."""
    # The counter and the clock can be wrong together; pixels with noise cannot be equal by chance.
    if digest != last_digest:
        return Decision(6, True)
    return refused(6, "the frame equals the one before pixel for pixel; the camera repeats itself, restart it")


def saturation(share: Number, max_share: Number) -> Decision:
    """Item 6: the share of saturated pixels, 0 to 1, is no larger than ``max_saturated``; one that is nan is."""
    # A share of nan compares as false, and is refused.
    if float(share) <= float(max_share):
        return Decision(6, True)
    return refused(
        6,
        f"{100 * float(share):.3g} % of the pixels are saturated or not finite, allowed {100 * float(max_share):.3g} %",
    )


def content(spots: int | None, blank: bool, saturated_share: Number, longer: bool) -> Decision:
    """Item 18: a frame shows something a policy was made for.

    Parameters
    ----------
    spots : found spots; None where the task is not about spots
    blank : every pixel has the same value
    saturated_share : share of full pixels, 0 to 1
    longer : whether this is already the longer exposure that an empty frame is given
    """
    # Whatever the file allows: no policy was trained on frames of which more than half is full.
    if float(saturated_share) > 0.5:
        return refused(18, "more than half of the frame is saturated; no policy knows such frames")
    if not blank and (spots is None or spots > 0):
        return Decision(18, True)
    seen = "the frame is blank" if blank else "no spots were found"
    # Once more and longer: near the edge of a sample a short exposure may show too little, and that is no fault.
    if not longer:
        return Decision(18, True, f"{seen}; it is taken once more, with a longer exposure")
    return refused(18, f"{seen}, even after a longer exposure; look at beam, sample and detector")


def exposure_limit_s(exposure_s: float, timeout_s: float) -> float:
    """Item 5: an exposure has its own time, and the file's timeout on top, seconds."""
    return exposure_s + timeout_s
