"""The guarded detector: a bluesky Triggerable that makes all its checks inside ``trigger()``."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.devices import DeviceError, Readings, in_thread, need
from beamgym.hardware_bridge.guard.devices.commands import CHANGED, ROUNDS, GuardedCommand, Supervisor
from beamgym.hardware_bridge.guard.devices.frame import (
    Examination,
    FrameCheck,
    finder_of,
    may_show_nothing,
    presence_of,
)
from beamgym.hardware_bridge.guard.devices.origin import Counters, FrameOrigin
from beamgym.hardware_bridge.guard.devices.proxies import DetectorProxy, RawFrame, finished, forget
from beamgym.hardware_bridge.guard.devices.repeats import SeenFrames
from beamgym.hardware_bridge.guard.devices.shutter import GuardedShutter
from beamgym.hardware_bridge.guard.rules import (
    CAMERA_MODES,
    DEVICE_IS_FREE,
    EXPOSURE,
    FRAME_AS_READ,
    FRAME_CONTENT,
    FRAME_FORM,
    FRAME_IN_DRY_RUN,
    FRAME_PIXELS,
    POOR_FRAMES,
    SHUTTER_PLACE,
    TIME,
    TRUE_EXPOSURE,
    GuardRefused,
    decisions,
    time_limit_s,
)
from beamgym.physics.instrument import Frame, FrameFailed

AsyncStatus = need("ophyd_async.core", "hardware").AsyncStatus

LONGER = 4.0
"""An empty frame is taken once more, with an exposure so many times longer."""

_STOPPED, _ABORTED = "stopped", "aborted"
_NOT_IDLE = "the detector was told to stop and was not seen to be idle; stop it by hand"
_SEARCH_S = 60.0  # a peak finder that takes longer has hung


class GuardedDetector:
    """The detector: a bluesky Triggerable, Readable and Pausable.

    Parameters
    ----------
    guard : permits its commands, and is told when one fails
    shutter : opened for every exposure, and counts the dose
    device : what is triggered

    Attributes
    ----------
    sweep : what the next trigger counts while axes move, a ``sweeps.SweepRequest``; None where they stand
    doubts : of a dry run: why a run would not accept its frame
    ours : it may be exposing by what we did: triggered, and neither done nor seen to be idle since
    """

    parent = None
    name = "detector"

    def __init__(self, guard: Supervisor, shutter: GuardedShutter, device: Any) -> None:
        self.entry = guard.file.detector
        self.proxy = DetectorProxy(device, "detector", guard.answer_s)
        # None until a task says otherwise; then the exposure-time axis or the file decides.
        self.exposure_s: float | None = None
        self.sweep: Any = None
        self.frame: Frame | None = None
        self.frame_check: FrameCheck | None = None
        self.exposures = 0
        self.ours = False
        self.doubts: tuple[str, ...] = ()
        self.finder, self.presence = finder_of(guard.file), presence_of(guard.file)
        self._may_show_nothing = may_show_nothing(guard.file)
        self._guard, self._shutter = guard, shutter
        # Frames in a row that were empty, or on which the sample was not seen.
        self._poor = 0
        self._origin, self._seen = FrameOrigin(self.proxy, guard.file), SeenFrames()
        self._interrupt: asyncio.Future[str] | None = None
        self._over: asyncio.Event | None = None

    @property
    def busy(self) -> bool:
        """Whether an exposure is under way."""
        return self._interrupt is not None

    def trigger(self) -> Any:
        """Expose for ``exposure_s`` seconds with the shutter open; the frame is then in ``frame``.

        The Status fails with GuardRefused, DeviceError or FrameFailed. It succeeds after ``pause``, too, and leaves no
        frame: a RunEngine that resumes triggers again.
        """
        return AsyncStatus(self._trigger(), name=self.name)

    async def pause(self) -> None:
        """Break off the exposure under way and close the shutter; a RunEngine calls this when it pauses."""
        # Taken before the await: the exposure may end, and clear it, meanwhile.
        over = self._over
        if over is None:
            return
        self.interrupt(_STOPPED)
        try:
            # Closing the shutter, stopping the detector and seeing both takes several answers.
            await asyncio.wait_for(over.wait(), 6.0 * self._guard.answer_s)
        except TimeoutError:
            self._guard.abort("the exposure was told to end and was not seen to end")

    async def resume(self) -> None:
        """Do nothing: the RunEngine triggers again."""

    async def stop(self, success: bool = True) -> None:
        """Break off the exposure under way and close the shutter. Never refused."""
        await self.pause()

    def interrupt(self, reason: str = _ABORTED) -> None:
        """End the wait for the exposure under way; call it in the guard's loop."""
        if self._interrupt is not None and not self._interrupt.done():
            self._interrupt.set_result(reason)

    async def halt(self) -> bool:
        """Stop the detector and say whether it was seen to be idle, where it can tell; the abort calls this.

        The shutter is closed apart from it.
        """
        command = GuardedCommand(self._guard, "stop", self.name)
        await command.send_whatever_happens()
        try:
            # Seen idle, not only told: a camera whose stop had merely left was once called stopped while it exposed.
            stopped = await self.proxy.stop_and_confirm()
        except BaseException as error:
            await command.end_whatever_happens("failed", error=str(error))
            raise
        # Only a detector that was seen idle is no longer ours to stop.
        self.ours = self.ours and not stopped
        await command.end_whatever_happens("done" if stopped else "unconfirmed")
        return stopped

    async def settle(self) -> None:
        """Before arming: stop what an abort could not, and note how the detector is set.

        Raises
        ------
        GuardRefused : it is not seen to be idle
        """
        if self.ours and not await self._stop():
            raise GuardRefused(5, _NOT_IDLE)
        self._poor = 0
        await self._origin.begin()

    async def read(self) -> Readings:
        """Return image, counter, exposure and time of the last frame, and how many spots it has.

        Raises
        ------
        FrameFailed : there is no frame, because none was taken or its exposure was broken off
        """
        frame = self.last_frame()
        values: dict[str, Any] = {
            "image": None if frame.image is None else frame.image[0],
            "counter": int(frame.counter[0]),
            "exposure_s": float(frame.exposure_s[0]),
            "time": float(frame.time_s[0]),
            "spots": -1 if frame.found is None else int(frame.found.count[0]),
        }
        now = time.time()
        return {f"{self.name}_{key}": {"value": value, "timestamp": now} for key, value in values.items()}

    async def describe(self) -> Readings:
        """Return what ``read`` gives, in bluesky's form."""
        source = "guard:detector"
        keys = {f"{self.name}_image": {"source": source, "dtype": "array", "shape": list(self.entry.shape)}}
        for key, dtype in (("counter", "integer"), ("exposure_s", "number"), ("time", "number"), ("spots", "integer")):
            keys[f"{self.name}_{key}"] = {"source": source, "dtype": dtype, "shape": []}
        return keys

    def last_frame(self) -> Frame:
        """Return the last frame; raises FrameFailed where there is none."""
        if self.frame is None:
            raise FrameFailed("the detector has no frame: none was taken, or the exposure was broken off; trigger it")
        return self.frame

    async def _trigger(self) -> None:
        command = GuardedCommand(self._guard, "trigger", self.name)
        # Nobody reads the last exposure's frame where this one fails.
        self.frame = None
        async with self._guard.attending(command):
            command.decide(DEVICE_IS_FREE, axes=["the exposure"] if self.busy else [])
            self._interrupt, self._over = asyncio.get_running_loop().create_future(), asyncio.Event()
            try:
                await self._expose_until_content(command)
            finally:
                self._over.set()
                self._interrupt = self._over = None

    async def _expose_until_content(self, command: GuardedCommand) -> None:
        exposure_s = await self._guard.exposure_now()
        frame = await self._once(command, exposure_s)
        if frame is None or not self._once_more(frame):
            self.frame = frame
            return
        # Within the file's range: where that leaves nothing longer, the frame is judged as the last word.
        longer_s = min(LONGER * exposure_s, self.entry.exposure_s[1])
        # A second command with lines of its own: it spends dose, and passes every rule again.
        again = GuardedCommand(self._guard, "trigger", self.name)
        async with self._guard.attending(again):
            if longer_s <= exposure_s:
                again.decide(FRAME_CONTENT, **self._content(frame, longer=True))
            frame = await self._once(again, longer_s, longer=True)
            if frame is not None:
                self._count_poor(self._content(frame, longer=True))
            self.frame = frame

    async def _once(self, command: GuardedCommand, exposure_s: float, longer: bool = False) -> Frame | None:
        """Make one exposure and judge its frame; returns None where it was broken off."""
        guard = self._guard
        command.about(exposure_s)
        if not await self._permitted(command, exposure_s):
            self._broken_off(command, "not sent")
            return None
        # Before anything is set: not even the exposure time is written.
        if guard.dry_run:
            return await self._pretend(command, exposure_s)
        await self._set_exposure(exposure_s)
        # Immediately before the trigger: only numbers after these make a frame a new one.
        before, modes = await asyncio.gather(self._origin.counters(), self._origin.modes())
        command.decide(CAMERA_MODES, **modes)
        command.send()
        guard.check_latch()
        if not await self._expose(command, exposure_s):
            self._broken_off(command, "stopped")
            return None
        await self._count_true_exposure(command, exposure_s)
        raw = await self.proxy.frame()
        frame = await self._judge(command, raw, before, exposure_s, longer)
        # After the judgement: a refused frame was no exposure that the task knows of.
        self.exposures += 1
        command.end("done", counter=raw.counter, spent_s=self._shutter.dose.spent_s)
        return frame

    async def _permitted(self, command: GuardedCommand, exposure_s: float) -> bool:
        """Decide whether it may expose, and once more after a human was asked, who may have taken minutes.

        Returns False where it was broken off meanwhile.
        """
        guard = self._guard
        assert self._interrupt is not None
        for _ in range(ROUNDS):
            guard.gate(command)
            if not await guard.wait_for_suspenders(self._interrupt):
                return False
            command.decide(
                EXPOSURE,
                axes=guard.unfinished(),
                exposure_s=exposure_s,
                allowed_s=self.entry.exposure_s,
                spent_s=self._shutter.dose.spent_s,
                budget_s=guard.budget_s,
            )
            question = await guard.ask_before(command, self._interrupt, exposure_s=exposure_s)
            if not question:
                return question is not None
        raise GuardRefused(13, CHANGED)

    async def _set_exposure(self, seconds: float) -> None:
        """Set the exposure, also to what it was set to last: another client may have set it meanwhile."""
        command = GuardedCommand(self._guard, "expose", self.name, seconds)
        command.send()
        try:
            done = await self.proxy.set_exposure(seconds)
            command.decide(TIME, what="setting the exposure", limit_s=self._guard.answer_s, done=done, stands=None)
            if self.sweep is not None:
                done = await self.proxy.prepare_sweep(self.sweep)
                command.decide(TIME, what="preparing the sweep", limit_s=self._guard.answer_s, done=done, stands=None)
        except BaseException as error:
            command.end("failed", error=str(error))
            raise
        self._guard.exposure_was_set(seconds)
        command.end("done")

    async def _count_true_exposure(self, command: GuardedCommand, planned_s: float) -> None:
        """Count what the camera says that it exposed, and refuse it where it is not what was planned."""
        exposed_s = await self.proxy.exposed_s()
        if exposed_s is not None:
            # Before the judgement: also what is refused fell on the sample.
            self._shutter.dose.was_exposed(exposed_s)
        command.decide(TRUE_EXPOSURE, planned_s=planned_s, exposed_s=exposed_s)

    async def _expose(self, command: GuardedCommand, exposure_s: float) -> bool:
        """Open, trigger, wait, close; returns False where it was broken off. The shutter is closed however it ends."""
        guard, shutter = self._guard, self._shutter
        # None is "broken off", False is "too late": only what was too late is a refusal.
        started, done, stopped = False, None, True
        try:
            await shutter.open()
            guard.check_latch()
            # Before the call: from here on the detector may be exposing, whatever the call says.
            started = self.ours = True
            with guard.launching():
                self._origin.triggered()
                status = await self.proxy.start()
            done = await self._wait(status, exposure_s)
            self._origin.done()
            if done:
                self.ours = False
                # The detector's own time counts where it is longer than the clock's, as in a simulation that runs
                # faster.
                shutter.dose.exposed(exposure_s)
                await shutter.check_stayed_open(command)
        finally:
            # First the shutter, which ends the dose, then the detector.
            closed = await self._close()
            # also where the wait was cancelled, or failed: the detector may go on by itself
            if started and not done:
                # an abort may have seen it idle before the trigger got there
                self.ours = True
                # Where it was not seen to end; a camera that exposes on would hand its frame to the next trigger.
                stopped = await self._stop()
        if not stopped:
            raise GuardRefused(5, _NOT_IDLE)
        if done is not None:
            limit_s = self._limit_s(exposure_s)
            # Not seen to be idle was refused above.
            command.decide(TIME, what="the exposure", limit_s=limit_s, done=done, stands=None if done else stopped)
        command.decide(SHUTTER_PLACE, position="closed" if closed else "unknown", asked="closed")
        return bool(done)

    async def _wait(self, status: Any, exposure_s: float) -> bool | None:
        """Return True at the end of the exposure, False when it takes too long, None where it was broken off."""
        assert self._interrupt is not None
        waiting = asyncio.ensure_future(finished("detector", status, self._limit_s(exposure_s)))
        try:
            both: set[asyncio.Future[Any]] = {waiting, self._interrupt}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            return None if self._interrupt.done() else waiting.result()
        finally:
            waiting.cancel()
            forget(status)

    def _limit_s(self, exposure_s: float) -> float:
        return time_limit_s("exposure", exposure_s=exposure_s, timeout_s=self.entry.timeout_s)

    async def _close(self) -> bool:
        try:
            return await self._shutter.close()
        except DeviceError:
            return False

    async def _stop(self) -> bool:
        try:
            return await self.halt()
        except DeviceError:
            return False

    def _broken_off(self, command: GuardedCommand, outcome: str) -> None:
        # An abort makes the command fail, a pause of the RunEngine does not.
        if self._interrupt is not None and self._interrupt.done() and self._interrupt.result() == _ABORTED:
            self._guard.check_latch()
        command.end(outcome)

    async def _judge(
        self,
        command: GuardedCommand,
        raw: RawFrame,
        before: Counters,
        exposure_s: float,
        longer: bool,
    ) -> Frame:
        entry = self.entry
        command.decide(
            FRAME_AS_READ,
            shape=raw.image.shape,
            expected=entry.raw_shape,
            kind=raw.image.dtype.kind,
            **await self._origin.facts(raw, before, exposure_s),
        )
        # In a thread: finding spots takes long enough to hold up the watch and the dead-man.
        examine = Examination(entry, self.finder, self.presence, self._seen)
        checked, frame = await in_thread("examining the frame", _SEARCH_S, examine, raw, exposure_s, self.exposures)
        self.frame_check, repeat = checked, checked.repeat
        earlier = repeat.earlier if repeat else ()
        command.decide(
            FRAME_PIXELS,
            digest=repeat.digest if repeat else "",
            last_digest=earlier[0] if earlier else None,
            earlier_digests=earlier[1:],
            alike_share=repeat.alike_share if repeat else 0.0,
            blank=checked.blank or (repeat is not None and repeat.tells_little),
            share=checked.saturated_share,
            max_share=entry.max_saturated,
            hottest_per_s=None if checked.hottest is None else checked.hottest / exposure_s,
            total_per_s=None if checked.total is None else checked.total / exposure_s,
            max_pixel_per_s=entry.max_pixel_per_s,
            max_total_per_s=entry.max_total_per_s,
        )
        self._origin.accept(raw)
        # After the pixels were judged: "saturated" says more than "no spots could be searched".
        if isinstance(frame, FrameFailed):
            raise frame
        command.decide(FRAME_CONTENT, **self._content(frame, longer))
        return frame

    def _content(self, frame: Frame, longer: bool) -> dict[str, Any]:
        spots = None if frame.found is None else int(frame.found.count[0])
        if spots == 0 and self._may_show_nothing:
            spots = None
        assert self.frame_check is not None
        presence = self.frame_check.presence
        return {
            "spots": spots,
            "blank": self.frame_check.blank,
            "saturated_share": self.frame_check.saturated_share,
            "longer": longer,
            "present": None if presence is None else presence.there,
            # In a dry run one frame is all there is, and what speaks against it is told.
            "poor_before": POOR_FRAMES - 1 if self._guard.dry_run else self._poor,
            "says": "" if presence is None else presence.says,
        }

    def _once_more(self, frame: Frame) -> bool:
        """Whether too little is to be seen on a frame, so that it is worth exposing longer; counts the poor ones."""
        facts = self._content(frame, longer=False)
        # the rule allows such a frame, and says in its line that it wants another
        (found,) = (decision for *_, decision in decisions(FRAME_CONTENT, facts))
        self._count_poor(facts)
        return bool(found.line) and not self._guard.dry_run

    def _count_poor(self, facts: Mapping[str, Any]) -> None:
        poor = facts["blank"] or facts["spots"] == 0 or facts["present"] is False
        self._poor = self._poor + 1 if poor else 0

    async def _pretend(self, command: GuardedCommand, exposure_s: float) -> Frame:
        """In a dry run nothing is exposed: what the detector holds is shown instead, whatever its age.

        Its content is judged, and what a run would not accept is kept in ``doubts``: the shutter is closed, so that the
        frame need not be one of a run.
        """
        # Whatever the detector holds: an exposure would open the shutter.
        raw = await self.proxy.frame()
        command.decide(FRAME_FORM, shape=raw.image.shape, expected=self.entry.raw_shape, kind=raw.image.dtype.kind)
        examine = Examination(self.entry, self.finder, self.presence)
        self.frame_check, frame = examine(raw, exposure_s, self.exposures)
        if isinstance(frame, FrameFailed):
            raise frame
        facts = {"share": self.frame_check.saturated_share, "max_share": self.entry.max_saturated}
        judged = [decision for *_, decision in decisions(FRAME_IN_DRY_RUN, facts | self._content(frame, longer=False))]
        self.doubts = tuple(f"item {found.item}: {found.line}" for found in judged if found.line)
        command.end("dry run", doubts=self.doubts)
        return frame
