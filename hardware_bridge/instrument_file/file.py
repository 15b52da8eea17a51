"""The content of instrument.yaml: an instrument's devices, their geometry, and the bounds of their use.

This module holds what a file says; ``load`` reads and checks one, ``checks`` says what its parts must be to each other.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr, StringConstraints, create_model

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.instrument_file.digest import digest_of
from beamgym.hardware_bridge.instrument_file.entries import (
    ArpesTaskEntry,
    AttenuatorEntry,
    AxisEntry,
    ConfirmEntry,
    DetectorEntry,
    DeviceEntry,
    DoseEntry,
    EnvelopeEntry,
    GoniometerEntry,
    HeartbeatEntry,
    IdentityEntry,
    LaueTaskEntry,
    Name,
    NozzleEntry,
    OperatorEntry,
    ShutterEntry,
    Strict,
    SuspenderEntry,
    SuspensionsEntry,
)
from beamgym.hardware_bridge.instrument_file.ranges import range_of
from beamgym.hardware_bridge.kinds import bridge_kind, instrument_kinds
from beamgym.hardware_bridge.protected_names import ProtectedNames, read_protected_names
from beamgym.physics.arpes.stage import Stage
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.instrument import Axis
from beamgym.physics.laue.detector import Detector

_UNIT = 1e-12  # a vector this near to length 1 is left as it is, bit for bit


def _instrument_kind(value: Any) -> Any:
    names = instrument_kinds()
    if value not in names:
        quoted = [repr(name) for name in names]
        raise ValueError(f"found {value!r}; give {', '.join(quoted[:-1])} or {quoted[-1]}, or import what registers it")
    return value


Kind = Annotated[str, BeforeValidator(_instrument_kind)]


class InstrumentFile(Strict):
    """A whole instrument file; ``load_instrument`` reads one.

    Parameters
    ----------
    name : for logs and reports
    kind : name of a kind of ``hardware_bridge.kinds``: "laue", "arpes", or one that a user's package has registered
    simulation : True only for a server that says itself that it simulates, by ``identity``
    devices : what there is to connect to, by name
    axes : the motors, outermost first; x, y and the dwell for ARPES
    detector, shutter, attenuator, dose, identity : the parts that there is one of; all but the detector may be missing
    heartbeats, suspenders, envelopes, nozzles : any number of each
    suspensions : how often suspenders may suspend a run before one more ends it
    confirm, operator : when a human is asked, and the dead-man
    protected_names : files of names that nothing may command, beside those that the facility's always holds; relative
        ones are looked for beside the instrument file
    goniometer : how Laue axes carry the sample
    laue, arpes : the experiment, of the file's kind; the part of another kind has its name too, see ``file_class``
    """

    name: Name
    kind: Kind
    simulation: bool = False
    devices: dict[Name, DeviceEntry]
    axes: Annotated[tuple[AxisEntry, ...], Field(min_length=1)]
    detector: DetectorEntry
    shutter: ShutterEntry | None = None
    attenuator: AttenuatorEntry | None = None
    dose: DoseEntry | None = None
    identity: IdentityEntry | None = None
    heartbeats: tuple[HeartbeatEntry, ...] = ()
    suspenders: tuple[SuspenderEntry, ...] = ()
    suspensions: SuspensionsEntry = SuspensionsEntry()
    envelopes: tuple[EnvelopeEntry, ...] = ()
    nozzles: tuple[NozzleEntry, ...] = ()
    confirm: ConfirmEntry = ConfirmEntry()
    operator: OperatorEntry = OperatorEntry()
    protected_names: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    goniometer: GoniometerEntry = GoniometerEntry()
    laue: LaueTaskEntry | None = None
    arpes: ArpesTaskEntry | None = None
    _folder: Path = PrivateAttr(default=Path())

    @property
    def experiment(self) -> Any:
        """The part that describes the experiment: that of the file's kind; None where there is none."""
        return getattr(self, self.kind, None)

    @property
    def axis_names(self) -> tuple[str, ...]:
        """The axes' names, in the file's order."""
        return tuple(axis.name for axis in self.axes)

    def axis(self, name: str) -> AxisEntry:
        """Return an axis by name; raises ValueError for one that is not there."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise ValueError(f"instrument {self.name!r} has no axis {name!r}; its axes are {', '.join(self.axis_names)}")

    def physics_axes(self, motor_limits: Mapping[str, tuple[float, float] | None] | None = None) -> tuple[Axis, ...]:
        """Return the axes as tasks know them, within the tighter of the file's and the motors' own limits.

        Parameters
        ----------
        motor_limits : (low, high) read from each motor, by the axis's name; None, or left out, where it has none

        Raises
        ------
        ValueError : an axis with neither limits, with limits that exclude each other, with a motor's so wide that they
            are none, or with a tolerance as wide as its travel
        """
        return tuple(_physics_axis(axis, (motor_limits or {}).get(axis.name)) for axis in self.axes)

    def build_goniometer(self, motor_limits: Mapping[str, tuple[float, float] | None] | None = None) -> Goniometer:
        """Return the goniometer that the Laue axes make; raises ValueError where they make none."""
        entry = self.goniometer
        return Goniometer(entry.name, self.physics_axes(motor_limits), entry.solve_with, entry.wrist_mm)

    def build_stage(
        self, motor_limits: Mapping[str, tuple[float, float] | None] | None = None, name: str = "stepper"
    ) -> Stage:
        """Return the stage that the ARPES axes x, y and dwell make; raises ValueError where they make none.

        It stands while it exposes: the guard opens no shutter over an axis that moves.
        """
        x, y, dwell = self.physics_axes(motor_limits)
        return Stage(name, (x, y), dwell.limits, overlap=False)

    def detector_geometry(self) -> Detector:
        """Return the nominal Laue detector; raises ValueError for an ARPES instrument."""
        return self.detector.geometry()

    def __eq__(self, other: object) -> bool:
        """Say whether two files say the same; where a file lies is no part of what it says."""
        return isinstance(other, InstrumentFile) and type(self) is type(other) and dict(self) == dict(other)

    def beside(self, folder: Path) -> Self:
        """Return the same file, which lies in ``folder``: where the files that it names are looked for."""
        found = self.model_copy()
        found._folder = folder
        return found

    def read_protected_names(self) -> ProtectedNames:
        """Return the names that nothing may command; raises ValueError where a file of them cannot be read."""
        return read_protected_names(self._folder / name for name in self.protected_names)

    def obstacles(self) -> dict[str, Any]:
        """Return what no path may meet, as plain mappings: what the guard's rules ``envelope`` and ``nozzle`` take."""
        keys = ("name", "kind", "vector", "sign", "zero", "point_mm")
        solid = ("name", "tip_mm", "axis", "radius_mm", "half_angle_deg", "margin_mm")
        # The chain only where a nozzle needs it: what the rules are given stands in every line of the log.
        travelling = [axis for axis in self.axes if axis.unit != "s"] if self.nozzles else []
        return {
            "forbidden": [{"name": e.name, "forbidden": e.forbidden, "margin": e.margin} for e in self.envelopes],
            "turns": {axis.name: axis.turn for axis in self.axes if axis.turn is not None},
            "chain": [{key: getattr(axis, key) for key in keys} for axis in travelling],
            "nozzles": [
                {key: getattr(e, key) for key in solid}
                | {"holder": [(*sphere.centre_mm, sphere.radius_mm) for sphere in e.holder]}
                for e in self.nozzles
            ],
        }

    def digest(self) -> str:
        """Return the SHA-256 of the content, in hex: comments and order of keys do not matter, every value does."""
        return digest_of(self)


