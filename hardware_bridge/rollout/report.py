"""Writes the report of an episode: a table, a figure of its end and of the positions, an animation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.kinds import kind_of, resolve
from beamgym.envs.loop import EpisodeLoop
from beamgym.envs.task import Task
from beamgym.hardware_bridge.kinds import bridge_kind_of
from beamgym.hardware_bridge.rollout.step_record import EpisodeStep, plain
from beamgym.physics.files import replacing
from beamgym.physics.instrument import Axis, Float64Array, Frame, Instrument

FIGURE, FILM = "figure.png", "episode.gif"
EVERY_ROW = ("step", "done", "limited", "positions", "motor_s")
"""What the rows of every kind of instrument have; what else they have is seen on its frames."""

_INK, _QUIET, _PATH = "#181c22", "#8c939e", "#0072b2"  # blue: Okabe & Ito (2008)
_GIF_FPS = 1.0
_TITLE = 130  # letters; more do not fit

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class EpisodeReport:
    """One episode in numbers, all as JSON has them.

    Parameters
    ----------
    policy, instrument : by name
    ending : "declared", "budget spent", "steps spent", or why it was stopped
    success : as judged by what can be seen; False where nothing was declared
    moves, exposures : made and taken
    motor_s, exposure_s : seconds
    metrics : what the task says of the end, such as the estimated misorientation; null where it could not say
    rows : one mapping a step: number, what was done, positions, what was seen on its frame
    files : paths by what they are
    audit_head : hash of the audit log's last line, see ``audit_check.verify_log``; empty where there is no log
    dose_s, dose_left_s : seconds of open shutter that were spent since the guard was armed, and what is left of the
        budget; None where they are not counted, or not limited
    """

    policy: str
    instrument: str
    ending: str
    success: bool
    moves: int
    exposures: int
    motor_s: float
    exposure_s: float
    metrics: Mapping[str, Any]
    rows: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]
    audit_head: str = ""
    dose_s: float | None = None
    dose_left_s: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {**self.__dict__, "rows": list(self.rows), "metrics": dict(self.metrics), "files": dict(self.files)}


def write_report(
    folder: Path,
    task: Task[Any],
    instrument: Instrument,
    steps: Sequence[EpisodeStep],
    ending: str,
    *,
    policy: str,
    name: str,
    files: Mapping[str, Path] | None = None,
    failed: bool = False,
) -> EpisodeReport:
    """Draw an episode and sum it up.

    Parameters
    ----------
    folder : where the pictures go; there already
    task, instrument : of the episode
    steps : as the rollout made them; none gives a report without pictures
    ending : in words
    policy, name : the policy's name and the instrument's
    files : other paths to name, such as the documents and the log
    failed : it broke off, or was latched: whatever its last verdict says, it is no success
    """
    verdict = steps[-1].verdict if steps else None
    success = not failed and verdict is not None and bool(verdict.is_success[0])
    metrics = {} if verdict is None else {key: plain(values[0]) for key, values in verdict.metrics.items()}
    title = f"{policy} on {name}: {ending}, {judged(success, metrics)}"
    kind = bridge_kind_of(_context(task, instrument))
    seen = spots_seen if kind is None else resolve(kind.report)
    drawn = _write_pictures(folder, task, instrument, steps, title) if steps else {}
    return EpisodeReport(
        policy=policy,
        instrument=name,
        ending=ending,
        success=success,
        moves=sum(1 for step in steps if step.command is not None and bool(step.command.moves[0])),
        exposures=int(_total(steps, "exposures")),
        motor_s=_total(steps, "motor_s"),
        exposure_s=_total(steps, "exposure_s"),
        metrics=metrics,
        rows=tuple(_row(step, instrument.axes, seen(step.frame)) for step in steps),
        files={key: str(path) for key, path in {**drawn, **(files or {})}.items()},
    )


def judged(success: bool, metrics: Mapping[str, Any]) -> str:
    """Return how an episode was judged, with the numbers that the task says of its end, in words."""
    known = "; ".join(f"{name.replace('_', ' ')} {x:.3g}" for name, x in metrics.items() if isinstance(x, float))
    return f"by what can be seen {'a' if success else 'no'} success" + (f" ({known})" if known else "")


def pictures(task: Task[Any], instrument: Instrument, steps: Sequence[EpisodeStep]) -> list[Picture]:
    """Return one picture (h, w, 3) uint8 a step, as the environment draws them without truth."""
    loop: EpisodeLoop[Any] = EpisodeLoop(task, instrument)
    context = _context(task, instrument)
    renderer, drawn = resolve(kind_of(context).renderer)(context), []
    for step in steps:
        # From the first frame on; a detector without a clock is drawn at zero.
        clock = np.nan_to_num(step.frame.time_s - steps[0].frame.time_s)
        loop.state, loop.frame = step.state, replace(step.frame, time_s=clock)
        drawn.append(renderer.draw(loop))
    return drawn


def _context(task: Any, instrument: Instrument) -> Any:
    return getattr(task, "context", instrument.context)


def draw_figure(path: Path, final: Picture, axes: Sequence[Axis], positions: Float64Array, title: str) -> None:
    """Write how the episode ended and where every axis stood after each step.

    Parameters
    ----------
    path : PNG
    final : the last picture
    axes : names, units, limits
    positions : (steps, k)
    title : above it all
    """
    # Here, since importing it takes a second; and by its own canvas, since pyplot would keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Inches; the width follows the picture, so that its pixels stay square.
    height = 6.0
    width = height * final.shape[1] / final.shape[0]
    figure = Figure(figsize=(width + 4.0, height + 0.5), dpi=110, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    share, top = width / (width + 4.0), height / (height + 0.5)
    picture = figure.add_axes((0.0, 0.0, share, top))
    picture.imshow(final)
    picture.set_axis_off()
    figure.text(
        0.012,
        0.5 * (1 + top),
        title if len(title) <= _TITLE else f"{title[:_TITLE]}…",
        color=_INK,
        fontsize=12,
        va="center",
    )
    room = (top - 0.12) / len(axes)
    for i, axis in enumerate(axes):
        bottom = top - (i + 1) * room + 0.25 * room
        _draw_path(figure.add_axes((share + 0.07, bottom, 0.86 - share, 0.68 * room)), axis, positions[:, i])
    figure.axes[-1].set_xlabel("step", fontsize=9, color=_INK)
    with replacing(path) as draft:
        canvas.print_png(str(draft))


def _draw_path(chart: Any, axis: Axis, positions: Float64Array) -> None:
    unit = "°" if axis.kind == "rotation" else (" s" if axis.name == "dwell" else " mm")
    chart.plot(np.arange(len(positions)), positions, ".-", color=_PATH, linewidth=1.2, markersize=6)
    chart.set_ylabel(axis.name, rotation=0, ha="right", va="center", fontsize=10, color=_INK)
    chart.annotate(
        f"{positions[-1]:.4g}{unit}".replace("-", "−"),
        (1.02, 0.5),
        xycoords="axes fraction",
        fontsize=9,
        va="center",
        color=_INK,
    )
    chart.margins(x=0.04, y=0.25)
    chart.tick_params(labelsize=7, colors=_QUIET, length=2)
    chart.xaxis.get_major_locator().set_params(integer=True)
    for side in ("top", "right"):
        chart.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        chart.spines[side].set_color(_QUIET)


def _write_pictures(
    folder: Path, task: Task[Any], instrument: Instrument, steps: Sequence[EpisodeStep], title: str
) -> dict[str, Path]:
    # Here: importing it takes a second, by which every mode of a deployment would begin later.
    from beamgym.envs.pictures import save_gif

    frames = pictures(task, instrument, steps)
    positions = np.array([step.state.positions[0] for step in steps])
    figure, animation = folder / FIGURE, folder / FILM
    draw_figure(figure, frames[-1], instrument.axes, positions, title)
    save_gif(frames, animation, _GIF_FPS)
    return {"figure": figure, "film": animation}


def spots_seen(frame: Frame) -> dict[str, int | None]:
    """Return the number of spots found on a frame; None where no finder has looked."""
    return {"spots": None if frame.found is None else int(frame.found.count[0])}


def _row(step: EpisodeStep, axes: Sequence[Axis], seen: Mapping[str, Any]) -> dict[str, Any]:
    command = step.command
    done = "first exposure" if command is None else ("declared" if step.declared else "move")
    if command is not None and not step.declared and not command.moves[0]:
        done = "asked beyond the budget"
    return {
        "step": step.number,
        "done": done,
        "limited": command is not None and bool(command.limited[0]),
        "positions": {axis.name: float(value) for axis, value in zip(axes, step.state.positions[0], strict=False)},
        **seen,
        "motor_s": float(step.costs["motor_s"][0]) if "motor_s" in step.costs else None,
    }


def _total(steps: Sequence[EpisodeStep], name: str) -> float:
    return float(sum(step.costs[name][0] for step in steps if name in step.costs))
