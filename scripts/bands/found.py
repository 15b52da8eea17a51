"""What `beamgym bands` does: reads, prepares, aligns, reconstructs, compares, and writes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.bands.compare import compared, features, gap_between
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.files import CubeWords, read_cube, read_theory, write_bands
from beamgym.physics.bands.prepare import symmetrised, without_background
from beamgym.physics.bands.reconstruct import (
    SCALES,
    Alignment,
    JointResult,
    JointSettings,
    MrfSettings,
    align,
    pointwise_fits,
    polish,
    reconstruct_joint,
    reconstruct_mrf,
)
from beamgym.physics.bands.structure import BandStructure
from beamgym.physics.bands.zone import SurfaceLattice
from beamgym.physics.files import write_json

FAR_EV, WIDE = 0.3, 2.5
"""A band that left its aligned theory by more, or whose line is so many times as wide as the usual one, is doubted."""
WIDEST_SHARE = 0.25
"""So is one whose line is wider than this share of the measured energies: it is a background."""
METHODS = ("joint", "plain", "curvature", "offset")


@dataclass(frozen=True)
class Asked:
    """The command line, read; names are those of the options."""

    cube: Path
    theories: tuple[Path, ...]
    words: CubeWords
    bands: int | None
    method: str
    eta: float
    eta_curvature: float
    aligned: bool
    k_scale: float
    shift: float
    lattice: str | None
    azimuth: float
    turns: int
    background_away: bool
    opening: float | None
    pointwise: bool
    seed: int
    out: Path | None


@dataclass(frozen=True, eq=False)
class Found:
    """What was made of one theory."""

    theory: BandStructure
    alignment: Alignment | None
    start: BandStructure
    bands: BandStructure
    joint: JointResult | None
    about: dict[str, Any]


def answer(asked: Asked) -> dict[str, Any]:
    """Return the report, as JSON takes it; writes bands, features and pictures where a folder is given.

    Raises
    ------
    ValueError : in one line, for whatever the files or the options are at odds with
    """
    if asked.method not in METHODS:
        raise ValueError(f"--method {asked.method!r}: choose one of {', '.join(METHODS)}")
    if asked.method == "joint" and not asked.aligned:
        raise ValueError("the joint model needs widths and strengths from the alignment; leave --no-align out")
    measured = _read(asked)
    prepared = measured if not asked.background_away else without_background(measured, asked.opening)
    theories = [_theory(asked, prepared, path) for path in asked.theories]
    found = [_one(asked, prepared, theory) for theory in theories]
    report: dict[str, Any] = {
        "cube": str(asked.cube),
        "shape": list(measured.shape),
        "momenta": int(measured.mask.sum()),
        "energy_ev": [float(measured.energy_ev[0]), float(measured.energy_ev[-1])],
        "method": asked.method,
        "notes": list(prepared.notes),
        "answers": [_said(one, measured, asked) for one in found],
    }
    if len(found) > 1:
        report["compared"] = _compared(found)
    if asked.pointwise:
        report["pointwise"] = _pointwise(measured, found)
    if asked.out is not None:
        report["files"] = _write(asked, measured, found, report)
    return report


def _read(asked: Asked) -> BandCube:
    cube = read_cube(asked.cube, asked.words)
    if asked.turns > 1:
        cube = symmetrised(cube, asked.turns)
    if asked.lattice is not None:
        zone = _lattice(asked.lattice, asked.azimuth).inside(cube.kx, cube.ky, margin=0.02)
        cube = cube.with_mask(zone, f"momenta outside the first zone of {asked.lattice} are left out")
    return cube


def _lattice(words: str, azimuth: float) -> SurfaceLattice:
    kind, _, size = words.partition(":")
    makers = {"hexagonal": SurfaceLattice.hexagonal, "square": SurfaceLattice.square}
    try:
        return makers[kind.strip()](float(size), azimuth)
    except (KeyError, ValueError):
        raise ValueError(
            f"--lattice {words!r}: write hexagonal:A or square:A, with A in Å, as hexagonal:3.28"
        ) from None


def _theory(asked: Asked, cube: BandCube, path: Path) -> BandStructure:
    theory = read_theory(path, cube, asked.k_scale)
    if asked.bands is not None:
        theory = theory.first(asked.bands)
    return theory.with_energies(theory.energy_ev + asked.shift)


def _one(asked: Asked, cube: BandCube, theory: BandStructure) -> Found:
    alignment = polish(cube, align(cube, theory), theory) if asked.aligned else None
    start = theory if alignment is None else alignment.bands
    about: dict[str, Any] = {}
    if asked.method == "joint":
        assert alignment is not None
        joint = reconstruct_joint(cube, alignment, JointSettings(seed=asked.seed))
        about = {"fwhm_ev": joint.fwhm_ev.tolist(), "explained": joint.explained}
        return Found(theory, alignment, start, _named(joint.bands, cube, theory), joint, about)
    curved = asked.eta_curvature if asked.method == "curvature" else None
    settings = MrfSettings(asked.eta, curved, "offset" if asked.method == "offset" else "energy")
    field = reconstruct_mrf(cube, start, settings)
    about = {"sweeps": list(field.sweeps), "converged": list(field.converged)}
    return Found(theory, alignment, start, _named(field.bands, cube, theory), None, about)


def _named(bands: BandStructure, cube: BandCube, theory: BandStructure) -> BandStructure:
    return replace(bands, name=theory.name, notes=(*cube.notes, *theory.notes))


def _said(found: Found, cube: BandCube, asked: Asked) -> dict[str, Any]:
    """Return what is told of one theory's answer."""
    bands, inside = found.bands, found.bands.mask
    vector = features(bands)
    moved = found.bands.energy_ev - found.start.energy_ev
    said: dict[str, Any] = {
        "theory": found.theory.name,
        "bands": len(bands),
        "mean_ev": bands.energy_ev[:, inside].mean(axis=1).tolist(),
        "error_ev": np.median(bands.error_ev[:, inside], axis=1).tolist(),
        "moved_ev": np.sqrt((moved[:, inside] ** 2).mean(axis=1)).tolist(),
        "features": vector.numbers,
        "smaller": cube.intensity.size / vector.numbers,
        "features_rms_ev": float(np.median(vector.rms_ev)),
        **found.about,
    }
    if found.alignment is not None:
        said["shift_ev"] = found.alignment.shift_ev.tolist()
        said["scale"] = found.alignment.scale.tolist()
        said["wrong_unit"] = wrong_unit(said["scale"])
    said["doubted"] = doubted(said["moved_ev"], said.get("fwhm_ev"), float(np.ptp(cube.energy_ev)))
    gaps = [gap_between(bands, b) for b in range(len(bands) - 1)]
    said["gaps"] = [{"direct_ev": g.direct_ev, "error_ev": g.direct_error_ev, "at": list(g.direct_at)} for g in gaps]
    return said


