"""The scan of a plate through the guard: the very scan of simulated plates, on motors and a camera."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.hardware_bridge.deployment import (
    Deployment,
    Session,
    ensure_directions,
    refuse_other_coordinates,
    refuse_unchecked,
)
from beamgym.hardware_bridge.instrument_file import context_of
from beamgym.hardware_bridge.rollout import BlueskyInstrument
from beamgym.physics.instrument import AcquireSettings, Axis, BoolArray, Float64Array, Frame, MoveReport
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateContext
from beamgym.physics.mosaic.scan import FrameStore, PlateScan, ScanSettings, scan_plate


class ScanPlan:
    """What stands in a log in the place of a policy: the scan decides by its own rules, crystal by crystal."""

    name, oracle, kind = "plate-scan", False, "mosaic"

    def start(self, context: Any, n: int) -> PolicyState:
        """Raise CannotPlay: it decides within the scan, and plays no episodes."""
        raise CannotPlay("plate-scan plays no episodes; run it with `beamgym mosaic scan FOLDER --instrument FILE`")

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Raise CannotPlay, as ``start``."""
        self.start(None, 0)
        raise AssertionError


class PlateStage:
    """A guarded instrument as a scan knows it: axes x and y, and an exposure with every frame.

    Parameters
    ----------
    instrument : guarded and armed, with axes x, y and exposure
    session : told at every command that who decides is alive
    optics : material, camera and beam
    """

    n = 1

    def __init__(self, instrument: BlueskyInstrument, session: Session, optics: PlateContext) -> None:
        self._instrument, self._session, self.context = instrument, session, optics
        self._set: Float64Array | None = None
        self._begun_s: float | None = None

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The stage's x and y."""
        return self._instrument.axes[:2]

    def positions(self) -> Float64Array:
        """Return the readback of x and y, (1, 2) mm."""
        return self._instrument.positions()[:, :2]

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Drive the stage to (1, 2) mm; raises MoveFailed where the guard refuses or a motor does not arrive."""
        self._session.alive.touch()
        held = self._instrument.positions() if self._set is None else self._set
        report = self._instrument.move(np.concatenate([target, held[:, 2:]], axis=1), mask)
        self._set = np.concatenate([target, held[:, 2:]], axis=1)
        return MoveReport(report.readback[:, :2], report.duration_s)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose as the settings say, on a clock that begins with the first frame; raises FrameFailed or MoveFailed."""
        self._session.alive.touch()
        held = self._instrument.positions() if self._set is None else self._set
        if held[0, 2] != settings.of_all:
            self._set = np.concatenate([held[:, :2], [[settings.of_all]]], axis=1)
            self._instrument.move(self._set, mask)
        frame = self._instrument.acquire(settings, mask)
        if self._begun_s is None:
            self._begun_s = float(frame.time_s[0] - frame.exposure_s[0])
        return replace(frame, time_s=frame.time_s - self._begun_s)


def scan_over(
    deployment: Deployment,
    outlines: Sequence[Outline],
    settings: ScanSettings | None = None,
    store: FrameStore | None = None,
    progress: Any = None,
) -> PlateScan:
    """Scan a plate on the instrument of a deployment whose policy is a ``ScanPlan``.

    Parameters
    ----------
    deployment : of a mosaic instrument
    outlines, settings, store, progress : as ``physics.mosaic.scan.scan_plate`` takes them

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what was refused or went wrong; crystals before it are in the store
    """
    with deployment.mode("scan"):
        refuse_unchecked(deployment)
        with deployment.connect() as session:
            refuse_other_coordinates(deployment, session)
            limits = session.motor_limits()
            context: Any = context_of(deployment.file, limits)
            ensure_directions(deployment, session)
            instrument = session.guarded(deployment.confirmation(limits, deployment.asker(session)))
            refuse_other_coordinates(deployment, session)
            session.arm(deployment.options.homed)
            stage = PlateStage(instrument, session, context.optics)
            with deployment.button.stopping(session.stop):
                found = scan_plate(stage, outlines, settings, store, progress, context.optics)
                session.conclude()
            session.seal()
            return found
