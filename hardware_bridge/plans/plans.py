"""The plans: importable, with plain arguments and defaults, for IPython, blueapi and the bluesky queue server.

Their docstrings are in the form that the queue server reads.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge import deployment as headless
from beamgym.hardware_bridge.deployment import DeployFailed, Deployment, Options
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.plans.back import bring_back
from beamgym.hardware_bridge.plans.within import deployed, with_metadata

need("bluesky", "hardware")

from bluesky.utils import MsgGenerator  # noqa: E402 - after ``need``, which says what to install

INSTRUMENT = "instrument.yaml"


DOCUMENTED = """{summary}

What `beamgym deploy` does, in this RunEngine: documents, report, pictures and the audit log lie in a new folder in
`out`. However the plan ends, the motors are stopped and the shutter is closed. Where the guard fails, the plan
fails.

Parameters
----------
policy : str
    A bundle's folder or name, such as laue-align-si, or a baseline's, such as {baseline}.
instrument : str
    Path of the instrument file, or the name of a shipped one.
devices : str
    Python file whose function devices() returns your own devices by name; empty without one.
sample : str
    Name of the sample, for the start document.
operator : str
    Who is responsible, for the start document.
proposal : str
    Number of the proposal, for the start document.
confirm : str
    Ask a human before "every" move, before the "first" run, or "never"; "never" is refused on hardware unless this
    very run was confirmed before.
max_steps : int, optional
    Moves at most.
dose_s : float, optional
    Seconds of open shutter at most, where that is less than the instrument file's.
back : bool
    Afterwards bring the axes back to where they stood.
homed : list, optional
    Axes of which a human says that they are homed.
token : str
    File that the operator's token keeps touching; its silence stops everything.
tiled : str
    URI of a Tiled server that takes the documents too.
out : str
    Folder in which the run's own folder is made.
must_succeed : bool
    Fail where the policy did not reach its goal, so that a queue stops there.
yes : bool
    Answer yes to everything; on a simulation only.
md : dict, optional
    Further entries of the start document.

Returns
-------
dict
    The report, as in report.json.
