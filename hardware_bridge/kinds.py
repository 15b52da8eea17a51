"""The table of kinds on the bridge: what the hardware of each kind of instrument needs, one row a kind.

The names are those of ``envs/kinds.py``; an instrument file says which by its ``kind``, and describes the experiment
in a part of that name. Whoever has a file or a context and must know what differs looks it up here.
"""

from dataclasses import dataclass
from typing import Any

from beamgym.envs.kinds import Ref, find_kind
from beamgym.envs.kinds import kind_named as env_kind_named

_FILE, _SAMPLES = "beamgym.hardware_bridge.instrument_file", "beamgym.hardware_bridge.practice.samples"
_PLATES, _SCANS = "beamgym.hardware_bridge.plates", "beamgym.hardware_bridge.scans"
_MANIPULATORS = "beamgym.hardware_bridge.manipulators"
_DIRECTIONS, _DEPLOYMENT = "beamgym.hardware_bridge.direction_check", "beamgym.hardware_bridge.deployment"


@dataclass(frozen=True)
class BridgeKind:
    """A kind's row on the bridge; every column but the name is a class or function, or "module:name" of it.

    Parameters
    ----------
    name : of the kind, in ``envs/kinds.py`` and in instrument files
    section : pydantic class of the instrument file's part, made from ``instrument_file.Strict``
    context : (file, motor limits or None) → the task's context
    practice : (options of the environment) → ``practice.simulated.PracticeSample``, what a practice instrument serves
    practice_options : (file, level) → options of the environment whose instrument a file describes
    world : (context) → a World to rehearse in before anything connects, or None; None here too where there is none
    check : (file) → None; raises ValueError, in one line, where the parts of a file make no such instrument
    exposure_s : (file, settings or None) → seconds that a frame is exposed for, where no axis has set them
    readout_s : (file) → seconds from the end of an exposure until its frame is there
    finder : (file) → what finds the sample on an image: a frame on which it finds nothing shows that nothing is there;
        None where there is nothing to be found, and any frame that is not blank will do
    presence : (file) → ``presence.PresenceTest``: whether a frame shows the sample at all; None where only an empty
        frame shows that nothing is there
    instrument : ``rollout.BlueskyInstrument``, or a class of it: how frames are taken of guarded devices
    right : (task, its state, the practice instrument's truth) → whether what was declared is right, where the truth's
        own "inside" does not say it
    check_directions : (instrument, file, ask, tell) → DirectionReport: whether every axis moves the way the file says
    differences : (setting of a bundle's manifest, context) → one line for each difference
    sample_change : (task, frames with their positions) → by how much the sample has turned on what carries it, degrees,
        None where they do not tell, and the largest angle that is no change; None where a kind has no such thing
    new_file : () → ``new_instrument.kind.NewFile``: what `beamgym deploy --new` writes of it; None where it writes none
    plan : the plan of ``hardware_bridge.plans`` that plays its task in somebody else's RunEngine
    may_show_nothing : (file) → whether a frame without spots is an ordinary one; None where it never is
    by_hand : (context) → ``operator_page.Hand``: the moves that a person gives on the page, and the context to play
        in; None where a kind takes none
    goal : (file) → what a run is to reach, in words; None where the kind says nothing of it
    onlooker : (file, limits by axis) → ``operator_page.Onlooker``: how the sample stands by one frame, for the page;
        None where a kind has no such thing
    told : (the task's state, n = 1) → what a frame says of the sample, by name with the unit at its end, for events;
        None where that is said by the verdict alone
    report : (frame, n = 1) → what a report's row says of a frame, by name; None for what it could not say
    """

    name: str
    section: Ref
    context: Ref
    practice: Ref
    practice_options: Ref
    world: Ref | None = None
    check: Ref | None = None
    exposure_s: Ref = f"{_FILE}:planned_exposure_s"
    readout_s: Ref = f"{_FILE}:planned_readout_s"
    finder: Ref | None = None
    presence: Ref | None = None
    instrument: Ref = "beamgym.hardware_bridge.rollout:BlueskyInstrument"
    right: Ref | None = None
    check_directions: Ref = f"{_DIRECTIONS}:check_by_eye"
    differences: Ref = f"{_DEPLOYMENT}:plain_differences"
    sample_change: Ref | None = None
    new_file: Ref | None = None
    plan: Ref = "beamgym.hardware_bridge.plans:deployed"
    may_show_nothing: Ref | None = None
    by_hand: Ref | None = None
    goal: Ref | None = None
    onlooker: Ref | None = None
    told: Ref | None = None
    report: Ref = "beamgym.hardware_bridge.rollout:spots_seen"


@dataclass(frozen=True)
class SimulationOnly:
    """The row of a kind that no instrument can stand for, with the reason."""

    name: str
    why: str


Row = BridgeKind | SimulationOnly

