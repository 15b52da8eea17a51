"""`python -m beamgym.scripts.indexing.spot_finder`: what the finders of spots find on drawn laboratory pictures."""

import math
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table

from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.instrument import FrameFailed, Peaks
from beamgym.physics.laue.lab import DISTURBANCES, LabPicture, disturbed, lab_picture
from beamgym.physics.laue.peaks import LabPeakFinder, PeakFinder

CRYSTALS = ("Si", "quartz", "Al2O3", "SrTiO3", "FePS3", "Ca2RuO4", "Bi2Se3", "kyanite")
FAINTEST = 2.0
"""A drawn spot counts where its light is so many standard deviations of the best filter's noise."""

HEADINGS = {
    "true_20": "true/20",
    "true_40": "/40",
    "true_80": "/80",
    "found": "found",
    "strongest": "top10",
    "centroid_px": "px",
    "centroid_far_px": "px95",
    "false": "false",
    "false_empty": "empty",
    "wrong_sign": "sign",
    "seconds": "s/Mpx",
}


@dataclass(frozen=True)
class Findings:
    """What one finder made of one picture.

    Parameters
    ----------
    true_20, true_40, true_80 : share of true spots among the brightest found; an empty list has share 0
    found : share of the picture's visible spots that were found
    strongest : share of the ten strongest spots that stand among the first twenty found
    centroid_px : median distance of the visible spots found from where they were drawn
    centroid_far_px : distance that one in twenty of them exceeds
    false : peaks that are no spots
    seconds : CPU time per million pixels
    """

    true_20: float
    true_40: float
    true_80: float
    found: float
    strongest: float
    centroid_px: float
    centroid_far_px: float
    false: int
    seconds: float


def judged(peaks: Peaks, picture: LabPicture, seconds: float) -> Findings:
    """Compare a list of peaks with what was drawn."""
    width = picture.camera.spot_mm / picture.camera.true.pixel_mm
    reach = max(1.5, 0.6 * width)
    count = int(peaks.count[0])
    drawn = picture.position_px[picture.strength * width * math.sqrt(math.pi) > FAINTEST]
    visible = min(picture.spots, len(drawn))
    away = np.full((count + 1, len(drawn) + 1), np.inf)
    away[:count, : len(drawn)] = np.linalg.norm(peaks.position_px[0, :count, None] - drawn[None], axis=2)
    true, nearest = away[:count].min(axis=1) < reach, away[:, :visible].min(axis=0)
    met = nearest[nearest < reach]
    first = [float(true[:n].mean()) if count else 0.0 for n in (20, 40, 80)]
    return Findings(
        true_20=first[0],
        true_40=first[1],
        true_80=first[2],
        found=len(met) / visible if visible else math.nan,
        strongest=float((away[:20, : min(10, visible)].min(axis=0) < reach).mean()) if visible else math.nan,
        centroid_px=float(np.median(met)) if len(met) else math.nan,
        centroid_far_px=float(np.percentile(met, 95)) if len(met) else math.nan,
        false=int((~true).sum()),
        seconds=seconds / picture.image.size * 1e6,
    )


def picture_of(crystals: dict[str, Crystal], seed: int, kind: str, empty: bool = False) -> LabPicture:
    """Draw a picture and disturb it."""
    picture = lab_picture(crystals[CRYSTALS[seed % len(CRYSTALS)]], seed, empty)
    image = disturbed(picture.image, kind, seed)
    return LabPicture(image, picture.camera, picture.orientation, picture.spots, picture.position_px, picture.strength)


def timed_default(picture: LabPicture) -> tuple[Peaks, float]:
    """Peaks and CPU seconds of the environments' own finder, told whether spots are dark; a refusal is no peaks."""
    image = picture.image.max() - picture.image if picture.camera.negative else picture.image
    start = time.process_time()
    try:
        peaks = PeakFinder(saturation=np.inf)(image.astype(np.float32))
    except FrameFailed:
        peaks = Peaks(
            np.zeros((1, 0, 2), np.float32), np.zeros((1, 0), np.float32), np.zeros(1, np.int64), np.zeros((1, 0), bool)
        )
    return peaks, time.process_time() - start


def measured(seeds: range, kind: str, with_default: bool = True) -> dict[str, Any]:
    """Figures of both finders over pictures of one kind, those of the default finder told which pictures are film."""
    crystals = {name: load_crystal(name) for name in CRYSTALS}
    laboratory, default, false, false_default, wrong = [], [], [], [], 0
    finder = LabPeakFinder()
    for seed in track(seeds, kind, console=Console(stderr=True), transient=True):
        picture = picture_of(crystals, seed, kind)
        start = time.process_time()
        seen = finder.examine(picture.image)
        laboratory.append(judged(seen.peaks, picture, time.process_time() - start))
        wrong += seen.inverted != picture.camera.negative
        empty = picture_of(crystals, seed, kind, empty=True)
        false.append(int(LabPeakFinder(inverted=empty.camera.negative)(empty.image).count[0]))
        if with_default:
            peaks, seconds = timed_default(picture)
            default.append(judged(peaks, picture, seconds))
            false_default.append(int(timed_default(empty)[0].count[0]))
    out = {
        "LabPeakFinder": _means(laboratory) | {"false_empty": float(np.mean(false)), "wrong_sign": wrong / len(seeds)}
    }
    if with_default:
        out["PeakFinder"] = _means(default) | {"false_empty": float(np.mean(false_default)), "wrong_sign": math.nan}
    return out


def _means(findings: list[Findings]) -> dict[str, float]:
    rows = [asdict(finding) for finding in findings]
    return {name: float(np.nanmean([row[name] for row in rows])) for name in rows[0]}


def spot_finder(
    pictures: Annotated[int, typer.Option(help="How many of each kind.", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="Of the first picture.", min=0)] = 30000,
    kinds: Annotated[str, typer.Option(help="What is done to them, by commas: " + ", ".join(DISTURBANCES))] = "plain",
    default: Annotated[bool, typer.Option(help="Judge the environments' finder as well.")] = True,
) -> None:
    """Print how well the finders find drawn spots of laboratory pictures."""
    chosen = list(DISTURBANCES) if kinds == "all" else kinds.split(",")
    if unknown := set(chosen) - set(DISTURBANCES):
        raise typer.BadParameter(f"unknown kinds {sorted(unknown)}; there are all, {', '.join(DISTURBANCES)}")
    found = {kind: measured(range(seed, seed + pictures), kind, default) for kind in chosen}
    Console(width=130).print(table(found, f"{pictures} pictures of each kind from seed {seed}"))


def table(found: dict[str, dict[str, dict[str, float]]], title: str) -> Table:
    """One line for each kind and finder."""
    drawn = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("kind", "finder", *HEADINGS.values()):
        drawn.add_column(heading, no_wrap=True, justify="left" if heading in ("kind", "finder") else "right")
    for kind, finders in found.items():
        for finder, figures in finders.items():
            drawn.add_row(kind, finder.replace("PeakFinder", "") or "-", *(f"{figures[name]:.3g}" for name in HEADINGS))
    return drawn


if __name__ == "__main__":
    typer.run(spot_finder)