def file_class(kind: Any) -> type[InstrumentFile]:
    """Return the class of the files of a kind: with a part of that name, where InstrumentFile has none itself."""
    if kind not in instrument_kinds() or kind in InstrumentFile.model_fields:
        return InstrumentFile
    return _class_with(kind, resolve(bridge_kind(kind).section))


@cache
def _class_with(kind: str, section: type[Strict]) -> type[InstrumentFile]:
    part: Any = (section | None, None)
    return create_model("InstrumentFile", __base__=InstrumentFile, __module__=__name__, **{kind: part})


def tighter_limits(
    name: str, own: tuple[float, float] | None, motor: tuple[float, float] | None
) -> tuple[float, float]:
    """Return the tighter of the file's and the motor's limits.

    Raises
    ------
    ValueError : there are neither, or they exclude each other
    """
    if own is None and motor is None:
        raise ValueError(f"axis {name!r} has no limits, neither here nor in its motor; give limits: [low, high]")
    given = [pair for pair in (own, motor) if pair is not None]
    low, high = max(pair[0] for pair in given), min(pair[1] for pair in given)
    if not low <= high:
        raise ValueError(f"axis {name!r}: the file's limits {own} and the motor's {motor} exclude each other; mend one")
    return low, high


def _physics_axis(entry: AxisEntry, motor: tuple[float, float] | None) -> Axis:
    # Files say directions, of any length.
    length = sum(part * part for part in entry.vector) ** 0.5
    scale = 1.0 if abs(length - 1.0) < _UNIT or length == 0.0 else 1.0 / length
    x, y, z = (part * scale for part in entry.vector)
    low, high = tighter_limits(entry.name, entry.limits, motor)
    row = range_of("axes: limits", entry.unit) if entry.limits is None else None
    if row is not None and (low < row.low or high > row.high):
        raise ValueError(
            f"axis {entry.name!r}: its motor's own limits, {low:g} to {high:g} {entry.unit}, are so wide that they are "
            "none; give limits: [low, high]"
        )
    if low < high and entry.tolerance >= high - low:
        raise ValueError(
            f"axis {entry.name!r}: tolerance {entry.tolerance:g} {entry.unit} is not below its travel {high - low:g}, "
            "so that it would always have arrived; give what it keeps"
        )
    return Axis(
        entry.name,
        (x, y, z),
        entry.kind,
        entry.sign,
        entry.zero,
        (low, high),
        entry.step,
        float("inf") if entry.unit == "s" else entry.speed,
        entry.settle_s,
        entry.backlash,
        entry.point_mm,
    )
