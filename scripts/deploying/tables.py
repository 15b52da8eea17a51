"""Tables and sentences of `beamgym deploy`."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.table import Table

from beamgym.hardware_bridge.deployment import Comparison, DryRun
from beamgym.hardware_bridge.deployment.events import AxisCheck, Findings, Proposal
from beamgym.hardware_bridge.rollout import EVERY_ROW, EpisodeReport, judged

NOT_ASKED = "a run also asks for arrival (4), the frame's age (6), the shutter (10) and a human's yes (13)"
"""What a dry run, which moves nothing and exposes nothing, cannot judge: items of the guard."""


def axes_table(findings: Findings) -> Table:
    """Return the axes that a check read."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("axis", "position", "from", "to", "limits are", "state"):
        table.add_column(heading, justify="right" if heading in ("position", "from", "to") else "left", no_wrap=True)
    for row in findings.axes:
        low, high = row.limits if row.limits is not None else (None, None)
        table.add_row(
            row.name, *(_quantity(value, row.unit) for value in (row.position, low, high)), row.source, _state(row)
        )
    return table


def others_table(findings: Findings) -> Table:
    """Return everything but the axes that a check read."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("", "says", "wanted"):
        table.add_column(heading)
    for row in findings.others:
        table.add_row(row.what, row.says, row.wanted)
    return table


def steps_table(report: EpisodeReport) -> Table:
    """Return an episode step by step."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    first = report.rows[0] if report.rows else {}
    axes, seen = list(first.get("positions", ())), [name for name in first if name not in EVERY_ROW]
    for heading in ("step", "done", *axes, *seen, "motors"):
        table.add_column(heading, justify="left" if heading == "done" else "right", no_wrap=True)
    for row in report.rows:
        done = row["done"] + (", cut short" if row["limited"] else "")
        places = [_number(row["positions"][name], 2) for name in axes]
        motor = "" if row["motor_s"] is None else f"{row['motor_s']:.1f} s"
        found = ["" if row[name] is None else f"{row[name]:.4g}" for name in seen]
        table.add_row(str(row["step"]), done, *places, *found, motor)
    return table


def episode_sentence(report: EpisodeReport) -> str:
    """Return how an episode ended, in a sentence."""
    text = f"{report.policy} on {report.instrument}: {report.ending}, {judged(report.success, report.metrics)}"
    exposures = f"{report.exposures} exposure{'' if report.exposures == 1 else 's'}"
    spent = f"{text}; {exposures}, {report.exposure_s:.0f} s of light, motors {report.motor_s:.1f} s"
    if report.dose_s is None:
        return spent
    left = "" if report.dose_left_s is None else f"; another run of this sample: --dose {report.dose_left_s:.1f}"
    return f"{spent}; {report.dose_s:.1f} s of dose spent{left}"


def practice_sentence(comparison: Comparison) -> str:
    """Return how practice and simulation compare, in a sentence."""
    result = comparison.as_dict()
    medians = f"{result['exposures_median_deployed']:g} and {result['exposures_median_simulated']:g}"
    return (
        f"{result['policy']}: {result['episodes']} episodes, "
        f"{result['success_deployed']} successful over Channel Access, {result['success_simulated']} in simulation, "
        f"{result['different']} outcomes differ; judged without the truth as with it: {result['judged_right']}; "
        f"exposures (median) {medians}"
    )


def command_table(dry: DryRun) -> Table:
    """Return a command that was not sent."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0), caption=_would(dry.proposal, dry.doubts), caption_justify="left")
    for heading in ("axis", "stands at", "would go to", "by"):
        table.add_column(heading, justify="left" if heading == "axis" else "right")
    for axis in dry.proposal.axes:
        moves = (axis.stands_at, axis.goes_to, axis.by)
        table.add_row(axis.name, *(f"{_number(value)} {axis.unit}" for value in moves))
    return table


def _would(proposal: Proposal, doubts: Sequence[str]) -> str:
    spots = "" if proposal.spots is None else f" {proposal.spots} spots on the present frame."
    if doubts:
        why = "; ".join(doubts)
        return f"A RUN WOULD NOT ACCEPT THE PRESENT FRAME: {why}. This command rests on it. Nothing was written."
    if proposal.declares:
        return f"It would declare to be done.{spots} Nothing was written."
    limited = " The move is shortened by the axes' range." if proposal.limited else ""
    return f"Every rule that a dry run can ask lets this move pass; {NOT_ASKED}.{limited}{spots} Nothing was written."


def _state(row: AxisCheck) -> str:
    words = ["moves" if row.moving else ""] + ([f"alarm {row.alarm}"] if row.alarm else [])
    words += ["not homed"] if row.homed is False else []
    return ", ".join(word for word in words if word) or "rests"


def _quantity(value: float | None, unit: str) -> str:
    return "?" if value is None else f"{value:.4g} {unit}".replace("-", "−")


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}".replace("-", "−")
