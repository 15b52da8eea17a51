"""The verb: train the matcher on random crystals, answer the same frames by every method, and print the shares."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, run
from beamgym.scripts.rates import Rate, typical

if TYPE_CHECKING:
    from beamgym.agents.matcher import Answer, Subject
    from beamgym.physics.crystal import Crystal

METHODS = ("product", "votes", "fixed weights", "matcher")
HEADINGS = ("frames", "method", "first candidate / %", "adjusted / %", "wrong, told as sure / %", "CPU s")


def matcher_command(
    file: Annotated[Path, typer.Option(help="The trained network; training goes on from it.")] = Path("matcher.pt"),
    minutes: Annotated[float, typer.Option(help="Training time first; 0 for none.", min=0.0)] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the frames that are compared.", min=0)] = 11,
    episodes: Annotated[int, typer.Option(help="Of each crystal.", min=1)] = 5,
    regime: Annotated[list[str] | None, typer.Option(help="What is wrong with the frames; all regimes.")] = None,
    frames: Annotated[list[int] | None, typer.Option(help="Frames of an episode, 1 to 4; 1, 2 and 4.")] = None,
    crystal: Annotated[list[str] | None, typer.Option(help="Name or CIF file; the eight of laue-crystals.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Train a matcher on a stream of random crystals, and compare it on crystals that it has not seen."""
    from beamgym.agents.matcher import REGIMES, load, train
    from beamgym.physics.crystal import load_crystal
    from beamgym.scripts.laue_suites.crystals import CRYSTALS

    check_output(json_file)
    check_output(file)
    unknown = [name for name in regime or () if name not in REGIMES]
    if unknown or any(not 1 <= number <= 4 for number in frames or ()):
        raise ValueError(f"a regime is one of {', '.join(REGIMES)}, and an episode has 1 to 4 frames")
    if minutes == 0.0 and not file.exists():
        raise ValueError(f"there is no trained network {file}: train one with --minutes 40")
    subjects = [subject_of(load_crystal(each)) for each in crystal or CRYSTALS]
    console = Console()
    net = train(minutes, 0, subject_of, file, console.print) if minutes > 0.0 else load(file)
    report: list[dict[str, Any]] = []
    for name in regime or REGIMES:
        report += _compared(name, subjects, seed, episodes, frames or [1, 2, 4], net.eval(), console)
    if json_file is not None:
        write_json(json_file, {"seed": seed, "episodes": episodes, "rows": report})


def subject_of(crystal: "Crystal") -> "Subject":
    """Return a crystal on the instrument that the environments have by default."""
    from beamgym.agents.matcher import Subject
    from beamgym.physics.goniometer import goniometer
    from beamgym.physics.laue.beam import Beam
    from beamgym.physics.laue.detector import Detector

    beam = Beam.tube("W").at_normal_incidence()
    return Subject(crystal, beam, Detector.back_reflection(shape=(512, 512), pixel_mm=0.32), goniometer("six-axis"))


def _compared(
    name: str, subjects: "list[Subject]", seed: int, episodes: int, frames: list[int], net: Any, console: Console
) -> list[dict[str, Any]]:
    answers: dict[tuple[int, str], list[Answer]] = {(t, method): [] for t in frames for method in METHODS}
    for subject in subjects:
        _answer(name, subject, seed, episodes, net, answers)
    table = Table(title=name, title_justify="left", box=SIMPLE)
    for heading in HEADINGS:
        table.add_column(heading)
    rows = []
    for (t, method), found in answers.items():
        ordered = [each.first for each in found if each.first is not None]
        rates = [Rate.of(ordered), *(Rate.of(getattr(each, part) for each in found) for part in ("found", "wrong"))]
        seconds = typical(each.seconds for each in found)
        table.add_row(str(t), method, *(_words(rate) for rate in rates), f"{seconds:.2f}")
        figures = {part: rate.as_dict() for part, rate in zip(("first", "found", "wrong"), rates, strict=True)}
        rows.append({"regime": name, "frames": t, "method": method, **figures, "seconds": seconds})
    console.print(table)
    return rows


def _answer(
    name: str, subject: "Subject", seed: int, episodes: int, net: Any, answers: "dict[tuple[int, str], list[Answer]]"
) -> None:
    from beamgym.agents.matcher import REGIMES, by_product, by_votes, by_weights, draws, proposed

    frames = sorted({t for t, _ in answers})
    for draw in draws(subject, REGIMES[name], seed, episodes):
        product = by_product(draw.first(frames[-1]))
        for t in frames:
            cut = draw.first(t)
            found, seconds = proposed(cut, seed)
            answers[t, "product"].append(product[t - 1])
            answers[t, "votes"].append(by_votes(cut, found, seconds))
            answers[t, "fixed weights"].append(by_weights(cut, found, seconds))
            answers[t, "matcher"].append(by_weights(cut, found, seconds, net))


def _words(rate: Rate) -> str:
    low, high = rate.ci95
    if not rate.total:
        return "–"
    return f"{100 * rate.share:.0f} ({100 * low:.0f}–{100 * high:.0f})"


if __name__ == "__main__":
    run(matcher_command)