def doubted(moved_ev: list[float], fwhm_ev: list[float] | None, range_ev: float = np.inf) -> list[int]:
    """Return the numbers, from 1, of bands that were hardly seen: far from where they began, or lost in a wide line.

    Parameters
    ----------
    moved_ev : (b,) root mean square between a band and its start
    fwhm_ev : (b,) full widths of their lines; None of fields, which have none
    range_ev : of the energies that were measured; a line over more than a quarter of them is a background
    """
    wide = min(WIDE * float(np.median(fwhm_ev)), WIDEST_SHARE * range_ev) if fwhm_ev is not None else np.inf
    widths = fwhm_ev if fwhm_ev is not None else [0.0] * len(moved_ev)
    pairs = zip(moved_ev, widths, strict=True)
    return [b for b, (moved, width) in enumerate(pairs, start=1) if moved > FAR_EV or width > wide]


def wrong_unit(scales: list[float]) -> bool:
    """Return whether half of the bands ended where they could be scaled no further: their theory is hardly in eV."""
    near = [scale > 0.97 * SCALES[1] or scale < 1.03 * SCALES[0] for scale in scales]
    return 2 * sum(near) >= len(near)


def _compared(found: list[Found]) -> dict[str, Any]:
    """Return how far theories, and answers started from them, are from each other."""
    theories, answers = ([getattr(one, part) for one in found] for part in ("theory", "bands"))
    before, after = compared(theories), compared(answers, shifted=False)
    apart = answers[0].energy_ev - answers[1].energy_ev
    inside = answers[0].mask & answers[1].mask
    return {
        "names": list(before.names),
        "theories_ev": before.distance_ev.tolist(),
        "theories_similarity": before.similarity.tolist(),
        "answers_ev": after.distance_ev.tolist(),
        "answers_similarity": after.similarity.tolist(),
        "first_two_rms_ev": np.sqrt((apart[:, inside] ** 2).mean(axis=1)).tolist(),
        "first_two_median_ev": np.median(np.abs(apart[:, inside]), axis=1).tolist(),
    }


def _pointwise(cube: BandCube, found: list[Found]) -> dict[str, Any]:
    few = min(2, *(len(one.bands) for one in found))
    fits = pointwise_fits(cube, found[0].bands, few)
    out: dict[str, Any] = {"bands": few, "momenta": int(fits.mask.sum())}
    for one in found:
        apart = (one.bands.energy_ev[:few] - fits.energy_ev)[:, fits.mask & one.bands.mask]
        out[one.theory.name] = {"median_ev": np.median(np.abs(apart), axis=1).tolist()}
    return out


def _write(asked: Asked, cube: BandCube, found: list[Found], report: dict[str, Any]) -> list[str]:
    from beamgym.scripts.bands.picture import draw

    assert asked.out is not None
    asked.out.mkdir(parents=True, exist_ok=True)
    files = []
    for one in found:
        stem = f"{asked.cube.stem}_{one.theory.name}"
        amplitude = None if one.joint is None else one.joint.amplitude
        files.append(write_bands(asked.out / f"{stem}_bands.h5", one.bands, amplitude))
        write_json(asked.out / f"{stem}_features.json", features(one.bands).as_dict() | {"name": stem})
        files.append(asked.out / f"{stem}_features.json")
        files.append(draw(asked.out / f"{stem}_bands.png", cube, one.start, one.bands))
    return [str(file) for file in files]
