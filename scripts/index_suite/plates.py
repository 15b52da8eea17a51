"""`python -m beamgym.scripts.index_suite.plates`: what indexing makes of drawn pictures of neutron image plates."""

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import tifffile
import typer
from rich.console import Console

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.indexing import IndexingFailed, pattern_of, solve_on_cylinder
from beamgym.physics.laue.neutron_beams import NEUTRON_FLUX_PER_S, moderator_beam
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, LaueModel, Sensor, SpotShape
from beamgym.physics.laue.peaks import PlatePeakFinder
from beamgym.physics.laue.stated_camera import StatedCylinder
from beamgym.physics.orientation import misorientation_deg, random_orientations
from beamgym.scripts.rates import Rate

CRYSTALS = ("Si", "Al2O3", "quartz", "Ca2RuO4", "FePS3", "kyanite")
RIGHT_DEG = 0.25
SAMPLE_MM, EXPOSURE_S = 5.0, 600.0
SHIFT_MM, TILT_DEG, OFF_BEAM_MM = 0.5, 0.3, 6.0
"""How far a drawn plate stands from where its scanner says, and the beam from the middle line, standard deviations."""


def drawn(crystal: Crystal, seed: int) -> tuple[np.ndarray, StatedCylinder, Float64Array, CylinderDetector]:
    """Draw a picture; return it with what its instrument says, and the true orientation (3, 3) and plate."""
    random = np.random.default_rng(seed)
    radius, pixel = float(random.choice([150.0, 159.2, 200.0])), float(random.choice([0.4, 0.5]))
    shape = (
        round(random.uniform(300.0, 450.0) / pixel),
        round(random.choice([0.8, 0.99]) * 2.0 * np.pi * radius / pixel),
    )
    side = str(random.choice(["inside", "outside"]))
    back = random.random() < 0.5
    beam = np.array([0.5 * (shape[1] - 1) + back * np.pi * radius / pixel, 0.5 * (shape[0] - 1)])
    beam += random.normal(0.0, OFF_BEAM_MM, 2) / pixel
    plate = CylinderDetector.around(radius, shape, pixel, beam, seen_from=side)
    tilt = random.normal(0.0, TILT_DEG, 3) * [0.0, 1.0, 1.0]  # about the beam it is a turn of the crystal
    true = plate.displaced(random.normal(0.0, SHIFT_MM, 3), tilt)
    assert isinstance(true, CylinderDetector)
    keys = random.integers(0, 2**63, 2).astype(np.uint64)
    u = random_orientations(keys[:1])
    sample = replace(crystal, size_mm=SAMPLE_MM)
    spots = LaueModel(sample, moderator_beam(flux_per_s=NEUTRON_FLUX_PER_S), true).spots(u)

    ground = ImageBackground(hill_per_mm2=0.8, flat_per_mm2=0.5, dark_per_pixel=0.0, hole_mm=5.0, shadow_mm=8.0)
    shape_of_spots = SpotShape(blur_mm=0.8, mosaic_deg=float(random.uniform(0.2, 0.6)))
    model = ImageModel(true, shape_of_spots, ground, Sensor(gain=0.5, offset=30.0, read_noise=3.0))
    image = model.render(spots, keys[1:], EXPOSURE_S)[0]
    return image, StatedCylinder(radius, pixel, seen_from=side), u[0], true


def plates(
    pictures: Annotated[int, typer.Option(help="How many, the six crystals in turn.", min=1)] = 60,
    seed: Annotated[int, typer.Option(help="Of the first picture.", min=0)] = 9000,
    keep: Annotated[Path | None, typer.Option(help="Write the first picture and cyl.json here.")] = None,
) -> None:
    """Print how many pictures are indexed of which only radius, pixel and the side are known."""
    crystals = [load_crystal(name, "neutron") for name in CRYSTALS]
    band = moderator_beam().band_kev
    console, outcome, off, started = Console(width=110), Counter[str](), list[float](), time.process_time()
    for number in range(seed, seed + pictures):
        crystal = crystals[number % len(crystals)]
        image, words, u, _ = drawn(crystal, number)
        if keep is not None and number == seed:
            tifffile.imwrite(keep / f"{crystal.name}.tif", image)
            (keep / "cyl.json").write_text(json.dumps(words.as_dict(), indent=2) + "\n", encoding="utf-8")
        pattern = pattern_of(image, PlatePeakFinder())
        try:
            found = solve_on_cylinder(pattern, crystal, words.detectors(image.shape), band, anywhere=True)
        except IndexingFailed:
            outcome["refused"] += 1
            continue
        error = float(misorientation_deg(found.indexed.orientation, u, crystal.rotations))
        right = "right" if error < RIGHT_DEG else "wrong"
        outcome[f"{right}, warned of" if found.warnings else right] += 1
        if error < RIGHT_DEG:
            off.append(error)
        else:
            console.print(
                f"{number} {crystal.name}: {error:.2f}° off, {found.indexed.matched} of {pattern.count}", style="dim"
            )
    for name in ("right", "right, warned of", "refused", "wrong, warned of", "wrong"):
        rate = Rate(outcome[name], pictures)
        low, high = rate.ci95
        console.print(
            f"{name:<18} {rate.count} of {rate.total}: {100 * rate.share:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
        )
    if off:
        console.print(f"right ones off by {np.median(off):.3f}° in the median, {np.percentile(off, 95):.3f}° at 95 %")
    console.print(f"{(time.process_time() - started) / pictures:.1f} CPU seconds a picture, drawing included")


if __name__ == "__main__":
    typer.run(plates)
