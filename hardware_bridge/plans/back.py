"""Brings the axes back to where they stood when the guard of an earlier run was armed."""

from pathlib import Path
from typing import Any

import beamgym
from beamgym.hardware_bridge.deployment import (
    AUDIT,
    Deployment,
    Session,
    refuse_other_coordinates,
    refuse_unchecked,
)
from beamgym.hardware_bridge.devices import need
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.records import Confirmation, content_digest, read_log, store_of, subject
from beamgym.hardware_bridge.rollout import awaited

bps, bpp = need("bluesky.plan_stubs", "hardware"), need("bluesky.preprocessors", "hardware")


def stood_at(folder: Path, file: InstrumentFile) -> dict[str, float]:
    """Return where each axis stood when the guard of a run was first armed.

    Parameters
    ----------
    folder : of the run
    file : the instrument

    Raises
    ------
    ValueError : no log, a log of another instrument file, or of a guard that was never armed
    """
    path = folder / AUDIT
    if not path.is_file():
        raise ValueError(f"there is no {path}; give the folder of a run")
    lines = (line.get("data", {}) for _, line in read_log(path) if line.get("event") == "armed")
    armed: dict[str, Any] | None = next((data for data in lines if not data["dry_run"]), None)
    if armed is None:
        raise ValueError(f"{path}: the guard was never armed in that run, so that it does not say where the axes stood")
    if armed["digest"] != file.digest():
        raise ValueError(f"{path} is of another instrument file, or of one that was changed since; move by hand")
    return {name: float(value) for name, value in armed["positions"].items() if file.axis(name).unit != "s"}


def bring_back(deployment: Deployment, folder: Path) -> dict[str, float]:
    """Bring the axes back, one after another, each by its guarded move; a human is asked as before a run.

    Parameters
    ----------
    deployment : without a policy
    folder : of the earlier run

    Returns
    -------
    Where the axes stand then

    Raises
    ------
    Stopped : it was stopped
    ValueError : in one line, what was refused or went wrong
    """
    with deployment.mode("go-back"):
        goal = stood_at(folder, deployment.file)
        refuse_unchecked(deployment)
        with deployment.connect() as session:
            refuse_other_coordinates(deployment, session)
            session.guarded(_confirmation(deployment, session, goal))
            session.arm(deployment.options.homed)
            with deployment.button.stopping(session.stop):
                session.engine(_moves(deployment, session, goal))
            found = session.positions()[0]
            return dict(zip(deployment.file.axis_names, map(float, found), strict=True))


def _moves(deployment: Deployment, session: Session, goal: dict[str, float]) -> Any:
    """Return the plan: one run with an event before the first move and one after each."""
    guard: Any = session.guard
    ended: list[bool] = []

    def noted() -> Any:
        yield from bps.create("primary")
        for axis in guard.axes.values():
            yield from bps.read(axis)
        yield from bps.save()
        # A pause in the next move goes back to here.
        yield from bps.checkpoint()

    def inside() -> Any:
        yield from bps.checkpoint()
        yield from noted()
        # One after another: each sweeps a line, all together would sweep a box.
        for name, place in goal.items():
            if abs(guard.home[name] - place) > deployment.file.axis(name).tolerance:
                yield from bps.mv(guard.axes[name], place)
                yield from noted()
        ended.append(True)

    def safe() -> Any:
        yield from awaited(lambda: session.finish(bool(ended)))

    about = {"instrument": deployment.file.name, "motors": list(goal), "detectors": []}
    return bpp.run_wrapper(bpp.finalize_wrapper(inside(), safe), md={**about, **deployment.options.metadata})


def _confirmation(deployment: Deployment, session: Session, goal: dict[str, float]) -> Confirmation:
    policy = content_digest({"go back": beamgym.__version__})
    plan = {"go back": goal, "devices": deployment.own.sha256}
    bound = subject(policy, plan, deployment.file, session.motor_limits())
    mode: Any = deployment.options.confirm
    ask = deployment.answering(deployment.asker(session))
    return Confirmation(bound, mode, deployment.file, store_of(deployment.path), ask)
