"""Tables and sentences of `beamgym deploy`."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.envs.task import TaskCommand
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.rollout import EpisodeReport, EpisodeStep, judged
from beamgym.hardware_bridge.terminal import ask_terminal

NOT_ASKED = "a run also asks for arrival (4), the frame's age (6), the shutter (10) and a human's yes (13)"
"""What a dry run, which moves nothing and exposes nothing, cannot judge: items of the guard."""


def steps_table(report: EpisodeReport) -> Table:
    """Return an episode step by step."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    axes = list(report.rows[0]["positions"]) if report.rows else []
    for heading in ("step", "done", *axes, "spots", "motors"):
        table.add_column(heading, justify="left" if heading == "done" else "right", no_wrap=True)
    for row in report.rows:
        done = row["done"] + (", cut short" if row["limited"] else "")
        places = [_number(row["positions"][name], 2) for name in axes]
        motor = "" if row["motor_s"] is None else f"{row['motor_s']:.1f} s"
        table.add_row(str(row["step"]), done, *places, "" if row["spots"] is None else str(row["spots"]), motor)
    return table


def said(report: EpisodeReport) -> str:
    """Return how an episode ended, in a sentence."""
    text = f"{report.policy} on {report.instrument}: {report.ending}, {judged(report.success, report.metrics)}"
    exposures = f"{report.exposures} exposure{'' if report.exposures == 1 else 's'}"
    return f"{text}; {exposures}, {report.exposure_s:.0f} s of light, motors {report.motor_s:.1f} s"


def command_table(file: InstrumentFile, step: EpisodeStep, command: TaskCommand, doubts: Sequence[str] = ()) -> Table:
    """Return a command that was not sent; ``doubts`` say why a run would not accept the present frame."""
    caption = _would(step, command, doubts)
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0), caption=caption, caption_justify="left")
    for heading in ("axis", "stands at", "would go to", "by"):
        table.add_column(heading, justify="left" if heading == "axis" else "right")
    for axis, stands, goes in zip(file.axes, step.state.positions[0], command.target[0], strict=True):
        table.add_row(axis.name, *(f"{_number(value)} {axis.unit}" for value in (stands, goes, goes - stands)))
    return table


def ask_on(console: Console) -> Callable[[str], Awaitable[str]]:
    """Return what puts a question to the terminal and waits for a line; the wait can be cancelled."""

    async def ask(question: str) -> str:
        return await ask_terminal(question, partial(show_on, console))

    return ask


def show_on(console: Console, text: str) -> None:
    """Show a question, with the cursor behind it."""
    console.print(text, end="", highlight=False, markup=False, soft_wrap=True)


def _would(step: EpisodeStep, command: TaskCommand, doubts: Sequence[str]) -> str:
    spots = "" if step.frame.found is None else f" {int(step.frame.found.count[0])} spots on the present frame."
    if doubts:
        why = "; ".join(doubts)
        return f"A RUN WOULD NOT ACCEPT THE PRESENT FRAME: {why}. This command rests on it. Nothing was written."
    if command.declare[0]:
        return f"It would declare to be done.{spots} Nothing was written."
    limited = " The move is shortened by the axes' range." if command.limited[0] else ""
    return f"Every rule that a dry run can ask lets this move pass; {NOT_ASKED}.{limited}{spots} Nothing was written."


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
