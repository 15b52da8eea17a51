"""Fits a level to recorded runs, prints it, and writes its file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from beamgym.envs.episodes import Episode, episode_files, read_episodes
from beamgym.envs.kinds import require_kind
from beamgym.hardware_bridge.instrument_file import InstrumentFile, context_of, load_instrument
from beamgym.physics.files import write_json
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.imperfections import LEVEL_SUFFIXES, imperfections, write_level
from beamgym.physics.laue.level_fit import LevelFit, RecordedRun, fit_level
from beamgym.physics.laue.simulator import LaueContext
from beamgym.scripts.fit_level.tables import estimates_table, notes

INSTRUMENT = "instrument.yaml"
LAUE = "laue"


def fit_recorded(
    places: Sequence[Path], out: Path, instrument: Path | None, against: str | None, seed: int, json_file: Path | None
) -> None:
    """Fit, print and write; raises ValueError, in one line, for runs that cannot be fitted."""
    if out.suffix not in LEVEL_SUFFIXES:
        raise ValueError(f"--out is {out}; a level's file ends in {' or '.join(LEVEL_SUFFIXES)}")
    known = None if against is None else imperfections(against)
    files = episode_files(places)
    described = load_instrument(instrument or beside(files[0]))
    episodes = [(file, episode) for file in files for episode in read_episodes(file)]
    context = laue_context(described, episodes[0][1])
    for file in files:
        if instrument is None:
            check_same(described, load_instrument(beside(file)), files[0], file)
    fit = fit_level(context, [recorded_run(file, episode) for file, episode in episodes], seed=seed)
    write_level(out, fit.level, fit.intervals, source_of(fit, described, context))
    console = Console(highlight=False)
    console.print(estimates_table(fit.estimates, known))
    for line in notes(fit):
        console.print(line, soft_wrap=True)
    console.print(
        f"wrote {out}; use it as a level: beamgym benchmark beamgym/LaueAlign-v0 --level {out}", soft_wrap=True
    )
    if json_file is not None:
        write_json(json_file, figures(fit, known))


def beside(file: Path) -> Path:
    """Return the instrument file kept with a run; that of an episode after a re-arming lies one folder up.

    Raises
    ------
    ValueError : there is none
    """
    found = next(
        (folder / INSTRUMENT for folder in file.absolute().parents[:2] if (folder / INSTRUMENT).is_file()), None
    )
    if found is None:
        raise ValueError(f"there is no {INSTRUMENT} beside {file}; name the instrument's file with --instrument")
    return found


def laue_context(file: InstrumentFile, episode: Episode) -> LaueContext:
    """Return crystal and nominal instrument; raises ValueError for an instrument of another kind."""
    limits = {axis["name"]: (axis["limits"][0], axis["limits"][1]) for axis in episode.about["axes"]}
    known: Any = context_of(file, limits)
    line = f"{file.name} is no Laue instrument, and only such a one's imperfections can be fitted"
    require_kind(known, (LAUE,), f"{line}: no spectrum tells where its stage really stood")
    return LaueContext(known.crystal, known.goniometer, known.detector, known.beam)


def check_same(one: InstrumentFile, other: InstrumentFile, first: Path, second: Path) -> None:
    """Raise ValueError where two runs are of instruments whose axes, camera or crystal are described otherwise."""
    pairs = {
        "kind": (one.kind, other.kind),
        "axes": ([_turns(axis) for axis in one.axes], [_turns(axis) for axis in other.axes]),
        "camera": (one.detector_geometry(), other.detector_geometry()),
        "crystal and beam": (_sample(one), _sample(other)),
    }
    differs = next((name for name, (a, b) in pairs.items() if a != b), None)
    if differs is not None:
        raise ValueError(f"{first} and {second} are runs of instruments with another {differs}; fit them apart")


def recorded_run(file: Path, episode: Episode) -> RecordedRun:
    """Return what the fit needs of an episode; a frame that a declaration repeats is left out.

    Raises
    ------
    ValueError : an episode without found spots
    """
    infos = episode.infos
    if "found_px" not in infos:
        raise ValueError(f"{file} holds an episode without found spots; only runs of a Laue camera can be fitted")
    new = ~infos["declared"].astype(bool)
    names = ("found_px", "found_intensity", "found_count", "found_saturated")
    peaks = Peaks(*(infos[name][new] for name in names))
    values = [infos[name][new].astype(np.float64) for name in ("target", "readback", "exposure_s")]
    return RecordedRun(values[0], values[1], peaks, values[2])


def source_of(fit: LevelFit, file: InstrumentFile, context: LaueContext) -> dict[str, str | float]:
    """Return what a level's file says of where its numbers come from."""
    return {
        "instrument": file.name,
        "sample": context.crystal.name,
        "runs": fit.runs,
        "frames": fit.frames,
        "spots": fit.spots,
        "camera_and_axes": "the same in all runs" if fit.one_instrument else "each run's own",
    }


def figures(fit: LevelFit, known: Any) -> dict[str, Any]:
    """Return the result as JSON has it."""
    rows = {}
    for name, one in fit.estimates.items():
        rows[name] = {"value": one.value, "low": one.low, "high": one.high}
        if known is not None:
            rows[name] |= {"true": getattr(known, name), "within": one.holds(getattr(known, name))}
    return {
        "estimates": rows,
        "runs": fit.runs,
        "frames": fit.frames,
        "spots": fit.spots,
        "left_out": {str(number + 1): why for number, why in fit.left_out.items()},
        "one_instrument": fit.one_instrument,
        "camera": {name: list(values) for name, values in fit.camera.items()},
        "follows": fit.follows,
    }


def _turns(axis: Any) -> tuple[Any, ...]:
    return axis.name, axis.kind, tuple(axis.vector), axis.sign, axis.zero, axis.step


def _sample(file: InstrumentFile) -> tuple[Any, ...]:
    return file.experiment.crystal, file.experiment.beam