"""
"""The docstring of a plan of one episode, in the form that the queue server reads."""


@dataclass(frozen=True)
class EpisodePlan:
    """What sets one plan of an episode apart from another.

    Parameters
    ----------
    name : of the plan
    kind : of the instrument that it is for
    policy : the default one
    baseline : a baseline that can be named
    summary : what it does, in one line
    """

    name: str
    kind: str
    policy: str
    baseline: str
    summary: str

    def made(self) -> Callable[..., MsgGenerator[dict[str, Any]]]:
        """Return the plan, a generator function with plain arguments."""
        about = self

        def plan(
            policy: str = about.policy,
            instrument: str = INSTRUMENT,
            devices: str = "",
            sample: str = "",
            operator: str = "",
            proposal: str = "",
            confirm: str = "every",
            max_steps: int | None = None,
            dose_s: float | None = None,
            back: bool = False,
            homed: list[str] | None = None,
            token: str = "",
            tiled: str = "",
            out: str = "out",
            must_succeed: bool = False,
            yes: bool = False,
            md: dict[str, Any] | None = None,
        ) -> MsgGenerator[dict[str, Any]]:
            arguments = {name: value for name, value in locals().items() if name != "about"}
            return (yield from _episode(about, arguments))

        plan.__name__ = plan.__qualname__ = self.name
        plan.__doc__ = DOCUMENTED.format(summary=self.summary, baseline=self.baseline)
        return plan


align = EpisodePlan(
    name="align",
    kind="laue",
    policy="index-and-move",
    baseline="index-and-move",
    summary="Align the crystal of a Laue instrument with a policy, every command through the guard.",
).made()

find_spot = EpisodePlan(
    name="find_spot",
    kind="arpes",
    policy="shipped",
    baseline="raster",
    summary="Find the best spot of a cleaved ARPES sample with a policy, every command through the guard.",
).made()


find_ub = EpisodePlan(
    name="find_ub",
    kind="diffractometer",
    policy="index-and-jump",
    baseline="powder-line",
    summary="Find the UB matrix of a crystal on a diffractometer with a policy, every command through the guard.",
).made()


def check(instrument: str = INSTRUMENT, devices: str = "", out: str = "out") -> MsgGenerator[dict[str, Any]]:
    """Connect and read everything, and say whether the guard would arm; nothing is moved or written.

    Parameters
    ----------
    instrument : str
        Path of the instrument file, or the name of a shipped one.
    devices : str
        Python file whose function devices() returns your own devices by name; empty without one.
    out : str
        Folder in which the log's own folder is made.

    Returns
    -------
    dict
        What was read.
    """
    # A check asks nothing, so that nobody needs to be there.
    options = _options({"devices": devices, "out": out, "confirm": "never"})
    return (yield from deployed(None, instrument, options, lambda made: headless.check(made).as_dict()))


def check_directions(
    instrument: str = INSTRUMENT,
    devices: str = "",
    confirm: str = "every",
    homed: list[str] | None = None,
    out: str = "out",
    yes: bool = False,
) -> MsgGenerator[dict[str, Any]]:
    """Make the direction check: a small known move of every axis, and whether it turned as the file says.

    Its record is kept beside the instrument file; without it no plan moves real hardware.

    Parameters
    ----------
    instrument : str
        Path of the instrument file, or the name of a shipped one.
    devices : str
        Python file whose function devices() returns your own devices by name; empty without one.
    confirm : str
        Ask a human before "every" move, before the "first" run, or "never".
    homed : list, optional
        Axes of which a human says that they are homed.
    out : str
        Folder in which the log's own folder is made.
    yes : bool
        Answer yes to everything; on a simulation only.

    Returns
    -------
    dict
        What was found, passed or not.
    """
    options = _options({"devices": devices, "confirm": confirm, "homed": homed, "out": out, "yes": yes})

    def work(made: Deployment) -> dict[str, Any]:
        found = headless.make_direction_check(made)
        found.require()
        return found.as_dict()

    return (yield from deployed(None, instrument, options, work))


def dry_run(
    policy: str = "index-and-move", instrument: str = INSTRUMENT, devices: str = "", out: str = "out"
) -> MsgGenerator[dict[str, Any]]:
    """Judge the policy's first command by the frame that the detector holds; nothing is written to any device.

    Parameters
    ----------
    policy : str
        A bundle's folder or name, or a baseline's.
    instrument : str
        Path of the instrument file, or the name of a shipped one.
    devices : str
        Python file whose function devices() returns your own devices by name; empty without one.
    out : str
        Folder in which the log's own folder is made.

    Returns
    -------
    dict
        Where each axis would go, and why a run would not accept the frame.
    """
    options = _options({"devices": devices, "out": out, "confirm": "never"})
    return (yield from deployed(policy, instrument, options, lambda made: headless.dry_run(made).as_dict()))


def go_back(
    run: str,
    instrument: str = INSTRUMENT,
    devices: str = "",
    operator: str = "",
    proposal: str = "",
    confirm: str = "every",
    homed: list[str] | None = None,
    out: str = "out",
    yes: bool = False,
) -> MsgGenerator[dict[str, Any]]:
    """Bring the axes back to where they stood before an earlier run, one after another, each by a guarded move.

    Parameters
    ----------
    run : str
        Folder of that run, such as out/deploy-20261129-101500.
    instrument : str
        Path of the instrument file of that run; it must be unchanged.
    devices : str
        Python file whose function devices() returns your own devices by name; empty without one.
    operator : str
        Who is responsible, for the start document.
    proposal : str
        Number of the proposal, for the start document.
    confirm : str
        Ask a human before "every" move, before the "first" time, or "never".
    homed : list, optional
        Axes of which a human says that they are homed.
    out : str
        Folder in which the log's own folder is made.
    yes : bool
        Answer yes to everything; on a simulation only.

    Returns
    -------
    dict
        Where each axis stands then.
    """
    arguments = dict(locals())
    options = with_metadata(
        _options(arguments), plan_name="go_back", plan_args=_plain(arguments), operator=operator, proposal=proposal
    )
    return (yield from deployed(None, instrument, options, partial(bring_back, folder=Path(run))))


def _episode(about: EpisodePlan, arguments: dict[str, Any]) -> MsgGenerator[dict[str, Any]]:
    """Return the plan of one episode with these arguments."""
    further = arguments.pop("md") or {}
    options = with_metadata(
        _options(arguments),
        **further,
        plan_name=about.name,
        plan_args=_plain(arguments),
        **{name: arguments[name] for name in ("sample", "operator", "proposal")},
    )

    def work(made: Deployment) -> dict[str, Any]:
        report = headless.run(made)
        if arguments["must_succeed"] and not report.success:
            raise DeployFailed(f"{report.ending}, and by what can be seen no success; see {made.folder}")
        return report.as_dict()

    return (yield from deployed(arguments["policy"], arguments["instrument"], options, work, about.kind))


def _options(arguments: dict[str, Any]) -> Options:
    """Return a deployment's options from a plan's arguments; empty texts are options that were not given."""
    known = {field.name for field in fields(Options)}
    given = {name: value for name, value in arguments.items() if name in known and value not in ("", None)}
    for name in ("devices", "token", "out"):
        if name in given:
            given[name] = Path(given[name])
    if "homed" in given:
        given["homed"] = tuple(given["homed"])
    return Options(**given)


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a plan's arguments for the start document, without those that were not given."""
    return {name: value for name, value in arguments.items() if value not in ("", None, False)}