KINDS: dict[str, Row] = {
    "laue": BridgeKind(
        name="laue",
        section=f"{_FILE}:LaueTaskEntry",
        context=f"{_FILE}.laue:context",
        practice=f"{_SAMPLES}.laue:practice",
        practice_options=f"{_SAMPLES}.laue:practice_options",
        world=f"{_DEPLOYMENT}.warm_up:laue_world",
        check=f"{_FILE}.laue:check",
        goal=f"{_FILE}.laue:goal",
        new_file="beamgym.hardware_bridge.new_instrument.laue:new_file",
        finder="beamgym.hardware_bridge.guard.devices:spot_finder",
        presence="beamgym.hardware_bridge.presence:crystal_presence",
        check_directions=f"{_DIRECTIONS}:check_by_frames",
        differences=f"{_DEPLOYMENT}.bundle_match:laue_differences",
        sample_change="beamgym.envs.laue_align:sample_change_deg",
        plan="beamgym.hardware_bridge.plans:align",
        by_hand="beamgym.hardware_bridge.operator_page.by_hand:laue_hand",
        onlooker="beamgym.hardware_bridge.operator_page.laue_onlooker:LaueOnlooker",
    ),
    "zone": SimulationOnly("zone", "LaueZone repeats a published simulation; align the crystal with LaueAlign instead"),
    "arpes": BridgeKind(
        name="arpes",
        section=f"{_FILE}:ArpesTaskEntry",
        context=f"{_FILE}.arpes:context",
        practice=f"{_SAMPLES}.arpes:practice",
        practice_options=f"{_SAMPLES}.arpes:practice_options",
        world=f"{_DEPLOYMENT}.warm_up:arpes_world",
        check=f"{_FILE}.arpes:check",
        goal=f"{_FILE}.arpes:goal",
        new_file="beamgym.hardware_bridge.new_instrument.arpes:new_file",
        exposure_s=f"{_FILE}.arpes:exposure_s",
        presence="beamgym.hardware_bridge.presence:spectrum_presence",
        differences=f"{_DEPLOYMENT}.bundle_match:arpes_differences",
        plan="beamgym.hardware_bridge.plans:find_spot",
        by_hand="beamgym.hardware_bridge.operator_page.by_hand:arpes_hand",
        told="beamgym.envs.arpes_spot:told",
    ),
    "mosaic": BridgeKind(
        name="mosaic",
        section=f"{_PLATES}:MosaicTaskEntry",
        context=f"{_PLATES}.entry:context",
        practice=f"{_SAMPLES}.mosaic:practice",
        practice_options=f"{_SAMPLES}.mosaic:practice_options",
        check=f"{_PLATES}.entry:check",
        exposure_s=f"{_PLATES}.entry:exposure_s",
        finder="beamgym.hardware_bridge.guard.devices:spot_finder",
        may_show_nothing=f"{_PLATES}.entry:may_show_nothing",
    ),
    "diffractometer": BridgeKind(
        name="diffractometer",
        section=f"{_SCANS}:DiffractometerTaskEntry",
        context=f"{_SCANS}.entry:context",
        practice=f"{_SAMPLES}.diffractometer:practice",
        practice_options=f"{_SAMPLES}.diffractometer:practice_options",
        world=f"{_SCANS}.entry:world",
        check=f"{_SCANS}.entry:check",
        goal=f"{_SCANS}.entry:goal",
        exposure_s=f"{_SCANS}.entry:exposure_s",
        instrument=f"{_SCANS}:ScanInstrument",
        right=f"{_SAMPLES}.diffractometer:judged",
        plan="beamgym.hardware_bridge.plans:find_ub",
        told="beamgym.envs.diffractometer_align:told",
        report=f"{_SCANS}.entry:counted",
    ),
    "arpes_align": BridgeKind(
        name="arpes_align",
        section=f"{_MANIPULATORS}:ManipulatorTaskEntry",
        context=f"{_MANIPULATORS}.entry:context",
        practice=f"{_SAMPLES}.arpes_align:practice",
        practice_options=f"{_SAMPLES}.arpes_align:practice_options",
        world=f"{_MANIPULATORS}.entry:world",
        check=f"{_MANIPULATORS}.entry:check",
        goal=f"{_MANIPULATORS}.entry:goal",
        exposure_s=f"{_MANIPULATORS}.entry:exposure_s",
        presence="beamgym.hardware_bridge.presence:spectrum_presence",
    ),
}
"""Every kind by name, those of other packages included."""


def register_kind(kind: Row) -> None:
    """Put a kind into the table; the same name again replaces it.

    Raises
    ------
    ValueError : a kind that ``envs.kinds`` does not have
    """
    env_kind_named(kind.name)
    KINDS[kind.name] = kind


def forget_kind(name: str) -> None:
    """Take a kind out of the table; nothing where there is none."""
    KINDS.pop(name, None)


def instrument_kinds() -> tuple[str, ...]:
    """Return the names of the kinds that an instrument can stand for."""
    return tuple(name for name, kind in KINDS.items() if isinstance(kind, BridgeKind))


def bridge_kind(name: str) -> BridgeKind:
    """Return the row of a kind that an instrument can stand for; raises ValueError for another name."""
    kind = KINDS.get(name)
    if not isinstance(kind, BridgeKind):
        raise ValueError(f"unknown instrument {name!r}; choose one of {', '.join(instrument_kinds())}")
    return kind


def bridge_kind_of(context: Any) -> BridgeKind | None:
    """Return the row of a context's kind; None where no instrument can stand for it."""
    kind = find_kind(context)
    row = None if kind is None else KINDS.get(kind.name)
    return row if isinstance(row, BridgeKind) else None
