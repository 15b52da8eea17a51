"""Every rule of the guard, and in which order they decide: before, while and after something moves.

Read it from top to bottom. ``RULES`` holds every rule by the name that audit logs use. A ``Checklist`` names the rules
that decide together on one set of readings; whoever commands a device gathers the readings and calls
``GuardedCommand.decide`` with a checklist, so that no rule is asked anywhere else. ``PROCEDURES`` put the checklists in
order: how the guard is armed, an axis is moved, a frame is taken. docs/guard.md shows them as tables.

No rule reads a clock, a device or a file: numbers in, a decision out. The guard writes the inputs of every decision
into the audit log, and ``replay`` feeds them to ``decide`` again: the same inputs always bring the same decision.
Inputs are what a log holds: numbers (nan and infinities too), text, lists and mappings.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from beamgym.hardware_bridge.guard.rules import axes, frames, motion, nozzle, run
from beamgym.hardware_bridge.guard.rules.decision import Decision

Rule = Callable[..., Decision]

# Read-only: whoever wants a rule to be left out has to put another table here, which only tests do.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.__name__: rule
        for rule in (
            axes.has_limits,
            axes.limits,
            axes.finite,
            axes.step,
            axes.rate,
            axes.set_speed,
            axes.speed,
            axes.envelope,
            nozzle.nozzle,
            axes.readable,
            axes.arrival,
            axes.unfinished,
            axes.alarm,
            axes.undisturbed,
            axes.homed,
            axes.known_position,
            motion.unit,
            motion.rotary,
            motion.cable,
            motion.kept_limits,
            motion.on_its_way,
            motion.progress,
            motion.travel_time,
            motion.setpoint,
            motion.settings,
            frames.exposure,
            frames.dose,
            frames.shutter,
            frames.shutter_command,
            frames.attenuated,
            frames.count_rate,
            frames.fresh,
            frames.counted,
            frames.modes_kept,
            frames.exposed,
            frames.frame_form,
            frames.not_repeated,
            frames.saturation,
            frames.content,
            frames.same_sample,
            run.armed,
            run.in_time,
            run.heartbeat,
            run.deadman,
            run.suspender,
            run.flapping,
            run.confirmed,
            run.connection,
            run.identity,
            run.one_server,
        )
    }
)
"""Every rule by its name, as the audit log names it. It cannot be changed: nothing in the package leaves a rule out."""

TIME_LIMITS: Mapping[str, Callable[..., float]] = MappingProxyType(
    {"move": axes.move_limit_s, "exposure": frames.exposure_limit_s}
)
"""Item 5: how long a move and an exposure may take, seconds, before they are stopped and ``in_time`` refuses."""

# Taken from the shipped rules once: a test's stand-in for a rule need not have its signature.
_INPUTS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(rule).parameters) for name, rule in RULES.items()
}


@dataclass(frozen=True)
class Checklist:
    """Rules that decide together, one after another; the first refusal ends it.

    Parameters
    ----------
    about : what they decide about, in words
    rules : their names, in order
    """

    about: str
    rules: tuple[str, ...]


# Asked alone where only the latch can have changed since the other rules were asked.
LATCH = Checklist("the guard", ("armed",))
RUN = Checklist("the run", ("armed", "deadman"))
SIGNS_OF_LIFE = Checklist("signs of life", ("deadman",))
CONNECTION = Checklist("each device's connection", ("connection",))
HEARTBEAT = Checklist("each heartbeat", ("heartbeat",))
SUSPENDER = Checklist("each suspender", ("suspender",))
SUSPENSIONS = Checklist("how often it was suspended", ("flapping",))
ANSWER = Checklist("the human's answer", ("confirmed",))
TIME = Checklist("the time it takes", ("in_time",))

SERVER = Checklist("who serves the devices", ("identity",))
ONE_SERVER = Checklist("who else serves their PVs", ("one_server",))
AXIS_AT_ARMING = Checklist(
    "each axis as it stands",
    (
        "has_limits",
        "unit",
        "rotary",
        "known_position",
        "cable",
        "undisturbed",
        "setpoint",
        "alarm",
        "set_speed",
        "homed",
    ),
)
AXIS_AT_RETURN = Checklist("each axis as it stands", ("known_position",))

DEVICE_IS_FREE = Checklist("the device itself", ("unfinished",))
# Before anything is read: a target that is no number need not cost a round trip to the motor.
TARGET = Checklist("the target", ("finite",))
AXIS_BEFORE_MOVE = Checklist(
    "target, motor and where it stands",
    (
        "limits",
        "cable",
        "readable",
        "step",
        "set_speed",
        "undisturbed",
        "setpoint",
        "rate",
        "alarm",
        "settings",
    ),
)
# It does not travel: no path, no speed, no step, and nobody can push it.
EXPOSURE_AXIS_BEFORE_SET = Checklist("an exposure-time axis instead", ("limits", "rate", "alarm"))
PATH = Checklist("the whole path", ("envelope", "nozzle"))
AXIS_AT_REST = Checklist("each axis that stands", ("readable", "undisturbed"))
# In the order of what says most about the cause: a box that was entered is more than a way that was left.
AXIS_UNDER_WAY = Checklist(
    "the axis that moves", ("readable", "kept_limits", "envelope", "on_its_way", "travel_time", "progress")
)
SETTINGS = Checklist("each motor's settings", ("settings",))
AXIS_AFTER_MOVE = Checklist("where it stands now", ("arrival", "unfinished", "alarm", "speed", "travel_time"))
EXPOSURE_AXIS_AFTER_SET = Checklist("an exposure-time axis instead", ("arrival", "unfinished", "alarm"))

EXPOSURE = Checklist("the axes, the exposure and the dose", ("unfinished", "exposure", "dose"))
SHUTTER_MAY_OPEN = Checklist("why the shutter opens", ("shutter_command",))
SHUTTER_PLACE = Checklist("where the shutter is", ("shutter",))
SHUTTER_AT_REST = Checklist("the shutter that no exposure has open", ("shutter",))
SHUTTER_IN_EXPOSURE = Checklist("the shutter of an exposure under way", ("shutter",))
# Before anybody looks into the pixels: shape and kind say whether that is safe.
FRAME_AS_READ = Checklist("the frame as it was read", ("frame_form", "fresh", "counted"))
BEAM = Checklist("the beam before the shutter", ("attenuated",))
TRUE_EXPOSURE = Checklist("how long it was exposed", ("exposed",))
CAMERA_MODES = Checklist("how the camera is set", ("modes_kept",))
FRAME_FORM = Checklist("the frame that the detector holds", ("frame_form",))
FRAME_PIXELS = Checklist("its pixels", ("not_repeated", "saturation", "count_rate"))
FRAME_CONTENT = Checklist("what it shows", ("content",))
SAMPLE = Checklist("all frames of the run", ("same_sample",))
# Told, not refused: the shutter is closed in a dry run, so that the frame need not be a good one.
FRAME_IN_DRY_RUN = Checklist("what a run would say of it", ("saturation", "content"))


@dataclass(frozen=True)
class Step:
    """One step of a procedure.

    Parameters
    ----------
    when : before, while or after
    checklist : what is decided
    note : where a reader would ask, in words
    """

    when: Literal["before", "while", "after"]
    checklist: Checklist
    note: str = ""


EVERY_COMMAND = (
    Step("before", RUN),
    Step("before", CONNECTION),
    Step("before", HEARTBEAT),
    Step("before", SUSPENDER, "one that has tripped is waited for, for a bounded time, where runs can be suspended"),
)
"""What every command passes first: ``Guard.gate``."""

WATCHED = (
    Step("while", SIGNS_OF_LIFE, "ten times a second, by a thread: a blocked loop cannot stop a motor"),
    Step("while", CONNECTION, "five times a second, as all that follows"),
    Step("while", AXIS_AT_REST),
    Step("while", PATH, "where a motor has left the path that it was allowed"),
    Step("while", SETTINGS, "as the devices' monitors have them; one motor after another where they have none"),
    Step("while", SHUTTER_AT_REST, "two looks in a row, since a blade may bounce; not in a dry run"),
    Step("while", HEARTBEAT),
    Step("while", SUSPENDER),
    Step("while", SUSPENSIONS, "where a suspender trips and the run is suspended instead of ended"),
    Step("while", ONE_SERVER, "every ten seconds"),
)
"""What is watched as long as the guard is armed, whether or not something moves: by ``Watch`` and the abort thread."""

PROCEDURES: Mapping[str, tuple[Step, ...]] = MappingProxyType(
    {
        "The guard is armed": (
            Step("before", ONE_SERVER, "over Channel Access: a search, of which every answer counts"),
            Step("before", SERVER),
            Step("before", HEARTBEAT, "each is waited for until it was seen to beat"),
            Step("before", CONNECTION, "of each suspender"),
            Step("before", SUSPENDER),
            Step("before", AXIS_AT_ARMING, "an exposure-time axis is only read"),
            Step("before", SHUTTER_PLACE, "one that stands open is closed first; not in a dry run"),
            Step("before", BEAM, "where the file names an attenuator"),
            Step("before", ANSWER, "last, so that the human answers when all else is well; not in a dry run"),
        ),
        "An axis moves": (
            Step("before", DEVICE_IS_FREE, "its last move has ended"),
            *EVERY_COMMAND,
            Step("before", TARGET),
            Step("before", AXIS_BEFORE_MOVE),
            Step("before", EXPOSURE_AXIS_BEFORE_SET),
            Step("before", ANSWER, "where the move is a long one; after it all is decided anew, since it takes time"),
            Step("before", PATH, "last, since other axes may have set off meanwhile"),
            Step("before", LATCH, "after the line in the log, at once before the motor is sent"),
            Step("while", AXIS_UNDER_WAY, "by the move itself: 20 times a second and at every update"),
            *WATCHED,
            Step("while", TIME),
            Step("after", AXIS_AFTER_MOVE, "after settling"),
            Step("after", EXPOSURE_AXIS_AFTER_SET),
        ),
        "A frame is taken": (
            Step("before", DEVICE_IS_FREE, "its last exposure has ended"),
            *EVERY_COMMAND,
            Step("before", EXPOSURE),
            Step("before", ANSWER, "every so many exposures; after it all is decided anew"),
            Step("before", TIME, "of setting the exposure: written and read back before every trigger"),
            Step("before", CAMERA_MODES),
            Step("before", LATCH, "after the line in the log"),
            Step("before", SHUTTER_MAY_OPEN),
            Step("before", BEAM, "where the file names an attenuator"),
            Step("before", LATCH, "at once before the shutter is sent"),
            Step("before", SHUTTER_PLACE, "seen open"),
            Step("before", LATCH, "at once before the trigger"),
            *WATCHED,
            Step("while", SHUTTER_IN_EXPOSURE, "two looks in a row; once more at the exposure's end"),
            Step("while", TIME),
            Step("after", SHUTTER_PLACE, "seen closed, however the exposure ended"),
            Step("after", TRUE_EXPOSURE),
            Step("after", FRAME_AS_READ),
            Step("after", FRAME_PIXELS),
            Step(
                "after",
                FRAME_CONTENT,
                "an empty one, or a second without the sample, is taken once more, longer",
            ),
        ),
        "The shutter is opened by hand": (
            *EVERY_COMMAND,
            Step("before", SHUTTER_MAY_OPEN, "always refused; closing it never is"),
        ),
        "A success is claimed": (Step("after", SAMPLE, "where the kind of instrument can tell"),),
        "The axes go back to where they stood": (
            Step("before", LATCH),
            Step("before", AXIS_AT_RETURN, "all of them; then one after another moves, as above"),
        ),
    }
)
"""What is checked, in order, by what is done."""


def decide(rule: str, inputs: Mapping[str, Any]) -> Decision:
    """Decide by a rule's name from its recorded inputs; raises ValueError for an unknown rule or wrong inputs."""
    if rule not in RULES:
        raise ValueError(f"unknown rule {rule!r}; there are {', '.join(RULES)}")
    try:
        return RULES[rule](**inputs)
    except TypeError as error:
        raise ValueError(f"rule {rule!r} cannot be given {sorted(inputs)}: {error}") from None


def time_limit_s(what: str, **inputs: float | None) -> float:
    """Return how long a "move" or an "exposure" may take, seconds; see ``TIME_LIMITS``."""
    return TIME_LIMITS[what](**inputs)


def decisions(checklist: Checklist, facts: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], Decision]]:
    """Yield (rule, its inputs, its decision) for every rule of a checklist, in order.

    Parameters
    ----------
    checklist : which rules decide
    facts : readings and settings by the names that the rules' parameters have; each rule takes its own of them
    """
    for rule in checklist.rules:
        inputs = {name: facts[name] for name in _INPUTS[rule]}
        yield rule, inputs, decide(rule, inputs)
